//! What becomes of each row of the example.

use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tms_portal::server::service::tms_import::options::{ImportOptions, Secrets};
use tms_portal::server::service::tms_import::{Mode, Outcome};

use super::example::{ADMIN_SECRET, FREE, SECRET, example, files, owner};
use super::old::{NEVER, Old, PAST, TestKey, secret_hash};
use super::{left_out, with_reason};
use crate::app::TestApp;

#[tokio::test]
async fn dry_runs_of_all_forms_agree_and_write_nothing() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let before = (app.dump("default").await, app.texts("SELECT id FROM tenants ORDER BY id").await);
    let mut reports = Vec::new();
    for file in &files {
        let (outcome, report) = app.import(file, &owner("frontera", "tacc"), Mode::DryRun).await.expect("a report");
        assert!(outcome == Outcome::NotWritten && report.obstacles.is_empty() && report.is_noticed(), "{:?}", report.obstacles);
        let mut json = report.to_json();
        assert_eq!(json["release"], if file.display().to_string().contains("tms.db") { "0.1 or 0.2" } else { "0.3" });
        (json["release"], json["sha256"]) = (Value::Null, Value::Null);
        reports.push(json);
    }
    assert!(reports.windows(2).all(|pair| pair[0] == pair[1]), "{reports:#?}");
    assert_eq!((app.dump("default").await, app.texts("SELECT id FROM tenants ORDER BY id").await), before);
}

#[tokio::test]
async fn report_names_each_key_that_is_affected() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    let report = app.imported(&files[1], &owner("frontera", "tacc")).await;
    for (reason, keys) in [
        ("expired", &["K6"][..]),
        ("no uses", &["K5"]),
        ("client off", &["K12"]),
        ("mfa off", &["K14"]),
        ("mfa ended", &["K15"]),
        ("link ended", &["vista"]),
        ("delegation ended", &["K18"]),
        ("system account", &["K16"]),
        ("host owned by another tenant", &["other"]),
        ("short rsa", &["K10"]),
        ("unreadable key", &["K20"]),
        ("without client", &["K11"]),
        ("name", &["K13"]),
        ("limited", &["K7", "K8"]),
        ("ends soon", &["K17", "K19"]),
        ("fingerprint", &[]),
    ] {
        let mut found = with_reason(&report, reason);
        found.sort();
        assert_eq!(found, example.fingerprints(keys), "{reason}");
    }
    for (table, reason, rows) in [
        ("tenants", "tenant", 1),
        ("admin", "privilege", 1),
        ("clients", "name", 1),
        ("clients", "reserved", 1),
        ("user_mfa", "name", 1),
        ("user_hosts", "wildcard", 1),
        ("user_hosts", "without mfa", 1),
        ("delegations", "wildcard", 1),
        ("delegations", "name", 1),
        ("delegations", "without client", 1),
        ("pubkeys", "fingerprint", 1),
        ("reservations", "ended", 1),
        ("reservations", "without parent", 1),
        ("reservations", "without key", 1),
    ] {
        assert_eq!(left_out(&report, table, reason), rows, "{table} {reason}: {:?}", report.not_imported);
    }
    assert!(report.errors.len() == 1 && report.errors[0].contains("the key 39 has the fingerprint of another key"), "{:?}", report.errors);
    for note in ["the tenant default was disabled; it stays enabled", "2 addresses of hosts are ranges", "refused here: off", "client ete of tacc"] {
        assert!(report.notes.iter().any(|line| line.contains(note)), "{note}: {:?}", report.notes);
    }

    // What the report says is what hosts get; keys that only will end, and that of root without its UID, are returned.
    let refused = ["K5", "K6", "K9", "K10", "K11", "K12", "K13", "K14", "K15", "K18", "K20", "vista", "other"];
    for (name, key) in &example.keys {
        let (host, account) = match *name {
            "vista" => ("vista", "jd"),
            "other" => ("frontera", "jo"),
            "K14" => ("frontera", "gone"),
            "K15" => ("frontera", "late@tacc"),
            "K16" => ("frontera", "root"),
            "K17" => ("frontera", "asmith"),
            _ => ("frontera", "jdoe"),
        };
        let expected = (!refused.contains(name)).then(|| key.line.clone());
        assert_eq!(app.retrieve(account, host, &key.fingerprint).await, expected, "{name}");
    }
    let root = json!({ "user": "root", "host": "frontera", "user_uid": 0, "public_key_fingerprint": example.fingerprint("K16") });
    assert!(!app.unauthenticated().gets_key(&root).await, "MVP linked it");
}

