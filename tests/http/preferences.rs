//! Language, colours and time zone, and signing in again.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, SET_COOKIE};

use crate::app::{PASSWORD, Setup, TestApp};
use crate::browser::{Browser, en};

async fn in_language(browser: &Browser, path: &str, accepted: &str) -> String {
    let request = browser.request(Method::GET, path).header(ACCEPT, "text/html").header(ACCEPT_LANGUAGE, accepted);
    request.send().await.expect("an answer").text().await.expect("a text")
}

#[tokio::test]
async fn language_is_chosen_or_negotiated() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for path in ["/", "/device", "/no-such-page"] {
        assert!(in_language(&browser, path, "es-MX,en;q=0.5").await.contains("<html lang=\"es\" dir=\"ltr\""), "{path}");
        assert!(in_language(&browser, path, "fr").await.contains("<html lang=\"en\" dir=\"ltr\""), "{path}");
    }
    let answer = browser.post_once("/api/preferences/set", &[("language", "es"), ("back", "/device")]).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/device".parse().expect("a value")));
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("tms-language=es;") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(in_language(&browser, "/device", "en").await.contains("<html lang=\"es\""), "what was chosen goes first");
    let signed_in = app.signed_in().await;
    signed_in.post("/api/preferences/set", &[("language", "es")]).await;
    assert!(signed_in.get("/keys").await.says("Claves SSH"));
}

#[tokio::test]
async fn theme_is_kept_and_can_follow_the_system() {
    let app = TestApp::start().await;
    let browser = app.browser();
    assert!(!browser.get("/device").await.says("data-theme"));
    assert!(browser.post("/api/preferences/set", &[("theme", "dark"), ("back", "/device")]).await.says("data-theme=\"dark\""));
    for ignored in ["", "purple", "dark\"><script>"] {
        assert!(browser.post("/api/preferences/set", &[("theme", ignored), ("back", "/device")]).await.says("data-theme=\"dark\""), "{ignored}");
    }
    assert!(!browser.post("/api/preferences/set", &[("theme", "system"), ("back", "/device")]).await.says("data-theme"));
}

#[tokio::test]
async fn preferences_return_to_pages_of_this_portal_only() {
    let app = TestApp::start_as(Setup { https: true, ..Setup::default() }).await;
    for back in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/keys\r\nX: y", ""] {
        let answer = app
            .browser()
            .request(Method::POST, "/api/preferences/set")
            .header("sec-fetch-site", "same-origin")
            .form(&[("language", "es"), ("back", back)])
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.headers()["location"], "/", "{back:?}");
        assert!(answer.headers()[SET_COOKIE].to_str().expect("text").ends_with("; Secure"));
    }
}

#[tokio::test]
async fn re_authentication_returns_to_the_admin_page() {
    let app = TestApp::start().await;
    app.add_person("test", "eve").await;
    let browser = app.signed_in().await;
    assert_eq!(browser.get("/admin/clients?show=enabled").await.status, 200);
    app.clock.advance(Duration::from_secs(16 * 60));
    let page = browser.get("/admin/clients?show=enabled").await;
    assert!(page.path == "/sign-in" && page.says(en().sign_in_again_title()), "{}", page.words());
    assert_eq!((page.field("user_name"), page.field("then")), ("testuser1".into(), "/admin/clients?show=enabled".into()));
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("again", "1"), ("then", "/admin/clients?show=enabled")];
    let page = browser.post("/sign-in/password", &form).await;
    assert!(page.path == "/admin/clients" && page.says("testapp1"), "{}", page.words());

    let eve = app.signed_in_as("test", "eve", PASSWORD).await;
    assert_eq!(eve.get("/admin").await.status, 404, "to everybody else there is no such page");
    assert!(!eve.get("/").await.says(en().nav_admin()));
    assert_eq!(app.browser().get("/admin/keys").await.path, "/sign-in");
}

#[tokio::test]
async fn times_use_the_chosen_time_zone() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(browser.get("/activity").await.says("November 2026, 12:00 UTC"));
    let page = browser.get("/settings?then=/activity").await;
    assert!(page.says("<option value=\"Europe/Madrid\"") && page.says("name=\"back\" value=\"/activity\""), "{}", page.text);
    let page = browser.post("/api/preferences/set", &[("zone", "europe/madrid"), ("back", "/activity")]).await;
    assert!(page.path == "/activity" && page.says("November 2026, 13:00 CET") && !page.says(" UTC"), "{}", page.text);
    for ignored in ["", "Nowhere/Else", "CET\r\nSet-Cookie: x=y", "../../etc/passwd"] {
        let page = browser.post("/api/preferences/set", &[("zone", ignored), ("back", "/activity")]).await;
        assert!(page.says("13:00 CET"), "{ignored:?}");
    }
    let csv = browser.request(Method::GET, "/activity.csv").send().await.expect("an answer").text().await.expect("a text");
    assert!(csv.contains("\r\n2026-11-20T12:00:00+00:00,") && csv.contains(",2026-11-20T13:00:00+01:00,Europe/Madrid,,\r\n"), "{csv}");
    let page = browser.post("/api/preferences/set", &[("zone", "browser"), ("back", "/activity")]).await;
    assert!(page.says("12:00 UTC") && app.browser().get("/settings").await.status == 200, "strangers may choose too");
}

#[tokio::test]
async fn spans_are_rounded_to_the_nearest_unit() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    app.clock.advance(Duration::from_secs(1));
    let page = browser.get("/apps").await;
    assert!(page.says(en().in_span(en().span_hours(8))), "{}", page.words());
}
