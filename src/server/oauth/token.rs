//! `POST /t/{tenant}/oauth/token` (RFC 8628 §3.4, RFC 6749 §5.1).

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::server::service::Services;

/// RFC 8628 §3.4.
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
}

/// A polling client over the limit gets `slow_down` (RFC 8628 §3.5): any other error would end the polling of a standard client.
pub async fn post(State(services): State<Services>, request: Result<ClientRequest, OAuthError>) -> Result<impl IntoResponse, OAuthError> {
    issue(&services, request).await.map_err(OAuthError::as_poll_error)
}

async fn issue(services: &Services, request: Result<ClientRequest, OAuthError>) -> Result<impl IntoResponse + use<>, OAuthError> {
    let request = request?;
    let grant_type = request.form.require("grant_type", "grant_type is missing.")?;
    if grant_type != DEVICE_CODE_GRANT {
        return Err(OAuthError::UnsupportedGrantType);
    }
    let device_code = request.form.require("device_code", "device_code is missing.")?;
    let issued = services.poll_device_grant(&request.client, device_code, request.from).await?;
    let answer = TokenResponse {
        access_token: issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in.as_secs(),
        scope: issued.scope.to_string(),
    };
    Ok((NO_STORE_HEADERS, Json(answer)))
}
