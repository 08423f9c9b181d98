//! `POST /t/{tenant}/oauth/introspect` (RFC 7662).

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::server::middleware::client_ip;
use crate::server::middleware::rate_limit::network;
use crate::server::service::authorizations::introspection::{ActiveToken, ActiveTokenKind};
use crate::server::state::AppState;

/// RFC 7662 §2.2.
#[derive(Serialize)]
struct IntrospectionResponse {
    active: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    token_type: &'static str,
    exp: i64,
    iat: i64,
    sub: String,
    aud: String,
    iss: String,
    jti: String,
    /// RFC 9470 §6.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
}

impl From<ActiveToken> for IntrospectionResponse {
    fn from(token: ActiveToken) -> Self {
        Self {
            active: true,
            scope: token.scope,
            client_id: token.client_id.to_string(),
            username: token.username,
            token_type: match token.kind {
                ActiveTokenKind::Access => "Bearer",
                ActiveTokenKind::Refresh => "refresh_token",
            },
            exp: token.expires_at.as_seconds(),
            iat: token.issued_at.as_seconds(),
            sub: token.sub,
            aud: token.aud,
            iss: token.iss,
            jti: token.jti,
            auth_time: token.auth_time,
            acr: token.acr,
        }
    }
}

/// Any hint about the type of the token is ignored (§2.1).
pub async fn post(State(state): State<AppState>, request: Request) -> Result<Response, OAuthError> {
    let request = authenticate(&state, request).await?;
    let token = request.form.require("token", "token is missing.")?;
    Ok(match state.services.introspect(&request.client, token).await? {
        Some(token) => (NO_STORE_HEADERS, Json(IntrospectionResponse::from(token))).into_response(),
        None => (NO_STORE_HEADERS, Json(json!({ "active": false }))).into_response(),
    })
}

/// The request of a client that authenticated. Resource servers ask for each request that they get, so that only failures are limited. Without
/// authentication the response is 401, also if no client is named.
async fn authenticate(state: &AppState, request: Request) -> Result<ClientRequest, OAuthError> {
    let (caller, limit) = (network(client_ip::get(request.extensions())), &state.limits.oauth_requests);
    limit.check_blocked(&caller).map_err(OAuthError::Overload)?;
    match ClientRequest::authenticate(request, state).await {
        Ok(request) if !request.client.client().is_public() => Ok(request),
        refused => {
            limit.check(&caller).map_err(OAuthError::Overload)?;
            Err(match refused {
                Ok(_) | Err(OAuthError::ClientMissing) => OAuthError::InvalidClient,
                Err(other) => other,
            })
        }
    }
}
