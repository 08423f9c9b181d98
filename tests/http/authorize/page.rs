//! The pages of the flow in the browser: whose request it is, tabs, expiry, the way back, and their protection.

use std::time::Duration;

use super::{CALLBACK, DECIDE, Hub, answer, asks, decide, error_of, left_for, parameters_of};
use crate::app::PASSWORD;
use crate::browser::{Browser, Page, en};

const SCOPE: (&str, &str) = ("scope", "openid profile hosts:read keys:create");

/// Signs in in the tab that shows the sign-in page.
async fn sign_in(browser: &Browser, page: &Page, user: &str) -> Page {
    let form = [("tenant", "test"), ("user_name", user), ("password", PASSWORD), ("then", &page.field("then"))];
    browser.post("/sign-in/password", &form).await
}

/// T34, S45; §3 abuse 13.
#[tokio::test]
async fn request_belongs_to_the_session_that_opened_it() {
    let hub = Hub::start().await;
    for first in [hub.app.browser(), hub.app.signed_in().await] {
        let page = hub.open(&first, &[SCOPE]).await;
        let address = if page.path == "/sign-in" { page.field("then") } else { page.address.clone() };
        let request = address.split_once("request=").expect("a handle").1.to_owned();
        for other in [hub.app.browser(), hub.app.signed_in().await] {
            for path in [address.clone(), address.replacen("/authorize", "/authorize/onward", 1)] {
                let page = other.get(&path).await;
                assert!(page.says(en().authorize_elsewhere()) && !page.says(DECIDE) && !page.says("hub"), "{}", page.words());
            }
        }
        let thief = hub.app.signed_in().await;
        let form = [("request", &*request), ("decision", "allow"), ("lifetime", "28800")];
        assert!(thief.post(DECIDE, &form).await.says(en().authorize_elsewhere()));
    }
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await, 0);
}

/// T35, S46.
#[tokio::test]
async fn four_tabs_end_at_their_own_clients() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let mut tabs = Vec::new();
    for state in ["one", "two", "three", "four"] {
        tabs.push((state, hub.open(&browser, &[SCOPE, ("state", state)]).await));
    }
    let mut pages = Vec::new();
    for (state, tab) in &tabs {
        let page = sign_in(&browser, tab, "testuser1").await;
        assert!(asks(&page), "{}", page.words());
        pages.push((*state, page));
    }
    for (state, page) in pages.iter().rev() {
        assert_eq!(answer(&decide(&browser, page, &[("decision", "deny")]).await)["state"], *state);
    }
}

/// T36, S47.
#[tokio::test]
async fn unanswered_request_ends_after_fifteen_minutes() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let (page, open) = (hub.open(&browser, &[SCOPE]).await, hub.open(&browser, &[SCOPE]).await);
    hub.app.clock.advance(Duration::from_secs(15 * 60 - 1));
    assert!(asks(&browser.get(&page.address).await));
    answer(&decide(&browser, &page, &[("decision", "deny")]).await);
    hub.app.clock.advance(Duration::from_secs(1));
    for late in [decide(&browser, &open, &[("decision", "allow")]).await, browser.get(&open.address).await] {
        assert!(late.says(en().authorize_expired()) && late.says(en().authorize_expired_means()), "{}", late.words());
    }
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await, 0);
}

/// T37, S56; §3 abuse 11.
#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    let request = page.field("request");
    for path in [DECIDE, "/api/authorize/change-account"] {
        let form = [("request", &*request), ("decision", "allow"), ("lifetime", "28800")];
        let foreign = browser.request(reqwest::Method::POST, path).header("origin", "https://hub.example.org").header("sec-fetch-site", "cross-site");
        assert_eq!(browser.follow(foreign.form(&form)).await.status, 403, "{path}");
    }
    assert!(asks(&browser.get(&page.address).await), "unchanged");
}

