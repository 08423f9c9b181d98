//! `/activity`, and the audit log as a file.

use std::time::Duration;

use serde_json::{Value, json};
use tms_portal::domain::audit_log::AuditKind;
use tms_portal::domain::time::{CalendarDate, Zone};
use tms_portal::i18n::Languages;

use crate::app::{PASSWORD, TestApp};
use crate::browser::en;
use crate::tms::api::login;

#[tokio::test]
async fn events_are_listed_newest_first_with_actions() {
    let app = TestApp::start().await;
    app.client().make_key(json!({})).await;
    let day_of_key = CalendarDate::of(app.services.now(), &Zone::UTC).expect("a date");
    app.clock.advance(Duration::from_secs(2 * 86_400));
    let browser = app.signed_in().await;
    let page = browser.get("/activity").await;
    let words = page.words();
    let created = key_created();
    let (newer, older) = (words.find(&en().event_signed_in()).expect("the sign-in"), words.find(&created).expect("the key"));
    let (today, day) = (words.find(&en().activity_today()).expect("today"), words.find(&en().format_date(day_of_key)).expect("the day of the key"));
    assert!(today < newer && newer < day && day < older, "{words}");
    assert!(words.contains(&en().activity_not_me()) && page.says("/keys?q=SHA256%3A") && page.says("href=\"/sessions/end?others=1\""), "{words}");
    assert!(page.says("href=\"/keys/revoke?key=1\"") && page.says("href=\"/identities/password\""), "{words}");
    let next_day = day_of_key.tomorrow().expect("a day");
    assert!(!browser.get(&format!("/activity?from={next_day}")).await.words().contains(&created));
    assert!(browser.get(&format!("/activity?from={day_of_key}&show=keys")).await.words().contains(&created));
    assert!(!browser.get("/activity?show=keys").await.words().contains(&en().event_signed_in()));
    assert!(browser.get("/activity?q=nothing-like-that").await.says(en().list_nothing_found()));
}

/// The sentence about a key of the test client.
fn key_created() -> String {
    en().event_key_created_app_host("testapp1", "testhostaccount1", "testhost1")
}

#[tokio::test]
async fn login_names_application_host_and_account() {
    let app = TestApp::start().await;
    let key = app.client().make_key(json!({ "num_uses": 3 })).await;
    assert!(app.client().gets_key(&login(&key)).await);
    let browser = app.signed_in().await;
    let page = browser.get("/activity").await;
    assert!(page.words().contains(&en().event_key_used_app_host("testapp1", "testhost1", "testhostaccount1")), "{}", page.words());
    for link in ["/apps/application?client=testclient1", "/hosts?q=testhost1", "/keys?q=SHA256%3A"] {
        assert!(page.says(format!("<a href=\"{link}")), "{link}: {}", page.text);
    }
    assert!(browser.get("/activity?q=TESTAPP").await.words().contains(&key_created()), "found by the application's name");
    assert!(browser.get("/activity?q=testhostaccount1").await.words().contains(&key_created()), "and by the account");

    browser.get("/keys").await;
    browser.post("/api/keys/revoke", &[("key[]", "1")]).await;
    let page = browser.get("/activity?show=keys").await;
    assert!(page.words().contains(&en().event_key_revoked_app_host("testapp1", "testhostaccount1", "testhost1")), "{}", page.words());
    assert!(!page.says("href=\"/keys?q=") && !page.says("/keys/revoke?") && page.says("/keys/revoke-everything"), "only what exists is linked");
    let client = "UPDATE clients SET app_name = 'a <b>' WHERE client_id = 'testclient1'";
    app.sql(client).await;
    assert!(browser.get("/activity").await.says("a &lt;b&gt;"));
    app.sql("UPDATE activity SET client_id = 'gone' WHERE client_id = 'testclient1'").await;
    let page = browser.get("/activity").await;
    assert!(page.words().contains(&en().event_key_created_app_host("gone", "testhostaccount1", "testhost1")), "a deleted client by its id");
    assert!(!page.says("/apps/application?"), "{}", page.text);
}

