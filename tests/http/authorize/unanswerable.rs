//! Requests that cannot be answered to their client get a page with 400 that neither redirects nor links there.

use std::time::Duration;

use tms_portal::server::state::RequestLimits;

use super::{CALLBACK, HUB, Hub, asks, left_for, open, redirect, register_public, request_of};
use crate::app::{Setup, TestApp, no_limits, number};
use crate::browser::{Browser, Page, en};

/// Opens a request that is refused by a page, which does not have `address`.
async fn refused(browser: &Browser, request: &str, address: &str) -> Page {
    let page = open(browser, request).await;
    assert_eq!((page.status, &page.left_for, page.header("location")), (400, &None, ""), "{request}: {}", page.words());
    assert!(page.title().contains(&en().authorize_refused()) && page.says(en().authorize_refused_means()), "{}", page.words());
    assert!(!page.text.contains(address) && !page.text.contains("http-equiv=\"refresh\""), "{}", page.text);
    page
}

/// Waits for the record of a refusal, and returns it.
async fn recorded(app: &TestApp) -> String {
    app.wait_for("SELECT count(*) FROM activity WHERE kind = 'client_request_refused'", 1).await;
    let recorded = app.refused_requests().await.remove(0);
    app.sql("DELETE FROM activity WHERE kind = 'client_request_refused'").await;
    recorded
}

/// T2 to T5.
#[tokio::test]
async fn unusable_client_or_address_gets_a_page() {
    let hub = Hub::start().await;
    let app = &hub.app;
    let browsers = [app.browser(), app.signed_in().await];
    let evil = "https://evil.example/cb";
    for browser in &browsers {
        refused(browser, &request_of("nobody", &[]), CALLBACK).await;
        refused(browser, &request_of("no such client", &[]), CALLBACK).await;
        refused(browser, &hub.request(&[("client_id", "")]), CALLBACK).await;
        refused(browser, &request_of("testclient1", &[]), CALLBACK).await;
        assert_eq!(recorded(app).await, "testclient1 grant_type_not_allowed: authorization_code");
        refused(browser, &hub.request(&[("redirect_uri", evil)]), evil).await;
        assert_eq!(recorded(app).await, format!("hub redirect_uri_not_registered: {evil}; registered: {CALLBACK}"));
        refused(browser, &hub.request(&[("redirect_uri", "")]), CALLBACK).await;
        assert_eq!(recorded(app).await, "hub redirect_uri_missing", "with openid it must be named");
        // A refusal for one reason is recorded once in a while.
        app.clock.advance(Duration::from_secs(3_600));
    }
    app.switch_client(HUB, false).await;
    refused(&app.browser(), &hub.request(&[]), CALLBACK).await;
    assert_eq!(recorded(app).await, "hub client_disabled");
    assert_eq!(app.number("SELECT count(*) FROM authorization_requests").await, 0);
}

#[tokio::test]
async fn unknown_tenant_is_not_found() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    for tenant in ["nobody", "TEST", "..%2Ftest", "%FF"] {
        let page = open(&browser, &hub.request(&[]).replacen("/t/test/", &format!("/t/{tenant}/"), 1)).await;
        assert_eq!((page.status, &page.left_for), (404, &None), "{tenant}");
    }
    hub.app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_eq!(open(&browser, &hub.request(&[])).await.status, 404);
}

/// The request cannot be answered as it was sent.
#[tokio::test]
async fn malformed_request_gets_a_page() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let good = hub.request(&[]);
    for extra in ["&client_id=hub", "&redirect_uri=https://evil.example", "&state=%FF", "&%FF=x", &format!("&x={}", "x".repeat(16 * 1024))] {
        refused(&browser, &format!("{good}{extra}"), CALLBACK).await;
    }
    let state = "x".repeat(4 * 1024 + 1);
    refused(&browser, &hub.request(&[("state", &state)]), CALLBACK).await;
    let form = [("client_id", HUB)];
    let page = browser.follow_out(browser.request(reqwest::Method::POST, "/t/test/oauth/authorize").json(&form)).await;
    assert_eq!(page.status, 400, "no form");
}

