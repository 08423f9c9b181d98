//! Two portals on one database.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::json;
use tms_portal::server::providers::egress::EgressPolicy;
use tms_portal::server::service::{DataLocation, Fault, Services, SystemRng};

use crate::app::{TestApp, TestClock};
use crate::postgres::{self, TestDatabase};
use crate::tms::api::{login, named};

/// Opens a portal's services without serving them.
async fn open(data: DataLocation<'_>) -> Result<Services, Fault> {
    let (clock, entropy) = (std::sync::Arc::new(TestClock::default()), std::sync::Arc::new(SystemRng));
    Services::open(data, "http://unused", &EgressPolicy::default(), clock, entropy).await
}

#[tokio::test]
async fn revocation_at_one_portal_counts_at_the_other() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    for turn in 0..100 {
        let (here, there) = if turn % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let key = here.client().make_key(json!({})).await;
        assert!(there.unauthenticated().gets_key(&login(&key)).await);
        here.client().done("DELETE /pubkeys/del", named(&key, json!({}))).await;
        assert!(!there.unauthenticated().gets_key(&login(&key)).await, "turn {turn}");
    }
}

#[tokio::test]
async fn exactly_one_poll_at_two_portals_gets_the_token() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    for _ in 0..10 {
        let device = one.start_device().await;
        one.allow(&device).await;
        let polls = join_all((0..8).map(|n| if n % 2 == 0 { one.poll(&device) } else { other.poll(&device) })).await;
        let won: Vec<_> = polls.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        // Their public URLs differ here, so it is valid at the portal that issued it.
        let mut statuses = [one.api("/v1/tms/me", &won[0].token()).await.status, other.api("/v1/tms/me", &won[0].token()).await.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

/// Exports and lists go on after the highest number that they have seen.
#[tokio::test]
async fn events_of_two_portals_are_committed_in_the_order_of_their_numbers() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    let write = async |portal: &TestApp| join_all((0..60).map(|_| async { portal.client().make_key(json!({})).await })).await;
    let writes = async { join(write(&one), write(&other)).await };
    let mut seen = Vec::new();
    tokio::pin!(writes);
    let done = loop {
        let next = seen.last().copied().unwrap_or(0);
        tokio::select! {
            done = &mut writes => break done,
            found = one.numbers_after(next) => seen.extend(found),
        }
    };
    assert_eq!(done.0.len() + done.1.len(), 120);
    let last = seen.last().copied().unwrap_or(0);
    seen.extend(one.numbers_after(last).await);
    assert_eq!(i64::try_from(seen.len()).expect("a number"), one.number("SELECT count(*) FROM activity").await);
}

#[tokio::test]
async fn one_portal_at_a_time_cleans_up() {
    let one = TestApp::start().await;
    let other = one.second_portal().await;
    let stale = "INSERT INTO attempts (key, at) VALUES ('x', 0)";
    let left = "SELECT count(*) FROM attempts WHERE key = 'x'";
    one.sql(stale).await;
    one.services.run_due_housekeeping().await.expect("tidied");
    assert_eq!(one.number(left).await, 0);
    one.sql(stale).await;
    other.services.run_due_housekeeping().await.expect("not due");
    assert_eq!(one.number(left).await, 1);
    other.clock.advance(Duration::from_secs(60));
    other.services.run_due_housekeeping().await.expect("tidied");
    assert_eq!(one.number(left).await, 0);
}

#[tokio::test]
async fn portal_with_other_keys_does_not_start() {
    let app = TestApp::start().await;
    let refused =
        async |dir: &std::path::Path| open(DataLocation { dir, database: &app.database, create: true }).await.err().map(|fault| fault.to_string());
    for name in ["codes.key", "secrets.key"] {
        let other = app.second_portal().await;
        let file = other.data_dir.join("keys").join(name);
        std::fs::remove_file(&file).expect("removed");
        let missing = refused(&other.data_dir).await.expect("refused");
        assert!(missing.contains(name) && missing.contains("does not exist"), "{missing}");
        assert!(!file.exists(), "{name} is not created anew");
    }
    let other = app.second_portal().await;
    let key = other.data_dir.join("keys/codes.key");
    std::fs::write(&key, [7; 32]).expect("written");
    let different = refused(&other.data_dir).await.expect("refused");
    assert!(different.contains("codes.key") && different.contains("is not the key"), "{different}");
}

#[tokio::test]
async fn readiness_names_its_reason() {
    for (change, reason) in [
        ("UPDATE deployment SET value = 'x' WHERE name = 'key:codes.key'", "keys"),
        ("INSERT INTO deployment (name, value) VALUES ('oldest-schema', '999999')", "schema"),
        ("ALTER TABLE periodic_tasks RENAME TO gone", "database"),
    ] {
        let app = TestApp::start().await;
        app.sql(change).await;
        let answer = app.http.get(app.url("/readyz")).send().await.expect("an answer");
        assert_eq!(answer.status(), 503, "{reason}");
        assert_eq!(answer.text().await.expect("a text"), format!("not ready: {reason}\n"));
    }
}

/// A newer release adds to the schema while portals of this one run, and they may start again.
#[tokio::test]
async fn portal_starts_on_the_schema_of_a_newer_release_that_supports_it() {
    if !postgres::is_used() {
        TestDatabase::create_empty().await;
        return;
    }
    let mut app = TestApp::start().await;
    app.sql("ALTER TABLE clients ADD COLUMN of_a_newer_release TEXT NOT NULL DEFAULT ''").await;
    app.sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'newer', true, '', 0)").await;
    let key = app.client().make_key(json!({})).await;
    app.restart().await;
    assert!(app.unauthenticated().gets_key(&login(&key)).await);
    app.client().make_key(json!({})).await;
    app.sql("INSERT INTO deployment (name, value) VALUES ('oldest-schema', '9999')").await;
    let data = DataLocation { dir: &app.data_dir, database: &app.database, create: false };
    let refused = open(data).await.err().expect("refused").to_string();
    assert!(refused.contains("newer release"), "{refused}");
}

#[tokio::test]
async fn two_portals_create_an_empty_database_at_once() {
    let Some(database) = TestDatabase::create_empty().await else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let address = database.address();
    let data = DataLocation { dir: dir.path(), database: &address, create: true };
    let (one, other) = join(open(data), open(data)).await;
    let (one, other) = (one.expect("a portal"), other.expect("a portal"));
    let (plan, other_plan) = (one.plan_setup(false, None).await.expect("a plan"), other.plan_setup(false, None).await.expect("a plan"));
    let (first, second) = join(one.initialize(false, plan), other.initialize(false, other_plan)).await;
    let made = [first, second].map(|made| made.expect("set up").new_tenants.len());
    assert_eq!(made.iter().sum::<usize>(), 2, "each tenant is created once");
    one.close().await;
    other.close().await;
    database.remove().await;
}
