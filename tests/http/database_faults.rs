//! PostgreSQL fails in the ways in which networks, servers and other portals do.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::json;
use tms_portal::server::storage::Database;
use tms_portal::server::storage::postgres::PostgresAddress;
use tms_portal::server::storage::sql::{Connection, query, query_scalar};

use crate::app::TestApp;
use crate::database::connection_to;
use crate::database_proxy::{DatabaseProxy, Network};
use crate::postgres::{self, TestDatabase};
use crate::tms::api::{key_request, login};

/// A portal with direct access to its database, and one on the same database behind a proxy. `None` without PostgreSQL; that is printed.
async fn portals() -> Option<(TestApp, TestApp, DatabaseProxy)> {
    if !postgres::is_used() {
        TestDatabase::create_empty().await;
        return None;
    }
    let direct = TestApp::start().await;
    let url = reqwest::Url::parse(&postgres::environment_of(&direct.data_dir).expect("a URL").1).expect("a URL");
    let (_, folder) = url.query_pairs().find(|(name, _)| name == "host").expect("the folder of the socket");
    let proxy = DatabaseProxy::start(&PathBuf::from(folder.as_ref())).await;
    let address = PostgresAddress::parse(&proxy.url(url.path().trim_start_matches('/')), false).expect("an address");
    let behind = direct.portal_on(Database::Postgres(address)).await;
    Some((direct, behind, proxy))
}

/// The status of a request for a key.
async fn make_key(app: &TestApp) -> u16 {
    app.client().call("POST /pubkeys/creds", key_request(json!({}))).await.status
}

async fn keys(app: &TestApp) -> i64 {
    app.number("SELECT count(*) FROM pubkeys").await
}

#[tokio::test]
async fn commit_whose_response_is_lost_is_settled() {
    let Some((direct, behind, proxy)) = portals().await else { return };
    for turn in 0..6 {
        let before = keys(&direct).await;
        proxy.set(Network::LosesCommitResponse);
        assert_eq!((make_key(&behind).await, keys(&direct).await), (201, before + 1), "turn {turn}: it was committed");
        proxy.set(Network::LosesCommit);
        assert_eq!((make_key(&behind).await, keys(&direct).await), (503, before + 1), "turn {turn}: it was not");
    }
    // Nothing can be asked: the response is 503 although the key is stored.
    let before = keys(&direct).await;
    proxy.set(Network::LosesCommitResponseAndIsCut);
    assert_eq!((make_key(&behind).await, keys(&direct).await), (503, before + 1));
    proxy.set(Network::Works);
    assert_eq!(make_key(&behind).await, 201);
}

#[tokio::test]
async fn cut_network_is_told_at_once_and_forgotten_once_it_works() {
    let Some((_direct, behind, proxy)) = portals().await else { return };
    let browser = behind.signed_in().await;
    for _ in 0..3 {
        proxy.set(Network::Cut);
        for path in ["/sign-in/back/test/x?state=a", "/device?user_code=ABCD-EFGH"] {
            assert_eq!(browser.get(path).await.status, 503, "{path}");
        }
        let page = behind.http.get(behind.url("/sign-in")).header("accept", "text/html").send().await.expect("an answer");
        assert!(
            page.headers().contains_key("retry-after") && page.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html"))
        );
        assert_eq!((make_key(&behind).await, page.status().as_u16(), browser.get("/keys").await.status), (503, 503, 503));
        let ready = behind.http.get(behind.url("/readyz")).send().await.expect("an answer");
        assert_eq!(ready.text().await.expect("a text"), "not ready: database\n");
        proxy.set(Network::Works);
        assert_eq!(make_key(&behind).await, 201);
    }
}

/// Nothing arrives, and no connection is closed: only the portal's own limits end the wait.
#[tokio::test]
async fn silent_network_ends_in_an_answer() {
    let Some((direct, behind, proxy)) = portals().await else { return };
    let key = direct.client().make_key(json!({})).await;
    proxy.set(Network::Silent);
    let begun = Instant::now();
    let host = behind.unauthenticated();
    let asked = host.call("POST /pubkeys/creds/retrieve", login(&key));
    let (made, asked) = join(make_key(&behind), asked).await;
    assert_eq!((made, asked.status), (503, 503));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    proxy.set(Network::Works);
    assert_eq!(make_key(&behind).await, 201);
    assert!(behind.unauthenticated().gets_key(&login(&key)).await, "the connections on which nothing came are not used again");
}

/// A connection with a portal's limits that has begun a change.
async fn connection_with_lock(app: &TestApp) -> Connection {
    let mut connection = connection_to(&app.database).await;
    query("BEGIN").execute(&mut connection).await.expect("begun");
    let _: i64 = query_scalar("SELECT 1::bigint FROM pg_advisory_xact_lock(7416, 1)").fetch_one(&mut connection).await.expect("the lock");
    connection
}

#[tokio::test]
async fn portal_that_hangs_in_a_change_is_disconnected() {
    let Some((direct, behind, _proxy)) = portals().await else { return };
    let mut hanging = connection_with_lock(&direct).await;
    assert_eq!(make_key(&behind).await, 201, "it waits until PostgreSQL has ended the session that does nothing");
    assert!(query("COMMIT").execute(&mut hanging).await.is_err());
}

#[tokio::test]
async fn change_that_waits_too_long_for_another_is_refused() {
    let Some((direct, behind, _proxy)) = portals().await else { return };
    let mut busy = connection_with_lock(&direct).await;
    let works = query_scalar::<i64>("SELECT 1::bigint FROM pg_sleep(9)").fetch_one(&mut busy);
    let (worked, made) = join(works, make_key(&behind)).await;
    assert_eq!((worked.expect("its statement"), made), (1, 503));
    query("COMMIT").execute(&mut busy).await.expect("committed");
    assert_eq!(make_key(&behind).await, 201);
}

/// The server reports that it cannot extend a file (SQLSTATE 53100).
#[tokio::test]
async fn full_disk_of_the_server_is_named() {
    if !postgres::is_used() {
        TestDatabase::create_empty().await;
        return;
    }
    let app = TestApp::start().await;
    let mut db = connection_to(&app.database).await;
    for statement in [
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER disk_full BEFORE INSERT ON pubkeys FOR EACH ROW EXECUTE FUNCTION disk_full()",
        "CREATE TRIGGER disk_full BEFORE INSERT ON periodic_tasks FOR EACH ROW EXECUTE FUNCTION disk_full()",
    ] {
        query(statement).execute(&mut db).await.expect(statement);
    }
    let made = app.client().call("POST /pubkeys/creds", key_request(json!({}))).await;
    assert_eq!((made.status, made.header("retry-after")), (503, "5"), "{}", made.body);
    let ready = app.http.get(app.url("/readyz")).send().await.expect("an answer");
    assert_eq!((ready.status().as_u16(), ready.text().await.expect("a text").as_str()), (503, "not ready: disk\n"));
    for statement in ["DROP TRIGGER disk_full ON pubkeys", "DROP TRIGGER disk_full ON periodic_tasks"] {
        query(statement).execute(&mut db).await.expect(statement);
    }
    assert_eq!(make_key(&app).await, 201);
    let recovered = async { while app.http.get(app.url("/readyz")).send().await.expect("an answer").status() != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), recovered).await.expect("ready again");
}
