//! `private_key_jwt` (RFC 7523) with registered keys.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tms_portal::domain::client::registration::ClientAuthMethod;

use super::{ASSERTION_TYPE, ClientKey, GATEWAY, changed, key_set};
use crate::app::{Answer, TestApp};
use crate::browser::en;
use crate::oauth::{error, refused};

#[tokio::test]
async fn client_authenticates_with_each_algorithm() {
    let app = TestApp::start().await;
    let keys = [("e", Algorithm::ES256), ("p", Algorithm::PS256), ("d", Algorithm::EdDSA)].map(|(kid, algorithm)| ClientKey::new(kid, algorithm));
    app.register_gateway(&keys.each_ref()).await;
    for key in &keys {
        let token = app.assert_as_gateway(&key.sign(&app.assertion_claims())).await.token();
        assert_eq!(app.bearer(&token).get(&format!("/client/{GATEWAY}")).await.status, 200, "{:?}", key.algorithm);
    }
    // The key's own algorithm counts, as registered.
    let rs256 = ClientKey { algorithm: Algorithm::RS256, ..keys[1].clone() };
    assert_eq!(error(&app.assert_as_gateway(&rs256.sign(&app.assertion_claims())).await), refused(401, "invalid_client"));
    let mut any_rsa = keys[1].clone();
    any_rsa.public.as_object_mut().expect("a key").remove("alg");
    let jwks = key_set(&[&any_rsa]);
    app.edit_client(GATEWAY, move |client, _| client.jwks = Some(jwks)).await.expect("set");
    for key in [&any_rsa, &rs256] {
        app.assert_as_gateway(&key.sign(&app.assertion_claims())).await.token();
    }
}

#[tokio::test]
async fn assertion_is_for_this_issuer_and_short() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    app.register_gateway(&[&key]).await;
    let seconds = app.services.now().as_seconds();
    let (issuer, endpoint) = (app.tenant(""), app.tenant("/oauth/token"));
    let send = async |changes: Value| app.assert_as_gateway(&key.sign(&changed(app.assertion_claims(), &changes))).await;
    for good in [json!({}), json!({ "aud": [issuer] }), json!({ "exp": seconds + 600 }), json!({ "iat": null })] {
        assert_eq!(send(good.clone()).await.status, 200, "{good}");
    }
    for bad in [
        json!({ "aud": endpoint }),
        json!({ "aud": [issuer, endpoint] }),
        json!({ "aud": [] }),
        json!({ "aud": null }),
        json!({ "aud": app.url("/t/default") }),
        json!({ "exp": seconds - 60 }),
        json!({ "exp": seconds + 11 * 60 }),
        json!({ "exp": null }),
        json!({ "jti": null }),
        json!({ "iss": "testclient1" }),
        json!({ "nbf": seconds + 120 }),
    ] {
        let answer = send(bad.clone()).await;
        assert_eq!(error(&answer), refused(401, "invalid_client"), "{bad}");
        assert!(!answer.body["error_description"].as_str().expect("a text").contains("aud"), "the caller is not told the reason");
    }
    // Of another client, with the key of this one.
    assert_eq!(error(&send(json!({ "iss": "testclient1", "sub": "testclient1" })).await), refused(401, "invalid_client"));
    app.edit_client(GATEWAY, |client, _| client.endpoint_audience = true).await.expect("set");
    assert_eq!(send(json!({ "aud": endpoint })).await.status, 200, "its library is an old one");
    assert_eq!(send(json!({ "aud": app.tenant("/oauth/revoke") })).await.status, 401);
}

