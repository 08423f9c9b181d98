//! `POST /sign-out`; `GET /sign-out/request`, where a client sends people to sign out; and `POST /sign-in/ended/…`, where a provider reports that
//! a person has signed out there.

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::Deserialize;
use serde_json::json;

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths::{self, ReturnTo};
use crate::server::middleware::http_error::HttpError;
use crate::server::middleware::unavailable::{fault_status, with_retry_after};
use crate::server::request_context::RequestContext;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::auth::upstream_login::ProviderError;
use crate::server::service::auth::upstream_logout::{EndSessionRequest, LogoutTokenRefused};
use crate::server::service::{Error, Fault, Services};
use crate::server::sign_in::session::upstream::PendingUpstreamLogout;
use crate::server::state::AppState;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Continues with another account, if the form asks for that.
#[derive(Deserialize)]
pub struct Next {
    /// The tenant of that account.
    #[serde(default)]
    tenant: String,
    /// The page to continue with after sign-in.
    #[serde(default)]
    then: Option<String>,
    /// The sealed request of a client to sign out, to which the person agrees.
    #[serde(default)]
    request: Option<String>,
}

/// Signs out. People who came through an institution are shown where to sign out there; it is left to them, because other sites may depend
/// on that session.
pub async fn post(State(services): State<Services>, caller: RequestContext, form: Result<Form<Next>, FormRejection>) -> Result<Response, HttpError> {
    let (next, of_client) = match form {
        Ok(Form(Next { tenant, then, request })) => (then.map(|then| (TenantId::parse(tenant).ok(), ReturnTo::from_untrusted(&then))), request),
        Err(_) => (None, None),
    };
    let elsewhere = match &caller.signed_in {
        Some(person) => end_here(&services, &caller, person).await?,
        None => None,
    };
    if let Some(sealed) = of_client {
        return Ok(signed_out(&caller, elsewhere, &paths::signed_out_for(&sealed)).await?);
    }
    // An authorization request stays that of this browser session.
    let request = match (&next, &caller.signed_in) {
        (Some((tenant, then)), Some(person)) if then.authorization_handle().is_some() => Some((tenant.as_ref().unwrap_or(person.tenant_id()), then)),
        _ => None,
    };
    match (elsewhere, request) {
        (Some(there), _) => {
            let then = next.map(|(_, then)| then).unwrap_or_default();
            Ok(signed_out(&caller, Some(there), &paths::with_return_to(paths::SIGNED_OUT, &then)).await?)
        }
        (None, Some((tenant, then))) => {
            caller.session.change_account(tenant).await?;
            Ok(leave(&paths::sign_in(Some(tenant), then)))
        }
        (None, None) => {
            let target = next.map_or_else(|| paths::HOME.to_owned(), |(tenant, then)| paths::sign_in(tenant.as_ref(), &then));
            Ok(signed_out(&caller, None, &target).await?)
        }
    }
}

/// Ends what depends on the session, and returns where the person can sign out at their institution.
async fn end_here(services: &Services, caller: &RequestContext, person: &SignedIn) -> Result<Option<EndSessionRequest>, Fault> {
    let elsewhere = match caller.session.upstream_session().await? {
        Some(through) => services.end_session_request(person, &through).await?,
        None => None,
    };
    services.record_sign_out(person).await?;
    Ok(elsewhere)
}

/// Ends the session, and goes on to `target`, a page that may offer to sign out at the institution.
async fn signed_out(caller: &RequestContext, elsewhere: Option<EndSessionRequest>, target: &str) -> Result<Response, Fault> {
    match elsewhere {
        Some(there) => {
            let here = PendingUpstreamLogout { institution: there.name, end_session_url: Some(there.url), state: there.state.reveal().to_owned() };
            caller.session.end_with_upstream_logout(&here).await?;
        }
        None => caller.session.end().await?,
    }
    Ok(leave(target))
}

fn leave(target: &str) -> Response {
    ([(CLEAR_SITE_DATA, "\"cache\", \"storage\"")], Redirect::to(target)).into_response()
}

/// A sealed request of a client to sign out.
#[derive(Deserialize)]
pub struct ClientRequest {
    #[serde(default)]
    request: String,
}

