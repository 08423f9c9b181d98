//! How people sign in and out.
//!
//! A tenant offers one or more ways: the local [`password`], and each of its identity [`provider`]s.

pub mod password;
pub mod provider;
mod recovery_codes;
pub mod second_factor;
pub mod session;
pub mod sign_out;
pub mod store;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use super::caller::Caller;
use super::guard::trouble::Trouble;
use super::service::people::Identity;
use super::service::proofs::SignedIn;
use super::service::user_codes::Presenting;
use super::service::{Fault, Services};
use super::state::AppState;
use crate::domain::paths::{self, Onward};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::words::Words;

/// The ways into a tenant.
#[derive(Clone, Debug)]
pub struct Ways {
    /// In the order in which the centre added them.
    pub providers: Vec<Provider>,
    pub password: bool,
}

impl Ways {
    pub async fn into(services: &Services, tenant: &Tenant) -> Result<Self, Fault> {
        Ok(Self { providers: services.providers_of(&tenant.id).await?, password: tenant.policy.local_passwords })
    }

    /// Those of somebody who is signed in.
    pub async fn of(services: &Services, person: &SignedIn) -> Result<Self, Fault> {
        let (providers, password) = services.ways_of(person).await?;
        Ok(Self { providers, password })
    }

    pub fn are_none(&self) -> bool {
        self.providers.is_empty() && !self.password
    }
}

pub fn router() -> Router<AppState> {
    Router::new()
        .route(paths::SIGN_IN_PASSWORD, post(password::post))
        .route(paths::SIGN_IN_INVITATION, post(provider::keep_invitation))
        .route(paths::SIGN_IN_WITH, get(provider::set_out))
        .route(paths::SIGN_IN_BACK, get(provider::come_back))
        .route(paths::SHOW_SECOND_FACTOR, post(second_factor::post))
        .route(paths::IDENTITIES_RECOVERY_FILE, get(recovery_codes::file))
        .route(paths::CHANGE_PASSWORD, get(|| async { Redirect::to(paths::IDENTITIES_PASSWORD) }))
        .route(paths::SIGN_OUT, post(sign_out::post))
        .route(paths::SIGN_OUT_THERE, get(sign_out::there))
}

/// Doors for institutions, who bring their proof along.
pub fn machines() -> Router<AppState> {
    Router::new().route(paths::SIGN_IN_ENDED, post(sign_out::ended))
}

/// Signs somebody in who has shown a first factor; or asks for the second, if they have set one up.
async fn welcome(services: &Services, caller: &Caller, identity: &Identity, then: &Onward, words: Words) -> Result<Redirect, Trouble> {
    let Some(half) = services.half_signed_in(identity, caller.from, &caller.agent).await? else {
        return begin(services, caller, identity, then, words).await;
    };
    caller.begin_visit(services).await?;
    caller.session.add_half_sign_in(&half, then, services.now()).await?;
    Ok(Redirect::to(&paths::second_factor(half.id.as_str(), then)))
}

/// Starts the session, and takes up the code that was typed before: the one this sign-in is for, or the last one if it is for nothing
/// else.
async fn begin(services: &Services, caller: &Caller, identity: &Identity, then: &Onward, words: Words) -> Result<Redirect, Trouble> {
    let session = &caller.session;
    let visit = caller.begin_visit(services).await?;
    session.sign_in(identity, services.now()).await?;
    let Some(typed) = session.typed_code_for(then).await? else {
        return Ok(Redirect::to(then.as_str()));
    };
    session.forget_typed_code(&typed.entry).await?;
    let Some(person) = services.signed_in(identity.tenant_id(), identity.user_id(), identity.shown(), visit).await? else {
        return Ok(Redirect::to(&paths::sign_in(Some(identity.tenant_id()), then)));
    };
    let presented = services.present_user_code(Presenting::Person(&person), &typed.code).await;
    Ok(Redirect::to(&caller.take_up(services, presented, &typed.code, words).await?))
}
