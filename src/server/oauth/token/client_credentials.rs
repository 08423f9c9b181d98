//! Grant type `client_credentials` (RFC 6749 §4.4).

use crate::server::oauth::client_auth::ClientRequest;
use crate::server::oauth::error::OAuthError;
use crate::server::service::authorizations::issue::IssuedTokens;
use crate::server::state::AppState;

pub fn issue(state: &AppState, request: &ClientRequest) -> Result<IssuedTokens, OAuthError> {
    Ok(state.services.issue_client_token(&request.client, request.form.get("scope"), request.form.resources())?)
}
