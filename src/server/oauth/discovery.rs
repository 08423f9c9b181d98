//! The tenant's metadata (RFC 8414), the same document at each of the four URLs that clients try.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::client_auth::PathTenant;
use crate::domain::authorization_request::{ACR_MFA, ACR_SFA};
use crate::domain::client::registration::GrantType;
use crate::domain::code_challenge;
use crate::domain::id_token;
use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::domain::signing_key::SigningAlgorithm;
use crate::server::service::Services;

/// Supported client authentication methods.
const AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
/// Those of clients that are not public.
const CONFIDENTIAL_AUTH_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
/// With which algorithms clients sign for `private_key_jwt`.
const AUTH_ALGORITHMS: [&str; 4] = ["ES256", "PS256", "RS256", "EdDSA"];

#[derive(Serialize)]
struct AuthorizationServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    userinfo_endpoint: String,
    /// OpenID Connect RP-Initiated Logout 1.0 §2.1.
    end_session_endpoint: String,
    /// OpenID Connect Back-Channel Logout 1.0 §2.1; logout tokens always have `sid`.
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    jwks_uri: String,
    grant_types_supported: [&'static str; 4],
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 4],
    acr_values_supported: [&'static str; 2],
    /// OpenID Connect Discovery 1.0 §3.
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 2],
    claims_supported: [&'static str; 16],
    /// RFC 9207 §3.
    authorization_response_iss_parameter_supported: bool,
    /// OpenID Connect Discovery 1.0 §3; `true` would be the default of the second.
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    claims_parameter_supported: bool,
    scopes_supported: [&'static str; 9],
    token_endpoint_auth_methods_supported: [&'static str; 4],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    /// RFC 9728 §4.
    protected_resources: [String; 1],
    /// draft-ietf-oauth-refresh-token-expiration §8.
    refresh_token_expiration_types_supported: [&'static str; 2],
}

pub async fn get(State(services): State<Services>, PathTenant(tenant): PathTenant) -> Response {
    let issuer = services.issuer(&tenant);
    let metadata = AuthorizationServerMetadata {
        authorization_endpoint: format!("{issuer}{}", paths::AUTHORIZATION),
        pushed_authorization_request_endpoint: format!("{issuer}{}", paths::PUSHED_AUTHORIZATION),
        device_authorization_endpoint: format!("{issuer}{}", paths::DEVICE_AUTHORIZATION),
        token_endpoint: format!("{issuer}{}", paths::TOKEN),
        revocation_endpoint: format!("{issuer}{}", paths::REVOKE),
        introspection_endpoint: format!("{issuer}{}", paths::INTROSPECT),
        userinfo_endpoint: format!("{issuer}{}", paths::USERINFO),
        end_session_endpoint: format!("{issuer}{}", paths::END_SESSION),
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        jwks_uri: format!("{issuer}{}", paths::JWKS),
        grant_types_supported: [GrantType::AuthorizationCode, GrantType::DeviceCode, GrantType::RefreshToken, GrantType::ClientCredentials]
            .map(GrantType::as_str),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        code_challenge_methods_supported: [code_challenge::METHOD],
        prompt_values_supported: ["none", "login", "consent", "select_account"],
        acr_values_supported: [ACR_MFA, ACR_SFA],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: SigningAlgorithm::ALL.map(SigningAlgorithm::as_str),
        claims_supported: id_token::CLAIMS,
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
        scopes_supported: Scope::ALL.map(Scope::as_str),
        token_endpoint_auth_methods_supported: AUTH_METHODS,
        token_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
        revocation_endpoint_auth_methods_supported: AUTH_METHODS,
        revocation_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
        introspection_endpoint_auth_methods_supported: CONFIDENTIAL_AUTH_METHODS,
        introspection_endpoint_auth_signing_alg_values_supported: AUTH_ALGORITHMS,
        protected_resources: [services.audience()],
        refresh_token_expiration_types_supported: ["authorization", "token_timeout"],
        issuer,
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(metadata)).into_response()
}
