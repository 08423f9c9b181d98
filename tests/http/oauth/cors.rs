//! T108: which origins may read responses (Fetch Standard §3.2).

use reqwest::Method;
use tms_portal::domain::client_uris::WebOrigin;

use super::CONFIDENTIAL;
use crate::app::{Answer, TestApp};

/// The origin of the program in a browser, which is a public client.
const APP: &str = "https://app.example.org";
const SPA: &str = "spa";
/// An origin of another client.
const OTHER: &str = "https://other.example.org";

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

impl TestApp {
    async fn register_origins(&self) {
        let origin = |text: &str| WebOrigin::parse(text).expect("an origin");
        self.register(SPA, |client, uris| {
            client.auth_method = tms_portal::domain::client::registration::ClientAuthMethod::None;
            uris.origins = vec![origin(APP)];
        })
        .await;
        self.edit_client(CONFIDENTIAL.0, move |_, uris| uris.origins = vec![origin(OTHER)]).await.expect("changed");
    }

    async fn preflight(&self, path: &str, origin: &str, method: &str) -> Answer {
        let request = self.http.request(Method::OPTIONS, self.url(path)).header("origin", origin).header("access-control-request-method", method);
        Answer::of(request.header("access-control-request-headers", "authorization,dpop")).await
    }

    async fn send_from(&self, origin: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.http.post(self.tenant(path)).header("origin", origin).form(form)).await
    }
}

fn has_cors(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn preflight_is_answered_for_registered_origins() {
    let app = TestApp::start().await;
    app.register_origins().await;
    for path in ["/t/test/oauth/token", "/t/test/oauth/revoke"] {
        for origin in [APP, OTHER] {
            let answer = app.preflight(path, origin, "POST").await;
            assert_eq!((answer.status, answer.header(ALLOW_ORIGIN), answer.header("vary")), (204, origin, "origin"), "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), "POST");
            assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type, dpop");
            assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
        }
        for origin in ["https://elsewhere.example", "https://app.example.org:8443", "http://app.example.org", "https://APP.example.org", "null", ""] {
            let answer = app.preflight(path, origin, "POST").await;
            assert!(answer.status == 405 && !has_cors(&answer), "{path} {origin}");
        }
    }
    let other_tenant = app.preflight("/t/default/oauth/token", APP, "POST").await;
    assert!(!has_cors(&other_tenant), "a client of another tenant");
    app.switch_client(SPA, false).await;
    assert!(!has_cors(&app.preflight("/t/test/oauth/token", APP, "POST").await), "the client is disabled");
}

/// S175: with the origins of the client that gets the response, not of others.
#[tokio::test]
async fn response_is_readable_at_the_origin_of_its_client() {
    let app = TestApp::start().await;
    app.register_origins().await;
    let (of_spa, confidential) = ([("client_id", SPA)], [("client_id", CONFIDENTIAL.0), ("client_secret", CONFIDENTIAL.1)]);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    for (path, rest, status) in [("/oauth/token", &refresh[..], 400), ("/oauth/revoke", &[("token", "x")], 200)] {
        let own = app.send_from(APP, path, &[&of_spa, rest].concat()).await;
        assert_eq!((own.status, own.header(ALLOW_ORIGIN), own.header("vary")), (status, APP, "origin"), "{path}");
        assert_eq!(own.header("access-control-expose-headers"), "www-authenticate, dpop-nonce, retry-after");
        assert_eq!(own.headers.get("access-control-allow-credentials"), None);
        for (origin, client) in [(OTHER, &of_spa[..]), (APP, &confidential), ("https://elsewhere.example", &of_spa), ("null", &of_spa)] {
            let answer = app.send_from(origin, path, &[client, rest].concat()).await;
            assert!(answer.status == status && !has_cors(&answer), "{path} {origin}");
        }
        let unknown = app.send_from(APP, path, &[&[("client_id", "nobody")], rest].concat()).await;
        assert!(unknown.status == 401 && !has_cors(&unknown), "{path}: no client answers");
    }
    let without_origin = app.send("/oauth/revoke", &[("client_id", SPA), ("token", "x")]).await;
    assert!(!has_cors(&without_origin) && without_origin.headers.get("vary").is_none());
}

/// S176.
#[tokio::test]
async fn other_endpoints_are_for_no_origin() {
    let app = TestApp::start().await;
    app.register_origins().await;
    assert!(!has_cors(&app.preflight("/t/test/oauth/authorize", APP, "POST").await));
    for path in ["/oauth/introspect", "/oauth/device_authorization", "/oauth/par"] {
        let preflight = app.preflight(&format!("/t/test{path}"), APP, "POST").await;
        assert!(!has_cors(&preflight), "{path}");
        let answer = app.send_from(APP, path, &[("client_id", SPA), ("token", "x")]).await;
        assert!(!has_cors(&answer), "{path}");
    }
}
