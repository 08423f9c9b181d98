//! A person's second factors.

use leptos::prelude::*;

/// Takes up an authenticator app, once it has shown a code.
#[server(prefix = "/api", endpoint = "second-factors/app")]
pub async fn add_app(
    #[server(default)] code: String,
    #[server(default)] ceremony: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_APP, Onward};
    use crate::server::context::{self, Error, SettingUp};
    let then = Onward::wanted(&then);
    let Some(Begun { person, ceremony }) = begun(SettingUp::App, &ceremony, IDENTITIES_APP, &then).await? else { return Ok(()) };
    let (services, w) = (context::services()?, context::words());
    context::go_to(&paths::page_about(IDENTITIES_APP, "ceremony", &ceremony.id, &then));
    match services.set_up_app(&person, &ceremony.state, &code).await {
        Ok(set_up) => done(SettingUp::App, &ceremony.id, set_up, &then).await,
        Err(Error::Refused(refused)) => context::say_refused_about(&ceremony.id, w.not_set_up(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Takes up a passkey that the browser has made.
#[server(prefix = "/api", endpoint = "second-factors/passkey")]
pub async fn add_passkey(
    #[server(default)] passkey: String,
    #[server(default)] name: String,
    #[server(default)] ceremony: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_PASSKEY, Onward};
    use crate::server::context::{self, Error, SettingUp};
    let then = Onward::wanted(&then);
    let Some(Begun { person, ceremony }) = begun(SettingUp::Passkey, &ceremony, IDENTITIES_PASSKEY, &then).await? else { return Ok(()) };
    let (services, session, w) = (context::services()?, context::caller()?.session, context::words());
    context::go_to(&paths::going_on(IDENTITIES_PASSKEY, &then));
    // It is answered once.
    session.forget_ceremony(SettingUp::Passkey, &ceremony.id, services.now()).await.map_err(context::fault)?;
    match services.set_up_passkey(&person, &ceremony.state, &passkey, &name).await {
        Ok(set_up) => done(SettingUp::Passkey, &ceremony.id, set_up, &then).await,
        Err(Error::Refused(refused)) => context::say_refused(w.not_set_up(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// What was begun shortly after a sign-in.
#[cfg(feature = "ssr")]
struct Begun {
    person: crate::server::context::FreshlySignedIn,
    ceremony: crate::server::context::Ceremony,
}

/// What this tab has begun; `None`: it has ended, and they are on their way to begin it anew.
#[cfg(feature = "ssr")]
async fn begun(
    kind: crate::server::context::SettingUp,
    id: &str,
    path: &str,
    then: &crate::domain::paths::Onward,
) -> Result<Option<Begun>, ServerFnError> {
    use crate::domain::paths::{self, Onward};
    use crate::server::context::{self, SettingUp};
    let (services, session, person, w) = (context::services()?, context::caller()?.session, context::signed_in()?, context::words());
    let ceremony = session.ceremony(kind, id, services.now()).await.map_err(context::fault)?;
    let anew = paths::going_on(path, then);
    let Some(ceremony) = ceremony else {
        context::go_to(&anew);
        let ended = if kind == SettingUp::App { w.factors_app_ended() } else { w.factors_passkey_ended() };
        context::say_refused(ended).await?;
        return Ok(None);
    };
    Ok(match services.fresh_when_begun(&person, ceremony.since) {
        Ok(person) => Some(Begun { person, ceremony }),
        Err(missing) => {
            context::show_first(missing, &Onward::wanted(&anew));
            None
        }
    })
}

/// New recovery codes.
#[server(prefix = "/api", endpoint = "second-factors/recovery")]
pub async fn renew_recovery_codes() -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_RECOVERY_NEW, Onward};
    use crate::server::context;
    let Some(person) = context::freshly_signed_in(&Onward::to(IDENTITIES_RECOVERY_NEW))? else { return Ok(()) };
    context::see_other(IDENTITIES);
    match context::services()?.renew_recovery_codes(&person).await.map_err(context::fault)? {
        Some(codes) => show_codes(&codes, context::words().factors_codes_renewed(), &Onward::default()).await,
        None => context::say_refused(context::words().factors_no_codes()).await,
    }
}

/// Gives a passkey another name.
#[server(prefix = "/api", endpoint = "second-factors/rename")]
pub async fn rename_passkey(#[server(default)] factor: String, #[server(default)] name: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES, IDENTITIES_RENAME, Onward};
    use crate::domain::second_factor::Factor;
    use crate::server::context::second_factors::NotRenamed;
    use crate::server::context::{self, Error};
    let here = paths::page_about(IDENTITIES_RENAME, "factor", &factor, &Onward::default());
    let Some(person) = context::freshly_signed_in(&Onward::wanted(&here))? else { return Ok(()) };
    let w = context::words();
    context::see_other(IDENTITIES);
    let renamed = match Factor::parse(&factor) {
        Some(Factor::Passkey(number)) => context::services()?.rename_passkey(&person, number, &name).await,
        Some(Factor::App) | None => Err(Error::Refused(NotRenamed::Gone)),
    };
    match renamed {
        Ok(()) => context::say(w.factors_renamed()).await,
        Err(Error::Refused(NotRenamed::Gone)) => context::say_refused(w.factors_gone()).await,
        Err(Error::Refused(NotRenamed::Name(why))) => {
            context::go_to(&here);
            context::say_refused(w.name_refused(why)).await
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
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
async fn done(
    kind: crate::server::context::SettingUp,
    id: &str,
    set_up: crate::server::context::second_factors::SetUp,
    then: &crate::domain::paths::Onward,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::IDENTITIES;
    use crate::server::context;
    let (services, session, w) = (context::services()?, context::caller()?.session, context::words());
    session.forget_ceremony(kind, id, services.now()).await.map_err(context::fault)?;
    session.sign_in(&set_up.identity, services.now()).await.map_err(context::fault)?;
    match set_up.recovery_codes {
        Some(codes) => show_codes(&codes, w.factors_added_first(), then).await,
        None => {
            context::go_on(&then.clone().or(IDENTITIES));
            context::say(w.factors_added()).await
        }
    }
}

/// On to the page that shows them, for as long as it takes to put them away.
#[cfg(feature = "ssr")]
async fn show_codes(codes: &crate::server::context::Secret, sentence: String, then: &crate::domain::paths::Onward) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_RECOVERY};
    use crate::server::context::{self, Notice, Place};
    let (services, session) = (context::services()?, context::caller()?.session);
    let id = services.new_tab_id();
    session.add_recovery_codes(&id, codes, services.now()).await.map_err(context::fault)?;
    session.set_notice(&Notice::new(Place::Said, sentence).about(&id)).await.map_err(context::fault)?;
    context::go_to(&paths::page_about(IDENTITIES_RECOVERY, "codes", &id, then));
    Ok(())
}