#[tokio::test]
async fn rows_keep_their_numbers_times_and_makers() {
    let (app, example) = (TestApp::start().await, example());
    let (_dir, files) = files(&example.old).await;
    app.imported(&files[0], &owner("frontera", "tacc")).await;
    for (query, expected) in [
        (
            "SELECT concat_ws(' ', number, user_id, host, account, linked_by, linked_at, expires_at) FROM host_accounts WHERE tenant_id = 'tacc' ORDER BY number",
            &[
                "11 jdoe frontera jdoe mvp 1767323045123 253402300799000",
                "12 jdoe vista jd admin 1767323045123 1772618767500",
                "13 jdoe frontera root mvp 1767323045123 253402300799000",
                "15 late@tacc frontera late@tacc admin 1767323045123 253402300799000",
                "16 gone frontera gone admin 1767323045123 253402300799000",
                "17 asmith frontera asmith admin 1767323045123 253402300799000",
            ][..],
        ),
        (
            "SELECT concat_ws(' ', number, client_id, user_id, made_by) FROM delegations WHERE tenant_id = 'tacc' AND every_host_account ORDER BY number",
            &[
                "21 tapis jdoe mvp",
                "22 tapis asmith admin",
                "24 off jdoe admin",
                "26 tapis gone admin",
                "27 tapis late@tacc admin",
                "30 ete jdoe admin",
            ],
        ),
        (
            "SELECT concat_ws('|', number, client_id, app_name, app_version) FROM clients WHERE tenant_id = 'tacc' ORDER BY number",
            &["5|tapis|Tapis|1.6", "6|off|Off|1.6", "9|ete|Été|*"],
        ),
        (
            "SELECT concat_ws(' ', number, key_type, key_bits, max_uses, uses, label) FROM pubkeys WHERE tenant_id = 'tacc' AND number IN (32, 33, 34, 38) ORDER BY number",
            &["32 ed25519 256 2147483647 0 jdoe@login1", "33 ecdsa 521 2147483647 0 ", "34 rsa 4096 2147483647 0 ", "38 ed25519 256 5 3 "],
        ),
        (
            "SELECT concat_ws(' ', number, resid, parent_resid, pubkey) FROM reservations ORDER BY number",
            &["1 parent parent 49", "2 child parent 49"],
        ),
        ("SELECT concat_ws(' ', host, tenant_id) FROM host_names WHERE host <> 'testhost1' ORDER BY host", &["frontera tacc", "vista tacc"]),
        ("SELECT concat_ws(' ', user_id, display_name) FROM people WHERE tenant_id = 'other'", &["jdoe jdoe"]),
        (
            "SELECT concat_ws(' ', tenant_id, admin_id) FROM activity WHERE kind = 'imported' ORDER BY 1",
            &["default operator:", "other operator:", "tacc operator:"],
        ),
        ("SELECT concat(CAST(enabled AS INTEGER), ' ', number) FROM tenants WHERE id IN ('tacc', 'other') ORDER BY number", &["1 3", "1 4"]),
    ] {
        assert_eq!(app.texts(query).await, expected, "{query}");
    }

    // Numbers of new rows are none of the old ones.
    let admin = app.admin_of("tacc", "~~admin", ADMIN_SECRET);
    assert_eq!(admin.get("/userhosts/11").await.body["expires_at"], "9999-12-31T23:59:59+00:00");
    let client = app.client_of("tacc", "tapis", SECRET);
    let new = json!({ "client_user_id": "jdoe", "host": "frontera", "host_account": "jdoe", "num_uses": -1, "ttl_minutes": -1 });
    let key = client.done("POST /pubkeys/creds", new).await;
    assert!(key["private_key"].is_string());
    assert!(app.number("SELECT max(number) FROM pubkeys").await > 52);
    admin.done("POST /usermfa", json!({ "tenant": "tacc", "tms_user_id": "new", "ttl_minutes": -1 })).await;
    assert!(app.number("SELECT number FROM user_mfa WHERE user_id = 'new'").await > 7);
}

