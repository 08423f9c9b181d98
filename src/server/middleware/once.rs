//! A form that is sent twice is carried out once: the second submission gets the first one's result. That holds for forms that renew
//! the session as well (sign-in, own password): the second submission, which comes with the old cookie, gets the new one.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::cookies;
use crate::domain::form::{self, SubmittedForm};
use crate::server::request_context::RequestContext;
use crate::server::service::platform::form_results::{Submission, SubmissionId};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::sign_in::session::Flash;
use crate::server::state::AppState;

/// How often, and how many times, a second submission asks whether the first one has ended.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 250;

/// What came of a form: where it led, and what is said there once.
#[derive(Clone, Serialize, Deserialize)]
struct FormResult {
    location: String,
    notice: Option<Flash>,
    /// The session's cookie, if the form gave it another value.
    renewed: Option<Renewed>,
}

/// Values of the session's cookie.
#[derive(Clone, Serialize, Deserialize)]
struct Renewed {
    /// What the form came with, if the browser had one.
    from: Option<String>,
    to: String,
}

/// A result that is kept once the session has been saved under its new id.
#[derive(Clone)]
struct Awaiting {
    id: SubmissionId,
    result: FormResult,
}

/// What is known of a form that has come.
pub enum Earlier {
    /// It is the first of its kind: its result has to be kept, or forgotten.
    First(SubmissionId),
    /// It was sent before; this is the answer.
    Sent(Response),
    /// It is carried out by itself: it has no key, or an earlier one was sent from elsewhere.
    Apart,
}

/// Looks for an earlier submission. Its key proves that the form was rendered here for the account that it names.
pub async fn earlier(
    state: &AppState,
    caller: &RequestContext,
    cookie: Option<&str>,
    form: &SubmittedForm,
    path: &str,
    body: &str,
) -> Result<Earlier, Fault> {
    let services = &state.services;
    let account = form.get(form::ACCOUNT).unwrap_or_default();
    if !form.get(form::KEY).is_some_and(|key| services.is_form_key(account, key)) {
        return Ok(Earlier::Apart);
    }
    let id = services.submission_id(account, path, body);
    for _ in 0..ASK_TIMES {
        match services.begin_submission(&id).await? {
            Submission::First => return Ok(Earlier::First(id)),
            Submission::Done(result) => {
                let result = serde_json::from_str(result.reveal()).map_err(Fault::new)?;
                return Ok(answer(state, caller, cookie, account, result).await?.map_or(Earlier::Apart, Earlier::Sent));
            }
            Submission::InProgress => sleep(ASK_EVERY).await,
        }
    }
    Ok(Earlier::Sent(StatusCode::SERVICE_UNAVAILABLE.into_response()))
}

/// The first submission's result, for its own account or browser. With the cookie that the first one came with, the new one is given:
/// the sender knows the old cookie, the form's one-time key and all that was entered.
async fn answer(
    state: &AppState,
    caller: &RequestContext,
    cookie: Option<&str>,
    account: &str,
    result: FormResult,
) -> Result<Option<Response>, Fault> {
    let FormResult { location, notice, renewed } = result;
    let redirect = Redirect::to(&location).into_response();
    let (old, new) = renewed.as_ref().map_or((None, None), |renewed| (renewed.from.as_deref(), Some(renewed.to.as_str())));
    if let (true, Some(new)) = (cookie.is_some() && cookie == old, new) {
        let mut redirect = redirect;
        let cookie = cookies::session(state.https, new).map_err(Fault::new)?;
        redirect.headers_mut().append(header::SET_COOKIE, cookie);
        // What is said there waits in the renewed session.
        return Ok(Some(redirect));
    }
    let is_own = caller.account().is_some_and(|own| own == account);
    if !is_own && (cookie.is_none() || cookie != new) {
        return Ok(None);
    }
    if let Some(notice) = notice {
        caller.session.set_flash(&notice).await?;
    }
    Ok(Some(redirect))
}

/// Keeps the result of a form that was carried out; that of one that renews the session when [`keep_renewed`] knows its new id.
pub async fn keep(
    services: &Services,
    caller: &RequestContext,
    id: SubmissionId,
    location: &str,
    notice: Option<Flash>,
    response: &mut Response,
) -> Result<(), Fault> {
    let result = FormResult { location: location.to_owned(), notice, renewed: None };
    if caller.session.will_be_renewed() {
        response.extensions_mut().insert(Awaiting { id, result });
        return Ok(());
    }
    finish(services, &id, &result).await
}

/// Stands around the sessions: keeps results with the id under which the session was saved.
pub async fn keep_renewed(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let name = cookies::session_cookie(state.https);
    let from = cookies::cookie(request.headers(), name).map(str::to_owned);
    let mut response = next.run(request).await;
    if let Some(Awaiting { id, mut result }) = response.extensions_mut().remove() {
        result.renewed = cookies::set_to(response.headers(), name).map(|to| Renewed { from, to });
        if let Err(fault) = finish(&state.services, &id, &result).await {
            // The form was carried out, and its answer has the new cookie.
            tracing::error!(error = %fault, "The result of a form could not be kept");
        }
    }
    response
}

async fn finish(services: &Services, id: &SubmissionId, result: &FormResult) -> Result<(), Fault> {
    let result = serde_json::to_string(result).map_err(Fault::new)?;
    services.finish_submission(id, &Secret::from_plaintext(result)).await
}
