//! `POST /sign-in/password`: the local password.

use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Redirect;
use serde::Deserialize;

use super::session::{Notice, Place};
use super::welcome;
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, Onward};
use crate::domain::time::retry_after;
use crate::server::caller::Caller;
use crate::server::guard::trouble::Trouble;
use crate::server::preferences;
use crate::server::service::Error;
use crate::server::service::entropy::Secret;
use crate::server::service::people::SignInRefused;
use crate::server::state::AppState;
use crate::words::Words;

#[derive(Deserialize)]
pub struct Credentials {
    tenant: String,
    user_name: String,
    password: String,
    /// The page to go on to; anything but one of ours is the start page.
    #[serde(default)]
    then: String,
    /// Sent by somebody who is signed in, and shows once more that it is them.
    #[serde(default)]
    again: String,
}

pub async fn post(State(state): State<AppState>, headers: HeaderMap, caller: Caller, Form(form): Form<Credentials>) -> Result<Redirect, Trouble> {
    let (services, words) = (&state.services, preferences::words(&headers, &state.languages));
    let (password, then) = (Secret::given(form.password), Onward::wanted(&form.then));
    let back = if form.again.is_empty() { paths::sign_in(None, &then) } else { paths::sign_in_again(&then) };
    let Ok(tenant) = TenantId::parse(form.tenant) else {
        return refuse(&caller, None, &SignInRefused::Wrong, &form.user_name, &back, words).await;
    };
    match services.sign_in_with_password(&tenant, &form.user_name, &password, caller.from).await {
        Ok(identity) => welcome(services, &caller, &identity, &then, words).await,
        Err(Error::Refused(refused)) => refuse(&caller, Some(tenant), &refused, &form.user_name, &back, words).await,
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

async fn refuse(
    caller: &Caller,
    tenant: Option<TenantId>,
    refused: &SignInRefused,
    user_name: &str,
    back: &str,
    words: Words,
) -> Result<Redirect, Trouble> {
    let mut notice = Notice::new(Place::SignIn, words.sign_in_refused(refused)).typed(user_name);
    notice.tenant = tenant;
    if let SignInRefused::TooManyTries { wait } = refused {
        notice.wait = Some(retry_after(*wait));
    }
    caller.session.set_notice(&notice).await?;
    Ok(Redirect::to(back))
}