#[tokio::test]
async fn device_that_was_not_allowed_by_the_person_is_revoked() {
    let app = TestApp::start().await;
    let browser = app.allow(&app.start_device().await).await;
    let page = browser.get("/activity?show=apps").await;
    let (_, link) = page.text.split_once("href=\"/apps/change?").expect("a link");
    let question = browser.get(&format!("/apps/change?{}", link.split('"').next().expect("its end").replace("&amp;", "&"))).await;
    assert!(page.tells(|app| en().event_device_approved_app(app)) && question.status == 200, "{}", page.words());
    browser.post("/api/apps/end", &[("app", &question.field("app"))]).await;
    let page = browser.get("/activity?show=apps").await;
    assert!(page.tells(|app| en().event_device_revoked_app(app)) && !page.says("/apps/change?"), "{}", page.words());
    assert!(page.says("href=\"/keys/revoke-everything\""), "{}", page.text);
}

#[tokio::test]
async fn events_without_host_are_still_shown() {
    let app = TestApp::start().await;
    app.sql(
        "INSERT INTO activity (tenant_id, at, kind, user_id, client_id, subject) VALUES
         ('test', 1, 'key_used', 'testuser1', 'testclient1', 'SHA256:abc'), ('test', 2, 'key_used', 'testuser1', NULL, 'SHA256:abc'),
         ('test', 3, 'host_linked', 'testuser1', NULL, 'jdoe@frontera (jdoe@example.org)'), ('test', 4, 'host_unlinked', 'testuser1', NULL, 'odd')",
    )
    .await;
    let browser = app.signed_in().await;
    let page = browser.get("/activity").await;
    let words = page.words();
    for sentence in [
        en().event_key_used_app("testapp1"),
        en().event_key_used(),
        en().event_host_linked_host("jdoe", "frontera"),
        format!("{} jdoe@example.org", en().activity_subject()),
        en().event_host_unlinked(),
        format!("{} odd", en().activity_subject()),
        "1 January 1970".to_owned(),
    ] {
        assert!(words.contains(&sentence), "{sentence}: {words}");
    }
}

#[tokio::test]
async fn equal_events_are_collapsed_with_details() {
    let app = TestApp::start().await;
    let mut fingerprints = Vec::new();
    for _ in 0..3 {
        let key = app.client().make_key(json!({})).await;
        fingerprints.push(key["public_key_fingerprint"].as_str().expect("a fingerprint").to_owned());
    }
    let browser = app.signed_in().await;
    let page = browser.get("/activity").await;
    let words = page.words();
    assert!(words.contains(&en().event_keys_created_app_host(3, "testhostaccount1", "testhost1", "testapp1")), "{words}");
    assert!(words.contains(&en().activity_single(3)) && fingerprints.iter().all(|fingerprint| words.contains(fingerprint)), "{words}");
    assert!(page.says("/keys/revoke?key=1&amp;key=2&amp;key=3"), "{}", page.text);
    let question = browser.get("/keys/revoke?key=1&key=2&key=3").await;
    assert!(question.says(en().keys_revoke_question(3)), "{}", question.words());
}

