//! The primary is lost, and its synchronous standby is promoted.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use super::database_proxy::{DatabaseProxy, Network};
use super::portal::Portal;
use super::portals::{becomes, becomes_ready};
use super::{Acknowledged, answer, key_request, texts, wrong_in_rows};

const GATEWAYS: usize = 8;
const KEYS_PER_PHASE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_the_loss_of_the_primary() {
    let Some(primary) = Cluster::start() else { return };
    let proxy = DatabaseProxy::start(primary.folder()).await;
    let mut portal = Portal::on_database(&proxy.url("postgres"));
    let standby = primary.standby();
    // A cancelled wait for the standby leaves the change committed here only, so nothing may cancel it.
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    primary.execute("SELECT pg_reload_conf()").await;
    portal.resume();

    let (keys, mut made) = watch::channel(Acknowledged::default());
    let (keys, stop) = (Arc::new(Mutex::new(keys)), watch::Sender::new(false));
    let mut gateways = JoinSet::new();
    for _ in 0..GATEWAYS {
        gateways.spawn(make_keys(portal.url.clone(), Arc::clone(&keys), stop.subscribe()));
    }
    made.wait_for(|made| made.keys.len() >= KEYS_PER_PHASE).await.expect("keys");
    primary.kill();
    proxy.set(Network::Cut);
    let lost = Instant::now();
    standby.execute("SELECT pg_promote()").await;
    proxy.follow(standby.folder());
    proxy.set(Network::Works);
    let promoted = Instant::now();
    let before = made.borrow().keys.len();
    made.wait_for(|made| made.keys.len() > before).await.expect("keys");
    let said = format!("{:.2?} after the loss of the primary, {:.2?} after the promotion", lost.elapsed(), promoted.elapsed());
    made.wait_for(|made| made.keys.len() > before + KEYS_PER_PHASE).await.expect("keys");
    stop.send_replace(true);
    gateways.join_all().await;
    let acknowledged = made.borrow().clone();
    assert_eq!(wrong_in_rows(&mut standby.connect().await, &acknowledged).await, [""; 0]);
    let _ = writeln!(std::io::stderr(), "failover: the first key {said}; {} acknowledged keys, all there", acknowledged.keys.len());

    // The promoted server itself waits for a standby that does not exist.
    standby.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    standby.execute("SELECT pg_reload_conf()").await;
    let http = Client::builder().no_proxy().build().expect("a client");
    let hanging = tokio::spawn({
        let (http, url) = (http.clone(), portal.url.clone());
        async move { answer(key_request(&http, &url)).await.map(|(status, _)| status) }
    });
    becomes(&portal, |said| said == "not ready: standby\n").await;
    assert_eq!(hanging.await.expect("an answer"), Some(503));
    standby.execute("ALTER SYSTEM RESET synchronous_standby_names").await;
    standby.execute("SELECT pg_reload_conf()").await;
    becomes_ready(&portal).await;
    assert_eq!(answer(key_request(&http, &portal.url)).await.expect("an answer").0, 201);
}

/// Creates keys until told to stop; a client tries again after a failure.
async fn make_keys(url: String, acknowledged: Arc<Mutex<watch::Sender<Acknowledged>>>, stop: watch::Receiver<bool>) {
    let http = Client::builder().no_proxy().build().expect("a client");
    while !*stop.borrow() {
        match answer(key_request(&http, &url)).await {
            Some((201, body)) => {
                let fingerprint = body.get("public_key_fingerprint").and_then(|text| text.as_str()).expect("a fingerprint").to_owned();
                let acknowledged = acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
                acknowledged.send_modify(|acknowledged| _ = acknowledged.keys.insert(fingerprint));
            }
            answered => {
                assert!(matches!(answered, Some((503, _))), "{answered:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn portal_at_a_standby_reads_and_says_that_it_cannot_write() {
    let Some(primary) = Cluster::start() else { return };
    let proxy = DatabaseProxy::start(primary.folder()).await;
    let mut portal = Portal::on_database(&proxy.url("postgres"));
    portal.resume();
    let standby = primary.standby();
    let http = Client::builder().no_proxy().build().expect("a client");
    let (_, key) = answer(key_request(&http, &portal.url)).await.expect("a key");
    let replicated = async || texts(&mut standby.connect().await, "SELECT fingerprint FROM pubkeys").await;
    while replicated().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    proxy.set(Network::Cut);
    proxy.follow(standby.folder());
    proxy.set(Network::Works);
    becomes(&portal, |said| said == "not ready: read-only\n").await;
    assert_eq!(answer(key_request(&http, &portal.url)).await.expect("an answer").0, 503);
    assert!(key.get("public_key_fingerprint").is_some(), "{key}");
    let page = http.get(format!("{}/", portal.url)).send().await.expect("an answer");
    assert_eq!(page.status(), 200, "reads go on");

    let mut other = portal.beside(standby.url());
    let refused = other.command(&["serve", "--listen", "127.0.0.1:0"]).output().expect("run");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("read-only"), "{said}");
    other.kill();
    proxy.set(Network::Cut);
    proxy.follow(primary.folder());
    proxy.set(Network::Works);
    becomes_ready(&portal).await;
}
