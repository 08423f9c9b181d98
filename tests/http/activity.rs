//! `/activity`, and the audit log as a file.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::audit_log::AuditKind;
use tms_portal::i18n::Languages;

use crate::app::{PASSWORD, TestApp};
use crate::browser::en;

#[tokio::test]
async fn events_are_listed_newest_first_with_actions() {
    let app = TestApp::start().await;
    app.client().make_key(json!({})).await;
    app.clock.advance(Duration::from_secs(2 * 86_400));
    let browser = app.signed_in().await;
    let page = browser.get("/activity").await;
    let words = page.words();
    let (newer, older) = (words.find(&en().event_signed_in()).expect("the sign-in"), words.find(&en().event_key_created()).expect("the key"));
    assert!(
        newer < older && words.contains(&en().span_ago(en().span_days(2))) && words.contains(&format!("{} testclient1", en().activity_client())),
        "{words}"
    );
    assert!(words.contains(&en().activity_not_me()) && page.says("/keys?q=SHA256%3A") && page.says("href=\"/sessions\""), "{words}");
    assert!(!browser.get("/activity?since=day").await.words().contains(&en().event_key_created()));
    assert!(browser.get("/activity?since=week&show=keys").await.words().contains(&en().event_key_created()));
    assert!(!browser.get("/activity?show=keys").await.words().contains(&en().event_signed_in()));
    assert!(browser.get("/activity?q=nothing-like-that").await.says(en().list_nothing_found()));
}

#[tokio::test]
async fn every_event_kind_has_text_in_both_languages() {
    let app = TestApp::start().await;
    for (n, kind) in AuditKind::ALL.iter().enumerate() {
        let (at, kind) = (1_795_000_000_000_i64 + i64::try_from(n).expect("a number"), kind.as_str());
        app.insert_activity("test", "testuser1", at, kind).await;
    }
    app.insert_activity("test", "testuser1", 1, "of_a_newer_release").await;
    let browser = app.signed_in().await;
    for language in Languages::built_in().all() {
        let (language, otherwise) = (language.tag(), &language.event_otherwise());
        browser.take_cookie(&format!("tms-language={language}"));
        for show in ["sign-ins", "apps", "keys", "hosts", "administration"] {
            let page = browser.get(&format!("/activity?show={show}")).await;
            assert!(!page.says(otherwise) && page.says(format!("<html lang=\"{language}\"")), "{}", page.words());
        }
        assert!(browser.get("/activity?q=newer_release").await.says(otherwise));
    }
}

#[tokio::test]
async fn export_has_own_events_only() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.client().make_key(json!({})).await;
    app.insert_activity("test", "eve", 1, "signed_out").await;
    app.insert_activity("test", "testuser1", 2, "=HYPERLINK(1)").await;
    let browser = app.signed_in().await;
    let answer = browser.request(reqwest::Method::GET, "/activity.json").send().await.expect("an answer");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"tms-activity.json\"");
    let export: Value = answer.json().await.expect("JSON");
    assert_eq!((&export["user"], &export["host_accounts"][0]["host"]), (&json!("testuser1"), &json!("testhost1")));
    assert!(export["keys"][0]["public_key"].as_str().is_some_and(|key| key.starts_with("ssh-ed25519 ")));
    let kinds: Vec<&str> = export["activity"].as_array().expect("lines").iter().filter_map(|line| line["kind"].as_str()).collect();
    assert!(kinds.contains(&"key_created") && kinds.contains(&"signed_in") && !kinds.contains(&"signed_out"), "{kinds:?}");
    let csv = browser.request(reqwest::Method::GET, "/activity.csv").send().await.expect("an answer").text().await.expect("a text");
    assert!(
        csv.starts_with("at,kind,person,client,subject,administrator,from,local_time,time_zone\r\n")
            && csv.contains(",key_created,testuser1,testclient1,SHA256:"),
        "{csv}"
    );
    assert!(csv.contains(",'=HYPERLINK(1),") && !csv.contains("signed_out"), "{csv}");

    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let csv = eve.request(reqwest::Method::GET, "/activity.csv").send().await.expect("an answer").text().await.expect("a text");
    assert!(csv.contains("signed_out") && !csv.contains("testuser1"), "{csv}");
    assert_eq!(app.browser().get("/activity.json").await.path, "/sign-in");
}

#[tokio::test]
async fn long_audit_log_is_exported_completely() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO activity (tenant_id, at, kind, user_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT 'test', i, 'key_used', 'testuser1' FROM n",
    )
    .await;
    let browser = app.signed_in().await;
    let export: Value = browser.request(reqwest::Method::GET, "/activity.json").send().await.expect("an answer").json().await.expect("JSON");
    let used = export["activity"].as_array().expect("lines").iter().filter(|line| line["kind"] == "key_used").count();
    assert_eq!(used, 2_500);
}

#[tokio::test]
async fn export_excludes_events_after_its_start() {
    let app = TestApp::start().await;
    let person = app.person_without_session("testuser1").await;
    app.insert_activity("test", "testuser1", 1, "key_used").await;
    let end = app.services.last_audit_event().await.expect("a number");
    app.insert_activity("test", "testuser1", 2, "key_used").await;
    let lines = app.services.export_audit_events(&person.own_audit_log(), 0, end).await.expect("lines");
    assert_eq!(lines.last().map(|line| line.row_id), Some(end));
}

#[tokio::test]
async fn administrators_ip_address_is_hidden_from_people() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.signed_in().await.post("/api/admin/people/change", &[("user", "eve"), ("change", "open-mfa")]).await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let csv = eve.request(reqwest::Method::GET, "/activity.csv").send().await.expect("an answer").text().await.expect("a text");
    assert!(csv.contains(",mfa_opened,eve,,,person:testuser1,,2026-") && csv.contains(",signed_in,eve,,,,127.0.0.1,2026-"), "{csv}");
}
