//! `POST /t/{tenant}/oauth/device_authorization` (RFC 8628 §3.1, §3.2).

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;

use super::client_auth::ClientRequest;
use super::error::{NO_STORE_HEADERS, OAuthError};
use crate::domain::paths;
use crate::server::middleware::rate_limit::network;
use crate::server::service::device_flow::device_grants::{DeviceAuthorizationRequest, StartedGrant};
use crate::server::state::AppState;

#[derive(Serialize)]
struct DeviceAuthorizationResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: u64,
    /// For clients that print it, such as those written for Microsoft's endpoint.
    message: String,
}

pub async fn post(State(state): State<AppState>, request: ClientRequest) -> Result<impl IntoResponse, OAuthError> {
    state.limits.device_requests.check(&network(request.from)).map_err(OAuthError::Overload)?;
    let services = &state.services;
    let ClientRequest { client, form, from, agent } = &request;
    let sent = DeviceAuthorizationRequest { scope: form.get("scope"), resources: form.resources(), from: *from, agent };
    let started = services.start_device_grant(client, sent).await;
    let started = request.recorded(services, started.map_err(OAuthError::from))?;
    Ok((NO_STORE_HEADERS, Json(authorization_response(&started, services.public_url()))))
}

fn authorization_response(started: &StartedGrant, public_url: &str) -> DeviceAuthorizationResponse {
    let verification_uri = format!("{public_url}{}", paths::DEVICE);
    let user_code = started.user_code.to_string();
    DeviceAuthorizationResponse {
        device_code: started.device_code.reveal().to_owned(),
        verification_uri_complete: started.complete_uri.then(|| format!("{verification_uri}?user_code={user_code}")),
        expires_in: started.expires_in.as_secs(),
        interval: started.interval.as_secs(),
        message: format!("To sign in, open {verification_uri} in a browser and enter the code {user_code}."),
        verification_uri,
        user_code,
    }
}
