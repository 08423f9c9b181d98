//! RFC 8414.

use serde_json::{Value, json};

use super::{error, refused};
use crate::app::{Answer, DEVICE_CODE_GRANT, TestApp};

/// The metadata URLs of a tenant: inserted and appended, for OAuth and for OpenID.
fn addresses(tenant: &str) -> [String; 4] {
    [
        format!("/.well-known/oauth-authorization-server/t/{tenant}"),
        format!("/.well-known/openid-configuration/t/{tenant}"),
        format!("/t/{tenant}/.well-known/oauth-authorization-server"),
        format!("/t/{tenant}/.well-known/openid-configuration"),
    ]
}

#[tokio::test]
async fn metadata_is_the_same_at_four_urls() {
    let app = TestApp::start().await;
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    let algorithms = ["ES256", "PS256", "RS256", "EdDSA"];
    let expected = json!({
        "issuer": app.tenant(""),
        "authorization_endpoint": app.tenant("/oauth/authorize"),
        "pushed_authorization_request_endpoint": app.tenant("/oauth/par"),
        "device_authorization_endpoint": app.tenant("/oauth/device_authorization"),
        "token_endpoint": app.tenant("/oauth/token"),
        "revocation_endpoint": app.tenant("/oauth/revoke"),
        "introspection_endpoint": app.tenant("/oauth/introspect"),
        "userinfo_endpoint": app.tenant("/oauth/userinfo"),
        "end_session_endpoint": app.tenant("/oauth/end_session"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "jwks_uri": app.tenant("/oauth/jwks"),
        "grant_types_supported": ["authorization_code", DEVICE_CODE_GRANT, "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": ["https://refeds.org/profile/mfa", "https://refeds.org/profile/sfa"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "name", "preferred_username", "email",
            "email_verified", "groups",
        ],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
        "scopes_supported": ["hosts:read", "keys:read", "keys:create", "keys:revoke", "offline_access", "openid", "profile", "email", "groups"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": methods[..3],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "protected_resources": [app.url("/v1/tms")],
        "refresh_token_expiration_types_supported": ["authorization", "token_timeout"],
    });
    for address in addresses("test") {
        let answer = Answer::of(app.http.get(app.url(&address))).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{address}");
        assert_eq!(answer.body, expected, "{address}");
    }
}

#[tokio::test]
async fn every_advertised_endpoint_exists() {
    let app = TestApp::start().await;
    let metadata = Answer::of(app.http.get(app.url(&addresses("test")[0]))).await.body;
    let advertised: Vec<(&String, &str)> =
        metadata.as_object().expect("metadata").iter().filter_map(|(name, value)| Some((name, value.as_str()?))).collect();
    assert_eq!(advertised.len(), 10, "{advertised:?}");
    for (name, address) in advertised.into_iter().filter(|(name, _)| *name != "issuer") {
        let answer = if name == "jwks_uri" { app.http.get(address) } else { app.http.post(address).form(&[("client_id", "tms-cli")]) };
        let answer = Answer::of(answer).await;
        // Introspection is not for public clients, and userinfo for the bearers of tokens.
        let is_protected = matches!(name.as_str(), "introspection_endpoint" | "userinfo_endpoint");
        let is_question = name == "end_session_endpoint" && answer.status == 303;
        assert!(matches!(answer.status, 200 | 400) || is_question || (is_protected && answer.status == 401), "{name}: {}", answer.status);
    }
}

#[tokio::test]
async fn each_tenant_is_a_separate_issuer() {
    let app = TestApp::start().await;
    for tenant in ["test", "default"] {
        for address in addresses(tenant) {
            let metadata = Answer::of(app.http.get(app.url(&address))).await.body;
            assert_eq!(metadata["issuer"], Value::from(app.url(&format!("/t/{tenant}"))), "{address}");
        }
    }
}

#[tokio::test]
async fn unknown_or_disabled_tenant_has_no_metadata() {
    let app = TestApp::start().await;
    app.change_tenant("test", |tenant| tenant.enabled = false).await;
    for tenant in ["test", "nobody", "TEST", "..%2Fdefault", "default%00", "%FF", "%zz", "default'--", &"x".repeat(200)] {
        for address in addresses(tenant).into_iter().chain([format!("/t/{tenant}/oauth/jwks")]) {
            let answer = Answer::of(app.http.get(app.url(&address))).await;
            assert_eq!(error(&answer), refused(404, "invalid_request"), "{address}");
        }
    }
}
