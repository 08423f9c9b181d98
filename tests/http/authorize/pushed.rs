//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use super::{CALLBACK, Changes, HUB, Hub, answer, asks, changed, decide, error_of, open, parameters, register_public};
use crate::app::{Answer, Setup};
use crate::browser::{Browser, Page, en};
use crate::oauth::{assert_never_stored, error, refused};

const PAR: &str = "/oauth/par";
const SCOPE: (&str, &str) = ("scope", "openid hosts:read keys:create");

impl Hub {
    async fn push(&self, changes: Changes<'_>) -> Answer {
        let form = [parameters(HUB, &[]), vec![("client_secret", self.secret.as_str())]].concat();
        self.app.send(PAR, &changed(&form, changes)).await
    }

    /// The `request_uri` of a pushed request.
    async fn pushed(&self, changes: Changes<'_>) -> String {
        let answer = self.push(changes).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["request_uri"].as_str().expect("a text").to_owned()
    }
}

fn address(client: &str, request_uri: &str) -> String {
    format!("/t/test/oauth/authorize?{}", serde_urlencoded::to_string([("client_id", client), ("request_uri", request_uri)]).expect("encoded"))
}

async fn open_pushed(browser: &Browser, request_uri: &str) -> Page {
    open(browser, &address(HUB, request_uri)).await
}

fn assert_page_refuses(page: &Page) {
    assert!(page.status == 400 && page.left_for.is_none() && page.says(en().authorize_refused_means()), "{}", page.words());
}

/// S67, S72; §3 abuse 35: what was pushed counts.
#[tokio::test]
async fn pushed_request_is_opened_once_answered() {
    let hub = Hub::start().await;
    let pushed = hub.push(&[SCOPE]).await;
    assert_never_stored(&pushed);
    assert_eq!((pushed.status, pushed.body["expires_in"].as_u64()), (201, Some(90)), "{}", pushed.body);
    let uri = pushed.body["request_uri"].as_str().expect("a text");
    let handle = uri.strip_prefix("urn:ietf:params:oauth:request_uri:").expect("the prefix of RFC 9126");
    assert_eq!(handle.len(), 43, "256 bits");

    let browser = hub.app.signed_in().await;
    let other = format!("{}&scope=keys:read&state=other&redirect_uri=https://evil.example/cb&prompt=none", address(HUB, uri));
    let page = open(&browser, &other).await;
    assert!(asks(&page), "what else is in the address is ignored: {}", page.words());
    let again = open_pushed(&browser, uri).await;
    assert!(asks(&again) && again.address != page.address);
    let answered = answer(&decide(&browser, &again, &[("decision", "allow")]).await);
    assert_eq!(answered["state"], "xyz");
    let tokens = hub.redeem(&answered["code"]).await;
    assert_eq!(tokens.body["scope"], "hosts:read keys:create openid");

    assert_page_refuses(&open_pushed(&browser, uri).await);
    let late = browser.get(&page.address).await;
    assert!(late.status == 404 && late.says(en().authorize_gone_means()), "{}", late.words());
    decide(&browser, &page, &[("decision", "allow")]).await;
    assert_eq!(hub.app.number("SELECT count(*) FROM authorizations WHERE client_id = 'hub'").await, 1);
}

/// S67.
#[tokio::test]
async fn pushed_request_expires() {
    let hub = Hub::start().await;
    let uri = hub.pushed(&[]).await;
    let browser = hub.app.signed_in().await;
    hub.app.clock.advance(Duration::from_secs(89));
    let page = open_pushed(&browser, &uri).await;
    assert!(asks(&page));
    hub.app.clock.advance(Duration::from_secs(1));
    assert_page_refuses(&open_pushed(&browser, &uri).await);
    hub.app.clock.advance(Duration::from_secs(600));
    answer(&decide(&browser, &page, &[("decision", "allow")]).await);
}

/// S66, S68, S69, S74.
#[tokio::test]
async fn pushed_request_is_checked_at_once() {
    let hub = Hub::start().await;
    for (change, expected) in [
        (("client_secret", "wrong"), (401, "invalid_client")),
        (("client_secret", ""), (401, "invalid_client")),
        (("redirect_uri", "https://evil.example/cb"), (400, "invalid_request")),
        (("redirect_uri", ""), (400, "invalid_request")),
        (("code_challenge", ""), (400, "invalid_request")),
        (("code_challenge_method", "plain"), (400, "invalid_request")),
        (("response_type", "token"), (400, "unsupported_response_type")),
        (("scope", "phone"), (400, "invalid_scope")),
        (("prompt", "none login"), (400, "invalid_request")),
        (("resource", "https://elsewhere.example/"), (400, "invalid_target")),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), (400, "invalid_request")),
        (("request", "e30.e30."), (400, "request_not_supported")),
    ] {
        assert_eq!(error(&hub.push(&[change]).await), refused(expected.0, expected.1), "{change:?}");
    }
    let [id, secret] = [("client_id", "testclient1"), ("client_secret", "secret1")];
    assert_eq!(error(&hub.push(&[id, secret]).await), refused(400, "unauthorized_client"));
    assert_eq!(hub.app.number("SELECT count(*) FROM authorization_requests").await, 0);
}

