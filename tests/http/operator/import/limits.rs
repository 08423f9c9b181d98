//! Rows that a dry run must not accept if they cannot be inserted: numbers out of range, and rows that are there twice.

use serde_json::json;
use tms_portal::server::service::Clock as _;
use tms_portal::server::service::tms_import::options::ImportOptions;
use tms_portal::server::service::tms_import::report::Report;
use tms_portal::server::service::tms_import::{Mode, Outcome};

use super::example::{FREE, SECRET};
use super::old::{NEVER, Old, TestKey, secret_hash};
use super::{left_out, with_reason};
use crate::app::TestApp;

const LARGEST: &str = "9223372036854775807";

fn with_tenant() -> Old {
    let mut old = Old::default();
    old.add("tenants", &["1", "default", "1"]);
    old
}

fn add_client(old: &mut Old, id: &str, name: &str, client: &str) {
    old.add("clients", &[id, "default", name, "1", client, &secret_hash(SECRET), "1"]);
}

/// A dry run says what an import does.
async fn dry_and_imported(app: &TestApp, old: &Old, options: &ImportOptions) -> Report {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("dump.sql");
    std::fs::write(&file, old.dump()).expect("written");
    let (outcome, dry) = app.import(&file, options, Mode::DryRun).await.expect("a report");
    assert!(outcome == Outcome::NotWritten && dry.obstacles.is_empty(), "{:?}", dry.obstacles);
    let report = app.imported(&file, options).await;
    assert_eq!(dry.to_json(), report.to_json());
    report
}

#[tokio::test]
async fn numbers_out_of_range_are_replaced() {
    let (app, mut old) = (TestApp::start().await, with_tenant());
    add_client(&mut old, LARGEST, "Tapis", "tapis");
    add_client(&mut old, "9223372036854775806", "Off", "off");
    for (id, user) in [(LARGEST, "jdoe"), ("7", "asmith"), ("9223372036854775806", "late")] {
        old.add("user_mfa", &[id, "default", user, NEVER, "1"]);
    }
    old.add("hosts", &[LARGEST, "default", "frontera", "129.114.0.1"]);
    old.add("user_hosts", &[LARGEST, "default", "jdoe", "frontera", "jdoe", NEVER]);
    old.add("delegations", &[LARGEST, "default", "tapis", "jdoe", NEVER]);
    let keys = [TestKey::ed25519(1), TestKey::ed25519(2)];
    for (id, key) in [LARGEST, "9007199254740993"].into_iter().zip(&keys) {
        old.add_key_of(id, key, ("default", "tapis", "jdoe"), ("frontera", "jdoe"), FREE, NEVER);
    }
    dry_and_imported(&app, &old, &ImportOptions::default()).await;
    assert!(app.number("SELECT max(last) FROM numbers").await < 1_000);
    assert!(app.number("SELECT max(number) FROM pubkeys").await < 1_000);
    assert_eq!(app.number("SELECT number FROM user_mfa WHERE tenant_id = 'default' AND user_id = 'asmith'").await, 7);
    // The numbers of new rows.
    let admin = app.admin("default").await;
    admin.done("POST /usermfa", json!({ "tenant": "default", "tms_user_id": "new", "ttl_minutes": -1 })).await;
    let client = app.client_of("default", "tapis", SECRET);
    let new = json!({ "client_user_id": "jdoe", "host": "frontera", "host_account": "jdoe", "num_uses": -1, "ttl_minutes": -1 });
    client.done("POST /pubkeys/creds", new).await;
}

#[tokio::test]
async fn rows_that_are_there_twice_are_imported_once() {
    let (app, mut old) = (TestApp::start().await, with_tenant());
    let key = TestKey::ed25519(1);
    for id in ["1", "2"] {
        old.add("admin", &[id, "default", "second", &secret_hash(SECRET), "PERM_ADMIN"]);
        add_client(&mut old, id, "Tapis", "tapis");
        old.add("user_mfa", &[id, "default", "jdoe", NEVER, "1"]);
        old.add("hosts", &[id, "default", "frontera", "129.114.0.1"]);
        old.add("user_hosts", &[id, "default", "jdoe", "frontera", "jdoe", NEVER]);
        old.add("delegations", &[id, "default", "tapis", "jdoe", NEVER]);
        old.add_key_of(id, &key, ("default", "tapis", "jdoe"), ("frontera", "jdoe"), FREE, NEVER);
        let reservation = [id, "r1", "r1", "default", "tapis", "jdoe", "frontera", &key.fingerprint, "2026-11-21T12:00:00Z"];
        old.add_created("reservations", &reservation, "2026-11-20T11:00:00Z");
    }
    let report = dry_and_imported(&app, &old, &ImportOptions::default()).await;
    for table in ["admin", "clients", "user_mfa", "hosts", "user_hosts", "delegations", "pubkeys", "reservations"] {
        assert_eq!(left_out(&report, table, "twice"), 1, "{table}");
    }
    assert!(app.retrieve("jdoe", "frontera", &key.fingerprint).await.is_some());
}

