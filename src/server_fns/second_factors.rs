//! A person's second factors.

use leptos::prelude::*;

/// Takes up an authenticator app, once it has shown a code.
#[server(prefix = "/api", endpoint = "second-factors/app")]
pub async fn add_app(#[server(default)] code: String, #[server(default)] then: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_APP, Onward};
    use crate::server::context::{self, Error, SettingUp};
    let then = Onward::wanted(&then);
    let here = paths::going_on(IDENTITIES_APP, &then);
    let Some(person) = context::freshly_signed_in(&Onward::wanted(&here))? else { return Ok(()) };
    let (services, session) = (context::services()?, context::caller()?.session);
    context::go_to(&here);
    let Some(SettingUp::App(secret)) = session.setting_up(services.now()).await.map_err(context::fault)? else { return Ok(()) };
    match services.set_up_app(&person, &secret, &code).await {
        Ok(set_up) => done(set_up, &then).await,
        Err(Error::Refused(refused)) => context::say_refused(context::words().not_set_up(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Takes up a passkey that the browser has made.
#[server(prefix = "/api", endpoint = "second-factors/passkey")]
pub async fn add_passkey(
    #[server(default)] passkey: String,
    #[server(default)] name: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_PASSKEY, Onward};
    use crate::server::context::{self, Error, SettingUp};
    let then = Onward::wanted(&then);
    let here = paths::going_on(IDENTITIES_PASSKEY, &then);
    let Some(person) = context::freshly_signed_in(&Onward::wanted(&here))? else { return Ok(()) };
    let (services, session) = (context::services()?, context::caller()?.session);
    context::go_to(&here);
    let asked = session.setting_up(services.now()).await.map_err(context::fault)?;
    session.forget_setting_up().await.map_err(context::fault)?;
    let Some(SettingUp::Passkey(asked)) = asked else { return Ok(()) };
    match services.set_up_passkey(&person, &asked, &passkey, &name).await {
        Ok(set_up) => done(set_up, &then).await,
        Err(Error::Refused(refused)) => context::say_refused(context::words().not_set_up(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// New recovery codes.
#[server(prefix = "/api", endpoint = "second-factors/recovery")]
pub async fn renew_recovery_codes() -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_RECOVERY, IDENTITIES_RECOVERY_NEW, Onward};
    use crate::server::context;
    let Some(person) = context::freshly_signed_in(&Onward::to(IDENTITIES_RECOVERY_NEW))? else { return Ok(()) };
    context::see_other(IDENTITIES);
    let Some(codes) = context::services()?.renew_recovery_codes(&person).await.map_err(context::fault)? else { return Ok(()) };
    context::see_other(IDENTITIES_RECOVERY);
    context::say_secret(IDENTITIES_RECOVERY, context::words().factors_codes_renewed(), &codes).await
}

/// Takes one away: `app`, or a passkey by its number.
#[server(prefix = "/api", endpoint = "second-factors/remove")]
pub async fn remove_factor(#[server(default)] factor: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, Onward};
    use crate::domain::second_factor::Factor;
    use crate::server::context;
    let Some(person) = context::freshly_signed_in(&Onward::to(IDENTITIES))? else { return Ok(()) };
    let w = context::words();
    context::see_other(IDENTITIES);
    let removed = match Factor::parse(&factor) {
        Some(factor) => context::services()?.remove_second_factor(&person, factor).await.map_err(context::fault)?,
        None => false,
    };
    if removed { context::say(w.factors_removed()).await } else { context::say_refused(w.factors_gone()).await }
}

/// It counts in this session from now on; the first one brings recovery codes.
#[cfg(feature = "ssr")]
async fn done(set_up: crate::server::context::second_factors::SetUp, then: &crate::domain::paths::Onward) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES, IDENTITIES_RECOVERY};
    use crate::server::context;
    let (session, w) = (context::caller()?.session, context::words());
    session.forget_setting_up().await.map_err(context::fault)?;
    session.sign_in(&set_up.identity, context::services()?.now()).await.map_err(context::fault)?;
    match set_up.recovery_codes {
        Some(codes) => {
            context::go_to(&paths::going_on(IDENTITIES_RECOVERY, then));
            context::say_secret(IDENTITIES_RECOVERY, w.factors_added_first(), &codes).await
        }
        None => {
            context::go_on(&then.clone().or(IDENTITIES));
            context::say(w.factors_added()).await
        }
    }
}
