//! `POST /sign-in/password`: the local password.

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::session::{Notice, Place};
use crate::domain::ids::TenantId;
use crate::domain::paths::{self, AfterSignIn};
use crate::domain::time::retry_after;
use crate::server::caller::Caller;
use crate::server::guard::trouble::Trouble;
use crate::server::service::entropy::Secret;
use crate::server::service::people::{Identity, SignInRefused};
use crate::server::service::user_codes::Presenting;
use crate::server::service::{Error, Services};

#[derive(Deserialize)]
pub struct Credentials {
    tenant: String,
    user_name: String,
    password: String,
}

pub async fn post(State(services): State<Services>, caller: Caller, Form(form): Form<Credentials>) -> Result<Redirect, Trouble> {
    let password = Secret::given(form.password);
    let Ok(tenant) = TenantId::parse(form.tenant) else {
        return refuse(&caller, &SignInRefused::Wrong, &form.user_name).await;
    };
    match services.sign_in_with_password(&tenant, &form.user_name, &password, caller.from).await {
        Ok(identity) => welcome(&services, &caller, &identity).await,
        Err(Error::Refused(refused)) => refuse(&caller, &refused, &form.user_name).await,
        Err(Error::Internal(fault)) => Err(fault.into()),
    }
}

/// Starts the session, and takes up the code that was typed before.
async fn welcome(services: &Services, caller: &Caller, identity: &Identity) -> Result<Redirect, Trouble> {
    let session = &caller.session;
    let visit = caller.begin_visit(services).await?;
    session.sign_in(identity, services.now()).await?;
    let Some(code) = session.take_typed_code().await? else {
        return Ok(Redirect::to(session.take_after_sign_in().await?.path()));
    };
    let Some(person) = services.signed_in(identity.tenant_id(), identity.user_id(), visit).await? else { return Ok(Redirect::to(paths::SIGN_IN)) };
    caller.take_up(services.present_user_code(Presenting::Person(&person), &code).await, &code).await?;
    Ok(Redirect::to(AfterSignIn::Device.path()))
}

async fn refuse(caller: &Caller, refused: &SignInRefused, user_name: &str) -> Result<Redirect, Trouble> {
    let mut notice = Notice::new(Place::SignIn, refused).typed(user_name);
    if let SignInRefused::TooManyTries { wait } = refused {
        notice.wait = Some(retry_after(*wait));
    }
    caller.session.set_notice(&notice).await?;
    Ok(Redirect::to(paths::SIGN_IN))
}
