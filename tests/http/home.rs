//! `/`.

use crate::app::{PASSWORD, TestApp};

#[tokio::test]
async fn a_stranger_learns_what_this_is() {
    let app = TestApp::start().await;
    let page = app.browser().get("/").await;
    assert_eq!((page.status, page.title()), (200, "Let your programs in, and see who you let in · Trust Manager"));
    assert!(page.says("href=\"/device\"") && page.says("href=\"/sign-in\"") && !page.says("Sign out"));
}

#[tokio::test]
async fn a_person_sees_who_they_are_and_what_waits() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let words = browser.get("/").await.words();
    assert!(words.contains("You are signed in as testuser1 at Test."), "{words}");
    assert!(words.contains("Nothing. When a program shows you a code"), "{words}");
    assert!(words.contains("One host account is linked to you."), "{words}");
    assert!(words.contains(&format!("tms login --server {} --tenant test", app.base)), "{words}");

    browser.enter(&app.start_device().await.user_code).await;
    let words = browser.get("/").await.words();
    assert!(words.contains("TMS command line any program can use this name asks to use your account."), "{words}");
}

#[tokio::test]
async fn a_name_with_html_in_it_stays_text() {
    let app = TestApp::start().await;
    app.sql("UPDATE people SET display_name = '<script>alert(1)</script>\"''&'").await;
    app.sql("UPDATE tenants SET display_name = '<b>Test</b>' WHERE id = 'test'").await;
    let browser = app.signed_in_as("test", "testuser1", PASSWORD).await;
    for path in ["/", "/hosts", "/sessions"] {
        let page = browser.get(path).await;
        assert!(!page.says("<script>alert") && !page.says("<b>Test"), "{path}: {}", page.text);
    }
}
