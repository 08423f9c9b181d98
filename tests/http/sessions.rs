//! `/sessions`.

use std::time::Duration;

use crate::app::{PASSWORD, TestApp};
use crate::authorize::Hub;
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
    assert!(words.contains(&en().sessions_with_password()), "{words}");
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
    let device = app.start_device().await;
    app.allow(&device).await;
    let token = app.poll(&device).await.token();
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);

    app.add_person("test", "eve").await;
    let (second, eve) = (app.signed_in().await, app.signed_in_as("test", "eve", PASSWORD).await);
    let page = second.get("/sessions").await;
    assert!(!page.says("TMS command line") && page.says(en().sessions_apps()), "{}", page.words());
    assert!(second.get("/apps").await.says("TMS command line"));
    assert!(!eve.get("/apps").await.says("TMS command line"), "only one's own");
    let number = app.number("SELECT number FROM delegations WHERE device_grant_id IS NOT NULL").await.to_string();
    assert!(eve.post("/api/apps/end", &[("app", &number)]).await.says(en().change_refused_gone()));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200, "not revocable by others");
    assert!(second.post("/api/apps/end", &[("app", &number)]).await.says(en().apps_ended()));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert!(!second.get("/apps").await.says("TMS command line"));
}

#[tokio::test]
async fn revoking_a_device_revokes_keys_that_depend_on_it() {
    let app = TestApp::start().await;
    let device = app.device_with(EVERYTHING).await;
    let params = serde_json::json!({ "host": "testhost1", "host_account": "testhostaccount1", "public_key": OWN_KEY });
    let key = device.done("POST /me/keys", params).await;
    let browser = app.signed_in().await;
    let number = app.number("SELECT number FROM delegations WHERE device_grant_id IS NOT NULL").await.to_string();
    assert!(browser.post("/api/apps/end", &[("app", &number)]).await.status < 400);
    let fingerprint = key["public_key_fingerprint"].as_str().expect("a fingerprint");
    assert!(!browser.get("/keys?show=all").await.says(fingerprint), "not even listed");
    assert_eq!(app.count_audit_events("key_revoked").await, 1);
}

#[tokio::test]
async fn administrator_signs_out_one_session_of_a_person() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let [first, second] = [app.signed_in_as("test", "eve", PASSWORD).await, app.signed_in_as("test", "eve", PASSWORD).await];
    let sessions = app.texts("SELECT public_id FROM browser_sessions WHERE user_id = 'eve' ORDER BY signed_in_at, last_seen_at").await;
    let admin = app.signed_in().await;
    let page = admin.get("/admin/people/person?user=eve").await;
    assert!(sessions.iter().all(|session| page.says(session)), "{}", page.words());
    let question = admin.get(&format!("/admin/people/change?user=eve&change=end-session&session={}", sessions[0])).await;
    assert!(question.says(en().admin_people_end_session_question(en().browser_unknown(), "eve")), "{}", question.words());
    let form = [("user", "eve"), ("session", sessions[0].as_str())];
    assert!(admin.post("/api/admin/people/end-session", &form).await.says(en().sessions_ended()));
    assert_eq!((first.get("/hosts").await.path, second.get("/hosts").await.path), ("/sign-in".to_owned(), "/hosts".to_owned()));
    assert!(admin.post("/api/admin/people/end-session", &form).await.says(en().sessions_ended_already()));
    let of_another = [("user", "testuser1"), ("session", sessions[1].as_str())];
    assert!(admin.post("/api/admin/people/end-session", &of_another).await.says(en().sessions_ended_already()), "not that person's");
    assert_eq!(app.count_audit_events("session_ended").await, 1);
    assert_eq!(app.texts("SELECT admin_id FROM activity WHERE kind = 'session_ended'").await, ["person:testuser1"]);
    let own = app.texts("SELECT public_id FROM browser_sessions WHERE user_id = 'testuser1'").await.remove(0);
    assert_eq!(admin.get(&format!("/admin/people/change?user=testuser1&change=end-session&session={own}")).await.status, 404, "one's own");
}

#[tokio::test]
async fn long_list_of_sessions_is_limited_and_has_this_one_first() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
         INSERT INTO browser_sessions (id_hash, public_id, sealed, tenant_id, user_id, signed_in_at, last_seen_at, from_address, agent, expires_at)
         SELECT unhex(CAST(1000 + i AS TEXT)), 'ses_' || i, sealed, tenant_id, user_id, signed_in_at, last_seen_at + i, from_address, agent, expires_at
         FROM browser_sessions, n WHERE user_id = 'testuser1'",
    )
    .await;
    let page = browser.get("/sessions").await;
    assert_eq!(endable(&page).len(), 99);
    assert!(page.says(en().sessions_shown(100)));
    let first = page.text.split("<h2").nth(1).expect("a session");
    assert!(first.contains(&en().sessions_this_one()), "{first}");
    assert!(browser.post("/api/sessions/end-others", &[]).await.says(en().sessions_others_ended(150)));
}

/// S177.
#[tokio::test]
async fn sessions_name_the_applications_that_the_person_is_signed_in_to() {
    let hub = Hub::start().await;
    let (code, browser) = hub.code(&[]).await;
    assert_eq!(hub.redeem(&code).await.status, 200);
    let named = format!("{} hub", en().sessions_clients());
    for page in ["/sessions", "/admin/people/person?user=testuser1"] {
        let words = browser.get(page).await.words();
        assert!(words.contains(&named), "{page}: {words}");
    }
    let (code, other) = hub.code(&[("scope", "openid hosts:read offline_access")]).await;
    assert_eq!(hub.redeem(&code).await.status, 200);
    let words = other.get("/sessions").await.words();
    assert_eq!(words.matches(&named).count(), 1, "what outlives a session is not named there: {words}");
    let words = other.get("/apps").await.words();
    assert!(words.contains(&en().apps_sign_ins(1)) && words.contains(&en().apps_flow_code()), "{words}");
    let ended = other.post("/api/sessions/end-others", &[]).await;
    assert!(!ended.words().contains(&named), "{}", ended.words());
}
