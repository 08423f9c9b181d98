//! Several requests in the tabs of one browser: each page is about the request in its URL.

use crate::app::{Device, PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

async fn two_open(app: &TestApp) -> (Browser, [Device; 2], [Page; 2]) {
    let (browser, devices) = (app.signed_in().await, [app.start_device().await, app.start_device().await]);
    let pages = [browser.enter(&devices[0].user_code).await, browser.enter(&devices[1].user_code).await];
    (browser, devices, pages)
}

/// Approves without the required checkbox, for 30 days and without host accounts.
async fn approve_unconfirmed(browser: &Browser, consent: &Page) -> Page {
    browser.post("/api/device/decide", &[("grant", &consent.field("grant")), ("decision", "allow"), ("lifetime", "2592000")]).await
}

/// The tag of the first input that contains `with`.
fn input<'a>(page: &'a Page, with: &str) -> &'a str {
    page.text.split("<input").map(|tag| tag.split('>').next().unwrap_or_default()).find(|tag| tag.contains(with)).expect("an input")
}

#[tokio::test]
async fn refused_decision_shows_its_request_and_choices() {
    let app = TestApp::start().await;
    let (browser, [first, second], [page, other]) = two_open(&app).await;
    let refused = approve_unconfirmed(&browser, &page).await;
    assert_eq!((refused.status, refused.problem().as_str(), &refused.address), (422, en().decision_refused_not_confirmed().as_str(), &page.address));
    assert!(refused.says(&first.user_code) && !refused.says(&second.user_code), "{}", refused.words());
    assert!(input(&refused, "2592000").contains(" checked") && !input(&refused, "host_accounts[]").contains(" checked"), "{}", refused.text);
    for page in [browser.get(&other.address).await, browser.get(&page.address).await] {
        assert!(page.status == 200 && !input(&page, "2592000").contains(" checked"), "said once, and to the one it is about: {}", page.words());
    }
    browser.allow(&refused).await;
    assert_eq!((app.poll(&first).await.status, app.poll(&second).await.error()), (200, "authorization_pending"));
}

