//! A clock that was a day ahead and is corrected: no window lasts longer than its length, and stored times in the future are not used.

use std::time::Duration;

use serde_json::json;

use crate::app::{PASSWORD, TestApp};
use crate::tms::api::login;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn lock_out(app: &TestApp) {
    for _ in 0..10 {
        assert_eq!(app.browser().sign_in("test", "testuser1", "wrong").await.status, 422);
    }
}

#[tokio::test]
async fn lock_out_ends_after_its_window() {
    let app = TestApp::start().await;
    app.clock.advance(DAY);
    lock_out(&app).await;
    app.clock.set_back(DAY);
    for (minutes, left) in [(0, 600), (3, 420), (5, 120)] {
        app.clock.advance(minutes * MINUTE);
        let page = app.browser().sign_in("test", "testuser1", PASSWORD).await;
        assert_eq!((page.status, page.retry_after()), (429, Some(left)), "not lifted early, and not prolonged by a further attempt");
    }
    app.clock.advance(2 * MINUTE);
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn lock_out_ends_without_a_further_attempt() {
    let app = TestApp::start().await;
    app.clock.advance(DAY);
    lock_out(&app).await;
    app.clock.set_back(DAY);
    app.services.run_housekeeping().await.expect("done");
    app.clock.advance(10 * MINUTE);
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 200);
    app.clock.advance(180 * MINUTE);
    app.services.run_housekeeping().await.expect("done");
    assert_eq!(app.number("SELECT count(*) FROM attempts").await, 0);
}

#[tokio::test]
async fn sessions_end_no_later_than_without_the_wrong_clock() {
    let app = TestApp::start().await;
    let (used, unused) = (app.signed_in().await, app.signed_in().await);
    app.clock.advance(90 * MINUTE);
    assert_eq!((used.get("/keys").await.path.as_str(), unused.get("/keys").await.path.as_str()), ("/keys", "/keys"));
    app.clock.advance(DAY - 90 * MINUTE);
    let ahead = app.signed_in().await;
    app.clock.set_back(DAY);
    assert_eq!(ahead.get("/keys").await.path, "/sign-in", "signed in a day ahead");
    assert_eq!(used.get("/keys").await.path, "/keys", "signed in before, and seen 90 minutes ahead");
    app.services.run_housekeeping().await.expect("done");
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions WHERE signed_in_at IS NOT NULL").await, 2);
    app.clock.advance(120 * MINUTE);
    assert_eq!((used.get("/keys").await.path.as_str(), unused.get("/keys").await.path.as_str()), ("/sign-in", "/sign-in"), "idle for two hours");
}

#[tokio::test]
async fn codes_of_the_future_have_expired() {
    let app = TestApp::start().await;
    app.clock.advance(DAY);
    let device = app.start_device().await;
    app.clock.set_back(DAY);
    assert_eq!(app.poll(&device).await.error(), "expired_token");
    let device = app.start_device().await;
    assert_eq!(app.poll(&device).await.error(), "authorization_pending");
}

#[tokio::test]
async fn logins_of_the_future_do_not_make_others_free() {
    let app = TestApp::start().await;
    let (client, host) = (app.client(), app.unauthenticated());
    let key = login(&client.make_key(json!({ "num_uses": 2, "ttl_minutes": -1 })).await);
    app.sql("UPDATE user_mfa SET expires_at = 253402300799000").await;
    app.clock.advance(DAY);
    let far = host.gets_key(&key).await;
    app.clock.set_back(DAY);
    let left = async || client.get("/pubkeys/list").await.body["pubkeys"][0]["remaining_uses"].as_u64().expect("uses");
    assert_eq!((far, left().await), (true, 1));
    assert!(host.gets_key(&key).await);
    assert_eq!(left().await, 0, "counted");
    app.clock.advance(MINUTE);
    assert!(!host.gets_key(&key).await);
}