/// T38.
#[tokio::test]
async fn missing_and_unknown_requests_are_explained() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let long = "A".repeat(2_000);
    for path in ["/authorize", "/authorize/onward"] {
        let page = browser.get(path).await;
        assert!(page.status == 200 && page.says(en().authorize_nothing_means()), "{path}: {}", page.words());
        for request in ["A".repeat(43).as_str(), "x", "%00", "'--", &long] {
            let page = browser.get(&format!("{path}?request={request}")).await;
            assert!(page.status == 404 && page.says(en().authorize_gone_means()), "{request}: {}", page.words());
        }
    }
    for form in [&[][..], &[("request", "x"), ("decision", "allow")], &[("request", &"A".repeat(43)), ("decision", "allow"), ("lifetime", "28800")]] {
        let page = browser.post(DECIDE, form).await;
        assert!([200, 404].contains(&page.status) && page.path == "/authorize", "{form:?}: {} {}", page.status, page.words());
    }
    let page = hub.open(&browser, &[SCOPE]).await;
    let undecided = decide(&browser, &page, &[("decision", "perhaps")]).await;
    assert!(asks(&undecided), "{}", undecided.words());
    assert!(asks(&browser.get(&page.address.replacen("/authorize", "/authorize/onward", 1)).await), "there is no answer yet");
}

/// T43, S63.
#[tokio::test]
async fn changing_the_account_keeps_the_request() {
    let hub = Hub::start().await;
    hub.app.add_person("test", "eve").await;
    hub.app.link_host("test", "eve", "frontera", crate::database::FAR).await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    assert!(page.says("testhost1") && !page.says("frontera"));
    let change = page.form("/api/authorize/change-account");
    let change: Vec<(&str, &str)> = change.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sign_in_page = browser.post("/api/authorize/change-account", &change).await;
    assert_eq!((sign_in_page.path.as_str(), sign_in_page.field("then")), ("/sign-in", page.address.clone()));
    let eves = sign_in(&browser, &sign_in_page, "eve").await;
    assert!(asks(&eves) && eves.address == page.address, "{}", eves.words());
    assert!(eves.words().contains(&en().person_at("eve", "Test")) && eves.says("frontera") && !eves.says("testhost1"), "{}", eves.words());
    // The form that was open for the other person decides nothing for eve.
    let code = answer(&decide(&browser, &eves, &[("decision", "allow")]).await)["code"].clone();
    let token = hub.redeem(&code).await.token();
    assert_eq!(hub.app.api("/v1/tms/me", &token).await.body["tms_user_id"], "eve");
}

/// Who uses another account in the same browser session does not get the answer of the one before.
#[tokio::test]
async fn answer_is_for_the_person_who_decided() {
    let hub = Hub::start().await;
    hub.app.add_person("test", "eve").await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    let change = page.form("/api/authorize/change-account");
    let change: Vec<(&str, &str)> = change.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let onward = decide(&browser, &page, &[("decision", "allow")]).await;
    answer(&onward);
    let sign_in_page = browser.post("/api/authorize/change-account", &change).await;
    sign_in(&browser, &sign_in_page, "eve").await;
    for address in [&page.address, &onward.address] {
        let page = browser.get(address).await;
        assert!(page.status == 404 && page.says(en().authorize_gone_means()), "{}", page.words());
    }
}

/// An administrator removed the redirect URI, such as one of a host that was taken over.
#[tokio::test]
async fn removed_redirect_uri_gets_no_answer() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let (waiting, other) = (hub.open(&browser, &[SCOPE]).await, hub.open(&browser, &[SCOPE]).await);
    let onward = decide(&browser, &other, &[("decision", "allow")]).await;
    answer(&onward);
    hub.change(|_, uris| uris.redirect = vec![super::redirect("https://hub.example.org/other")]).await;
    let page = browser.get(&waiting.address).await;
    assert!(page.status == 400 && page.left_for.is_none() && page.says(en().authorize_refused_means()), "{}", page.words());
    let page = browser.get(&onward.address).await;
    assert!(page.status == 404 && !page.says("http-equiv=\"refresh\""), "{}", page.words());
}

