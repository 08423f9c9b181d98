//! `kill -9` of commands that replace the keys that sign tokens, and of the portal that uses them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::portal::Portal;
use crate::{seed, texts};

const KILLS: u32 = 12;
/// Replaces all keys: what takes longest.
const REPLACE: [&str; 6] = ["keys", "rotate", "signing", "--compromised", "--all", "--yes"];
/// A running portal looks for changed keys once a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ids of the keys, after it was checked that one of each algorithm signs and one is next.
async fn stored(portal: &Portal, context: &str) -> Vec<String> {
    let mut db = portal.database().await;
    let states = texts(&mut db, "SELECT algorithm || ' ' || state FROM signing_keys ORDER BY 1").await;
    assert_eq!(states, ["ES256 active", "ES256 next", "RS256 active", "RS256 next"], "{context}");
    texts(&mut db, "SELECT kid FROM signing_keys ORDER BY kid").await
}

async fn published(portal: &Portal) -> Vec<String> {
    let answer = reqwest::get(format!("{}/t/test/oauth/jwks", portal.url)).await.expect("an answer");
    let keys: Value = answer.json().await.expect("JSON");
    let keys = keys.get("keys").and_then(Value::as_array).expect("keys");
    let mut kids: Vec<_> = keys.iter().filter_map(|key| Some(key.get("kid")?.as_str()?.to_owned())).collect();
    kids.sort();
    kids
}

#[tokio::test]
async fn killed_change_of_signing_keys_leaves_keys_that_sign() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut portal = Portal::start();
    let begun = Instant::now();
    portal.operate(&REPLACE);
    let usual = begun.elapsed();
    let (mut before, mut changed) = (stored(&portal, "before").await, 0);
    for kill in 1..=KILLS {
        let context = format!("kill {kill} of {KILLS}, CRASH_SEED={seed}");
        let mut command = portal.command(&REPLACE).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
        tokio::time::sleep(random.random_range(Duration::ZERO..usual)).await;
        if kill % 3 == 0 {
            portal.kill();
        }
        let _ = command.kill();
        let _ = command.wait();
        if kill % 3 == 0 {
            portal.resume();
        }
        let after = stored(&portal, &context).await;
        let patience = Instant::now() + PATIENCE;
        while published(&portal).await != after {
            assert!(Instant::now() < patience, "{context}: the portal uses other keys");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(after == before || after.iter().all(|kid| !before.contains(kid)), "{context}: half of the keys were replaced");
        changed += u32::from(after != before);
        before = after;
    }
    let ready = reqwest::get(format!("{}/readyz", portal.url)).await.expect("an answer").status();
    assert_eq!(ready, 200);
    eprintln!("crash: {KILLS} changes of signing keys killed, CRASH_SEED={seed}; {changed} were carried out");
}