/// All combinations of what a key depends on: here it logs in exactly if the report has no reason, and only if it did at the old server.
#[tokio::test]
async fn every_combination_answers_as_reported() {
    let app = TestApp::start().await;
    let mut old = Old::default();
    old.add("tenants", &["1", "default", "1"]);
    for (id, client, enabled) in [("1", "on", "1"), ("2", "off", "0")] {
        old.add("clients", &[id, "default", client, "1", client, &secret_hash(SECRET), enabled]);
    }
    let states = ["ok", "ended", "off", "missing"];
    let mut number = 0;
    let mut keys = Vec::new();
    for mfa in states {
        for link in ["ok", "ended", "missing"] {
            for delegation in ["ok", "ended", "missing"] {
                let user = format!("{mfa}-{link}-{delegation}");
                number += 1;
                let id = number.to_string();
                let until = |state: &str| if state == "ended" { PAST } else { NEVER };
                if mfa != "missing" {
                    old.add("user_mfa", &[&id, "default", &user, until(mfa), if mfa == "off" { "0" } else { "1" }]);
                }
                if link != "missing" {
                    old.add("user_hosts", &[&id, "default", &user, "ls6", &user, until(link)]);
                }
                for client in ["on", "off", "deleted"] {
                    let delegation_id = (number * 3 + i32::try_from(client.len()).expect("short") % 3).to_string();
                    if delegation != "missing" {
                        old.add("delegations", &[&delegation_id, "default", client, &user, until(delegation)]);
                    }
                    for (uses, expires_at) in [(FREE, NEVER), (("0", "0"), NEVER), (FREE, PAST)] {
                        let key = TestKey::ed25519(u16::try_from(keys.len()).expect("small"));
                        let id = (keys.len() + 1).to_string();
                        old.add_key_of(&id, &key, ("default", client, &user), ("ls6", &user), uses, expires_at);
                        let logs_in =
                            [mfa, link, delegation].iter().all(|state| *state == "ok") && client == "on" && uses == FREE && expires_at == NEVER;
                        keys.push((user.clone(), key, logs_in));
                    }
                }
            }
        }
    }
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("tms.db");
    old.write_sqlite(&file).await;
    let report = app.imported(&file, &ImportOptions { secrets: Secrets::New, ..ImportOptions::default() }).await;
    let locked_out: u64 = report.locked_out.values().map(|group| group.keys).sum();
    let expected = keys.iter().filter(|(.., logs_in)| !logs_in).count();
    assert_eq!(locked_out, u64::try_from(expected).expect("a number"));
    for (user, key, logs_in) in &keys {
        assert_eq!(app.retrieve(user, "ls6", &key.fingerprint).await.is_some(), *logs_in, "{user} {}", key.fingerprint);
    }
}

#[tokio::test]
async fn names_of_clients_are_shown_without_invisible_characters() {
    let (app, mut old, dir) = (TestApp::start().await, Old::default(), tempfile::tempdir().expect("a folder"));
    old.add("tenants", &["1", "default", "1"]);
    for (id, client, name, version) in [("1", "a", "Gate\u{202e}way 1", "1.0"), ("2", "b", "Gateway 1", "1.0"), ("3", "c", "\u{200b}", "\n")] {
        old.add("clients", &[id, "default", name, version, client, &secret_hash(SECRET), "1"]);
    }
    old.add("hosts", &["1", "default", "frontera", "\u{1b}[2J129.114.0.1"]);
    let file = dir.path().join("dump.sql");
    std::fs::write(&file, old.dump()).expect("written");
    let report = app.imported(&file, &ImportOptions::default()).await;
    let names =
        "SELECT concat_ws('|', client_id, app_name, app_version) FROM clients WHERE tenant_id = 'default' AND client_id <> 'tms-cli' ORDER BY 1";
    assert_eq!(app.texts(names).await, ["a|Gateway 1|1.0", "b|b|1.0", "c|c|0"]);
    assert_eq!(app.texts("SELECT address FROM hosts WHERE host = 'frontera'").await, ["[2J129.114.0.1"]);
    assert!(report.notes.iter().any(|note| note.ends_with("is shown without: a, c")), "{:?}", report.notes);
}

/// A server that runs has its newest changes in the WAL; they are read, and the server is not disturbed.
#[tokio::test]
async fn changes_of_a_running_server_are_read() {
    let (app, example) = (TestApp::start().await, example());
    let (dir, files) = files(&example.old).await;
    let mut server = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&files[0])).await.expect("the database");
    sqlx::query("UPDATE clients SET enabled = 0 WHERE client_id = 'tapis'").execute(&mut server).await.expect("changed");
    assert!(files[0].with_extension("db-wal").metadata().expect("there").len() > 0);
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&files[0], &link).expect("a link");
    for file in [&files[0], &link] {
        let (_, report) = app.import(file, &owner("frontera", "tacc"), Mode::DryRun).await.expect("a report");
        assert!(with_reason(&report, "client off").contains(&example.fingerprint("K1").to_owned()), "{:?}", report.locked_out.keys());
    }
    sqlx::query("UPDATE clients SET enabled = 1 WHERE client_id = 'tapis'").execute(&mut server).await.expect("changed");
    server.close().await.expect("closed");
}
