//! `kill -9` while programs refresh their tokens: no program has to sign in again, whichever responses were lost.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinSet;

use super::browser::Browser;
use super::portal::{PASSWORD, Portal};
use super::{answer, from_environment, seed, texts};

const KILLS: u32 = 30;
const PROGRAMS: usize = 12;
/// Upper limit for the time from listening to the kill.
const LONGEST_LIFE: Duration = Duration::from_millis(300);
const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The file in which a program keeps its refresh token, and how many responses it got.
#[derive(Default)]
struct Stored {
    token: String,
    refreshes: u32,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_program_is_locked_out_by_kills_during_refreshes() {
    let kills = from_environment("CRASHES").map_or(KILLS, |kills| u32::try_from(kills).expect("not so many"));
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, mut portal) = (Instant::now(), Portal::start());
    let files: Vec<Arc<Mutex<Stored>>> =
        sign_in(&portal.url).await.into_iter().map(|token| Arc::new(Mutex::new(Stored { token, refreshes: 0 }))).collect();

    for kill in 1..=kills {
        let context = format!("kill {kill} of {kills}, CRASH_SEED={seed}");
        let mut programs = JoinSet::new();
        for file in &files {
            programs.spawn(refresh_until_gone(portal.url.clone(), Arc::clone(file)));
        }
        tokio::time::sleep(random.random_range(Duration::ZERO..LONGEST_LIFE)).await;
        portal.kill();
        // Each ends at its first request without a response.
        while let Some(ended) = programs.join_next().await {
            ended.unwrap_or_else(|error| panic!("{context}: {error}"));
        }
        let mut db = portal.database().await;
        let ended = texts(&mut db, "SELECT id || ' ' || end_reason FROM token_families WHERE ended_at IS NOT NULL").await;
        assert_eq!(ended, [""; 0], "{context}");
        drop(db);
        portal.resume();
    }

    let http = Client::new();
    let mut refreshes = 0;
    for file in &files {
        assert!(refresh(&http, &portal.url, file).await.is_some(), "CRASH_SEED={seed}");
        refreshes += file.lock().unwrap_or_else(PoisonError::into_inner).refreshes;
    }
    let took = begun.elapsed();
    // Directly to stderr: libtest would show it only for failures.
    let _ =
        writeln!(std::io::stderr(), "crash: {kills} times kill -9 during {refreshes} refreshes in {took:.1?}, CRASH_SEED={seed}: all programs go on");
    assert!(refreshes > kills, "there was hardly any load: {refreshes} refreshes");
}

/// The test person allows as many programs to act for them; returns their refresh tokens.
async fn sign_in(url: &str) -> Vec<String> {
    let (http, browser) = (Client::new(), Browser::new(url));
    assert_eq!(browser.sign_in("test", "testuser1", PASSWORD).await.status, 200);
    let mut tokens = Vec::new();
    for _ in 0..PROGRAMS {
        let form = [("client_id", "tms-cli"), ("scope", "hosts:read offline_access")];
        let (_, device) = answer(http.post(format!("{url}/t/test/oauth/device_authorization")).form(&form)).await.expect("a code");
        let consent = browser.enter(text(&device, "user_code")).await;
        assert_eq!(browser.allow(&consent).await.status, 200);
        let form = [("grant_type", DEVICE_CODE_GRANT), ("client_id", "tms-cli"), ("device_code", text(&device, "device_code"))];
        let (_, issued) = answer(http.post(format!("{url}/t/test/oauth/token")).form(&form)).await.expect("tokens");
        tokens.push(text(&issued, "refresh_token").to_owned());
    }
    tokens
}

async fn refresh_until_gone(url: String, file: Arc<Mutex<Stored>>) {
    let http = Client::builder().no_proxy().build().expect("a client");
    while refresh(&http, &url, &file).await.is_some() {}
}

/// Refreshes, stores the new refresh token, and then uses the new access token. `None` if there is no complete response.
async fn refresh(http: &Client, url: &str, file: &Mutex<Stored>) -> Option<()> {
    let token = file.lock().unwrap_or_else(PoisonError::into_inner).token.clone();
    let form = [("grant_type", "refresh_token"), ("client_id", "tms-cli"), ("refresh_token", &token)];
    let (status, issued) = answer(http.post(format!("{url}/t/test/oauth/token")).form(&form)).await?;
    assert_eq!(status, 200, "{issued}");
    {
        let mut stored = file.lock().unwrap_or_else(PoisonError::into_inner);
        stored.token = text(&issued, "refresh_token").to_owned();
        stored.refreshes += 1;
    }
    let (status, body) = answer(http.get(format!("{url}/v1/tms/me")).bearer_auth(text(&issued, "access_token"))).await?;
    assert_eq!(status, 200, "{body}");
    Some(())
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {body}"))
}
