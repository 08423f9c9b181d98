//! `/`.

use crate::app::{PASSWORD, TestApp};
use crate::browser::en;

#[tokio::test]
async fn anonymous_visitor_sees_the_introduction() {
    let app = TestApp::start().await;
    let page = app.browser().get("/").await;
    assert_eq!((page.status, page.title()), (200, en().document_title(en().home_welcome()).as_str()));
    assert!(page.says("href=\"/device\"") && page.says("href=\"/sign-in\"") && !page.says(en().sign_out()));
}

#[tokio::test]
async fn person_sees_account_and_pending_requests() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let words = browser.get("/").await.words();
    assert!(words.contains(&format!("{} testuser1 {} Test.", en().home_signed_in_as(), en().home_at())), "{words}");
    assert!(words.contains(&en().home_nothing_before()), "{words}");
    assert!(words.contains(&en().home_hosts_linked(1)), "{words}");
    assert!(words.contains(&format!("tms login --server {} --tenant test", app.base)), "{words}");

    browser.enter(&app.start_device().await.user_code).await;
    let words = browser.get("/").await.words();
    assert!(words.contains(&format!("TMS command line {} {}", en().client_any_program(), en().home_asks())), "{words}");
}

#[tokio::test]
async fn html_in_a_name_is_escaped() {
    let app = TestApp::start().await;
    app.sql("UPDATE people SET display_name = '<script>alert(1)</script>\"''&'").await;
    app.sql("UPDATE tenants SET display_name = '<b>Test</b>' WHERE id = 'test'").await;
    let browser = app.signed_in_as("test", "testuser1", PASSWORD).await;
    for path in ["/", "/hosts", "/sessions"] {
        let page = browser.get(path).await;
        assert!(!page.says("<script>alert") && !page.says("<b>Test"), "{path}: {}", page.text);
    }
}
