use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::sql::{Connection, query, query_scalar};

use crate::app::TestApp;
use crate::database::connection_to;

#[tokio::test]
async fn running_portal_is_alive_and_ready() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.http.get(app.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    let answer = app.http.get(app.url("/readyz")).header("accept", "application/json").send().await.expect("an answer");
    let report: Value = answer.json().await.expect("JSON");
    assert_eq!((&report["status"], &report["components"]["disk"]["status"]), (&"ready".into(), &"ok".into()), "{report}");
}

/// A connection that holds the lock of changes.
async fn lock(app: &TestApp) -> Connection {
    let mut connection = connection_to(&app.database).await;
    match app.database {
        Database::File(_) => {
            query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("begun");
        }
        Database::Postgres(_) => {
            query("BEGIN").execute(&mut connection).await.expect("begun");
            let _: i64 = query_scalar("SELECT 1::bigint FROM pg_advisory_xact_lock(7416, 1)").fetch_one(&mut connection).await.expect("the lock");
        }
    }
    connection
}

#[tokio::test]
async fn probes_are_answered_in_a_second_while_changes_wait() {
    let app = TestApp::start().await;
    let mut locked = lock(&app).await;
    let begun = Instant::now();
    for answer in join_all((0..20).map(|_| app.http.get(app.url("/readyz")).send())).await {
        let answer = answer.expect("an answer");
        assert!(answer.status() == 503 && answer.headers().contains_key("retry-after"));
        assert_eq!(answer.text().await.expect("a text"), "not ready: database\n");
    }
    assert!(begun.elapsed() < Duration::from_millis(1_800), "{:?}", begun.elapsed());
    // PostgreSQL may have ended this session, because it did nothing.
    let _ = query("COMMIT").execute(&mut locked).await;
    let recovered = async { while app.http.get(app.url("/readyz")).send().await.expect("an answer").status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), recovered).await.expect("ready again");
}