/// S66.
#[tokio::test]
async fn public_client_names_itself() {
    let hub = Hub::start().await;
    register_public(&hub.app, &[CALLBACK]).await;
    let pushed = hub.app.send(PAR, &parameters("desktop", &[])).await;
    let uri = pushed.body["request_uri"].as_str().expect("a text").to_owned();
    let browser = hub.app.signed_in().await;
    // S71.
    assert_page_refuses(&open_pushed(&browser, &uri).await);
    assert!(asks(&open(&browser, &address("desktop", &uri)).await));
    hub.app.wait_for("SELECT count(*) FROM activity WHERE subject = 'request_uri' AND client_id = 'hub'", 1).await;
}

/// S73.
#[tokio::test]
async fn client_can_be_set_to_push_only() {
    let hub = Hub::start().await;
    hub.change(|client, _| client.pushed_requests_only = true).await;
    let browser = hub.app.signed_in().await;
    assert_eq!(error_of(&hub.open(&browser, &[]).await), "invalid_request");
    assert!(asks(&open_pushed(&browser, &hub.pushed(&[]).await).await));
}

/// S50; §3 abuse 16: where the request came from, compared with the browser.
#[tokio::test]
async fn page_shows_where_a_pushed_request_came_from() {
    let hub = Hub::start_as(Setup { behind_proxy: true, ..Setup::default() }).await;
    register_public(&hub.app, &[CALLBACK]).await;
    let push = async |from: &str| {
        let request = hub.app.http.post(hub.app.tenant(PAR)).header("x-forwarded-for", from).header("user-agent", "<b>tms</b> 1.0");
        Answer::of(request.form(&parameters("desktop", &[]))).await.body["request_uri"].as_str().expect("a text").to_owned()
    };
    let browser = hub.app.browser_at("192.0.2.1");
    browser.sign_in("test", "testuser1", crate::app::PASSWORD).await;
    let near = open(&browser, &address("desktop", &push("192.0.2.1").await)).await;
    assert!(near.words().contains(&en().consent_from_same("192.0.2.1")) && near.words().contains(&en().consent_confirmation()), "{}", near.words());
    let far = open(&browser, &address("desktop", &push("198.51.100.7").await)).await;
    let words = far.words();
    for said in [en().consent_from_other("198.51.100.7"), en().authorize_confirmation_other("198.51.100.7"), en().consent_program_says()] {
        assert!(words.contains(&said), "{said}: {words}");
    }
    assert!(!far.says("<b>") && words.contains("<b>tms</b> 1.0"), "{words}");
    let onward = decide(&browser, &far, &[("decision", "allow"), ("started_this", "yes")]).await;
    answer(&onward);
    let recorded = hub.app.texts("SELECT subject FROM activity WHERE kind = 'sign_in_allowed'").await;
    assert!(recorded.len() == 1 && recorded[0].ends_with("198.51.100.7"), "{recorded:?}");
}

#[tokio::test]
async fn pushed_handle_opens_no_page() {
    let hub = Hub::start().await;
    let uri = hub.pushed(&[]).await;
    let handle = uri.rsplit(':').next().expect("a handle");
    let browser = hub.app.signed_in().await;
    assert_eq!(browser.get(&format!("/authorize?request={handle}")).await.status, 404);
    let page = open_pushed(&browser, &uri).await;
    let opened = format!("urn:ietf:params:oauth:request_uri:{}", page.field("request"));
    assert_page_refuses(&open_pushed(&browser, &opened).await);
}

/// S51, S70: no other person can be led to a request that was reported; one that was denied can be opened again.
#[tokio::test]
async fn reported_request_is_not_opened_again() {
    let hub = Hub::start().await;
    let browser = hub.app.signed_in().await;
    for (decision, reopens) in [("deny", true), ("report", false)] {
        let uri = hub.pushed(&[SCOPE]).await;
        let page = open_pushed(&browser, &uri).await;
        decide(&browser, &page, &[("decision", decision)]).await;
        let again = open_pushed(&browser, &uri).await;
        if reopens { assert!(asks(&again), "{}", again.words()) } else { assert_page_refuses(&again) }
    }
}

/// S2: which of the two is meant is not known.
#[tokio::test]
async fn request_uri_is_sent_once() {
    let hub = Hub::start().await;
    let (one, two) = (hub.pushed(&[SCOPE]).await, hub.pushed(&[SCOPE]).await);
    let twice = format!("{}&request_uri={two}", address(HUB, &one));
    assert_page_refuses(&open(&hub.app.signed_in().await, &twice).await);
}
