//! `/v1/tms/me` and `/v1/tms/me/hosts`, and bearer tokens (RFC 6750, RFC 9068 §4).

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::error;
use crate::app::{Answer, Device, TestApp};
use crate::browser::{Browser, en};
use crate::database::FAR;

const PATHS: [&str; 2] = ["/v1/tms/me", "/v1/tms/me/hosts"];

impl TestApp {
    /// The person approves a device for these host accounts only.
    pub async fn allow_for(&self, browser: &Browser, device: &Device, host_accounts: &[&str]) {
        let consent = browser.enter(&device.user_code).await;
        let (grant, lifetime) = (consent.field("grant"), consent.field("lifetime"));
        let mut form = vec![("grant", grant.as_str()), ("lifetime", &lifetime), ("decision", "allow"), ("started_this", "yes")];
        form.extend(host_accounts.iter().map(|id| ("host_accounts[]", *id)));
        let result = browser.post("/api/device/decide", &form).await;
        assert!(result.says(en().result_connected()), "{}", result.text);
    }

    /// Two more host accounts of the test person, one of them expired, and one of another person.
    async fn link_more_host_accounts(&self) {
        self.add_person("test", "somebody").await;
        self.link_host("test", "testuser1", "second", FAR).await;
        self.link_host("test", "testuser1", "old", self.services.now().as_millis() + 60_000).await;
        self.link_host("test", "somebody", "other", FAR).await;
    }
}

/// The challenge without the realm, which all have (RFC 6750 §3), and without the URL of the API's metadata, which those of 401 have (RFC 9728 §5.1).
fn challenge(answer: &Answer) -> &str {
    let challenge = answer.header("www-authenticate").strip_prefix("Bearer realm=\"tms\"").expect("a challenge");
    let (challenge, metadata) = challenge.split_once(", resource_metadata=").unwrap_or((challenge, ""));
    assert_eq!(answer.status == 401, metadata.ends_with("/.well-known/oauth-protected-resource/v1/tms\""), "{metadata}");
    challenge.strip_prefix(", ").unwrap_or(challenge)
}

fn assert_invalid(answer: &Answer, said: &str) {
    assert_eq!(error(answer), 401, "{said}");
    assert!(challenge(answer).starts_with("error=\"invalid_token\""), "{said}: {}", challenge(answer));
}

#[tokio::test]
async fn token_info_has_person_client_scope_and_expiry() {
    let app = TestApp::start().await;
    let answer = app.api("/v1/tms/me", &app.token().await).await;
    let expected = json!({
        "result_code": "0",
        "result_msg": "success",
        "tenant": "test",
        "tms_user_id": "testuser1",
        "client_id": "tms-cli",
        "scope": "hosts:read",
        "access_until": "2026-11-20T20:00:00+00:00",
        "expires_at": "2026-11-20T20:00:00+00:00",
    });
    assert_eq!((answer.status, answer.body), (200, expected));
}

#[tokio::test]
async fn only_selected_host_accounts_are_listed() {
    let app = TestApp::start().await;
    app.link_more_host_accounts().await;
    let browser = app.signed_in().await;
    let (both, none) = (app.start_device().await, app.start_device().await);
    app.allow_for(&browser, &both, &["hac_second", "hac_old"]).await;
    app.allow_for(&browser, &none, &[]).await;
    app.clock.advance(Duration::from_secs(60));

    let answer = app.api("/v1/tms/me/hosts", &app.poll(&both).await.token()).await;
    let (linked_at, forever) = ("1970-01-01T00:00:00+00:00", "2100-01-01T00:00:00+00:00");
    let expected = json!({
        "result_code": "0",
        "result_msg": "success",
        "num_hosts": 2,
        "hosts": [
            { "address": null, "host": "old", "host_account": "testuser1-on-old", "state": "expired", "linked_at": linked_at, "expires_at": "2026-11-20T12:01:00+00:00" },
            { "address": null, "host": "second", "host_account": "testuser1-on-second", "state": "active", "linked_at": linked_at, "expires_at": forever },
        ],
    });
    assert_eq!((answer.status, answer.body), (200, expected));
    let answer = app.api("/v1/tms/me/hosts", &app.poll(&none).await.token()).await;
    assert_eq!((answer.status, &answer.body["num_hosts"], &answer.body["hosts"]), (200, &0.into(), &json!([])));
}

