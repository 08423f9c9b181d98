//! `/device/report`: "I did not start this".

use super::WRONG;
use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

async fn report(browser: &Browser, code: &str) -> Page {
    browser.post("/api/device/report", &[("user_code", code)]).await
}

#[tokio::test]
async fn report_works_with_and_without_sign_in() {
    let app = TestApp::start().await;
    for (browser, person) in [(app.browser(), ""), (app.signed_in().await, "testuser1")] {
        let device = app.start_device().await;
        let page = report(&browser, &device.user_code.to_lowercase()).await;
        assert_eq!((page.status, page.title()), (200, en().document_title(en().report_thanks()).as_str()));
        assert_eq!(app.poll(&device).await.error(), "access_denied");
        let records = app.texts("SELECT concat(tenant_id, ' ', user_id, ' ', client_id) FROM activity WHERE kind = 'device_reported'").await;
        assert_eq!(records.last().map(String::as_str), Some(format!("test {person} tms-cli").as_str()));
        assert_eq!(browser.get("/device/report").await.title(), en().document_title(en().not_started()).as_str(), "said once");
    }
    assert_eq!(app.count_audit_events("device_reported").await, 2);
    assert_eq!(app.texts("SELECT DISTINCT state FROM device_grants WHERE reported").await, ["denied"]);
}

#[tokio::test]
async fn report_finds_the_code_in_pasted_text() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let page = report(&app.browser(), &format!("{}/device?user_code={}", app.base, device.user_code.replace('-', "%2D"))).await;
    assert_eq!(page.title(), en().document_title(en().report_thanks()).as_str());
}

#[tokio::test]
async fn report_stops_a_request_open_elsewhere() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.signed_in().await;
    let consent = browser.enter(&device.user_code).await;
    assert_eq!(browser.get("/device/report").await.field("user_code"), device.user_code, "the code need not be typed again");
    report(&app.browser(), &device.user_code).await;

    let late = browser.allow(&consent).await;
    assert_eq!((late.path.as_str(), late.title()), ("/device/result", en().document_title(en().result_denied()).as_str()));
    assert_eq!(app.poll(&device).await.error(), "access_denied");
    assert_eq!(app.consents().await, 0);
}

#[tokio::test]
async fn report_across_tenants_is_anonymous() {
    let app = TestApp::start().await;
    app.add_dora().await;
    let device = app.start_device().await;
    let dora = app.signed_in_as("default", "dora", PASSWORD).await;
    assert_eq!(report(&dora, &device.user_code).await.status, 200);
    assert_eq!(app.poll(&device).await.error(), "access_denied");
    let records = app.texts("SELECT concat_ws(' ', tenant_id, user_id, from_address) FROM activity WHERE kind = 'device_reported'").await;
    assert_eq!(records, ["test 127.0.0.1"]);
}

#[tokio::test]
async fn wrong_codes_in_reports_count_as_attempts() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for _ in 0..5 {
        let page = report(&browser, WRONG).await;
        assert_eq!((page.status, page.path.as_str(), page.problem().as_str()), (422, "/device/report", en().code_refused_not_valid().as_str()));
        assert_eq!((page.field("user_code").as_str(), page.title()), (WRONG, en().document_title_refused(en().not_started()).as_str()));
    }
    let stopped = report(&browser, &app.start_device().await.user_code).await;
    assert_eq!((stopped.status, stopped.path.as_str(), stopped.retry_after()), (429, "/device/report", Some(600)));
    assert_eq!(browser.enter(WRONG).await.status, 429);
    assert_eq!(app.count_audit_events("device_reported").await, 0);
}

#[tokio::test]
async fn malformed_code_in_a_report_is_explained() {
    let app = TestApp::start().await;
    let browser = app.browser();
    assert_eq!(report(&browser, "").await.problem(), en().code_refused_empty());
    assert_eq!(report(&browser, "WDJB").await.problem(), en().code_refused_length(4));
}

#[tokio::test]
async fn approved_request_cannot_be_reported_by_others() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let owner = app.signed_in().await;
    owner.allow(&owner.enter(&device.user_code).await).await;
    assert_eq!(report(&app.browser(), &device.user_code).await.problem(), en().code_refused_not_valid());
    assert_eq!(app.poll(&device).await.status, 200);
}