#[tokio::test]
async fn assertion_is_accepted_once_also_after_a_restart() {
    let mut app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    app.register_gateway(&[&key]).await;
    // The public URL of a test portal has its port, which changes with a restart.
    let claims = app.assertion_claims();
    let assertion = key.sign(&claims);
    app.assert_as_gateway(&assertion).await.token();
    assert_eq!(error(&app.assert_as_gateway(&assertion).await), refused(401, "invalid_client"));
    app.restart().await;
    let repeated = changed(app.assertion_claims(), &json!({ "jti": claims["jti"] }));
    assert_eq!(error(&app.assert_as_gateway(&key.sign(&repeated)).await), refused(401, "invalid_client"), "the same jti");
    app.assert_as_gateway(&key.sign(&app.assertion_claims())).await.token();
    // Of any number at once, one is accepted.
    let assertion = key.sign(&app.assertion_claims());
    let answers = futures_util::future::join_all((0..16).map(|_| app.assert_as_gateway(&assertion))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(app.number("SELECT count(*) FROM used_assertions").await, 3);
    for (seconds, kept) in [(91, 3), (60, 0)] {
        app.clock.advance(Duration::from_secs(seconds));
        app.services.run_housekeeping().await.expect("tidied");
        let hashes = app.number("SELECT count(*) FROM used_assertions").await;
        assert_eq!(hashes, kept, "they have expired, also by the clock of another portal");
    }
}

#[tokio::test]
async fn forged_assertions_are_refused() {
    let app = TestApp::start().await;
    let (key, other) = (ClientKey::new("k1", Algorithm::ES256), ClientKey::new("k1", Algorithm::ES256));
    app.register_gateway(&[&key]).await;
    // Keys are fetched from nowhere.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = format!("http://{}/jwks", listener.local_addr().expect("its address"));
    let claims = app.assertion_claims();
    let public = key_set(&[&key]);
    let by_secret = |secret: &[u8]| jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret)).expect("signed");
    let rs256 = ClientKey { public: json!({ "kid": "k1" }), ..ClientKey::new("x", Algorithm::RS256) };
    let good = key.sign(&claims);
    let (body, _) = good.rsplit_once('.').expect("a JWT");
    for forged in [
        other.sign(&claims),
        by_secret(public.as_bytes()),
        by_secret(key.public["x"].as_str().expect("a text").as_bytes()),
        rs256.sign(&claims),
        other.sign_as(&Header { jku: Some(elsewhere.clone()), ..other.header() }, &claims),
        other.sign_as(&Header { x5u: Some(elsewhere), ..other.header() }, &claims),
        other.sign_as(&Header { jwk: serde_json::from_value(other.public.clone()).ok(), ..other.header() }, &claims),
        key.sign_as(&Header { crit: Some(vec!["b64".into()]), ..key.header() }, &claims),
        key.sign_as(&Header { kid: Some("../../keys/signing-key.pem' OR '1'='1".into()), ..key.header() }, &claims),
        key.sign_as(&Header { typ: Some("at+jwt".into()), ..key.header() }, &claims),
        format!("{body}."),
        body.to_owned(),
        format!("{good}.{good}"),
    ] {
        assert_eq!(error(&app.assert_as_gateway(&forged).await), refused(401, "invalid_client"), "{forged}");
    }
    let silent = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(silent.is_err(), "nothing was fetched");
    app.assert_as_gateway(&good).await.token();
}