#[tokio::test]
async fn host_account_without_expiry_is_listed_as_such() {
    let app = TestApp::start().await;
    let hosts = app.api("/v1/tms/me/hosts", &app.token().await).await.body;
    assert_eq!((&hosts["hosts"][0]["host"], &hosts["hosts"][0]["expires_at"]), (&"testhost1".into(), &"9999-12-31T23:59:59+00:00".into()));
}

#[tokio::test]
async fn host_accounts_of_others_cannot_be_shared() {
    let app = TestApp::start().await;
    app.link_more_host_accounts().await;
    let (browser, device) = (app.signed_in().await, app.start_device().await);
    let consent = browser.enter(&device.user_code).await;
    let (grant, lifetime) = (consent.field("grant"), consent.field("lifetime"));
    for foreign in ["hac_other", "hac_none", "", "'"] {
        let form = [("grant", &*grant), ("lifetime", &*lifetime), ("decision", "allow"), ("started_this", "yes"), ("host_accounts[]", foreign)];
        browser.post("/api/device/decide", &form).await;
        assert_eq!(app.poll(&device).await.error(), "authorization_pending", "{foreign:?}");
    }
}

#[tokio::test]
async fn missing_token_gets_a_challenge_without_error() {
    let app = TestApp::start().await;
    for path in PATHS {
        for header in [None, Some("Basic dG1zLWNsaTo="), Some("Digest x"), Some("")] {
            let mut request = app.http.get(app.url(path));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = Answer::of(request).await;
            assert_eq!((error(&answer), challenge(&answer)), (401, ""), "{path} {header:?}");
        }
    }
}

#[tokio::test]
async fn token_in_url_or_cookie_is_ignored() {
    let app = TestApp::start().await;
    let token = app.token().await;
    let asked = [
        app.http.get(app.url("/v1/tms/me")).query(&[("access_token", &token)]),
        app.http.get(app.url("/v1/tms/me")).header("cookie", format!("access_token={token}")),
    ];
    for request in asked {
        let answer = Answer::of(request).await;
        assert_eq!((error(&answer), challenge(&answer)), (401, ""));
    }
}

