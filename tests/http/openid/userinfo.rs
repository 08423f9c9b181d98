//! T101, S142.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tms_portal::domain::client_uris::WebOrigin;
use tms_portal::domain::ids::UserId;
use tms_portal::domain::mail::EmailAddress;

use super::{EVERYTHING, claims, start};
use crate::app::Answer;
use crate::oauth::assert_never_stored;

const APP: &str = "https://app.example.org";

#[tokio::test]
async fn userinfo_tells_what_the_scope_permits() {
    let hub = start().await;
    let (user, address) = (UserId::parse("testuser1").expect("a user"), EmailAddress::parse("test@example.org").expect("an address"));
    let (profile, email) =
        (json!({ "name": "Test User", "preferred_username": "testuser1" }), json!({ "email": "test@example.org", "email_verified": true }));
    let operator = hub.app.operator("test").await;
    for (scope, set, parts) in [
        ("openid", true, vec![]),
        ("openid profile", true, vec![&profile]),
        ("openid email", true, vec![&email]),
        ("openid profile email", true, vec![&profile, &email]),
        ("openid profile email", false, vec![&profile]),
    ] {
        hub.app.services.set_email(&operator, &user, set.then(|| address.clone())).await.expect("set");
        let (code, _) = hub.code(&[("scope", scope), ("prompt", "consent")]).await;
        let tokens = hub.redeem(&code).await;
        let mut expected = json!({ "sub": "testuser1" });
        for part in parts {
            expected.as_object_mut().expect("an object").extend(part.as_object().expect("an object").clone());
        }
        let answer = hub.app.userinfo(&tokens.token()).await;
        assert_never_stored(&answer);
        assert_eq!((answer.status, &answer.body), (200, &expected), "{scope}");
        let posted = Answer::of(hub.app.http.post(hub.app.tenant("/oauth/userinfo")).bearer_auth(tokens.token())).await;
        assert_eq!((posted.status, &posted.body), (200, &expected), "{scope}");
        // S140: the same stands in the ID token.
        let told = claims(&hub, &tokens).await;
        for (name, value) in expected.as_object().expect("an object") {
            assert_eq!(told[name], *value, "{scope}");
        }
        let names = ["name", "preferred_username", "email", "email_verified"];
        assert!(names.iter().all(|name| told.get(name).is_some() == expected.get(name).is_some()), "{scope}: {told}");
    }
}

#[tokio::test]
async fn reason_is_in_the_challenge() {
    let hub = start().await;
    let address = hub.app.tenant("/oauth/userinfo");
    let challenge = |answer: &Answer| answer.header("www-authenticate").to_owned();
    let missing = Answer::of(hub.app.http.get(&address)).await;
    assert_eq!((missing.status, challenge(&missing)), (401, "Bearer realm=\"tms\"".to_owned()), "RFC 6750 §3.1: no error code");
    assert_never_stored(&missing);

    let (code, _) = hub.code(&[EVERYTHING]).await;
    let token = hub.redeem(&code).await.token();
    assert_eq!(hub.app.userinfo(&token).await.status, 200);
    let in_query = Answer::of(hub.app.http.get(format!("{address}?access_token={token}"))).await;
    let in_body = Answer::of(hub.app.http.post(&address).form(&[("access_token", &token)])).await;
    assert_eq!((in_query.status, in_body.status), (401, 401), "in the header only");
    let elsewhere = Answer::of(hub.app.http.get(hub.app.url("/t/default/oauth/userinfo")).bearer_auth(&token)).await;
    assert_eq!((elsewhere.status, elsewhere.error()), (401, "invalid_token"), "another tenant");

    let (code, _) = hub.code(&[("scope", "profile hosts:read"), ("prompt", "consent")]).await;
    let narrow = hub.app.userinfo(&hub.redeem(&code).await.token()).await;
    let expected = "Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"openid\"";
    assert_eq!((narrow.status, narrow.error(), &*challenge(&narrow)), (403, "insufficient_scope", expected));

    let (code, _) = hub.code(&[("scope", "openid profile"), ("prompt", "consent")]).await;
    let short = hub.redeem(&code).await.token();
    hub.app.switch_person("testuser1", false).await;
    let disabled = hub.app.userinfo(&token).await;
    assert!(disabled.status == 401 && challenge(&disabled).contains("disabled"), "{}", challenge(&disabled));
    hub.app.switch_person("testuser1", true).await;
    hub.app.clock.advance(Duration::from_secs(60 * 60));
    for token in [&*short, "x", &format!("{short}x")] {
        let invalid = hub.app.userinfo(token).await;
        assert_eq!((invalid.status, invalid.error()), (401, "invalid_token"), "{token}");
    }
}

/// S175.
#[tokio::test]
async fn userinfo_is_readable_at_the_origin_of_the_client() {
    let hub = start().await;
    hub.change(|_, uris| uris.origins = vec![WebOrigin::parse(APP).expect("an origin")]).await;
    let address = hub.app.tenant("/oauth/userinfo");
    let preflight = hub.app.http.request(Method::OPTIONS, &address).header("origin", APP).header("access-control-request-method", "GET");
    let preflight = Answer::of(preflight.header("access-control-request-headers", "authorization")).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, APP));
    assert_eq!(preflight.header("access-control-allow-methods"), "GET, POST");
    let (code, _) = hub.code(&[("scope", "openid")]).await;
    let token = hub.redeem(&code).await.token();
    let from = async |origin: &str| Answer::of(hub.app.http.get(&address).header("origin", origin).bearer_auth(&token)).await;
    assert_eq!(from(APP).await.header("access-control-allow-origin"), APP);
    let other = from("https://elsewhere.example").await;
    assert!(other.status == 200 && other.headers.get("access-control-allow-origin").is_none());
}
