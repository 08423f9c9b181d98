//! The authorization endpoint: what it takes, and the errors that the client is told.

use reqwest::Method;
use reqwest::header::{ACCEPT, ORIGIN};
use tms_portal::domain::client::registration::PkceRule;

use super::{CALLBACK, CHALLENGE, HUB, Hub, answer, asks, decide, error_of, left_for, open, parameters, redirect};
use crate::app::PASSWORD;
use crate::browser::en;

/// T1, S48: a form of another site comes without cookies, and may not be refused as foreign.
#[tokio::test]
async fn get_and_post_give_the_same_page() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let get = hub.open(&browser, &[]).await;
    let form = parameters(HUB, &[]);
    let posted = || {
        let request = browser.request(Method::POST, "/t/test/oauth/authorize").header(ORIGIN, "https://hub.example.org");
        request.header("sec-fetch-site", "cross-site").form(&form)
    };
    let post = browser.follow_out(posted()).await;
    assert!(asks(&get) && asks(&post), "{}", post.words());
    assert_eq!(get.words(), post.words());
    let both = browser.request(Method::POST, "/t/test/oauth/authorize?response_type=code&client_id=hub").form(&form[2..]);
    assert!(asks(&browser.follow_out(both).await), "parameters of query and body count together");
    let first = browser.request(Method::GET, &hub.request(&[])).header(ACCEPT, "text/html").header(ORIGIN, "https://hub.example.org");
    for request in [first, posted()] {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 303);
        for header in ["set-cookie", "access-control-allow-origin", "access-control-allow-credentials"] {
            assert_eq!(response.headers().get(header), None);
        }
        let location = response.headers()["location"].to_str().expect("ASCII").to_owned();
        assert!(location.starts_with("/authorize?request="), "{location}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    let preflight = browser.request(Method::OPTIONS, "/t/test/oauth/authorize").header(ORIGIN, "https://hub.example.org").send().await;
    assert_eq!(preflight.expect("an answer").headers().get("access-control-allow-origin"), None);
}

/// T11 to T13, T15, T17, T21, T27, T29; §3 abuse 5.
#[tokio::test]
async fn problems_are_answered_to_the_client() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let (long, short, padded) = (format!("{CHALLENGE}A"), &CHALLENGE[..42], format!("{}=", &CHALLENGE[..42]));
    let nonce = "n".repeat(1_025);
    for (change, error) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", &*long), "invalid_request"),
        (("code_challenge", short), "invalid_request"),
        (("code_challenge", &*padded), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", "s256"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "phone address"), "invalid_scope"),
        (("scope", "keys:revoke"), "invalid_scope"),
        (("request", "e30.e30."), "request_not_supported"),
        (("request_uri", "https://hub.example.org/request"), "request_uri_not_supported"),
        (("resource", "https://elsewhere.example/"), "invalid_target"),
        (("nonce", &*nonce), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("max_age", "x"), "invalid_request"),
        (("max_age", "1.5"), "invalid_request"),
    ] {
        let answer = answer(&hub.open(&browser, &[change]).await);
        assert_eq!((answer["error"].as_str(), answer["state"].as_str()), (error, "xyz"), "{change:?}");
        assert_eq!(answer["iss"], hub.app.tenant(""));
        assert!(!answer.contains_key("code") && !answer["error_description"].is_empty(), "{answer:?}");
    }
    hub.app.wait_for("SELECT count(*) FROM activity WHERE subject LIKE 'code_challenge_missing: %' AND client_id = 'hub'", 1).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await, 0);
}

/// T14, S27, S28.
#[tokio::test]
async fn challenge_may_be_left_out_by_registration_only() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let nonce = [without[0], without[1], ("nonce", "n")];
    assert_eq!(error_of(&hub.open(&browser, &nonce).await), "invalid_request");
    hub.change(|client, _| client.pkce = PkceRule::Nonce).await;
    assert_eq!(error_of(&hub.open(&browser, &without).await), "invalid_request");
    assert!(asks(&hub.open(&browser, &nonce).await));
    assert!(asks(&hub.open(&browser, &[]).await));
    hub.change(|client, _| client.pkce = PkceRule::Off).await;
    assert!(asks(&hub.open(&browser, &without).await));
    assert_eq!(error_of(&hub.open(&browser, &[("code_challenge_method", "plain")]).await), "invalid_request", "nor then");
    super::register_public(&hub.app, &[CALLBACK]).await;
    let public = super::request_of("desktop", &nonce);
    assert_eq!(error_of(&open(&browser, &public).await), "invalid_request");
}

/// T16; RFC 6749 §3.1.
#[tokio::test]
async fn repeated_parameter_is_refused() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    for name in ["response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age", "login_hint", "x"] {
        let address = hub.request(&[(name, "1")]);
        let page = open(&browser, &format!("{address}&{name}=1")).await;
        assert_eq!(error_of(&page), "invalid_request", "{name}");
    }
    let repeated = open(&browser, &format!("{}&state=other", hub.request(&[]))).await;
    assert!(!answer(&repeated).contains_key("state"), "which of the two is not known");
    // RFC 8707 §2.
    let api = hub.app.url("/v1/tms");
    assert!(asks(&hub.open(&browser, &[("resource", &*api)]).await));
    let both = open(&browser, &format!("{}&resource={api}&resource=https://elsewhere.example/", hub.request(&[]))).await;
    assert_eq!(error_of(&both), "invalid_target");
}

