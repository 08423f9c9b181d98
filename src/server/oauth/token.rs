//! `POST /t/{tenant}/oauth/token` (RFC 6749 §3.2, §5.1), with a file for each grant type.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use super::form;
use crate::domain::client::registration::GrantType;
use crate::server::service::authorizations::issue::IssuedTokens;
use crate::server::state::AppState;

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Seconds without a refresh after which the refresh token expires (draft-ietf-oauth-refresh-token-expiration §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<u64>,
    /// Seconds until the person's authorization ends (draft-ietf-oauth-refresh-token-expiration §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<u64>,
    /// OpenID Connect Core §3.1.3.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl From<IssuedTokens> for TokenResponse {
    fn from(issued: IssuedTokens) -> Self {
        let refresh = issued.refresh.as_ref();
        Self {
            access_token: issued.access_token,
            token_type: "Bearer",
            expires_in: issued.expires_in.as_secs(),
            scope: [issued.scope.to_string(), issued.resource_scope.to_string()].join(" ").trim().to_owned(),
            refresh_token: refresh.map(|refresh| refresh.token.reveal().to_owned()),
            refresh_token_timeout: refresh.map(|refresh| refresh.timeout.as_secs()),
            authorization_expires_in: issued.authorization_expires_in.map(|left| left.as_secs()),
            id_token: issued.id_token,
        }
    }
}

/// A polling client over the limit gets `slow_down` (RFC 8628 §3.5): any other error would end the polling of a standard client. Clients of
/// other grant types, which do not know it, get 429.
pub async fn post(State(state): State<AppState>, request: Request) -> Response {
    let (grant_type, request) = match read_grant_type(request).await {
        Ok(read) => read,
        Err(refused) => return refused.into_response(),
    };
    let is_poll = grant_type.as_deref() == Some(GrantType::DeviceCode.as_str());
    match issue(&state, request).await {
        Ok(issued) => (NO_STORE_HEADERS, Json(TokenResponse::from(issued))).into_response(),
        Err(error) if is_poll => error.as_poll_error().into_response(),
        Err(error) => error.into_response(),
    }
}

/// The grant type, if the form has one, and the request as it was.
async fn read_grant_type(request: Request) -> Result<(Option<String>, Request), OAuthError> {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await.map_err(form::body_error)?;
    let grant_type = form::Form::parse(&body).ok().and_then(|form| form.get("grant_type").map(str::to_owned));
    Ok((grant_type, Request::from_parts(parts, Body::from(body))))
}

async fn issue(state: &AppState, request: Request) -> Result<IssuedTokens, OAuthError> {
    let request = ClientRequest::from_request(request, state).await?;
    request.recorded(&state.services, issue_to_client(state, &request).await)
}

async fn issue_to_client(state: &AppState, request: &ClientRequest) -> Result<IssuedTokens, OAuthError> {
    match GrantType::parse(request.form.require("grant_type", "grant_type is missing.")?) {
        Some(GrantType::DeviceCode) => device_code::issue(state, request).await,
        Some(GrantType::RefreshToken) => refresh_token::issue(state, request).await,
        Some(GrantType::ClientCredentials) => client_credentials::issue(state, request),
        Some(GrantType::AuthorizationCode) => authorization_code::issue(state, request).await,
        None => Err(OAuthError::UnsupportedGrantType),
    }
}