#[tokio::test]
async fn refused_decision_keeps_its_confirmation() {
    let app = TestApp::start().await;
    let (browser, _, [page, _]) = two_open(&app).await;
    let form = [("grant", page.field("grant")), ("decision", "allow".into()), ("lifetime", "60".into()), ("started_this", "yes".into())];
    let refused = browser.post("/api/device/decide", &form.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    assert!(refused.problem() == en().decision_refused_lifetime() && input(&refused, "started_this").contains(" checked"), "{}", refused.words());
}

#[tokio::test]
async fn form_of_released_request_decides_no_other() {
    let app = TestApp::start().await;
    let (browser, first, second) = (app.signed_in().await, app.start_device().await, app.start_device().await);
    let page = browser.enter(&first.user_code).await;
    browser.post("/api/device/another", &[("grant", &page.field("grant"))]).await;
    browser.enter(&second.user_code).await;
    let refused = approve_unconfirmed(&browser, &page).await;
    assert_eq!((refused.status, refused.problem().as_str(), &refused.address), (422, en().decision_refused_not_yours().as_str(), &page.address));
    assert!(!refused.says("id=\"compare\""), "no other request is shown to be answered: {}", refused.words());
    browser.allow(&browser.enter(&first.user_code).await).await;
    assert_eq!((app.poll(&first).await.status, app.poll(&second).await.error()), (200, "authorization_pending"));
}

#[tokio::test]
async fn each_tab_ends_at_its_own_result() {
    let app = TestApp::start().await;
    let (browser, [first, second], [page, other]) = two_open(&app).await;
    let (allowed, denied) = (browser.allow(&page).await, browser.deny(&other).await);
    assert_eq!(
        (allowed.title(), denied.title()),
        (en().document_title(en().result_connected()).as_str(), en().document_title(en().result_denied()).as_str())
    );
    assert_eq!((app.poll(&first).await.status, app.poll(&second).await.error()), (200, "access_denied"));

    let again = browser.get(&allowed.address).await;
    assert!(again.tells(|x| en().pickup_at_from(x, x)) && again.says(en().result_revoke()), "{}", again.words());
    assert_eq!(browser.get(&denied.address).await.title(), en().document_title(en().result_denied()).as_str());
    for (consent, result) in [(&page, &allowed), (&other, &denied)] {
        assert_eq!(browser.get(&consent.address).await.address, result.address, "it is answered");
    }
    let taken_back = browser.post("/api/device/withdraw", &[("grant", &again.field("grant"))]).await;
    assert_eq!((&taken_back.address, taken_back.title()), (&allowed.address, en().document_title(en().result_revoked()).as_str()));
}

#[tokio::test]
async fn pending_requests_are_listed_on_the_code_page() {
    let app = TestApp::start().await;
    let (browser, devices, pages) = two_open(&app).await;
    for path in ["/", "/device"] {
        let list = browser.get(path).await;
        for page in &pages {
            assert!(list.says(format!("href=\"{}\"", page.address)), "{path}: {}", list.text);
        }
    }
    assert!(devices.iter().all(|device| !pages[0].address.contains(&device.user_code)), "no code in an address");
    browser.post("/api/device/another", &[("grant", &pages[0].field("grant"))]).await;
    let list = browser.get("/device").await;
    assert!(!list.says(&pages[0].address) && list.says(&pages[1].address), "{}", list.text);
}

#[tokio::test]
async fn report_page_has_the_code_of_its_tab() {
    let app = TestApp::start().await;
    let (browser, devices, pages) = two_open(&app).await;
    for (device, page) in devices.iter().zip(&pages) {
        let report = format!("/device/report?grant={}", page.field("grant"));
        assert!(page.says(format!("href=\"{report}\"")), "{}", page.text);
        assert_eq!(browser.get(&report).await.field("user_code"), device.user_code);
    }
    assert_eq!(browser.get("/device/report").await.field("user_code"), "", "which one is not known");
}

#[tokio::test]
async fn codes_entered_before_sign_in_stay_in_their_tabs() {
    let app = TestApp::start().await;
    let (browser, devices) = (app.browser(), [app.start_device().await, app.start_device().await]);
    let tabs = [browser.enter(&devices[0].user_code).await, browser.enter(&devices[1].user_code).await];
    for (device, tab) in devices.iter().zip(&tabs) {
        let then = tab.field("then");
        assert!(tab.says(en().sign_in_code_kept()) && !tab.address.contains(&device.user_code), "{}", tab.address);
        let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", then.as_str())];
        let consent = browser.post("/sign-in/password", &form).await;
        assert!(consent.path == "/device" && consent.says(&device.user_code), "{}", consent.words());
        // Again from the same page: the code is no longer stored, and the page says so.
        let late = browser.post("/sign-in/password", &form).await;
        assert!(late.says(en().device_not_kept()) && late.says(&consent.address), "{}", late.words());
    }
}

#[tokio::test]
async fn tenant_switch_keeps_the_code_of_its_tab() {
    let app = TestApp::start().await;
    app.add_dora().await;
    let dora = app.signed_in_as("default", "dora", PASSWORD).await;
    let devices = [app.start_device().await, app.start_device().await];
    let pages = [dora.enter(&devices[0].user_code).await, dora.enter(&devices[1].user_code).await];
    let first = dora.get(&pages[0].address).await;
    assert_eq!(first.field("user_code"), devices[0].user_code);
    let sign_in = dora.post("/api/device/switch-tenant", &[("tenant", "test"), ("entry", &pages[0].field("entry"))]).await;
    assert_eq!(sign_in.field("tenant"), "test");
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &sign_in.field("then"))];
    let consent = dora.post("/sign-in/password", &form).await;
    assert!(consent.says(&devices[0].user_code), "{}", consent.words());
}
