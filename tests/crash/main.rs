//! `kill -9` at random moments under load, of a portal with SQLite, and of portals and servers of PostgreSQL: everything acknowledged must
//! exist afterwards, and nothing incomplete.
//!
//! Data that a killed process has handed to the operating system is not lost, so this tests the order of operations (no response
//! before its commit, no key without its audit event), not power failures: those depend on `PRAGMA synchronous`.
//!
//! `CRASHES=500 CRASH_SEED=7 cargo test --features ssr,cli,keycmd,bundle --test crash` runs more often, or repeats a run. The seed
//! determines when the process is killed, not what it does until then.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../http/browser.rs"]
#[expect(dead_code, reason = "the tests in tests/http use the rest")]
mod browser;
mod cluster;
#[path = "../shared/database_proxy.rs"]
#[expect(dead_code, reason = "the tests in tests/http use the rest")]
mod database_proxy;
mod failover;
#[path = "../shared/portal.rs"]
#[expect(dead_code, reason = "the tests in tests/ssh use the rest")]
mod portal;
mod portals;
mod refreshes;
mod signing_keys;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tms_portal::server::storage::sql::{Connection, query, query_scalar};
use tokio::task::JoinSet;

use portal::{Gateway, Portal};

const CRASHES: u32 = 50;
/// Upper limit for the time from listening to the kill.
const LONGEST_LIFE: Duration = Duration::from_millis(250);
/// Of ten starts, how many are killed before they are complete.
const KILLED_AT_START: u32 = 2;
const GATEWAYS: usize = 12;
/// Uses per key: limited, so that a login is allowed only after it was counted.
const USES: u32 = 3;
const FIRST_STARTS: u32 = 10;
const MADE_FIRST: [&str; 5] =
    ["data/keys/codes.key", "data/keys/signing-key.pem", "data/tms-portal.db", "data/tms-portal.db-wal", "data/first-secrets"];
const SOON_AFTER: Duration = Duration::from_millis(100);