#[tokio::test]
async fn names_of_clients_stay_different() {
    let (app, mut old) = (TestApp::start().await, with_tenant());
    for (id, name, client) in [
        ("1", "A", "c1"),
        ("2", "c3", "c2"),
        ("3", "A\u{200b}", "c3"),
        ("4", "c3 2", "c4"),
        ("5", "A\u{202e}", "c5"),
        ("6", "TMS command\u{200b} line", "c6"),
    ] {
        add_client(&mut old, id, name, client);
    }
    // Their clients are missing: one is created under its id, which another has as its name, and the portal's own is not.
    old.add("clients", &["7", "default", "gone", "0", "c7", &secret_hash(SECRET), "1"]);
    let keys = [TestKey::ed25519(1), TestKey::ed25519(2)];
    for (id, (key, client)) in ["1", "2"].into_iter().zip(keys.iter().zip(["gone", "tms-cli"])) {
        old.add_key_of(id, key, ("default", client, "jdoe"), ("frontera", "jdoe"), FREE, NEVER);
    }
    let report = dry_and_imported(&app, &old, &ImportOptions { mend: true, ..ImportOptions::default() }).await;
    let names = "SELECT concat_ws('|', client_id, app_name) FROM clients WHERE tenant_id = 'default' AND client_id <> 'tms-cli' ORDER BY client_id";
    assert_eq!(app.texts(names).await, ["c1|A", "c2|c3", "c3|c3 2", "c4|c4", "c5|c5", "c6|c6", "c7|gone", "gone|gone 2"]);
    assert_eq!(with_reason(&report, "without client"), [keys[1].fingerprint.clone()]);
}

#[tokio::test]
async fn reservations_are_limited_as_those_made_here() {
    let (app, mut old) = (TestApp::start().await, with_tenant());
    add_client(&mut old, "1", "Tapis", "tapis");
    old.add("user_mfa", &["1", "default", "jdoe", NEVER, "1"]);
    old.add("user_hosts", &["1", "default", "jdoe", "frontera", "jdoe", NEVER]);
    old.add("delegations", &["1", "default", "tapis", "jdoe", NEVER]);
    let key = TestKey::ed25519(1);
    old.add_key_of("1", &key, ("default", "tapis", "jdoe"), ("frontera", "jdoe"), FREE, NEVER);
    let soon = "2026-11-20T18:00:00Z";
    for (id, resid, parent, expires_at, created) in [
        ("1", "future", "future", "9999-12-31T00:00:00Z", "9999-01-01T00:00:00Z"),
        ("2", "short", "short", soon, "2026-11-20T11:00:00Z"),
        ("3", "child", "short", "2026-11-21T12:00:00Z", "2026-11-20T11:00:00Z"),
        ("4", "", "", soon, "2026-11-20T11:00:00Z"),
        ("5", "a\u{202e}b", "a\u{202e}b", soon, "2026-11-20T11:00:00Z"),
        ("6", "a\u{7}b", "a\u{7}b", soon, "2026-11-20T11:00:00Z"),
        ("7", "a/b", "a/b", soon, "2026-11-20T11:00:00Z"),
    ] {
        let row = [id, resid, parent, "default", "tapis", "jdoe", "frontera", &key.fingerprint, expires_at];
        old.add_created("reservations", &row, created);
    }
    let report = dry_and_imported(&app, &old, &ImportOptions::default()).await;
    assert_eq!(left_out(&report, "reservations", "name"), 4);
    let now = app.clock.now().as_millis();
    let found = app.texts("SELECT concat_ws(' ', resid, created_at, expires_at) FROM reservations ORDER BY resid").await;
    let soon = 1_795_197_600_000_i64;
    let created = 1_795_172_400_000_i64;
    let two_days = now + 48 * 60 * 60 * 1_000;
    assert_eq!(found, [format!("child {created} {soon}"), format!("future {now} {two_days}"), format!("short {created} {soon}")]);
}
