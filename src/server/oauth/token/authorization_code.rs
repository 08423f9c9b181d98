//! Grant type `authorization_code` (RFC 6749 §4.1.3).

use crate::server::oauth::client_auth::ClientRequest;
use crate::server::oauth::error::OAuthError;
use crate::server::service::authorizations::issue::IssuedTokens;
use crate::server::service::code_flow::redemption::CodeRequest;
use crate::server::state::AppState;

pub async fn issue(state: &AppState, request: &ClientRequest) -> Result<IssuedTokens, OAuthError> {
    let sent = CodeRequest {
        code: request.form.require("code", "code is missing.")?,
        redirect_uri: request.form.get("redirect_uri"),
        verifier: request.form.get("code_verifier"),
        resources: request.form.resources(),
        from: request.from,
        agent: &request.agent,
    };
    Ok(state.services.redeem_code(&request.client, sent).await?)
}
