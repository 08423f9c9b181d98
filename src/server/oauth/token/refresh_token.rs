//! Grant type `refresh_token` (RFC 6749 §6).

use crate::server::middleware::rate_limit::network;
use crate::server::oauth::client_auth::ClientRequest;
use crate::server::oauth::error::OAuthError;
use crate::server::service::Error;
use crate::server::service::authorizations::issue::IssuedTokens;
use crate::server::service::authorizations::refresh::{RefreshRefused, RefreshRequest};
use crate::server::state::AppState;

/// A text that is no refresh token of the client counts against the sender's network.
pub async fn issue(state: &AppState, request: &ClientRequest) -> Result<IssuedTokens, OAuthError> {
    let token = request.form.require("refresh_token", "refresh_token is missing.")?;
    let caller = network(request.from);
    let wrong = &state.limits.wrong_refresh_tokens;
    wrong.check_blocked(&caller).map_err(OAuthError::Overload)?;
    let (scope, resources) = (request.form.get("scope"), request.form.resources());
    let issued = state.services.refresh(&request.client, RefreshRequest { token, scope, resources, from: request.from }).await;
    if let Err(Error::Refused(RefreshRefused::NotValid)) = &issued {
        wrong.check(&caller).map_err(OAuthError::Overload)?;
    }
    Ok(issued?)
}
