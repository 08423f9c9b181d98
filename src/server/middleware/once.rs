//! Carries out a repeated form once: the second submission gets the result of the first. That includes forms that renew the session
//! (sign-in, password change): the second submission, sent with the old cookie, receives the new one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::cookies;
use super::unavailable::unavailable;
use crate::domain::form::{self, SubmittedForm};
use crate::server::request_context::RequestContext;
use crate::server::service::platform::form_results::{Submission, SubmissionId};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::sign_in::session::flash::Flash;
use crate::server::state::AppState;

/// How often, and how many times, a second submission checks whether the first one has finished.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 250;

/// The result of a form: its redirect, and the message for the next page.
#[derive(Clone, Serialize, Deserialize)]
struct FormResult {
    location: String,
    #[serde(rename = "notice")]
    flash: Option<Flash>,
    /// The session cookie, if the form changed its value.
    renewed: Option<Renewed>,
}

/// The values of the session cookie.
#[derive(Clone, Serialize, Deserialize)]
struct Renewed {
    /// The value sent with the form, if there was one.
    from: Option<String>,
    to: String,
}

impl Renewed {
    /// Whether a repeated submission has the cookie that the first one was sent with.
    fn was_sent_with(&self, cookie: Option<&str>) -> bool {
        cookie.is_some() && cookie == self.from.as_deref()
    }
}

/// The submission of a request whose result is stored once the session has been saved under its new id.
#[derive(Clone, Default)]
pub struct Awaiting(Arc<Mutex<Option<(SubmissionId, FormResult)>>>);

impl Awaiting {
    fn set(&self, id: SubmissionId, result: FormResult) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, result));
    }

    fn take(&self) -> Option<(SubmissionId, FormResult)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What is known about a submitted form.
pub enum Earlier {
    /// The first submission: its result must be stored or discarded.
    First(SubmissionId),
    /// A repeated submission, with the response to it.
    Sent(Response),
    /// Carried out independently: it has no form key, or its first submission came from another browser.
    Apart,
}

/// Looks up an earlier submission. The form key proves that the form was rendered here for the account that it names.
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
    Ok(Earlier::Sent(unavailable()))
}

/// The first submission's result, for its own account or browser. A sender with the cookie that the first one was sent with gets the new
/// cookie: it knows the old cookie, the form key and all values.
async fn answer(
    state: &AppState,
    caller: &RequestContext,
    cookie: Option<&str>,
    account: &str,
    result: FormResult,
) -> Result<Option<Response>, Fault> {
    let FormResult { location, flash, renewed } = result;
    let mut redirect = Redirect::to(&location).into_response();
    if let Some(renewed) = renewed.as_ref().filter(|renewed| renewed.was_sent_with(cookie)) {
        let cookie = cookies::session(state.https, &renewed.to).map_err(Fault::new)?;
        redirect.headers_mut().append(header::SET_COOKIE, cookie);
        // The message waits in the renewed session.
        return Ok(Some(redirect));
    }
    let has_new_cookie = renewed.is_some_and(|renewed| cookie == Some(renewed.to.as_str()));
    if !has_new_cookie && caller.account().as_deref() != Some(account) {
        return Ok(None);
    }
    if let Some(flash) = flash {
        caller.session.set_flash(&flash).await?;
    }
    Ok(Some(redirect))
}

/// Stores the result of a form that was carried out. If the form renews the session, [`keep_renewed`] does so when the new id is known.
pub async fn keep(
    services: &Services,
    caller: &RequestContext,
    id: SubmissionId,
    location: &str,
    flash: Option<Flash>,
    awaiting: &Awaiting,
) -> Result<(), Fault> {
    let result = FormResult { location: location.to_owned(), flash, renewed: None };
    if caller.session.will_be_renewed() {
        awaiting.set(id, result);
        return Ok(());
    }
    finish(services, &id, &result).await
}

/// Wraps the session layer: stores results with the id under which the session was saved. If saving it failed, forgets the submission, so
/// that a repeated one is carried out rather than waiting for a result.
pub async fn keep_renewed(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let name = cookies::session_cookie(state.https);
    let from = cookies::cookie(request.headers(), name).map(str::to_owned);
    let awaiting = Awaiting::default();
    request.extensions_mut().insert(awaiting.clone());
    let response = next.run(request).await;
    if let Some((id, mut result)) = awaiting.take() {
        let kept = if response.status().is_server_error() {
            state.services.discard_submission(&id).await
        } else {
            result.renewed = cookies::set_to(response.headers(), name).map(|to| Renewed { from, to });
            finish(&state.services, &id, &result).await
        };
        if let Err(fault) = kept
            && !fault.is_logged()
        {
            // If the form was carried out, its response has the new cookie.
            tracing::error!(error = %fault, "The result of a form could not be kept");
        }
    }
    response
}

async fn finish(services: &Services, id: &SubmissionId, result: &FormResult) -> Result<(), Fault> {
    let result = serde_json::to_string(result).map_err(Fault::new)?;
    services.finish_submission(id, &Secret::from_plaintext(result)).await
}
