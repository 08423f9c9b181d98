//! The tenant's metadata (RFC 8414), the same document at each of the four URLs that clients try.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::client_auth::PathTenant;
use crate::domain::client::registration::GrantType;
use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::server::service::Services;

/// Supported client authentication methods.
const AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
/// With which algorithms clients sign for `private_key_jwt`.
const AUTH_ALGORITHMS: [&str; 4] = ["ES256", "PS256", "RS256", "EdDSA"];

#[derive(Serialize)]
struct AuthorizationServerMetadata {
    issuer: String,
    device_authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 3],
    /// Required by §2, and §3.2 forbids an empty list; no authorization endpoint exists.
    response_types_supported: [&'static str; 1],
    scopes_supported: [&'static str; 5],
    token_endpoint_auth_methods_supported: [&'static str; 4],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    /// draft-ietf-oauth-refresh-token-expiration §8.
    refresh_token_expiration_types_supported: [&'static str; 2],
}

pub async fn get(State(services): State<Services>, PathTenant(tenant): PathTenant) -> Response {
    let issuer = services.issuer(&tenant);
    let metadata = AuthorizationServerMetadata {
        device_authorization_endpoint: format!("{issuer}{}", paths::DEVICE_AUTHORIZATION),
        token_endpoint: format!("{issuer}{}", paths::TOKEN),
        revocation_endpoint: format!("{issuer}{}", paths::REVOKE),
        jwks_uri: format!("{issuer}{}", paths::JWKS),
        grant_types_supported: [GrantType::DeviceCode, GrantType::RefreshToken, GrantType::ClientCredentials].map(GrantType::as_str),
        response_types_supported: ["none"],
        scopes_supported: Scope::ALL.map(Scope::as_str),
        token_endpoint_auth_methods_supported: AUTH_METHODS,
        token_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
        revocation_endpoint_auth_methods_supported: AUTH_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
        refresh_token_expiration_types_supported: ["authorization", "token_timeout"],
        issuer,
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(metadata)).into_response()
}