/// What was acknowledged: keys, and those that were returned to a host at least once.
#[derive(Clone, Default)]
struct Acknowledged {
    keys: BTreeSet<String>,
    used: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kills_at_any_time() {
    let crashes = from_environment("CRASHES").map_or(CRASHES, |crashes| u32::try_from(crashes).expect("not so many"));
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let (begun, mut portal, mut unheard) = (Instant::now(), Portal::start(), 0);
    let usual_start = {
        portal.kill();
        let start = Instant::now();
        portal.resume();
        start.elapsed()
    };
    portal.kill();

    for crash in 1..=crashes {
        let context = format!("crash {crash} of {crashes}, CRASH_SEED={seed}");
        if random.random_ratio(KILLED_AT_START, 10) {
            let _out = portal.spawn();
            tokio::time::sleep(random.random_range(Duration::ZERO..usual_start)).await;
        } else {
            portal.resume();
            let mut gateways = JoinSet::new();
            for _ in 0..GATEWAYS {
                gateways.spawn(make_and_use_keys(portal.url.clone(), Arc::clone(&acknowledged)));
            }
            tokio::time::sleep(random.random_range(Duration::ZERO..LONGEST_LIFE)).await;
            portal.kill();
            // Each ends at its first request without a response.
            while let Some(ended) = gateways.join_next().await {
                ended.unwrap_or_else(|error| panic!("{context}: {error}"));
            }
        }
        portal.kill();
        let mut db = portal.database().await;
        let acknowledged = Acknowledged::of(&acknowledged);
        assert_eq!(wrong(&mut db, &acknowledged).await, [""; 0], "{context}");
        unheard = texts(&mut db, "SELECT fingerprint FROM pubkeys").await.len() - acknowledged.keys.len();
    }

    portal.resume();
    make_key(&Client::new(), &portal.url).await.expect("a key, after all that");
    let acknowledged = Acknowledged::of(&acknowledged);
    let (keys, used, took) = (acknowledged.keys.len(), acknowledged.used.len(), begun.elapsed());
    // Directly to stderr: libtest would show it only for failures.
    let said = format!("crash: {crashes} times kill -9 in {took:.1?}, CRASH_SEED={seed}: {keys} acknowledged keys, {used} used ones, all there");
    let _ = writeln!(std::io::stderr(), "{said}; {unheard} more were stored without an acknowledgement");
    assert!(keys > crashes as usize, "there was hardly any load: {keys} keys");
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

/// A different one for each run; a failure prints it.
#[expect(clippy::disallowed_methods, reason = "each run tries other moments")]
fn seed() -> u64 {
    from_environment("CRASH_SEED").unwrap_or_else(rand::random)
}

impl Acknowledged {
    fn of(shared: &Mutex<Self>) -> Self {
        shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A client that creates keys and a host that looks them up, until the portal is gone.
async fn make_and_use_keys(url: String, acknowledged: Arc<Mutex<Acknowledged>>) {
    let http = Client::builder().no_proxy().build().expect("a client");
    loop {
        let Some(fingerprint) = make_key(&http, &url).await else { return };
        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).keys.insert(fingerprint.clone());
        let Some(()) = use_key(&http, &url, &fingerprint).await else { return };
        acknowledged.lock().unwrap_or_else(PoisonError::into_inner).used.insert(fingerprint);
    }
}

/// `None` if there is no complete response.
async fn make_key(http: &Client, url: &str) -> Option<String> {
    let (status, body) = answer(key_request(http, url)).await?;
    assert_eq!(status, 201, "{body}");
    Some(body.get("public_key_fingerprint")?.as_str().expect("a fingerprint").to_owned())
}

async fn use_key(http: &Client, url: &str, fingerprint: &str) -> Option<()> {
    let (status, body) = answer(login_request(http, url, fingerprint)).await?;
    assert_eq!(status, 200, "{body}");
    Some(())
}

fn key_request(http: &Client, url: &str) -> RequestBuilder {
    let params = json!({
        "client_user_id": "testuser1", "host": "testhost1", "host_account": "testhostaccount1",
        "num_uses": USES, "ttl_minutes": -1, "key_type": "ed25519",
    });
    Gateway::from_test_data().sign(http.post(format!("{url}/v1/tms/pubkeys/creds"))).json(&params)
}

fn login_request(http: &Client, url: &str, fingerprint: &str) -> RequestBuilder {
    let login = json!({ "user": "testhostaccount1", "user_uid": "1001", "host": "testhost1", "public_key_fingerprint": fingerprint });
    http.post(format!("{url}/v1/tms/pubkeys/creds/retrieve")).json(&login)
}

async fn answer(request: RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.json().await.ok()?))
}

/// What only SQLite needs to be asked: PostgreSQL checks its references itself.
const SQLITE_CHECKS: [(&str, &str); 2] = [
    ("integrity_check", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    ("foreign_key_check", "SELECT \"table\" FROM pragma_foreign_key_check"),
];
const CHECKS: [(&str, &str); 5] = [
    ("no record of key", "SELECT fingerprint FROM pubkeys EXCEPT SELECT subject FROM activity WHERE kind = 'key_created'"),
    ("a record, and no key", "SELECT subject FROM activity WHERE kind = 'key_created' EXCEPT SELECT fingerprint FROM pubkeys"),
    ("recorded twice", "SELECT subject FROM activity WHERE kind = 'key_created' GROUP BY subject HAVING count(*) > 1"),
    (
        "logins counted, and not as many recorded",
        "SELECT fingerprint || ' ' || (max_uses - remaining_uses) FROM pubkeys WHERE remaining_uses < max_uses
         EXCEPT SELECT subject || ' ' || count(*) FROM activity WHERE kind = 'key_used' GROUP BY subject",
    ),
    (
        "logins recorded, and none counted",
        "SELECT subject FROM activity WHERE kind = 'key_used' EXCEPT SELECT fingerprint FROM pubkeys WHERE remaining_uses < max_uses",
    ),
];

/// The inconsistencies that a killed portal left.
async fn wrong(db: &mut Connection, acknowledged: &Acknowledged) -> Vec<String> {
    let mut found = Vec::new();
    for (what, query) in SQLITE_CHECKS {
        found.extend(texts(db, query).await.into_iter().map(|row| format!("{what}: {row}")));
    }
    found.extend(wrong_in_rows(db, acknowledged).await);
    found
}

async fn wrong_in_rows(db: &mut Connection, acknowledged: &Acknowledged) -> Vec<String> {
    let mut wrong = Vec::new();
    for (what, query) in CHECKS {
        wrong.extend(texts(db, query).await.into_iter().map(|row| format!("{what}: {row}")));
    }
    let stored: BTreeSet<String> = texts(db, "SELECT fingerprint FROM pubkeys").await.into_iter().collect();
    let used: BTreeSet<String> = texts(db, "SELECT fingerprint FROM pubkeys WHERE remaining_uses < max_uses").await.into_iter().collect();
    wrong.extend(acknowledged.keys.difference(&stored).map(|key| format!("acknowledged, and lost: {key}")));
    wrong.extend(acknowledged.used.difference(&used).map(|key| format!("shown to a host, and not counted: {key}")));
    wrong
}

async fn texts(db: &mut Connection, query: &'static str) -> Vec<String> {
    query_scalar(query).fetch_all(db).await.unwrap_or_else(|error| panic!("{query}: {error}"))
}

#[tokio::test]
async fn inconsistencies_are_detected() {
    let portal = Portal::start();
    let http = Client::new();
    let mut acknowledged = Acknowledged::default();
    for _ in 0..2 {
        let key = make_key(&http, &portal.url).await.expect("a key");
        use_key(&http, &portal.url, &key).await.expect("used");
        acknowledged.keys.insert(key.clone());
        acknowledged.used.insert(key);
    }
    let mut db = portal.database().await;
    assert_eq!(wrong(&mut db, &acknowledged).await, [""; 0]);
    for (damage, seen) in [
        ("DELETE FROM pubkeys WHERE number = 1", "acknowledged, and lost"),
        ("DELETE FROM pubkeys WHERE number = 1", "a record, and no key"),
        ("DELETE FROM activity WHERE kind = 'key_created'", "no record of key"),
        ("INSERT INTO activity (tenant_id, at, kind, subject) SELECT tenant_id, at, kind, subject FROM activity", "recorded twice"),
        ("DELETE FROM activity WHERE kind = 'key_used'", "logins counted, and not as many recorded"),
        ("UPDATE pubkeys SET uses = max_uses", "logins counted, and not as many recorded"),
        ("UPDATE pubkeys SET uses = 0", "logins recorded, and none counted"),
        ("UPDATE pubkeys SET uses = 0", "shown to a host, and not counted"),
        ("UPDATE pubkeys SET client_id = 'nobody'", "foreign_key_check"),
    ] {
        for statement in ["BEGIN", "PRAGMA defer_foreign_keys = ON", damage] {
            query(statement).execute(&mut db).await.expect(statement);
        }
        let wrong = wrong(&mut db, &acknowledged).await;
        query("ROLLBACK").execute(&mut db).await.expect("undone");
        assert!(wrong.iter().any(|what| what.starts_with(seen)), "{damage}: {wrong:?}");
    }
}

#[tokio::test]
async fn killed_first_start_can_be_repeated() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let (begun, mut went_far) = (Instant::now(), 0);
    for attempt in 0..FIRST_STARTS {
        let mut portal = Portal::unstarted();
        let _out = portal.spawn();
        // In order of creation; the last one takes longest, with schema, tenants and test data.
        let place = MADE_FIRST.get(random.random_range(0..MADE_FIRST.len())).expect("one of them");
        let patience = Instant::now() + Duration::from_secs(20);
        while !portal.has(place) {
            assert!(Instant::now() < patience, "{place} is not made");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(random.random_range(Duration::ZERO..SOON_AFTER)).await;
        portal.kill();
        went_far += u32::from(portal.has("data/tms-portal.db"));
        portal.resume();
        let answer = Client::new().get(format!("{}/readyz", portal.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "attempt {attempt}, CRASH_SEED={seed}");
        assert!(make_key(&Client::new(), &portal.url).await.is_some(), "attempt {attempt}, CRASH_SEED={seed}");
        portal.stop();
        assert!(!portal.has("data/tms-portal.db-wal"), "after a good end, all of it is in one file");
        assert_eq!(wrong(&mut portal.database().await, &Acknowledged::default()).await, [""; 0], "attempt {attempt}, CRASH_SEED={seed}");
    }
    let took = begun.elapsed();
    let said = format!("crash: {FIRST_STARTS} first starts killed in {took:.1?}, CRASH_SEED={seed}, {went_far} of them with a database");
    let _ = writeln!(std::io::stderr(), "{said}");
}