/// T83: Basic and the body stand for each other; any other method is the registered one.
#[tokio::test]
async fn only_the_registered_method_is_accepted() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    app.register_gateway(&[&key]).await;
    app.allow_own_tokens().await;
    let invalid = refused(401, "invalid_client");
    let secret_of = |id: &'static str, secret: &'static str| [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let basic =
        |id: &str, secret: &str| app.http.post(app.tenant("/oauth/token")).basic_auth(id, Some(secret)).form(&[("grant_type", "client_credentials")]);
    app.send("/oauth/token", &secret_of("testclient1", "secret1")).await.token();
    Answer::of(basic("testclient1", "secret1")).await.token();
    for secret in ["secret1", "x", ""] {
        assert_eq!(error(&app.send("/oauth/token", &secret_of(GATEWAY, secret)).await), invalid, "{secret}");
        assert_eq!(error(&Answer::of(basic(GATEWAY, secret)).await), invalid, "{secret}");
    }
    assert_eq!(app.client_of("test", GATEWAY, "secret1").refusal("GET /client/list", Value::Null).await, 401);
    for id in ["testclient1", "tms-cli"] {
        let foreign = key.sign(&changed(app.assertion_claims(), &json!({ "iss": id, "sub": id })));
        assert_eq!(error(&app.assert_as_gateway(&foreign).await), invalid, "{id} has no keys");
    }

    let assertion = || key.sign(&app.assertion_claims());
    let with = async |parameters: &[(&str, &str)], assertion: &str| {
        let form = [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
        app.send("/oauth/token", &[&form, parameters].concat()).await
    };
    with(&[("client_id", GATEWAY), ("client_secret", "")], &assertion()).await.token();
    assert_eq!(error(&with(&[("client_id", "testclient1")], &assertion()).await), invalid, "two names");
    let bad = refused(400, "invalid_request");
    assert_eq!(error(&with(&[("client_secret", "secret1")], &assertion()).await), bad, "two methods");
    let fresh = assertion();
    let form = [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &fresh)];
    let both = app.http.post(app.tenant("/oauth/token")).basic_auth("testclient1", Some("secret1")).form(&form);
    assert_eq!(error(&Answer::of(both).await), bad, "two methods");
    for incomplete in [
        vec![("client_assertion", &*assertion())],
        vec![("client_assertion_type", ASSERTION_TYPE)],
        vec![("client_assertion", &*assertion()), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")],
    ] {
        let form = [&[("grant_type", "client_credentials")], &*incomplete].concat();
        assert_eq!(error(&app.send("/oauth/token", &form).await), bad, "{incomplete:?}");
    }
    assert_eq!(error(&app.assert_as_gateway("not a token").await), invalid);
    let query = format!("/oauth/token?client_assertion_type={ASSERTION_TYPE}&client_assertion={}", assertion());
    assert_eq!(error(&app.send(&query, &[("grant_type", "client_credentials")]).await), bad, "nothing is taken from a query");
}

#[tokio::test]
async fn keys_are_replaced_with_and_without_overlap() {
    let app = TestApp::start().await;
    let (old, new) = (ClientKey::new("k1", Algorithm::ES256), ClientKey::new("k2", Algorithm::EdDSA));
    app.register_gateway(&[&old]).await;
    let token = app.assert_as_gateway(&old.sign(&app.assertion_claims())).await.token();
    let works = async || app.bearer(&token).get("/client/list").await.status == 200;
    let register = async |keys: &[&ClientKey]| {
        let jwks = key_set(keys);
        app.edit_client(GATEWAY, move |client, _| client.jwks = Some(jwks)).await.expect("set");
    };
    register(&[&old, &new]).await;
    for key in [&old, &new] {
        app.assert_as_gateway(&key.sign(&app.assertion_claims())).await.token();
    }
    assert!(works().await, "with overlap");
    register(&[&new]).await;
    assert!(!works().await, "the key that it was issued for is no longer accepted");
    assert_eq!(app.assert_as_gateway(&old.sign(&app.assertion_claims())).await.status, 401);
    let token = app.assert_as_gateway(&new.sign(&app.assertion_claims())).await.token();
    let secret = app.edit_client(GATEWAY, |client, _| client.auth_method = ClientAuthMethod::Secret).await.expect("set").expect("a secret");
    assert_eq!(app.bearer(&token).get("/client/list").await.status, 401, "another method, without overlap");
    assert_eq!(app.assert_as_gateway(&new.sign(&app.assertion_claims())).await.status, 401);
    assert_eq!(app.client_of("test", GATEWAY, &secret).get("/client/list").await.status, 200);
}

/// S200: those who configure the client find the reason in the audit log, once a minute.
#[tokio::test]
async fn refusals_are_recorded_with_their_reason() {
    let app = TestApp::start().await;
    let key = ClientKey::new("k1", Algorithm::ES256);
    app.register_gateway(&[&key]).await;
    let for_endpoint = async || key.sign(&changed(app.assertion_claims(), &json!({ "aud": "https://elsewhere.example/token" })));
    const COUNT: &str = "SELECT count(*) FROM activity WHERE kind = 'client_request_refused'";
    for _ in 0..5 {
        app.assert_as_gateway(&for_endpoint().await).await;
    }
    app.wait_for(COUNT, 1).await;
    assert_eq!(app.refused_requests().await, ["gateway assertion_audience: https://elsewhere.example/token"]);
    let replayed = key.sign(&app.assertion_claims());
    app.assert_as_gateway(&replayed).await.token();
    app.assert_as_gateway(&replayed).await;
    app.wait_for(COUNT, 2).await;
    app.send("/oauth/token", &[("grant_type", "client_credentials"), ("client_id", "testclient1"), ("client_secret", "wrong")]).await;
    app.wait_for(COUNT, 3).await;
    app.own_token(&[]).await;
    app.wait_for(COUNT, 4).await;
    app.send("/oauth/token", &[("grant_type", "client_credentials"), ("client_id", "unknown"), ("client_secret", "wrong")]).await;
    app.clock.advance(Duration::from_secs(60));
    app.assert_as_gateway(&for_endpoint().await).await;
    app.wait_for(COUNT, 5).await;
    let recorded = app.refused_requests().await;
    assert_eq!(
        recorded[1..],
        [
            "gateway assertion_replayed",
            "testclient1 secret_wrong",
            "testclient1 grant_type_not_allowed: client_credentials",
            "gateway assertion_audience: https://elsewhere.example/token"
        ]
    );
    let page = app.signed_in().await.get("/admin/activity?q=gateway").await;
    let words = page.words();
    assert!(words.contains(&en().event_client_request_refused_app(GATEWAY)) && words.contains("assertion_replayed"), "{words}");
}
