//! The end session endpoint: T103, S145, S146; §3 abuse 26, 36.

use std::time::Duration;

use reqwest::Method;

use super::{BYE, NOTICES, SESSIONS, claims, id_token, signed_in, start};
use crate::app::Answer;
use crate::authorize::{Changes, Hub, answer, decide, left_for};
use crate::browser::{Browser, Page, en};

const ONLINE: &str = "openid hosts:read";

/// Goes to the endpoint as another site sends a browser there.
async fn open(browser: &Browser, parameters: &[(&str, &str)]) -> Page {
    let address = format!("/t/test/oauth/end_session?{}", serde_urlencoded::to_string(parameters).expect("encoded"));
    browser.follow_out(browser.request(Method::GET, &address).header("sec-fetch-site", "cross-site")).await
}

/// Whether the page asks, while the person is still signed in.
async fn asks(hub: &Hub, page: &Page) -> bool {
    let signed_in = hub.app.number("SELECT count(*) FROM browser_sessions WHERE signed_in_at IS NOT NULL").await > 0;
    signed_in && page.left_for.is_none() && page.path == "/sign-out/confirm" && page.says(en().sign_out_question())
}

/// Answers yes.
async fn agree(browser: &Browser, question: &Page) -> Page {
    browser.post("/sign-out", &[("request", &question.field("request"))]).await
}

#[tokio::test]
async fn hint_of_the_session_signs_out_at_once() {
    let (hub, _) = start().await;
    for (state, expected) in [(None, BYE.to_owned()), (Some("a b&c"), format!("{BYE}?state=a%20b%26c"))] {
        let (browser, tokens) = signed_in(&hub, ONLINE).await;
        // The token has expired, the session not.
        hub.app.clock.advance(Duration::from_secs(61 * 60));
        let mut parameters = vec![("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", BYE)];
        parameters.extend(state.map(|state| ("state", state)));
        let page = open(&browser, &parameters).await;
        assert_eq!(page.left_for, Some(expected));
        assert_eq!(hub.app.number(SESSIONS).await, 0);
        assert_eq!(browser.get("/hosts").await.path, "/sign-in");
    }
    assert_eq!(hub.app.count_audit_events("signed_out").await, 2);
    let (browser, tokens) = signed_in(&hub, ONLINE).await;
    let page = open(&browser, &[("id_token_hint", id_token(&tokens))]).await;
    assert_eq!((page.left_for.as_deref(), page.path.as_str()), (None, "/signed-out"));
    assert_eq!(hub.app.number(SESSIONS).await, 0);
}

#[tokio::test]
async fn form_of_another_site_signs_out_as_well() {
    let (hub, _) = start().await;
    let (browser, tokens) = signed_in(&hub, ONLINE).await;
    let form = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", BYE), ("client_id", "hub")];
    let request = browser.request(Method::POST, "/t/test/oauth/end_session").header("sec-fetch-site", "cross-site");
    let page = browser.follow_out(request.header("origin", "https://hub.example.org").form(&form)).await;
    assert_eq!(page.left_for.as_deref(), Some(BYE));
    assert_eq!(hub.app.number(SESSIONS).await, 0);
}

/// What shows no session of this browser asks.
#[tokio::test]
async fn anything_else_asks() {
    let (hub, _) = start().await;
    let (other, earlier) = signed_in(&hub, ONLINE).await;
    other.post("/sign-out", &[]).await;
    let (browser, tokens) = signed_in(&hub, ONLINE).await;
    let hint = id_token(&tokens);
    let access_token = tokens.token();
    let forged = format!("{hint}A");
    let cases: [Changes<'_>; 10] = [
        &[],
        &[("client_id", "hub")],
        &[("id_token_hint", "")],
        &[("id_token_hint", "x.y.z")],
        &[("id_token_hint", &*forged)],
        &[("id_token_hint", &*access_token)],
        &[("id_token_hint", id_token(&earlier))],
        &[("id_token_hint", hint), ("client_id", "testclient1")],
        &[("id_token_hint", hint), ("client_id", "a client/")],
        &[("id_token_hint", hint), ("id_token_hint", hint)],
    ];
    for parameters in cases {
        let page = open(&browser, parameters).await;
        assert!(asks(&hub, &page).await, "{parameters:?}: {} {}", page.path, page.words());
    }
    assert_eq!(hub.app.number(NOTICES).await, 1, "of the first sign-out");
}

#[tokio::test]
async fn image_with_a_good_hint_does_not_sign_out() {
    let (hub, _) = start().await;
    let (browser, tokens) = signed_in(&hub, ONLINE).await;
    let address = format!("/t/test/oauth/end_session?id_token_hint={}", id_token(&tokens));
    let sealed = Answer::of(browser.request(Method::GET, &address)).await.header("location").to_owned();
    for (method, name, value) in
        [(Method::GET, "sec-fetch-dest", "image"), (Method::GET, "sec-purpose", "prefetch;prerender"), (Method::HEAD, "sec-fetch-dest", "document")]
    {
        let answer = Answer::of(browser.request(method.clone(), &sealed).header(name, value)).await;
        assert!(answer.header("location").starts_with("/sign-out/confirm?"), "{method} {name}: {}", answer.header("location"));
    }
    assert_eq!(hub.app.count_audit_events("signed_out").await, 0);
    assert_eq!(browser.get("/hosts").await.path, "/hosts");
}

