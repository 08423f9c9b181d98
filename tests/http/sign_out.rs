//! `/sign-out`.

use reqwest::Method;

use crate::app::TestApp;

#[tokio::test]
async fn sign_out_deletes_the_session() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    let cookie = browser.cookie();
    let answer = browser.post_once("/sign-out", &[]).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["location"].as_bytes()), (303, &b"/"[..]));
    assert_eq!(answer.headers()["clear-site-data"].as_bytes(), b"\"cache\", \"storage\"");
    assert!(answer.headers()["set-cookie"].to_str().expect("ASCII").contains("Max-Age=0"));
    assert_eq!(app.number("SELECT count(*) FROM browser_sessions").await, 0);
    assert_eq!(app.count_audit_events("signed_out").await, 1);

    let thief = app.browser();
    thief.take_cookie(&cookie);
    assert_eq!(thief.get("/hosts").await.path, "/sign-in");
}

#[tokio::test]
async fn get_request_does_not_sign_out() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(browser.request(method, "/sign-out").send().await.expect("an answer").status(), 405);
    }
    assert_eq!(browser.get("/hosts").await.path, "/hosts");
}

#[tokio::test]
async fn sign_out_without_session_succeeds() {
    let app = TestApp::start().await;
    let page = app.browser().post("/sign-out", &[]).await;
    assert_eq!((page.status, page.path.as_str()), (200, "/"));
    assert_eq!(app.count_audit_events("signed_out").await, 0);
}
