//! A claim on a code lasts as long as its session.

use std::time::Duration;

use super::WRONG;
use crate::app::{Device, PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn open(app: &TestApp) -> (Device, Browser, Page) {
    let (device, browser) = (app.start_device().await, app.signed_in().await);
    let consent = browser.enter(&device.user_code).await;
    assert!(consent.says(&device.user_code), "{}", consent.words());
    (device, browser, consent)
}

async fn end_from_another(app: &TestApp, browser_session: &str) {
    let other = app.signed_in().await;
    other.post("/api/sessions/end", &[("session", browser_session)]).await;
}

#[tokio::test]
async fn code_can_be_entered_again_after_signing_out() {
    let app = TestApp::start().await;
    let (device, browser, _) = open(&app).await;
    browser.post("/sign-out", &[]).await;
    browser.sign_in("test", "testuser1", PASSWORD).await;
    let consent = browser.enter(&device.user_code).await;
    assert!(consent.says(&device.user_code), "{}", consent.words());
    assert!(browser.allow(&consent).await.says(en().result_connected()));
}

#[tokio::test]
async fn every_end_of_a_session_releases_its_codes() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.change_tenant("test", |tenant| tenant.policy.code_lifetime = 24 * HOUR).await;
    for end in ["sign-out", "ended", "others ended", "everything revoked", "another code", "another account", "expired"] {
        app.sql("DELETE FROM browser_sessions").await;
        let (device, browser, consent) = open(&app).await;
        let eve = app.signed_in_as("test", "eve", PASSWORD).await;
        let refused = eve.enter(&device.user_code).await;
        assert!(refused.refuses(|wait| en().code_refused_claimed(wait)), "{end}: {}", refused.words());
        match end {
            "sign-out" => drop(browser.post("/sign-out", &[]).await),
            "ended" => {
                let session = app.texts("SELECT public_id FROM browser_sessions WHERE user_id = 'testuser1'").await.remove(0);
                end_from_another(&app, &session).await;
            }
            "others ended" => drop(app.signed_in().await.post("/api/sessions/end-others", &[]).await),
            "everything revoked" => drop(app.signed_in().await.post("/api/keys/revoke-everything", &[]).await),
            "another code" => drop(browser.post("/api/device/another", &[("grant", &consent.field("grant"))]).await),
            "another account" => drop(browser.sign_in("test", "eve", PASSWORD).await),
            _ => {
                app.clock.advance(2 * HOUR);
                eve.sign_in("test", "eve", PASSWORD).await;
            }
        }
        let page = eve.enter(&device.user_code).await;
        assert!(page.status == 200 && page.says(&device.user_code), "{end}: {}", page.words());
        let form = [("grant", &*page.field("grant")), ("decision", "allow"), ("lifetime", "28800"), ("started_this", "yes")];
        assert!(eve.post("/api/device/decide", &form).await.says(en().result_connected()), "{end}");
        assert_eq!(app.texts("SELECT person FROM device_grants ORDER BY requested_at DESC LIMIT 1").await, ["eve"], "{end}");
    }
}

#[tokio::test]
async fn claim_before_sign_in_survives_it() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let (device, browser, eve) = (app.start_device().await, app.browser(), app.signed_in_as("test", "eve", PASSWORD).await);
    browser.enter(&device.user_code).await;
    assert!(eve.enter(&device.user_code).await.refuses(|wait| en().code_refused_claimed(wait)));
    let consent = browser.sign_in("test", "testuser1", PASSWORD).await;
    assert!(eve.enter(&device.user_code).await.refuses(|wait| en().code_refused_claimed(wait)));
    assert!(browser.allow(&consent).await.says(en().result_connected()));
}

#[tokio::test]
async fn lost_cookie_is_explained() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    app.browser().enter(&device.user_code).await;
    let browser = app.signed_in().await;
    for _ in 0..6 {
        let page = browser.enter(&device.user_code).await;
        assert!(page.problem() == en().code_refused_claimed(en().span_minutes(15)), "{}", page.words());
    }
    // None of these was a wrong code, and wrong ones still count.
    for _ in 0..5 {
        assert_eq!(browser.enter(WRONG).await.problem(), en().code_refused_not_valid());
    }
    assert_eq!(browser.enter(WRONG).await.status, 429);
}

#[tokio::test]
async fn person_continues_in_another_session() {
    let app = TestApp::start().await;
    let (device, lost, old) = open(&app).await;
    let browser = app.signed_in().await;
    let refused = browser.get(&old.address).await;
    assert!(refused.status == 422 && !refused.says(&device.user_code), "the address alone opens nothing: {}", refused.words());
    let consent = browser.enter(&device.user_code).await;
    assert!(consent.status == 200 && consent.says(&device.user_code), "{}", consent.words());
    assert_eq!(lost.allow(&old).await.status, 422, "the other session holds it now");
    assert!(browser.allow(&consent).await.says(en().result_connected()));
    assert_eq!(app.count_audit_events("code_presented_twice").await, 0);
}

/// After signing in again, the person is on the page of the submitted form.
#[tokio::test]
async fn decision_of_ended_session_returns_to_consent() {
    let app = TestApp::start().await;
    let (device, browser, consent) = open(&app).await;
    let session = app.texts("SELECT public_id FROM browser_sessions").await.remove(0);
    end_from_another(&app, &session).await;
    let sign_in = browser.allow(&consent).await;
    assert_eq!((sign_in.path.as_str(), sign_in.field("then")), ("/sign-in", consent.address.clone()));
    let sign_in = browser.get(&consent.address).await;
    assert_eq!((sign_in.path.as_str(), sign_in.field("then")), ("/sign-in", consent.address.clone()));
    assert_eq!(app.poll(&device).await.error(), "authorization_pending");

    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &sign_in.field("then"))];
    let again = browser.post("/sign-in/password", &form).await;
    assert!(again.address == consent.address && again.says(&device.user_code), "{}", again.words());
    let result = browser.allow(&again).await;
    assert!(result.says(en().result_connected()), "{}", result.words());

    // The next session shows the result.
    browser.post("/sign-out", &[]).await;
    let withdraw = result.form("/api/device/withdraw");
    let withdraw: Vec<(&str, &str)> = withdraw.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sign_in = browser.post("/api/device/withdraw", &withdraw).await;
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &sign_in.field("then"))];
    let again = browser.post("/sign-in/password", &form).await;
    assert!(again.address == result.address && again.says(en().result_revoke()), "{}", again.words());
}

#[tokio::test]
async fn url_of_another_persons_request_is_refused() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let (device, browser, consent) = open(&app).await;
    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    browser.post("/sign-out", &[]).await;
    for address in [&consent.address, &consent.address.replace("/device?", "/device/result?")] {
        let page = eve.get(address).await;
        assert!([404, 422].contains(&page.status) && !page.says("TMS command line") && !page.says(&device.user_code), "{}", page.words());
    }
}