#[tokio::test]
async fn pages_of_collapsed_events_are_complete() {
    let app = TestApp::start().await;
    let insert = "INSERT INTO activity (tenant_id, at, kind, user_id, subject)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         SELECT 'test', 1000 + i / 2, 'key_used', 'testuser1', 'SHA256:' || substr(CAST(1000 + i AS TEXT), 2) FROM n";
    app.sql(insert).await;
    let browser = app.signed_in().await;
    let (mut address, mut seen) = ("/activity?show=keys&to=1970-01-01".to_owned(), Vec::new());
    loop {
        let page = browser.get(&address).await;
        let words = page.words();
        seen.extend(words.split("SHA256:").skip(1).map(|rest| rest[..3].to_owned()));
        let Some((before, _)) = page.text.split_once("rel=\"next\"") else { break };
        let (_, link) = before.rsplit_once("href=\"").expect("a link");
        address = link.split('"').next().expect("its end").replace("&amp;", "&");
        assert!(address.contains("to=1970-01-01"), "{address}");
    }
    assert_eq!(seen, (1..=60).rev().map(|n| format!("{n:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn dates_are_those_of_the_chosen_time_zone() {
    let app = TestApp::start().await;
    // 30 November 2026, 23:30 in Chicago, which is the next day in UTC.
    app.insert_activity("test", "testuser1", 1_796_103_000_000, "recovery_code_used").await;
    let browser = app.signed_in().await;
    let shows = async |query: &str| browser.get(&format!("/activity?{query}")).await.words().contains(&en().event_recovery_code_used());
    assert!(shows("from=2026-12-01&to=2026-12-01").await && !shows("from=2026-11-01&to=2026-11-30").await);
    browser.take_cookie("tms-zone=America/Chicago");
    assert!(shows("from=2026-11-01&to=2026-11-30").await && shows("to=2026-11-30").await && !shows("from=2026-12-01").await);
    let page = browser.get("/activity?from=2026-11-01").await;
    assert!(page.words().contains("30 November 2026") && page.words().contains(&en().activity_zone("America/Chicago")), "{}", page.words());
    assert!(page.says("value=\"2026-11-01\"") && page.says("type=\"date\""), "{}", page.text);
    for (query, problem) in [
        ("from=yesterday", en().activity_date_invalid()),
        ("to=2026-02-30", en().activity_date_invalid()),
        ("from=%3Cscript%3E&to=99999-01-01", en().activity_date_invalid()),
        ("from=2026-12-01&to=2026-11-30", en().activity_dates_reversed()),
    ] {
        let page = browser.get(&format!("/activity?{query}")).await;
        assert!(page.status == 200 && page.problem() == problem && !page.says("<script>&"), "{query}: {}", page.words());
        assert!(!page.words().contains(&en().event_signed_in()));
    }
    assert!(shows("from=0001-01-01&to=9999-12-31").await);
}

#[tokio::test]
async fn administrators_filter_by_person_or_administrator() {
    let app = TestApp::start().await;
    for person in ["eve", "eve2"] {
        app.add_person("test", person).await;
        app.insert_activity("test", person, 5, "recovery_code_used").await;
    }
    let browser = app.signed_in().await;
    browser.post("/api/admin/people/change", &[("user", "eve"), ("change", "open-mfa")]).await;
    let page = browser.get("/admin/activity?actor=eve").await;
    let words = page.words();
    assert!(words.contains(&en().event_recovery_code_used()) && words.contains(&en().event_mfa_opened()) && !words.contains("eve2"), "{words}");
    assert!(page.says("href=\"/admin/people/person?user=eve\"") && page.says("href=\"/admin/people/person?user=testuser1\""), "{}", page.text);
    assert!(!words.contains(&en().activity_not_me()));
    for actor in ["testuser1", "person:testuser1"] {
        let words = browser.get(&format!("/admin/activity?actor={actor}")).await.words();
        assert!(words.contains(&en().event_mfa_opened()) && !words.contains(&en().event_recovery_code_used()), "{words}");
    }
    assert!(browser.get("/admin/activity?actor=ev").await.says(en().list_nothing_found()), "exact");
    assert!(browser.get("/activity?actor=eve").await.words().contains(&en().event_signed_in()), "no filter of one's own log");
    let words = browser.get("/admin/activity?actor=eve&q=recovery&show=sign-ins").await.words();
    assert!(words.contains(&en().event_recovery_code_used()) && !words.contains(&en().event_mfa_opened()), "{words}");
}

#[tokio::test]
async fn pages_of_an_actor_have_each_event_once() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let insert = "INSERT INTO activity (tenant_id, at, kind, user_id, admin_id, subject)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80)
         SELECT 'test', 1000 + i / 8, 'key_revoked', CASE WHEN i % 4 < 2 THEN 'eve' ELSE 'testuser1' END,
                CASE i % 4 WHEN 0 THEN NULL WHEN 3 THEN 'eve' ELSE 'person:eve' END, 'SHA256:' || substr(CAST(1000 + i AS TEXT), 2) FROM n";
    app.sql(insert).await;
    app.insert_activity("test", "testuser1", 1005, "key_revoked").await;
    let browser = app.signed_in().await;
    let (mut address, mut seen) = ("/admin/activity?actor=eve&to=1970-01-01".to_owned(), Vec::new());
    loop {
        let page = browser.get(&address).await;
        seen.extend(page.words().split("SHA256:").skip(1).map(|rest| rest[..3].to_owned()));
        let Some((before, _)) = page.text.split_once("rel=\"next\"") else { break };
        let (_, link) = before.rsplit_once("href=\"").expect("a link");
        address = link.split('"').next().expect("its end").replace("&amp;", "&");
    }
    assert_eq!(seen, (1..=80).rev().map(|n| format!("{n:03}")).collect::<Vec<_>>());
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
        csv.starts_with("at,kind,person,client,subject,administrator,from,local_time,time_zone,host,account\r\n")
            && csv.contains(",key_created,testuser1,testclient1,SHA256:")
            && csv.contains(",UTC,testhost1,testhostaccount1\r\n"),
        "{csv}"
    );
    let created = export["activity"].as_array().expect("lines").iter().find(|line| line["kind"] == "key_created").expect("the key");
    assert_eq!((&created["host"], &created["account"]), (&json!("testhost1"), &json!("testhostaccount1")));
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