#[tokio::test]
async fn person_who_agrees_goes_back_to_a_registered_address_only() {
    let (hub, _) = start().await;
    let cases: [(Changes<'_>, Option<String>); 6] = [
        (&[("client_id", "hub"), ("post_logout_redirect_uri", BYE), ("state", "s")], Some(format!("{BYE}?state=s"))),
        (&[("client_id", "hub"), ("post_logout_redirect_uri", "https://hub.example.org/bye/")], None),
        (&[("client_id", "hub"), ("post_logout_redirect_uri", "https://hub.example.org/cb")], None),
        (&[("client_id", "testclient1"), ("post_logout_redirect_uri", BYE)], None),
        (&[("post_logout_redirect_uri", BYE)], None),
        (&[("client_id", "hub"), ("post_logout_redirect_uri", "//evil.example")], None),
    ];
    for (parameters, expected) in cases {
        let browser = hub.app.signed_in().await;
        let question = open(&browser, parameters).await;
        assert!(asks(&hub, &question).await, "{parameters:?}");
        assert_eq!(question.says(en().sign_out_asked_by("hub")), parameters[0].1 == "hub", "{parameters:?}: {}", question.words());
        let page = agree(&browser, &question).await;
        assert_eq!((page.path.as_str(), hub.app.number(SESSIONS).await), ("/signed-out", 0), "{parameters:?}");
        match expected {
            Some(address) => assert_eq!(left_for(&page), address),
            None => assert!(!page.text.contains("http-equiv=\"refresh\"") && !page.text.contains("hub.example.org"), "{parameters:?}: {}", page.text),
        }
    }
}

#[tokio::test]
async fn who_is_not_signed_in_goes_back_at_once() {
    let (hub, _) = start().await;
    let browser = hub.app.browser();
    let page = open(&browser, &[("client_id", "hub"), ("post_logout_redirect_uri", BYE)]).await;
    assert_eq!(page.left_for.as_deref(), Some(BYE));
    let without_return: [Changes<'_>; 2] = [&[], &[("client_id", "hub"), ("post_logout_redirect_uri", "https://evil.example/")]];
    for parameters in without_return {
        let page = open(&browser, parameters).await;
        assert!(page.left_for.is_none() && page.path == "/signed-out" && page.says(en().signed_out_lead()), "{}", page.words());
    }
    assert_eq!(hub.app.number(SESSIONS).await, 0, "nothing is stored");
}

#[tokio::test]
async fn question_is_open_for_fifteen_minutes() {
    let (hub, _) = start().await;
    let browser = hub.app.signed_in().await;
    let question = open(&browser, &[("client_id", "hub"), ("post_logout_redirect_uri", BYE)]).await;
    hub.app.clock.advance(Duration::from_secs(15 * 60));
    let page = agree(&browser, &question).await;
    assert!(page.path == "/signed-out" && !page.text.contains(BYE), "signed out, and stays here: {}", page.text);
    assert_eq!(hub.app.number(SESSIONS).await, 0);
    let page = hub.app.browser().get("/sign-out/confirm?request=nonsense").await;
    assert!(page.status == 200 && page.says(en().signed_out_lead()), "{}", page.words());
}

#[tokio::test]
async fn tenants_are_apart() {
    let (hub, _) = start().await;
    let (browser, tokens) = signed_in(&hub, ONLINE).await;
    let address = format!("/t/default/oauth/end_session?id_token_hint={}", id_token(&tokens));
    let page = browser.follow_out(browser.request(Method::GET, &address)).await;
    assert!(asks(&hub, &page).await, "{}", page.words());
    let missing = Answer::of(hub.app.http.get(hub.app.url("/t/nobody/oauth/end_session"))).await;
    assert_eq!(missing.status, 404);
    assert_eq!(claims(id_token(&tokens))["iss"], hub.app.tenant(""));
}

/// S150; S76 of a code that was not redeemed before.
#[tokio::test]
async fn sign_out_ends_what_does_not_outlive_the_session() {
    let (hub, _) = start().await;
    let (_, offline) = signed_in(&hub, "openid hosts:read offline_access").await;
    let (browser, online) = signed_in(&hub, ONLINE).await;
    let page = hub.open(&browser, &[("scope", ONLINE), ("prompt", "consent")]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    browser.post("/sign-out", &[]).await;
    assert_eq!(hub.app.api("/v1/tms/me", &online.token()).await.status, 401);
    assert_eq!(hub.app.api("/v1/tms/me", &offline.token()).await.status, 200);
    assert_eq!(hub.redeem(&code).await.error(), "invalid_grant");
}
