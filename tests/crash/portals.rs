//! Two portals on one PostgreSQL; the portals and the server are killed in turn.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Client;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::portal::Portal;
use super::{Acknowledged, from_environment, seed, texts, wrong_in_rows};

const KILLS: u32 = 12;
const LONGEST_LIFE: Duration = Duration::from_millis(400);
const GATEWAYS_PER_PORTAL: usize = 6;
/// How long a portal may take to work again after the server does.
const RECOVERY: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kills_of_two_portals_and_the_server() {
    let Some(cluster) = Cluster::start() else { return };
    let kills = from_environment("CRASHES").map_or(KILLS, |kills| u32::try_from(kills).expect("not so many"));
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let first = Portal::on_database(cluster.url());
    let second = first.beside(cluster.url());
    let mut portals = [first, second];
    portals.iter_mut().for_each(Portal::resume);
    let (acknowledged, begun) = (Arc::new(Mutex::new(Acknowledged::default())), Instant::now());

    for kill in 1..=kills {
        let context = format!("kill {kill} of {kills}, CRASH_SEED={seed}");
        let ended = Arc::new(AtomicBool::new(false));
        let gateways = portals.each_ref().map(|portal| {
            let mut gateways = JoinSet::new();
            for _ in 0..GATEWAYS_PER_PORTAL {
                gateways.spawn(make_and_use_keys(portal.url.clone(), Arc::clone(&acknowledged), Arc::clone(&ended)));
            }
            gateways
        });
        tokio::time::sleep(random.random_range(Duration::ZERO..LONGEST_LIFE)).await;
        let [first, second] = gateways;
        match random.random_range(0..3) {
            victim @ (0 | 1) => {
                portals[victim].kill();
                let (lost, other) = if victim == 0 { (first, second) } else { (second, first) };
                lost.join_all().await;
                ended.store(true, Ordering::Relaxed);
                let failures: Vec<u16> = other.join_all().await.into_iter().flatten().collect();
                assert_eq!(failures, [0; 0], "{context}: the other portal does not notice");
                portals[victim].resume();
            }
            _ => {
                cluster.kill();
                for failure in first.join_all().await.into_iter().chain(second.join_all().await) {
                    assert_eq!(failure, Some(503), "{context}: each gets an answer");
                }
                cluster.resume();
                for portal in &portals {
                    becomes_ready(portal).await;
                }
            }
        }
        let mut db = cluster.connect().await;
        assert_eq!(wrong_in_rows(&mut db, &Acknowledged::of(&acknowledged)).await, [""; 0], "{context}");
    }

    let (acknowledged, took) = (Acknowledged::of(&acknowledged), begun.elapsed());
    let (keys, used) = (acknowledged.keys.len(), acknowledged.used.len());
    let stored = texts(&mut cluster.connect().await, "SELECT fingerprint FROM pubkeys").await.len();
    let said =
        format!("crash: {kills} kills of two portals and PostgreSQL in {took:.1?}, CRASH_SEED={seed}: {keys} acknowledged keys, {used} used ones");
    let _ = writeln!(std::io::stderr(), "{said}, all there; {} more were stored without an acknowledgement", stored - keys);
    assert!(keys > kills as usize, "there was hardly any load: {keys} keys");
}

/// Until a request fails or has no response, or `ended` is set. The status of the first failure; `None` without one, or without an answer.
async fn make_and_use_keys(url: String, acknowledged: Arc<Mutex<Acknowledged>>, ended: Arc<AtomicBool>) -> Option<u16> {
    let http = Client::builder().no_proxy().build().expect("a client");
    while !ended.load(Ordering::Relaxed) {
        let (status, body) = super::answer(super::key_request(&http, &url)).await?;
        let Some(fingerprint) = body.get("public_key_fingerprint").and_then(|text| text.as_str()).filter(|_| status == 201) else {
            return Some(status);
        };
        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).keys.insert(fingerprint.to_owned());
        let (status, _) = super::answer(super::login_request(&http, &url, fingerprint)).await?;
        if status != 200 {
            return Some(status);
        }
        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).used.insert(fingerprint.to_owned());
    }
    None
}

pub async fn readiness(portal: &Portal) -> String {
    let answer = Client::new().get(format!("{}/readyz", portal.url)).send().await.expect("an answer");
    answer.text().await.expect("a text")
}

/// Waits until the portal is ready.
pub async fn becomes_ready(portal: &Portal) {
    becomes(portal, |said| !said.starts_with("not ready")).await;
}

/// Waits until the portal says this of its readiness.
pub async fn becomes(portal: &Portal, is_so: impl Fn(&str) -> bool) {
    let patience = Instant::now() + RECOVERY;
    loop {
        let said = readiness(portal).await;
        if is_so(&said) {
            return;
        }
        assert!(Instant::now() < patience, "{said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
