//! RFC 7517, and access tokens verified with it (RFC 9068).

use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};

#[tokio::test]
async fn token_verifies_with_published_keys() {
    let app = TestApp::start().await;
    let asked_at = app.services.now().as_seconds();
    let device = app.start_device().await;
    app.clock.advance(Duration::from_secs(60));
    app.allow(&device).await;
    app.clock.advance(Duration::from_secs(5));
    let token = app.poll(&device).await.token();

    let keys = Answer::of(app.http.get(app.tenant("/oauth/jwks"))).await;
    let keys: JwkSet = serde_json::from_value(keys.body).expect("keys");
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::RS256));
    let key = keys.find(&header.kid.expect("a kid")).expect("a published key");
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[app.url("/v1/tms")]);
    rules.set_issuer(&[app.tenant("")]);
    rules.validate_exp = false;
    let mut claims = jsonwebtoken::decode::<Value>(&token, &DecodingKey::from_jwk(key).expect("a key"), &rules).expect("a good token").claims;

    let jti = claims.as_object_mut().expect("claims").remove("jti").expect("a jti");
    assert!(jti.as_str().is_some_and(|jti| jti.len() >= 20), "{jti}");
    let expected = json!({
        "iss": app.tenant(""),
        "sub": "testuser1",
        "aud": app.url("/v1/tms"),
        "client_id": "tms-cli",
        "scope": "hosts:read",
        "iat": asked_at + 65,
        "exp": asked_at + 60 + 8 * 60 * 60,
    });
    assert_eq!(claims, expected, "these claims and no others");
}

#[tokio::test]
async fn only_public_halves_are_published() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.http.get(app.tenant("/oauth/jwks"))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let keys = answer.body["keys"].as_array().expect("keys");
    for (key, rsa) in keys.iter().zip([true, true, false, false]) {
        let members: Vec<&str> = key.as_object().expect("a key").keys().map(String::as_str).collect();
        let (expected, algorithm) =
            if rsa { (&["alg", "e", "kid", "kty", "n", "use"][..], "RS256") } else { (&["alg", "crv", "kid", "kty", "use", "x", "y"][..], "ES256") };
        assert_eq!((&members[..], &key["use"], &key["alg"]), (expected, &"sig".into(), &algorithm.into()));
    }
    assert_eq!(keys.len(), 4, "an active and a next key of each algorithm");
    assert_eq!(Answer::of(app.http.post(app.tenant("/oauth/jwks"))).await.status, 405);
}

#[tokio::test]
async fn each_token_has_a_unique_id() {
    let app = TestApp::start().await;
    let (first, second) = (app.token().await, app.token().await);
    let id = |token: &str| {
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("a token").claims;
        claims["jti"].as_str().expect("a jti").to_owned()
    };
    assert_ne!(id(&first), id(&second));
}
