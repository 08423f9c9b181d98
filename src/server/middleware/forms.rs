//! Every form passes here: it acts only for the account that it was rendered for, is carried out at most once, and is shown again with its
//! values if it was not carried out.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use leptos::server_fn::axum::server_fn_paths;

use super::http_error::{HttpError, wants_html};
use super::once::{self, Awaiting, Earlier};
use super::{cookies, form_fill};
use crate::domain::form::{self, DraftReason, FormDraft, SubmittedForm};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, ReturnTo};
use crate::server::preferences;
use crate::server::request_context::RequestContext;
use crate::server::service::Services;
use crate::server::service::platform::form_results::SubmissionId;
use crate::server::sign_in::session::flash::Flash;
use crate::server::state::AppState;

/// Limit of a form, in bytes.
pub const MAX_FORM_SIZE: usize = 64 * 1024;
/// Response header, removed here: the form was not carried out because a sign-in, or a more recent one, is required.
pub const SIGN_IN_NEEDED: HeaderName = HeaderName::from_static("x-form-sign-in-needed");
/// Response header, removed here: the form was refused because what it shows has changed since. Its values would hide the change.
pub const DISCARD_DRAFT: HeaderName = HeaderName::from_static("x-form-not-kept");

/// Paths of all server functions; other paths below theirs are not found.
static ACTIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| server_fn_paths().map(|(path, _)| path).collect());
/// Sign-in forms: a repeated submission must not ask for the credentials again.
const SIGNING_IN: [&str; 2] = [paths::SIGN_IN_PASSWORD, paths::SUBMIT_SECOND_FACTOR];

/// Renders the response to a form of another account than the one that is signed in now, with a way to the form's page and tenant. The
/// router passes it in, because layers know no pages.
pub type RenderMismatchPage = fn(AppState, Request, ReturnTo, Option<TenantId>) -> BoxFuture<'static, Response>;

pub async fn check(
    State((state, mismatch_page)): State<(AppState, RenderMismatchPage)>,
    caller: RequestContext,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    match *request.method() {
        Method::POST => submit(state, mismatch_page, caller, request, next).await,
        Method::GET => show_page(&state, &caller, request, next).await,
        _ => Ok(next.run(request).await),
    }
}

async fn submit(
    state: AppState,
    mismatch_page: RenderMismatchPage,
    caller: RequestContext,
    request: Request,
    next: Next,
) -> Result<Response, HttpError> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_FORM_SIZE).await else { return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response()) };
    // A body that is not a form names no account; the action reports the error.
    let form = SubmittedForm::new(serde_urlencoded::from_bytes(&body).unwrap_or_default());
    let path = parts.uri.path().to_owned();
    let needs_person = ACTIONS.contains(path.as_str()) && !paths::PUBLIC_ACTIONS.contains(&path.as_str());
    let account = caller.account();
    if !form::may_act(form.get(form::ACCOUNT), account.as_deref(), needs_person) {
        return Ok(reject_account_mismatch(state, mismatch_page, parts, &form).await);
    }
    let id = if needs_person || SIGNING_IN.contains(&path.as_str()) {
        let cookie = cookies::cookie(&parts.headers, cookies::session_cookie(state.https));
        match once::earlier(&state, &caller, cookie, &form, &path, &String::from_utf8_lossy(&body)).await? {
            Earlier::First(id) => Some(id),
            Earlier::Sent(answer) => return Ok(answer),
            Earlier::Apart => None,
        }
    } else {
        None
    };
    let awaiting = parts.extensions.get().cloned().unwrap_or_default();
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    finish(&state.services, &caller, form, &path, needs_person, id.map(|id| (id, awaiting)), response).await
}

/// Refuses a form of another account: nothing is done, and the page names the signed-in account.
async fn reject_account_mismatch(state: AppState, page_for: RenderMismatchPage, parts: Parts, form: &SubmittedForm) -> Response {
    if !wants_html(&parts.headers) {
        return (StatusCode::CONFLICT, "The form does not name the account that is signed in now. Nothing was done.\n").into_response();
    }
    let page = ReturnTo::from_untrusted(form.get(form::PAGE).unwrap_or_default());
    let tenant = form.get(form::ACCOUNT).and_then(form::tenant_of);
    page_for(state, Request::from_parts(parts, Body::empty()), page, tenant).await
}

