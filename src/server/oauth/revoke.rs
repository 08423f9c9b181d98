//! `POST /t/{tenant}/oauth/revoke` (RFC 7009).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::server::service::Services;

/// 200 also for an unknown or revoked token, because the client's goal is reached (§2.2).
pub async fn post(State(services): State<Services>, request: ClientRequest) -> Result<impl IntoResponse, OAuthError> {
    let token = request.form.require("token", "token is missing.")?;
    services.revoke_token(&request.client, token).await?;
    Ok((StatusCode::OK, NO_STORE_HEADERS))
}
