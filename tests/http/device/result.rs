//! `/device/result`: the outcome, and revoking it.

use std::time::Duration;

use crate::app::{Device, PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

async fn allowed(app: &TestApp) -> (Device, Browser, Page) {
    let (device, browser) = (app.start_device().await, app.signed_in().await);
    let result = browser.allow(&browser.enter(&device.user_code).await).await;
    assert_eq!((result.path.as_str(), result.title()), ("/device/result", en().document_title(en().result_connected()).as_str()));
    (device, browser, result)
}

async fn withdraw(browser: &Browser, result: &Page) -> Page {
    browser.post("/api/device/withdraw", &[("grant", &result.field("grant"))]).await
}

#[tokio::test]
async fn result_page_follows_the_device() {
    let app = TestApp::start().await;
    let (device, browser, result) = allowed(&app).await;
    assert!(result.words().contains(&format!("TMS command line {}", en().client_any_program())), "{}", result.words());
    assert!(result.words().contains(&en().consent_account_on("testhost1", "testhostaccount1")), "{}", result.words());
    assert!(result.words().contains(&en().pickup_waiting()), "{}", result.words());
    assert_eq!(browser.get(&result.address).await.words(), result.words(), "looking again changes nothing");

    assert_eq!(app.poll(&device).await.status, 200);
    let after = browser.get(&result.address).await;
    assert!(after.words().contains("20 November 2026, 12:0") && after.words().contains("127.0.0.1"), "{}", after.words());
    assert!(after.tells(|x| en().pickup_at_from(x, x)) && after.says("<time datetime=\"2026-11-20T12:0"), "{}", after.text);
    assert_eq!(browser.get("/device").await.title(), en().document_title(en().device_title()).as_str());
}

#[tokio::test]
async fn approval_revoked_before_redemption_gives_no_token() {
    let app = TestApp::start().await;
    let (device, browser, result) = allowed(&app).await;
    let page = withdraw(&browser, &result).await;
    assert_eq!((page.status, page.path.as_str(), page.title()), (200, "/device/result", en().document_title(en().result_revoked()).as_str()));
    assert_eq!(app.poll(&device).await.error(), "access_denied");
    assert_eq!((app.consents().await, app.count_audit_events("device_withdrawn").await), (0, 1));
}

#[tokio::test]
async fn approval_revoked_after_redemption_ends_the_token() {
    let app = TestApp::start().await;
    let (device, browser, result) = allowed(&app).await;
    let token = app.poll(&device).await.token();
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    assert_eq!(withdraw(&browser, &result).await.title(), en().document_title(en().result_revoked()).as_str());
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 401);
    assert_eq!(app.consents().await, 0);

    let again = withdraw(&browser, &result).await;
    assert_eq!((again.title(), again.problem().as_str()), (en().document_title(en().result_revoked()).as_str(), en().change_refused_gone().as_str()));
    assert_eq!(app.count_audit_events("device_withdrawn").await, 1);
}

#[tokio::test]
async fn results_of_others_are_not_accessible() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    app.add_dora().await;
    let (device, _, result) = allowed(&app).await;
    let before = app.grants().await;
    for (tenant, user) in [("test", "eve"), ("default", "dora")] {
        let other = app.signed_in_as(tenant, user, PASSWORD).await;
        let page = other.get(&result.address).await;
        assert_eq!((page.status, page.title()), (404, en().document_title(en().result_nothing()).as_str()));
        withdraw(&other, &result).await;
        other.post("/api/device/decide", &[("grant", &result.field("grant")), ("decision", "deny")]).await;
        assert!(!other.get(&result.address).await.says("TMS command line"));
    }
    assert_eq!(app.grants().await, before);
    assert_eq!(app.poll(&device).await.status, 200);
}

#[tokio::test]
async fn denial_does_not_look_like_success() {
    let app = TestApp::start().await;
    let (device, browser) = (app.start_device().await, app.signed_in().await);
    let page = browser.deny(&browser.enter(&device.user_code).await).await;
    assert_eq!((page.status, page.title()), (200, en().document_title(en().result_denied()).as_str()));
    assert!(page.says(en().result_denied_means()));
    assert!(!page.says(en().result_connected()) && !page.says(en().result_revoke()), "{}", page.words());
    assert_eq!(app.poll(&device).await.error(), "access_denied");
    assert_eq!((app.consents().await, app.count_audit_events("device_denied").await), (0, 1));
}

#[tokio::test]
async fn unredeemed_approval_expires() {
    let app = TestApp::start().await;
    let (device, browser, result) = allowed(&app).await;
    app.clock.advance(Duration::from_secs(15 * 60));
    let page = browser.get(&result.address).await;
    assert_eq!(page.title(), en().document_title(en().result_expired()).as_str());
    assert_eq!(app.poll(&device).await.error(), "expired_token");
    app.services.run_housekeeping().await.expect("tidied");
    assert_eq!((app.consents().await, app.count_audit_events("device_lapsed").await), (0, 1));
}

#[tokio::test]
async fn result_page_requires_a_decision() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert_eq!(browser.get("/device/result").await.title(), en().document_title(en().result_nothing()).as_str());
    let consent = browser.enter(&app.start_device().await.user_code).await;
    let page = browser.get(&consent.address.replace("/device?", "/device/result?")).await;
    assert_eq!((&page.address, page.says(en().consent_question("TMS command line"))), (&consent.address, true), "it still waits");
}
