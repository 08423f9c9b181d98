//! `GET` and `POST /t/{tenant}/oauth/userinfo` (OpenID Connect Core §5.3): what an access token permits to learn about its person.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use super::client_auth::PathTenant;
use super::cors::AnsweredClient;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::domain::id_token::PersonClaims;
use crate::domain::scope::Scope;
use crate::server::middleware::rate_limit::network;
use crate::server::middleware::{bearer, client_ip};
use crate::server::service::Error;
use crate::server::service::authorizations::access_tokens::InvalidToken;
use crate::server::state::AppState;

#[derive(Serialize)]
struct UserinfoResponse {
    sub: String,
    #[serde(flatten)]
    person: PersonClaims,
}

/// Why nothing is told (RFC 6750 §3.1).
#[derive(Clone, Copy)]
enum Refused {
    /// No token in the header. The challenge has no error code.
    NoToken,
    Invalid(InvalidToken),
    /// Its scope has no `openid`.
    NoOpenId,
}

/// `GET` and `POST` alike: the token is in the header. Clients ask often, so that only failures are limited.
pub async fn handle(State(state): State<AppState>, PathTenant(tenant): PathTenant, request: Request) -> Result<Response, OAuthError> {
    let (parts, _) = request.into_parts();
    let from = client_ip::get(&parts.extensions);
    let (caller, limit) = (network(from), &state.limits.oauth_requests);
    limit.check_blocked(&caller).map_err(OAuthError::Overload)?;
    let refuse = |refused: Refused| -> Result<Response, OAuthError> {
        limit.check(&caller).map_err(OAuthError::Overload)?;
        Ok(refused.into_response())
    };
    let token = match bearer::token(&parts.headers) {
        Ok(Some(token)) => token,
        Ok(None) => return refuse(Refused::NoToken),
        Err(bearer::NotText) => {
            state.services.log_refused_token(InvalidToken::NotValid, from);
            return refuse(Refused::Invalid(InvalidToken::NotValid));
        }
    };
    let holder = match state.services.authenticate_token(token, from).await {
        Ok(holder) => holder,
        Err(Error::Refused(refused)) => return refuse(Refused::Invalid(refused)),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    };
    if *holder.tenant_id() != tenant {
        return refuse(Refused::Invalid(InvalidToken::NotValid));
    }
    if let Some(answered) = parts.extensions.get::<AnsweredClient>() {
        answered.note_id(holder.tenant_id(), holder.client_id());
    }
    if !holder.scope().contains(Scope::OpenId) {
        return refuse(Refused::NoOpenId);
    }
    let person = state.services.userinfo(&holder).await?;
    Ok((NO_STORE_HEADERS, Json(UserinfoResponse { sub: holder.user_id().to_string(), person })).into_response())
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error, description, challenge) = match self {
            Self::NoToken => {
                let description = "Send an access token as Authorization: Bearer.";
                (StatusCode::UNAUTHORIZED, "invalid_request", description, "Bearer realm=\"tms\"".to_owned())
            }
            Self::Invalid(refused) => {
                let description = refused.description();
                let challenge = format!("Bearer realm=\"tms\", error=\"invalid_token\", error_description=\"{description}\"");
                (StatusCode::UNAUTHORIZED, "invalid_token", description, challenge)
            }
            Self::NoOpenId => {
                let challenge = format!("Bearer realm=\"tms\", error=\"insufficient_scope\", scope=\"{}\"", Scope::OpenId.as_str());
                (StatusCode::FORBIDDEN, "insufficient_scope", "The access token lacks the scope openid.", challenge)
            }
        };
        let mut response = (status, NO_STORE_HEADERS, Json(json!({ "error": error, "error_description": description }))).into_response();
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