/// Signs out at once if the client showed an ID token of this session (OpenID Connect RP-Initiated Logout 1.0 §2), and else asks. Afterwards the
/// person is back at the client, if it registered the address.
pub async fn for_client(
    State(services): State<Services>,
    caller: RequestContext,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<ClientRequest>, QueryRejection>,
) -> Result<Response, HttpError> {
    let sealed = query.map(|Query(query)| query.request).unwrap_or_default();
    let request = services.open_sign_out(&sealed).await?;
    let back = request.as_ref().and_then(|request| request.return_to());
    let Some(person) = &caller.signed_in else {
        return Ok(Redirect::to(back.unwrap_or(paths::SIGNED_OUT)).into_response());
    };
    let is_theirs = request.as_ref().is_some_and(|request| services.is_of_session(request, person));
    if !is_theirs || !is_visit(&method, &headers) {
        return Ok(Redirect::to(&paths::sign_out_confirm(&sealed)).into_response());
    }
    let Some(back) = back else {
        let elsewhere = end_here(&services, &caller, person).await?;
        return Ok(signed_out(&caller, elsewhere, paths::SIGNED_OUT).await?);
    };
    // Other sites may depend on the institution's session: it stays.
    services.record_sign_out(person).await?;
    Ok(signed_out(&caller, None, back).await?)
}

/// Whether a person opens this URL: not an image, a frame or a prefetch, according to the browser.
fn is_visit(method: &Method, headers: &HeaderMap) -> bool {
    let is_document = headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document");
    *method == Method::GET && is_document && !headers.contains_key("sec-purpose")
}

/// Redirects to the institution, once. The URL contains the ID token, so it is in no page.
pub async fn end_session(caller: RequestContext) -> Result<Redirect, HttpError> {
    let way = caller.session.take_end_session_url().await?;
    Ok(Redirect::to(way.as_deref().unwrap_or(paths::SIGNED_OUT)))
}

/// OpenID Connect Back-Channel Logout 1.0 §2.5.
#[derive(Deserialize)]
pub struct LogoutTokenForm {
    logout_token: String,
}

pub async fn backchannel_logout(
    State(state): State<AppState>,
    Path((tenant, provider)): Path<(String, String)>,
    form: Result<Form<LogoutTokenForm>, FormRejection>,
) -> Response {
    let (Ok(tenant), Ok(provider)) = (TenantId::parse(tenant), ProviderId::parse(provider)) else {
        return logout_error(StatusCode::NOT_FOUND, "There is no such provider.");
    };
    let Ok(Form(form)) = form else {
        return logout_error(StatusCode::BAD_REQUEST, "Send logout_token as application/x-www-form-urlencoded.");
    };
    match state.services.backchannel_logout(&tenant, &provider, &form.logout_token).await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(Error::Refused(LogoutTokenRefused::NoProvider)) => logout_error(StatusCode::NOT_FOUND, "There is no such provider."),
        Err(Error::Refused(LogoutTokenRefused::ProviderFailed(trouble))) => {
            // Anyone can send one. Texts from others are quoted, so that they cannot look like a log line of the portal.
            if state.limits.refused_logouts.check(&format!("{tenant}/{provider}")).is_ok() {
                tracing::warn!(error = ?trouble, %tenant, %provider, "A logout token was refused; more within a minute are not told");
            }
            match trouble {
                // Temporary: the provider may send the token again.
                ProviderError::Timeout | ProviderError::Unreachable(_) | ProviderError::InvalidResponse(_) => {
                    logout_error(StatusCode::SERVICE_UNAVAILABLE, "The token's keys could not be asked for.")
                }
                _ => logout_error(StatusCode::BAD_REQUEST, "The logout token is not to be trusted."),
            }
        }
        Err(Error::Internal(fault)) => {
            if !fault.is_logged() {
                tracing::error!(error = %fault, "Sessions could not be ended for an institution");
            }
            logout_error(fault_status(&fault), "Something broke on our side.")
        }
    }
}

/// §2.8.
fn logout_error(status: StatusCode, why: &str) -> Response {
    let error = match status {
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        StatusCode::INTERNAL_SERVER_ERROR => "server_error",
        _ => "invalid_request",
    };
    with_retry_after((status, [(header::CACHE_CONTROL, "no-store")], Json(json!({ "error": error, "error_description": why }))).into_response())
}
