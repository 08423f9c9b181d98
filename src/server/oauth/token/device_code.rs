//! Grant type `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4).

use crate::server::oauth::client_auth::ClientRequest;
use crate::server::oauth::error::OAuthError;
use crate::server::service::authorizations::issue::IssuedTokens;
use crate::server::state::AppState;

pub async fn issue(state: &AppState, request: &ClientRequest) -> Result<IssuedTokens, OAuthError> {
    let device_code = request.form.require("device_code", "device_code is missing.")?;
    Ok(state.services.poll_device_grant(&request.client, device_code, request.form.resources(), request.from).await?)
}