/// T17, S43; §3 abuse 31.
#[tokio::test]
async fn address_of_a_request_object_is_not_fetched() {
    let hub = Hub::start().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let address = format!("http://{}/request", listener.local_addr().expect("its address"));
    let page = hub.open(&hub.app.signed_in().await, &[("request_uri", &address)]).await;
    assert_eq!(error_of(&page), "request_uri_not_supported");
    assert_eq!(listener.accept().expect_err("nobody").kind(), std::io::ErrorKind::WouldBlock);
}

/// T18, T21.
#[tokio::test]
async fn unknown_parameters_and_scopes_are_passed_over() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let page = hub.open(&browser, &[("scope", "openid phone offline:access"), ("audience", "x"), ("display", "popup")]).await;
    let code = answer(&decide(&browser, &page, &[("decision", "allow")]).await)["code"].clone();
    assert_eq!(hub.redeem(&code).await.body["scope"], "openid");
}

/// T19, S6, S30.
#[tokio::test]
async fn state_returns_as_it_was_sent() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let unit = "&\0\"<\u{e9}=+ %26#?\r\n'";
    let long = unit.repeat(4 * 1024 / unit.len()) + &"x".repeat(4 * 1024 % unit.len());
    assert_eq!(long.len(), 4 * 1024);
    for state in [unit, long.as_str(), "0", " "] {
        let page = hub.open(&browser, &[("state", state)]).await;
        let denied = decide(&browser, &page, &[("decision", "deny")]).await;
        assert_eq!(answer(&denied)["state"], state);
        assert!(!denied.says(unit), "escaped");
        assert_eq!(answer(&hub.open(&browser, &[("state", state), ("prompt", "none")]).await)["state"], state);
    }
    assert!(!answer(&hub.open(&browser, &[("state", ""), ("prompt", "none")]).await).contains_key("state"));
}

/// T20, S31.
#[tokio::test]
async fn registered_query_is_kept() {
    let hub = Hub::start().await;
    let uri = format!("{CALLBACK}?from=tms&x=a%26b");
    let registered = uri.clone();
    hub.change(move |_, uris| uris.redirect = vec![redirect(&registered)]).await;
    let page = hub.open(&hub.app.signed_in().await, &[("redirect_uri", &uri), ("prompt", "none")]).await;
    assert!(left_for(&page).starts_with(&format!("{uri}&error=consent_required&")), "{}", left_for(&page));
}

/// T22, S32: the portal is no open redirector.
#[tokio::test]
async fn error_leaves_after_sign_in_only() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let page = hub.open(&browser, &[("response_type", "token")]).await;
    assert_eq!((page.status, page.path.as_str(), &page.left_for), (200, "/sign-in", &None), "{}", page.words());
    assert!(!page.says("hub.example.org"));
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &page.field("then"))];
    assert_eq!(error_of(&browser.post("/sign-in/password", &form).await), "unsupported_response_type");
    let silent = hub.open(&hub.app.browser(), &[("response_type", "token"), ("prompt", "none")]).await;
    assert_eq!(error_of(&silent), "unsupported_response_type", "after prompt=none at once");
}

/// T23; RFC 9207.
#[tokio::test]
async fn every_answer_names_the_issuer() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    let (first, second) = (hub.open(&browser, &[]).await, hub.open(&browser, &[]).await);
    let answers = [
        answer(&decide(&browser, &first, &[("decision", "allow")]).await),
        answer(&decide(&browser, &second, &[("decision", "deny")]).await),
        answer(&hub.open(&browser, &[("response_type", "token")]).await),
    ];
    assert!(answers.iter().all(|answer| answer["iss"] == hub.app.tenant("")), "{answers:?}");
    assert_eq!(answers[1]["error"], "access_denied");
}

/// T33, S42.
#[tokio::test]
async fn request_chooses_the_language_of_its_pages_only() {
    let hub = Hub::start().await;
    let browser = hub.app.browser();
    let page = hub.open(&browser, &[("ui_locales", "eo es-MX en")]).await;
    assert!(page.path == "/sign-in" && page.says("lang=\"es\""), "{}", page.text);
    let form = [("tenant", "test"), ("user_name", "testuser1"), ("password", PASSWORD), ("then", &page.field("then"))];
    let page = browser.post("/sign-in/password", &form).await;
    assert!(asks(&page) && page.says("lang=\"es\""), "{}", page.text);
    let onward = decide(&browser, &page, &[("decision", "deny")]).await;
    assert!(onward.says("lang=\"es\"") && error_of(&onward) == "access_denied");
    assert!(browser.get("/").await.says("lang=\"en\""));
    let page = hub.open(&browser, &[("ui_locales", "eo")]).await;
    assert!(page.says("lang=\"en\"") && page.says(en().authorize_told()), "{}", page.words());
}
