//! `/identities/password`: a person changes their local password.

use std::time::Duration;

use crate::app::{PASSWORD, TestApp};
use crate::browser::{Browser, Page, en};

const NEW: &str = "violet tractor seldom winter";

async fn change(browser: &Browser, current: &str, new: &str) -> Page {
    browser.post("/api/password/change", &[("current_password", current), ("new_password", new), ("repeated_password", new)]).await
}

#[tokio::test]
async fn password_change_requires_the_current_one() {
    let app = TestApp::start().await;
    let (browser, other) = (app.signed_in().await, app.signed_in().await);
    assert!(browser.get("/identities").await.says("href=\"/identities/password\""));
    let page = browser.get("/.well-known/change-password").await;
    assert_eq!(page.path, "/identities/password");
    for part in ["autocomplete=\"username\"", "autocomplete=\"current-password\"", "autocomplete=\"new-password\"", "value=\"testuser1\""] {
        assert!(page.says(part), "{part}: {}", page.text);
    }
    let cookie = browser.cookie();
    let page = change(&browser, PASSWORD, NEW).await;
    assert!(page.path == "/identities" && page.says(en().password_changed()), "{}", page.words());
    assert_ne!(browser.cookie(), cookie, "the cookie is renewed");
    assert_eq!(browser.get("/keys").await.path, "/keys");
    assert_eq!(other.get("/keys").await.path, "/sign-in", "other sessions end");
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 422);
    assert_eq!(app.browser().sign_in("test", "testuser1", NEW).await.status, 200);
    assert_eq!(app.count_audit_events("password_changed").await, 1);
    assert!(browser.get("/activity").await.says(en().event_password_changed()));
    let stranger = app.browser().get("/.well-known/change-password").await;
    assert_eq!(stranger.address, "/sign-in?then=/identities/password");
}

#[tokio::test]
async fn weak_new_password_is_refused() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for (new, says) in [
        ("short", en().password_refused_short(15)),
        ("passwordpassword", en().password_refused_common()),
        ("I am testuser1 here", en().password_refused_user_name()),
        (&*"violet tractor ".repeat(100), en().password_refused_long()),
    ] {
        let page = change(&browser, PASSWORD, new).await;
        assert!(page.status == 422 && page.path == "/identities/password" && page.problem().starts_with(&says), "{new}: {}", page.words());
    }
    let page =
        browser.post("/api/password/change", &[("current_password", PASSWORD), ("new_password", NEW), ("repeated_password", "something else")]).await;
    assert!(page.problem().starts_with(&en().password_not_repeated()), "{}", page.words());
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 200, "the old one stays");
}

#[tokio::test]
async fn wrong_current_passwords_count_as_sign_in_attempts() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    for _ in 0..10 {
        let page = change(&browser, "wrong", NEW).await;
        assert!(page.status == 422 && page.problem().starts_with(&en().password_refused_wrong()), "{}", page.words());
    }
    let page = change(&browser, PASSWORD, NEW).await;
    assert_eq!((page.status, page.retry_after()), (429, Some(600)), "{}", page.words());
    assert_eq!(app.browser().sign_in("test", "testuser1", PASSWORD).await.status, 429, "they count together");
    assert_eq!((app.count_audit_events("password_change_failed").await, app.count_audit_events("password_changed").await), (10, 0));
    app.clock.advance(Duration::from_secs(600));
    assert!(change(&browser, PASSWORD, NEW).await.says(en().password_changed()));
}

#[tokio::test]
async fn passwords_are_unicode_normalized() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    assert!(change(&browser, PASSWORD, "seldom ma\u{f1}ana violet tractor").await.says(en().password_changed()));
    assert_eq!(app.browser().sign_in("test", "testuser1", "seldom man\u{303}ana violet tractor").await.status, 200);
}

#[tokio::test]
async fn password_change_requires_a_local_password() {
    let app = TestApp::start().await;
    let browser = app.signed_in().await;
    app.sql("UPDATE people SET password_hash = NULL WHERE user_id = 'testuser1'").await;
    assert!(!browser.get("/identities").await.says("/identities/password"));
    let page = browser.get("/identities/password").await;
    assert!(page.status == 404 && page.says(en().password_refused_none()) && !page.says("name=\"new_password\""), "{}", page.words());
    assert!(change(&browser, PASSWORD, NEW).await.says(en().password_refused_none()));
    let strangers = app.browser().post_once("/api/password/change", &[("new_password", NEW)]).send().await.expect("an answer");
    assert_eq!(strangers.headers()["location"], "/sign-in");
}
