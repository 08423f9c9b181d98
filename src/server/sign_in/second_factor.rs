//! `POST /sign-in/second-factor/show`: the other half of a sign-in; or once more by somebody who is signed in, before something that
//! is hard to take back.

use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use serde::Deserialize;

use super::begin;
use super::session::{Notice, Place};
use crate::domain::paths::{self, Onward};
use crate::domain::time::retry_after;
use crate::server::caller::Caller;
use crate::server::guard::trouble::Trouble;
use crate::server::preferences;
use crate::server::service::Error;
use crate::server::service::second_factors::{NotShown, Proof};
use crate::server::state::AppState;

#[derive(Deserialize)]
pub struct Offered {
    #[serde(default)]
    code: String,
    /// What the browser made of a passkey.
    #[serde(default)]
    passkey: String,
    /// Sent by somebody who is signed in, with the page to go on to.
    #[serde(default)]
    again: String,
    #[serde(default)]
    then: String,
}

pub async fn post(State(state): State<AppState>, headers: HeaderMap, caller: Caller, Form(form): Form<Offered>) -> Result<Redirect, Trouble> {
    let (services, words) = (&state.services, preferences::words(&headers, &state.languages));
    let asked = caller.session.take_passkey_asked().await?.unwrap_or_default();
    let proof = if form.passkey.is_empty() { Proof::Code(&form.code) } else { Proof::Passkey { asked: &asked, answer: &form.passkey } };
    let wanted = Onward::wanted(&form.then);
    let visit = caller.begin_visit(services).await?;
    let (shown, then, back) = match (&caller.signed_in, caller.session.half_signed_in().await?) {
        (Some(person), _) if !form.again.is_empty() => (services.step_up(person, proof).await, wanted.clone(), paths::second_factor_again(&wanted)),
        (_, Some((half, then))) => (services.finish_sign_in(&half, proof, &visit).await, then, paths::SECOND_FACTOR.to_owned()),
        _ => return Ok(Redirect::to(paths::SIGN_IN)),
    };
    let refused = match shown {
        Ok(identity) => return begin(services, &caller, &identity, &then, words).await,
        Err(Error::Refused(refused)) => refused,
        Err(Error::Internal(fault)) => return Err(fault.into()),
    };
    let place = if refused == NotShown::TooLate { Place::SignIn } else { Place::SecondFactor };
    let mut notice = Notice::new(place, words.not_shown(&refused));
    if let NotShown::TooManyTries { wait } = refused {
        notice.wait = Some(retry_after(wait));
    }
    caller.session.set_notice(&notice).await?;
    Ok(Redirect::to(if refused == NotShown::TooLate { paths::SIGN_IN } else { &back }))
}
