//! `POST /t/{tenant}/oauth/par`: pushed authorization requests (RFC 9126).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Serialize;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::server::middleware::rate_limit::network;
use crate::server::state::AppState;

/// RFC 9126 §2.2.
#[derive(Serialize)]
struct PushedAuthorizationResponse {
    request_uri: String,
    expires_in: u64,
}

pub async fn post(State(state): State<AppState>, request: ClientRequest) -> Result<impl IntoResponse, OAuthError> {
    // Each is stored, as a device grant is.
    state.limits.device_requests.check(&network(request.from)).map_err(OAuthError::Overload)?;
    let ClientRequest { client, form, agent, .. } = request;
    let pushed = state.services.push_authorization(&client, &form.into_parameters(), &agent).await?;
    let response = PushedAuthorizationResponse { request_uri: pushed.request_uri.reveal().to_owned(), expires_in: pushed.expires_in.as_secs() };
    Ok((StatusCode::CREATED, NO_STORE_HEADERS, Json(response)))
}
