//! `POST /sign-in/second-factor/show`: completes a sign-in, or re-authenticates a signed-in person before a sensitive action.

use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use serde::Deserialize;

use super::start_session;
use crate::domain::paths::{self, ReturnTo};
use crate::domain::time::retry_after;
use crate::server::middleware::http_error::HttpError;
use crate::server::preferences;
use crate::server::request_context::RequestContext;
use crate::server::service::Error;
use crate::server::service::auth::second_factors::verification::{MfaRefused, MfaResponse};
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server::state::AppState;

/// Value of the field `with` in the form for recovery codes.
pub const RECOVERY: &str = "recovery";

#[derive(Deserialize)]
pub struct SecondFactorForm {
    #[serde(default)]
    code: String,
    /// The browser's passkey response, and the id of its challenge.
    #[serde(default)]
    passkey: String,
    #[serde(default)]
    ceremony: String,
    /// The pending sign-in that it completes.
    #[serde(default)]
    attempt: String,
    /// Set when a signed-in person re-authenticates.
    #[serde(default)]
    again: String,
    /// [`RECOVERY`] if it was the form for recovery codes. Only where errors are shown depends on it.
    #[serde(default)]
    with: String,
    /// The page to continue with if the pending sign-in has expired.
    #[serde(default)]
    then: String,
}

pub async fn post(
    State(state): State<AppState>,
    headers: HeaderMap,
    caller: RequestContext,
    Form(form): Form<SecondFactorForm>,
) -> Result<Redirect, HttpError> {
    let (services, words) = (&state.services, preferences::translations(&headers, &state.languages));
    let (session, return_to, now) = (&caller.session, ReturnTo::from_untrusted(&form.then), services.now());
    let half = session.pending_mfa(&form.attempt, now).await?;
    let finished = match &half {
        Some((half, _)) if caller.signed_in.is_some() => session.has_finished(half).await?,
        _ => false,
    };
    let half = half.filter(|_| !finished || !form.attempt.is_empty());
    let again = caller.signed_in.as_ref().filter(|_| !form.again.is_empty());
    if let (None, true, Some((_, then))) = (again, finished, &half) {
        return Ok(Redirect::to(then.as_str()));
    }
    let asked = if form.passkey.is_empty() { None } else { session.take_passkey_challenge(&form.ceremony, now).await? };
    let response = match &asked {
        Some(asked) => Some(MfaResponse::Passkey { challenge: asked, response: &form.passkey }),
        None => form.passkey.is_empty().then_some(MfaResponse::Code(&form.code)),
    };
    let (tenant, then, back, about) = match (again, &half) {
        (Some(_), _) => (None, return_to.clone(), paths::second_factor_again(&return_to), ""),
        (None, Some((half, then))) => (Some(&half.tenant_id), then.clone(), paths::second_factor(half.id.as_str(), then), half.id.as_str()),
        (None, None) => return Ok(Redirect::to(&paths::sign_in_expired(&return_to))),
    };
    let shown = match (again, &half, response) {
        (_, _, None) => Err(Error::Refused(MfaRefused::UnknownChallenge)),
        (Some(person), _, Some(response)) => services.step_up(person, response).await,
        (None, Some((half, _)), Some(response)) => services.finish_sign_in(half, response, caller.from).await,
        (None, None, Some(_)) => Err(Error::Refused(MfaRefused::SessionEnded)),
    };
    let refused = match shown {
        Ok(identity) => return start_session(services, &caller, &identity, &then, words).await,
        Err(Error::Refused(refused)) => refused,
        Err(Error::Internal(fault)) => return Err(fault.into()),
    };
    let over = matches!(refused, MfaRefused::Expired | MfaRefused::SessionEnded);
    let mut flash = Flash::new(if over { FlashTarget::SignIn } else { FlashTarget::SecondFactor }, words.mfa_refused(&refused));
    flash.wait = refused.wait().map(retry_after);
    if !over {
        flash = flash.about(about);
        if form.with == RECOVERY {
            flash = flash.with_input(RECOVERY);
        }
    }
    session.set_flash(&flash).await?;
    Ok(Redirect::to(&if over { paths::sign_in(tenant, &then) } else { back }))
}