/// Stores the form's values if it was not carried out, else its result.
async fn finish(
    services: &Services,
    caller: &RequestContext,
    form: SubmittedForm,
    path: &str,
    needs_person: bool,
    submission: Option<(SubmissionId, Awaiting)>,
    mut response: Response,
) -> Result<Response, HttpError> {
    let sign_in_needed = response.headers_mut().remove(SIGN_IN_NEEDED).is_some();
    let not_kept = response.headers_mut().remove(DISCARD_DRAFT).is_some();
    let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
    let flash = caller.session.request_flash();
    let why = match (form.get(form::PAGE), needs_person) {
        (None, _) => None,
        (Some(_), true) if sign_in_needed => Some(DraftReason::SignInNeeded),
        (Some(page), true) if !not_kept && is_refused_at(page, &location, flash.as_ref()) => Some(DraftReason::Refused),
        (Some(_), _) if path == paths::SET_PREFERENCES && form.get(form::ACTION).is_some() => Some(DraftReason::PreferencesChanged),
        _ => None,
    };
    let carried_out =
        why.is_none() && !sign_in_needed && response.status() == StatusCode::SEE_OTHER && !flash.as_ref().is_some_and(Flash::is_refusal);
    match submission {
        Some((id, awaiting)) if carried_out => once::keep(services, caller, id, &location, flash, &awaiting).await?,
        Some((id, _)) => services.discard_submission(&id).await?,
        None => {}
    }
    if let Some(why) = why {
        let page = ReturnTo::from_untrusted(form.get(form::PAGE).unwrap_or_default());
        // Without a session, the form key proves that the form was rendered for the account it names.
        let account = form.get(form::ACCOUNT).unwrap_or_default().to_owned();
        let is_ours = caller.signed_in.is_some() || form.get(form::KEY).is_some_and(|key| services.is_form_key(&account, key));
        if let Some(draft) = form.into_draft(services.draft_id(), path, why).filter(|_| is_ours) {
            let address = redirect_target(&location, &draft);
            caller.start_session(services).await?;
            caller.session.save_draft(draft).await?;
            return Ok(with_location(response, &address));
        }
        // Nothing is stored; redirect to its page anyway.
        return Ok(match why {
            DraftReason::PreferencesChanged => with_location(response, page.as_str()),
            DraftReason::SignInNeeded if page != ReturnTo::default() => with_location(response, &through_sign_in(&location, None, &page)),
            DraftReason::SignInNeeded | DraftReason::Refused => response,
        });
    } else if carried_out && needs_person {
        let (account, page) = (form.get(form::ACCOUNT).unwrap_or_default(), form.get(form::PAGE).unwrap_or_default());
        caller.session.discard_draft(account, page, path).await?;
    }
    Ok(response)
}

/// Whether the form leads back to its own page with a refusal.
fn is_refused_at(page: &str, location: &str, flash: Option<&Flash>) -> bool {
    let path = |address: &str| address.split('?').next().unwrap_or_default().to_owned();
    path(page) == path(location) && flash.is_some_and(Flash::is_refusal)
}

/// The same response, which may set cookies, with another `Location`.
fn with_location(mut response: Response, address: &str) -> Response {
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// Where a form leads that was not carried out: to the page with the refusal, else to its own page, through sign-in if that is required.
fn redirect_target(location: &str, draft: &FormDraft) -> String {
    if draft.reason == DraftReason::Refused {
        // The page that the action chose, which shows the reason.
        return ReturnTo::from_untrusted(&draft.url_at(location)).or_untrusted(location).as_str().to_owned();
    }
    let path = draft.page.split('?').next().unwrap_or_default();
    // A long query does not fit beside the draft.
    let page = ReturnTo::from_untrusted(&draft.url()).or_untrusted(&format!("{path}?{}={}", paths::DRAFT, draft.id));
    if draft.reason != DraftReason::SignInNeeded {
        return page.as_str().to_owned();
    }
    through_sign_in(location, form::tenant_of(&draft.account), &page)
}

/// The sign-in URL that returns to `page`.
fn through_sign_in(location: &str, tenant: Option<TenantId>, page: &ReturnTo) -> String {
    let (path, query) = location.split_once('?').unwrap_or((location, ""));
    let mut query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    query.retain(|(name, _)| name != "then");
    if let Some(tenant) = tenant.filter(|_| path == paths::SIGN_IN && query.is_empty()) {
        query.push(("tenant".into(), tenant.to_string()));
    }
    query.push(("then".into(), page.as_str().to_owned()));
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", paths::encode(value))).collect();
    format!("{path}?{}", query.join("&"))
}

/// Renders a page, filled with the draft that its URL names.
async fn show_page(state: &AppState, caller: &RequestContext, request: Request, next: Next) -> Result<Response, HttpError> {
    let path = request.uri().path().to_owned();
    let query: Vec<(String, String)> = request.uri().query().and_then(|query| serde_urlencoded::from_str(query).ok()).unwrap_or_default();
    let words = preferences::translations(request.headers(), &state.languages);
    let mut response = next.run(request).await;
    response.headers_mut().remove(SIGN_IN_NEEDED);
    let draft = match query.iter().find(|(name, _)| name == paths::DRAFT) {
        Some((_, id)) => caller.session.draft(id).await?.filter(|draft| draft.belongs_to(&path, caller.account().as_deref())),
        None => None,
    };
    Ok(form_fill::fill(response, draft.as_ref(), words).await?)
}