#[tokio::test]
async fn scheme_is_case_insensitive() {
    let app = TestApp::start().await;
    let token = app.token().await;
    for scheme in ["Bearer ", "bearer ", "BEARER  "] {
        let answer = Answer::of(app.http.get(app.url("/v1/tms/me")).header("authorization", format!("{scheme}{token}"))).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn foreign_tokens_are_invalid() {
    let app = TestApp::start().await;
    let token = app.token().await;
    let (head, signature) = token.rsplit_once('.').expect("a JWT");
    let last = if token.ends_with('A') { "Q" } else { "A" };
    let garbage =
        ["x", "a.b.c", "..", "é", &"x".repeat(5_000), head, &format!("{head}."), &format!("{token}."), &format!("{token}x")].map(String::from);
    let tampered = [format!("{head}.{}{last}", &signature[..signature.len() - 2]), format!("{head}.{}", signature.chars().rev().collect::<String>())];
    for path in PATHS {
        for token in garbage.iter().chain(&tampered) {
            assert_invalid(&app.api(path, token).await, token);
        }
    }
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
}

/// A valid token with its header or claims changed, signed with the portal's key, so that nothing else is wrong.
fn forged(app: &TestApp, token: &str, header: impl FnOnce(&mut Header), claims: &Value) -> String {
    let pem = std::fs::read(app.data_dir.join("keys/signing-key.pem")).expect("the key");
    let mut forged = jsonwebtoken::decode_header(token).expect("a header");
    header(&mut forged);
    let mut all = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("a token").claims;
    for (name, value) in claims.as_object().expect("claims") {
        all.as_object_mut().expect("claims").insert(name.clone(), value.clone());
    }
    jsonwebtoken::encode(&forged, &all, &EncodingKey::from_rsa_pem(&pem).expect("a key")).expect("signed")
}

#[tokio::test]
async fn token_with_one_wrong_claim_is_invalid() {
    let app = TestApp::start().await;
    let token = app.token().await;
    let same = |_: &mut Header| {};
    assert_eq!(app.api("/v1/tms/me", &forged(&app, &token, same, &json!({}))).await.status, 200, "a copy is as good");
    let issuer = app.tenant("");
    let wrong_claims = [
        json!({ "iss": app.url("/t/default") }),
        json!({ "iss": app.url("/t/nobody") }),
        json!({ "iss": format!("{issuer}/") }),
        json!({ "iss": "https://elsewhere.example/t/test" }),
        json!({ "iss": issuer.to_uppercase() }),
        json!({ "iss": "test" }),
        json!({ "aud": app.url("/v1/tms/") }),
        json!({ "aud": issuer }),
        json!({ "aud": [] }),
        json!({ "exp": app.services.now().as_seconds() }),
        json!({ "exp": null }),
        json!({ "exp": "9999999999" }),
        json!({ "jti": "tok_unknown" }),
        json!({ "jti": "" }),
        json!({ "jti": "' OR 1=1 --" }),
    ];
    for claims in wrong_claims {
        assert_invalid(&app.api("/v1/tms/me", &forged(&app, &token, same, &claims)).await, &claims.to_string());
    }
    let wrong_headers: [fn(&mut Header); 9] = [
        |header| header.typ = Some("JWT".into()),
        |header| header.typ = None,
        |header| header.kid = Some("another".into()),
        |header| header.kid = None,
        |header| header.alg = Algorithm::RS512,
        |header| header.alg = Algorithm::PS256,
        |header| header.crit = Some(vec!["exp".into()]),
        |header| header.jku = Some("https://attacker.example/jwks".into()),
        |header| header.x5u = Some("https://attacker.example/cert".into()),
    ];
    for (place, wrong) in wrong_headers.into_iter().enumerate() {
        assert_invalid(&app.api("/v1/tms/me", &forged(&app, &token, wrong, &json!({}))).await, &format!("header {place}"));
    }
}

#[tokio::test]
async fn token_with_another_signature_is_invalid() {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
    let app = TestApp::start().await;
    let token = app.token().await;
    let [_, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().expect("a JWT");
    let kid = jsonwebtoken::decode_header(&token).expect("a header").kid;
    for alg in ["none", "None", "NONE", ""] {
        let header = BASE64.encode(json!({ "alg": alg, "typ": "at+jwt", "kid": kid }).to_string());
        for signature in ["", signature] {
            assert_invalid(&app.api("/v1/tms/me", &format!("{header}.{claims}.{signature}")).await, alg);
        }
    }
    // The public key used as a shared secret, a known attack (RFC 8725 §2.1).
    let jwks = Answer::of(app.http.get(app.tenant("/oauth/jwks"))).await.body;
    let mut header = jsonwebtoken::decode_header(&token).expect("a header");
    header.alg = Algorithm::HS256;
    let all = jsonwebtoken::dangerous::insecure_decode::<Value>(&token).expect("a token").claims;
    for secret in [jwks["keys"][0]["n"].as_str().expect("a modulus"), &jwks["keys"][0].to_string(), ""] {
        let confused = jsonwebtoken::encode(&header, &all, &EncodingKey::from_secret(secret.as_bytes())).expect("signed");
        assert_invalid(&app.api("/v1/tms/me", &confused).await, "HS256");
    }
    for kid in [jwks["keys"][2]["kid"].as_str().expect("that of an ES256 key"), "../keys/signing-key.pem", "' OR 1=1 --"] {
        let header = BASE64.encode(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }).to_string());
        assert_invalid(&app.api("/v1/tms/me", &format!("{header}.{claims}.{signature}")).await, kid);
    }
    let elsewhere = TestApp::start().await;
    assert_invalid(&elsewhere.api("/v1/tms/me", &token).await, "another portal's, though it has the same key");
}

#[tokio::test]
async fn token_claims_match_its_grant() {
    let app = TestApp::start().await;
    let token = app.token().await;
    let claims = json!({ "sub": "somebody", "scope": "hosts:read keys:create", "client_id": "testclient1" });
    let me = app.api("/v1/tms/me", &forged(&app, &token, |_| {}, &claims)).await.body;
    assert_eq!((&me["tms_user_id"], &me["scope"], &me["client_id"]), (&"testuser1".into(), &"hosts:read".into(), &"tms-cli".into()));
}

#[tokio::test]
async fn token_expires_to_the_second() {
    let app = TestApp::start().await;
    let token = app.token().await;
    app.clock.advance(Duration::from_secs(8 * 60 * 60 - 1));
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    for path in PATHS {
        assert_invalid(&app.api(path, &token).await, path);
    }
    app.services.run_housekeeping().await.expect("tidied");
    assert_invalid(&app.api("/v1/tms/me", &token).await, "tidied");
}

#[tokio::test]
async fn token_depends_on_person_client_and_tenant() {
    let app = TestApp::start().await;
    let token = app.token().await;
    app.switch_person("testuser1", false).await;
    assert_invalid(&app.api("/v1/tms/me", &token).await, "the person");
    app.switch_person("testuser1", true).await;
    app.switch_client("tms-cli", false).await;
    assert_invalid(&app.api("/v1/tms/me", &token).await, "the client");
    app.switch_client("tms-cli", true).await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    assert_invalid(&app.api("/v1/tms/me", &token).await, "the tenant");
    app.change_tenant("test", |tenant| tenant.enabled = true).await;
    assert_eq!(app.api("/v1/tms/me", &token).await.status, 200);
}

#[tokio::test]
async fn token_ends_with_the_consent() {
    let app = TestApp::start().await;
    let device = app.start_device().await;
    let browser = app.allow(&device).await;
    let token = app.poll(&device).await.token();
    let grant = app.decided_grant().await;
    browser.post("/api/device/withdraw", &[("grant", &grant)]).await;
    assert_invalid(&app.api("/v1/tms/me", &token).await, "withdrawn");
}

#[tokio::test]
async fn missing_scope_is_refused() {
    let app = TestApp::start().await;
    let device = app.start_device_of(&[("client_id", "tms-cli"), ("scope", "keys:create")]).await;
    let browser = app.signed_in().await;
    app.allow_for(&browser, &device, &[]).await;
    let token = app.poll(&device).await.token();
    assert_eq!(app.api("/v1/tms/me", &token).await.body["scope"], "keys:create");
    let answer = app.api("/v1/tms/me/hosts", &token).await;
    assert_eq!((error(&answer), challenge(&answer)), (403, "error=\"insufficient_scope\", scope=\"hosts:read\""));
}

#[tokio::test]
async fn missing_objects_are_reported_in_tms_format() {
    let app = TestApp::start().await;
    for path in ["/v1", "/v1/", "/v1/tms", "/v1/tms/", "/v1/tms/me/", "/v1/tms/me/hosts/1", "/v1/nothing", "/v1/%FF", "/v1/..%2f..%2fetc"] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = Answer::of(app.http.request(method.parse().expect("a method"), app.url(path))).await;
            assert_eq!(error(&answer), 404, "{method} {path}");
        }
    }
    for path in PATHS {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = Answer::of(app.http.request(method.parse().expect("a method"), app.url(path))).await;
            assert_eq!((error(&answer), answer.header("allow")), (405, "GET,HEAD"), "{method} {path}");
        }
    }
}
