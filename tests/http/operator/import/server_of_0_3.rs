//! The database of a real TMS server 0.3, dumped in two time zones, and what that server answered for each key (`tms-0.3`).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tms_portal::server::service::Clock as _;
use tms_portal::server::service::tms_import::Mode;
use tms_portal::server::service::tms_import::options::ImportOptions;

use super::{left_out, with_reason};
use crate::app::TestApp;

pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/operator/import/tms-0.3");

pub fn dump(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

pub fn answers() -> Value {
    let text = std::fs::read_to_string(dump("answers.json")).expect("read");
    serde_json::from_str(&text).expect("JSON")
}

/// A portal shortly after the database was made: 2026-11-29T21:00:00Z.
async fn portal() -> TestApp {
    let app = TestApp::start().await;
    app.clock.advance(Duration::from_secs((9 * 24 + 9) * 60 * 60));
    assert_eq!(app.clock.now().to_rfc3339(), "2026-11-29T21:00:00+00:00");
    app
}

#[tokio::test]
async fn every_key_answers_as_at_the_old_server_or_is_reported() {
    for name in ["utc.sql", "chicago.sql"] {
        let app = portal().await;
        let report = app.imported(&dump(name), &ImportOptions::default()).await;
        let answers = answers();
        let keys = answers["keys"].as_array().expect("keys");
        assert_eq!(keys.len(), 11);
        let mut refused = Vec::new();
        for key in keys {
            let text = |field: &str| key[field].as_str().expect("a text");
            let (old_status, old_line) = (key["old_retrieve"][0].as_i64(), key["old_retrieve"][1].as_str().expect("a line"));
            let here = app.retrieve(text("host_account"), text("host"), text("public_key_fingerprint")).await;
            assert_eq!(old_status, Some(200));
            match here {
                Some(line) => assert_eq!(line.split(' ').collect::<Vec<_>>(), old_line.split_whitespace().take(2).collect::<Vec<_>>()),
                None => refused.push(text("public_key_fingerprint").to_owned()),
            }
        }
        let mut reported: Vec<String> =
            report.locked_out.values().flat_map(|group| group.examples.iter().map(|key| key.fingerprint.clone())).collect();
        reported.sort();
        refused.sort();
        assert_eq!(refused, reported, "{name}");
        for (reason, fingerprint) in [
            ("no uses", "SHA256:MFplas1npuouwotHwGrF7e23VFqQU7c9T9Kht+Fiuy0"),
            ("expired", "SHA256:zhuVqbgIydGDMsbS5n3bzLw6aVdiJNJGHG+JxYmBthg"),
            ("mfa off", "SHA256:mbF4XHLoX/T/wweqCvYDeE2VjFEUtTmFaPzM2GfmTEI"),
            ("client off", "SHA256:ZKxQ9p35gPI5gJr+lno0xwsjbXO4hIhxCI/8IykyVcU"),
            ("delegation ended", "SHA256:OdhapnU4av5ATFfhSxkvnVuOKTc6Vh7FsqHrKuVPjbk"),
        ] {
            assert_eq!(with_reason(&report, reason), [fingerprint], "{name} {reason}");
        }
        assert_eq!((left_out(&report, "tenants", "tenant"), left_out(&report, "clients", "tenant")), (1, 1), "the tenant test");
        assert!(report.errors.is_empty() && report.obstacles.is_empty(), "{:?} {:?}", report.errors, report.obstacles);
    }
}

/// The two dumps have the same instants in different texts.
#[tokio::test]
async fn both_time_zones_lead_to_the_same_rows() {
    let mut rows = Vec::new();
    for name in ["utc.sql", "chicago.sql"] {
        let app = portal().await;
        app.imported(&dump(name), &ImportOptions::default()).await;
        let times = [
            "SELECT concat_ws(' ', number, user_id, host, account, linked_at, expires_at, linked_by) FROM host_accounts WHERE tenant_id = 'default' ORDER BY number",
            "SELECT concat_ws(' ', number, client_id, user_id, created_at, expires_at, made_by) FROM delegations WHERE tenant_id = 'default' ORDER BY number",
            "SELECT concat_ws(' ', number, fingerprint, created_at, expires_at, label) FROM pubkeys WHERE tenant_id = 'default' ORDER BY number",
            "SELECT concat_ws(' ', number, resid, expires_at) FROM reservations WHERE tenant_id = 'default' ORDER BY number",
        ];
        let mut found = Vec::new();
        for query in times {
            found.extend(app.texts(query).await);
        }
        rows.push(found);
    }
    assert_eq!(rows[0], rows[1]);
    let has = |text: &str| rows[0].iter().any(|row| row == text);
    assert!(has("7 jdoe ls6 jdoe 1795984730554 253402300799000 mvp") && has("2 jdoe frontera jdoe 1795984712247 253402300799000 admin"), "{rows:?}");
    assert!(rows[0].iter().any(|row| row.starts_with("1 SHA256:Wyllers") && row.ends_with(" jdoe@login1")), "{rows:?}");
    assert_eq!(rows[0].iter().filter(|row| row.starts_with("1 eb60ca6b-b0dc-4281-81d2-3284afe85856 ")).count(), 1);
}

#[tokio::test]
async fn secrets_of_the_old_server_log_in() {
    let app = portal().await;
    app.imported(&dump("chicago.sql"), &ImportOptions::default()).await;
    for client in answers()["clients"].as_array().expect("clients") {
        let text = |field: &str| client[field].as_str().expect("a text");
        let answer = app.client_of(text("tenant"), text("client_id"), text("client_secret")).get(&format!("/client/{}", text("client_id"))).await;
        assert_eq!(answer.status, if text("client_id") == "off" { 401 } else { 200 }, "{client}: {}", answer.body);
    }
    let (outcome, _) = app.import(&dump("chicago.sql"), &ImportOptions::default(), Mode::Write).await.expect("a report");
    assert_eq!(outcome, tms_portal::server::service::tms_import::Outcome::NothingToDo);
}
