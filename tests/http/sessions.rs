//! `/sessions`.

use std::time::Duration;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};
use crate::tms::api::EVERYTHING;
use crate::tms::endpoints::OWN_KEY;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

async fn end(browser: &Browser, session: &str) -> Page {
    browser.post("/api/sessions/end", &[("session", session)]).await
}

/// The ids of the sessions that a page can end.
fn endable(page: &Page) -> Vec<&str> {
    page.text.split("/sessions/end?session=").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The id of the only device, for revoking it.
fn only_device(page: &Page) -> String {
    page.text.split("/sessions/end?grant=").nth(1).and_then(|rest| rest.split('"').next()).expect("a device").to_owned()
}

#[tokio::test]
async fn person_lists_sessions_and_ends_one() {
    let app = TestApp::start().await;
    let old = app.browser();
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD)];
    old.follow(old.post_once("/sign-in/password", &form).header("user-agent", FIREFOX)).await;
    app.clock.advance(Duration::from_secs(30 * 60));
    let browser = app.signed_in().await;

    let page = browser.get("/sessions").await;
    let words = page.words();
    let (this, other) = (
        words.find(&format!("{} {}", en().browser_unknown(), en().sessions_this_one())).expect("this one"),
        words.find(&en().browser_on("Firefox", "Linux")).expect("the other"),
    );
    assert!(this < other && page.text.matches(&format!("{}</span>", en().sessions_this_one())).count() == 1, "{words}");
    assert!(words.contains(&en().span_ago(en().span_minutes(30))) && words.contains("127.0.0.1"), "{words}");
    let sessions = endable(&page);
    assert_eq!(sessions.len(), 1, "the current one is ended by signing out");
    let question = browser.get(&format!("/sessions/end?session={}", sessions[0])).await;
    assert!(
        question.says(en().sessions_end_question(en().browser_on("Firefox", "Linux"))) && question.says(en().sessions_end_consequence()),
        "{}",
        question.words()
    );

    let ended = end(&browser, &question.field("session")).await;
    assert_eq!((ended.status, ended.path.as_str()), (200, "/sessions"));
    assert!(ended.says(en().sessions_ended()) && endable(&ended).is_empty() && !ended.says(en().sessions_end_others()));
    assert_eq!(old.get("/hosts").await.path, "/sign-in");
    assert_eq!(app.count_audit_events("session_ended").await, 1);
}

#[tokio::test]
async fn all_other_sessions_end_at_once() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    let others = [app.signed_in().await, app.signed_in().await];
    let browser = app.signed_in().await;
    assert!(browser.post("/api/sessions/end-others", &[]).await.says(en().sessions_others_ended(2)));
    assert!(browser.post("/api/sessions/end-others", &[]).await.says(en().sessions_others_ended(0)));
    for other in &others {
        assert_eq!(other.get("/hosts").await.path, "/sign-in");
    }
    assert_eq!((browser.get("/hosts").await.path, eve.get("/hosts").await.path), ("/hosts".to_owned(), "/hosts".to_owned()));
}

#[tokio::test]
async fn sessions_of_others_are_not_accessible() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_person("default", "testuser1").await;
    app.add_dora().await;
    let owner = app.signed_in().await;
    let session = app.texts("SELECT public_id FROM browser_sessions").await.remove(0);
    for (tenant, user) in [("test", "eve"), ("default", "testuser1")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        assert!(endable(&other.get("/sessions").await).is_empty());
        for name in [session.as_str(), "ses_nobody", "", "' OR 1=1 --"] {
            assert!(end(&other, name).await.says(en().sessions_ended_already()));
        }
        other.post("/api/sessions/end-others", &[]).await;
    }
    assert_eq!(owner.get("/hosts").await.path, "/hosts");
    assert_eq!(app.count_audit_events("session_ended").await, 0);
}

#[tokio::test]
async fn expired_sessions_are_not_listed() {
    let app = TestApp::start().await;
    app.signed_in().await;
    app.clock.advance(Duration::from_secs(2 * 60 * 60));
    let browser = app.signed_in().await;
    assert!(endable(&browser.get("/sessions").await).is_empty());
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions").await, 1);
}

#[tokio::test]
async fn ended_session_is_not_restored_by_use() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql("DELETE FROM browser_sessions").await;
    assert_eq!(browser.enter("BB").await.status, 422, "a visitor like any other");
    assert_eq!(browser.get("/hosts").await.path, "/sign-in");
}

#[tokio::test]
async fn devices_are_listed_and_revocable_in_every_session() {
    let app = TestApp::start().await;
    let first = app.signed_in().await;
    let device = app.start_device().await;
    let consent = first.enter(&device.user_code).await;
    first.allow(&consent).await;
    let token = app.poll(&device).await.token();
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);

    app.add_person("test", "eve").await;
    let (second, eve) = (app.signed_in().await, app.signed_in_as("test", "eve", PASSWORD).await);
    let page = second.get("/sessions").await;
    assert!(page.words().contains("TMS command line"), "{}", page.words());
    assert!(!eve.get("/sessions").await.words().contains("TMS command line"), "only one's own");
    let grant = only_device(&page);
    assert!(eve.post("/api/device/end", &[("grant", &grant)]).await.words().contains(&en().change_refused_gone()));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "not revocable by others");
    assert!(second.post("/api/device/end", &[("grant", &grant)]).await.words().contains(&en().sessions_taken_back()));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(second.get("/sessions").await.words().contains(&en().sessions_no_devices()));
}

#[tokio::test]
async fn revoking_a_device_revokes_keys_that_depend_on_it() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    let params = serde_json::json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = device.done("POST /me/keys", params).await;
    let browser = app.signed_in().await;
    let grant = only_device(&browser.get("/sessions").await).to_owned();
    assert!(browser.post("/api/device/end", &[("grant", &grant)]).await.status < 400);
    let fingerprint = key["public_key_fingerprint"].as_str().expect("a fingerprint");
    assert!(!browser.get("/keys?show=all").await.says(fingerprint), "not even listed");
    assert_eq!(app.count_audit_events("key_revoked").await, 1);
}
