use crate::app::TestApp;

#[tokio::test]
async fn a_portal_that_runs_is_alive_and_ready() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.http.get(app.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_person_lets_a_device_in_without_javascript() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    assert_eq!(app.poll(&device).await.error(), "authorization_pending");
    let browser = app.browser();

    let sign_in = browser.enter(&device.user_code.to_lowercase()).await;
    assert_eq!((sign_in.status, sign_in.path.as_str()), (200, "/sign-in"), "{}", sign_in.text);
    let consent = browser.sign_in("test", "testuser1", crate::app::PASSWORD).await;
    assert_eq!((consent.status, consent.path.as_str()), (200, "/device"), "{}", consent.text);
    assert!(consent.says(&device.user_code), "{}", consent.text);
    let result = browser.allow(&consent).await;
    assert!(result.says("Connected"), "{}", result.text);

    let token = app.poll(&device).await;
    assert_eq!(token.status, 200, "{}", token.body);
    let me = app.api("/v1/tms/me", token.body["access_token"].as_str().expect("a token")).await;
    assert_eq!((me.status, me.body["tms_user_id"].as_str()), (200, Some("testuser1")));
    assert!(browser.get("/device/result").await.says("picked it up"));
}