/// T6; §3 abuse 6.
#[tokio::test]
async fn address_is_compared_character_by_character() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    for uri in [
        "https://HUB.example.org/cb",
        "HTTPS://hub.example.org/cb",
        "https://hub.example.org/CB",
        "https://hub.example.org/x/%2e%2e/cb",
        "https://hub.example.org/%63b",
        "https://hub.example.org/./cb",
        "https://hub.example.org/cb/",
        "https://hub.example.org/cb%20",
        "https://jdoe@hub.example.org/cb",
        "https://hub.example.org\\cb",
        "https://hub.example.org\\@evil.example/cb",
        "https://h\u{fc}b.example.org/cb",
        "https://hub.example.org./cb",
        "https://hub.example.org:443/cb",
        "https://hub.example.org/cb?x=1",
        "https://hub.example.org/cb?",
        "https://hub.example.org/cb#x",
        "https://hub.example.org/\tcb",
        "https://hub.example.org/cb\n",
        " https://hub.example.org/cb",
        "http://hub.example.org/cb",
        "//hub.example.org/cb",
        "javascript:alert(1)//https://hub.example.org/cb",
    ] {
        refused(&browser, &hub.request(&[("redirect_uri", uri)]), uri).await;
    }
}

/// T7 to T10; RFC 8252 §7.3, §3 abuse 7.
#[tokio::test]
async fn loopback_address_has_any_port() {
    let app = TestApp::start().await;
    register_public(&app, &["http://127.0.0.1/cb", "http://[::1]:9000/cb"]).await;
    let browser = app.signed_in().await;
    let request = |uri: &str| request_of("desktop", &[("redirect_uri", uri), ("prompt", "none")]);
    for uri in ["http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]/cb", "http://[::1]:9001/cb"] {
        let left = left_for(&open(&browser, &request(uri)).await);
        assert!(left.starts_with(&format!("{uri}?error=consent_required")), "{left}");
    }
    for uri in [
        "http://127.0.0.1:9000/other",
        "http://127.0.0.1:9000/cb/",
        "http://127.0.0.1:9000/cb?x",
        "http://localhost:9000/cb",
        "http://127.0.0.1.evil/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1:x/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://0177.0.0.1/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "https://127.0.0.1/cb",
    ] {
        refused(&browser, &request(uri), uri).await;
    }
}

/// T9: as registered by programs that do not know RFC 8252 §8.3.
#[tokio::test]
async fn localhost_is_used_where_it_is_registered() {
    let app = TestApp::start().await;
    register_public(&app, &["http://localhost:8000/callback"]).await;
    let browser = app.signed_in().await;
    let request = |uri: &str| request_of("desktop", &[("redirect_uri", uri), ("prompt", "none")]);
    let left = left_for(&open(&browser, &request("http://localhost:54321/callback")).await);
    assert!(left.starts_with("http://localhost:54321/callback?error="), "{left}");
    refused(&browser, &request("http://127.0.0.1:8000/callback"), "127.0.0.1:8000").await;
}

/// S23.
#[tokio::test]
async fn only_address_may_be_left_out_without_openid() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let unnamed = hub.request(&[("redirect_uri", ""), ("scope", "hosts:read"), ("prompt", "none")]);
    assert!(left_for(&open(&browser, &unnamed).await).starts_with(&format!("{CALLBACK}?error=consent_required")));
    hub.change(|_, uris| uris.redirect = vec![redirect(CALLBACK), redirect("https://hub.example.org/other")]).await;
    refused(&browser, &unnamed, CALLBACK).await;
}

/// Each is stored, so that they are limited more than pages are.
#[tokio::test]
async fn requests_per_address_are_limited() {
    let limits = RequestLimits { device_requests: number(2), ..no_limits() };
    let hub = Hub::start_as(Setup { limits, ..Setup::default() }).await;
    let browser = hub.app.signed_in().await;
    for _ in 0..2 {
        assert!(asks(&hub.open(&browser, &[]).await));
    }
    let page = hub.open(&browser, &[]).await;
    assert!(page.status == 429 && page.says(en().error_too_many_means()), "{}", page.words());
    assert_eq!(hub.app.number("SELECT count(*) FROM authorization_requests").await, 2);
}
