//! How people sign in and out.
//!
//! A tenant offers the local [`password`], its identity providers ([`upstream`]), or both.

pub mod password;
mod recovery_codes;
pub mod second_factor;
pub mod session;
pub mod session_store;
pub mod sign_out;
pub mod upstream;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};

use super::middleware::http_error::HttpError;
use super::request_context::RequestContext;
use super::service::{Fault, Services};
use super::state::AppState;
use crate::domain::paths::{self, ReturnTo};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::i18n::Translations;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::device_flow::user_codes::CodeSubmitter;

/// The sign-in methods of a tenant.
#[derive(Clone, Debug)]
pub struct SignInMethods {
    /// In the order in which they were added.
    pub providers: Vec<Provider>,
    pub password: bool,
}

impl SignInMethods {
    pub async fn for_tenant(services: &Services, tenant: &Tenant) -> Result<Self, Fault> {
        Ok(Self { providers: services.enabled_providers(&tenant.id).await?, password: tenant.policy.local_passwords })
    }

    /// The methods of a signed-in person's tenant.
    pub async fn for_person(services: &Services, person: &SignedIn) -> Result<Self, Fault> {
        let (providers, password) = services.sign_in_methods(person).await?;
        Ok(Self { providers, password })
    }

    pub fn is_empty(&self) -> bool {
        self.providers.is_empty() && !self.password
    }
}

pub fn router() -> Router<AppState> {
    Router::new()
        .route(paths::SIGN_IN_PASSWORD, post(password::post))
        .route(paths::SIGN_IN_INVITATION, post(upstream::save_invitation))
        .route(paths::UPSTREAM_AUTHORIZE, get(upstream::authorize))
        .route(paths::UPSTREAM_CALLBACK, get(upstream::callback))
        .route(paths::SUBMIT_SECOND_FACTOR, post(second_factor::post))
        .route(paths::IDENTITIES_RECOVERY_FILE, get(recovery_codes::download))
        .route(paths::CHANGE_PASSWORD, get(|| async { Redirect::to(paths::IDENTITIES_PASSWORD) }))
        .route(paths::SIGN_OUT, post(sign_out::post))
        .route(paths::SIGN_OUT_REQUEST, get(sign_out::for_client))
        .route(paths::UPSTREAM_LOGOUT, get(sign_out::end_session))
}

/// Routes for providers, which authenticate with a logout token.
pub fn machine_routes() -> Router<AppState> {
    Router::new().route(paths::BACKCHANNEL_LOGOUT, post(sign_out::backchannel_logout))
}

/// Completes the first factor: signs the person in, or asks for the second factor if one is enrolled.
async fn complete_first_factor(
    services: &Services,
    caller: &RequestContext,
    identity: &AuthenticatedPerson,
    return_to: &ReturnTo,
    words: Translations,
) -> Result<Redirect, HttpError> {
    let Some(half) = services.begin_mfa(identity, caller.from, &caller.agent).await? else {
        return start_session(services, caller, identity, return_to, words).await;
    };
    caller.start_session(services).await?;
    caller.session.add_pending_mfa(&half, return_to, services.now()).await?;
    Ok(Redirect::to(&paths::second_factor(half.id.as_str(), return_to)))
}

/// Starts the session, and submits the pending user code: the one that this sign-in is for, or the last one if it is for nothing else.
async fn start_session(
    services: &Services,
    caller: &RequestContext,
    identity: &AuthenticatedPerson,
    return_to: &ReturnTo,
    words: Translations,
) -> Result<Redirect, HttpError> {
    let session = &caller.session;
    let browser = caller.start_session(services).await?;
    session.sign_in(identity, services.now()).await?;
    services.set_language(identity.tenant_id(), identity.user_id(), words.tag()).await?;
    let Some(typed) = session.pending_user_code_for(return_to).await? else {
        return Ok(Redirect::to(return_to.as_str()));
    };
    session.forget_pending_user_code(&typed.entry).await?;
    let Some(person) = services.restore_signed_in(identity.tenant_id(), identity.user_id(), identity.auth_times(), browser).await? else {
        return Ok(Redirect::to(&paths::sign_in(Some(identity.tenant_id()), return_to)));
    };
    let presented = services.submit_user_code(CodeSubmitter::Person(&person), &typed.code).await;
    Ok(Redirect::to(&caller.redirect_after_code(services, presented, &typed.code, words).await?))
}