/// Signing out ends the session to which the request belongs.
#[tokio::test]
async fn signing_out_leaves_the_request() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE]).await;
    browser.post("/sign-out", &[]).await;
    let sign_in_page = browser.post(DECIDE, &[("request", &page.field("request")), ("decision", "deny")]).await;
    assert_eq!(sign_in_page.path, "/sign-in", "{}", sign_in_page.words());
    let page = sign_in(&browser, &sign_in_page, "testuser1").await;
    assert!(page.says(en().authorize_elsewhere()), "{}", page.words());
}

/// T48, T49, S60, S61; §3 abuse 14.
#[tokio::test]
async fn pages_are_protected() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let sign_in_page = hub.open(&browser, &[SCOPE]).await;
    let consent = sign_in(&browser, &sign_in_page, "testuser1").await;
    let onward = decide(&browser, &consent, &[("decision", "allow")]).await;
    for page in [&sign_in_page, &consent, &onward] {
        let policy = page.header("content-security-policy");
        for part in ["form-action 'self'", "frame-ancestors 'none'", "default-src 'none'"] {
            assert!(policy.contains(part), "{}: {policy}", page.path);
        }
        assert!(!policy.contains("hub.example.org"));
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"), "{}", page.path);
    }
    assert_eq!((onward.status, onward.header("referrer-policy")), (200, "no-referrer"));
    assert!(onward.says("rel=\"external noreferrer\"") && onward.says(en().authorize_go_host("hub.example.org")), "{}", onward.text);
    assert_eq!(left_for(&browser.get(&onward.address).await), left_for(&onward), "it can be loaded again");
}

/// S61: a redirect only if no page was shown before.
#[tokio::test]
async fn browser_is_redirected_only_without_a_page() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let sign_in_page = hub.open(&browser, &[("response_type", "token")]).await;
    let page = sign_in(&browser, &sign_in_page, "testuser1").await;
    assert!(page.left_for.is_none() && error_of(&page) == "unsupported_response_type", "{}", page.text);
    let page = hub.open(&browser, &[("response_type", "token")]).await;
    assert!(page.left_for.is_some(), "{}", page.text);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
}

/// S5: what stands in the address of a page opens nothing elsewhere, and nothing secret is in the database.
#[tokio::test]
async fn handle_and_code_are_stored_as_hashes() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE, ("state", "very-secret-state"), ("nonce", "very-secret-nonce")]).await;
    let request = page.field("request");
    let stored = |dump: std::collections::BTreeMap<String, Vec<String>>, text: &str| dump.values().flatten().any(|row| row.contains(text));
    for secret in [&*request, "very-secret-state", "very-secret-nonce", CALLBACK] {
        let dump = hub.app.dump("test").await.into_iter().filter(|(table, _)| table != "client_uris").collect();
        assert!(!stored(dump, secret), "{secret}");
    }
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    for secret in [&request, &code] {
        assert!(!stored(hub.app.dump("test").await, secret), "{secret}");
    }
}

/// The answer reaches the client's address as the request named it.
#[tokio::test]
async fn answer_goes_where_the_request_said() {
    let hub = Hub::start().await;
    hub.change(|_, uris| uris.redirect.push(super::redirect("org.example.app:/cb"))).await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[SCOPE, ("redirect_uri", "org.example.app:/cb")]).await;
    assert!(page.says(en().authorize_to_this_computer()), "{}", page.words());
    let onward = decide(&browser, &page, &[("decision", "deny")]).await;
    let address = left_for(&onward);
    assert!(address.starts_with("org.example.app:/cb?") && onward.says(en().authorize_go_program()), "{address}");
    assert_eq!(parameters_of(&address)["error"], "access_denied");
}
