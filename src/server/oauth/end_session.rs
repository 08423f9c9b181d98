//! `GET` and `POST /t/{tenant}/oauth/end_session` (OpenID Connect RP-Initiated Logout 1.0 §2): checks a client's request to sign a person out, and
//! sends the browser to where the session is known.
//!
//! Without session, as the authorization endpoint: a form of another site would come without the cookie.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::authorize::{find_tenant, read_parameters};
use crate::domain::paths;
use crate::server::middleware::client_ip;
use crate::server::middleware::http_error::HttpError;
use crate::server::middleware::rate_limit;
use crate::server::service::auth::sign_out_requests::SignOutParameters;
use crate::server::state::AppState;

/// `GET` and `POST` alike. What is not valid is left out, and the person is asked.
pub async fn handle(State(state): State<AppState>, tenant: Result<Path<String>, PathRejection>, request: Request) -> Result<Response, HttpError> {
    let from = client_ip::get(request.extensions());
    if let Err(wait) = state.limits.pages.check(&rate_limit::network(from)) {
        return Ok(rate_limit::too_many_requests(wait));
    }
    let Some(tenant) = find_tenant(&state, tenant).await? else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let Ok(sent) = read_parameters(request).await else {
        return Ok((StatusCode::BAD_REQUEST, "The request to sign out is not valid.\n").into_response());
    };
    // A parameter that is repeated counts as absent: which one was meant is not known.
    let parameter = |name: &str| {
        let mut values = sent.iter().filter(|(sent, value)| sent == name && !value.is_empty()).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    };
    let parameters = SignOutParameters {
        id_token_hint: parameter("id_token_hint"),
        client_id: parameter("client_id"),
        post_logout_redirect_uri: parameter("post_logout_redirect_uri"),
        state: parameter("state"),
    };
    let sealed = state.services.start_sign_out(&tenant.id, parameters).await?;
    Ok(Redirect::to(&paths::sign_out_request(&sealed)).into_response())
}
