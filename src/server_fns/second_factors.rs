//! A person's second factors.

use leptos::prelude::*;

/// Enrolls an authenticator app, after verifying a code of it.
#[server(prefix = "/api", endpoint = "second-factors/app")]
pub async fn add_app(
    #[server(default)] code: String,
    #[server(default)] ceremony: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_APP, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::second_factors::EnrollmentKind;
    let then = ReturnTo::from_untrusted(&then);
    let Some(StartedEnrollment { person, ceremony }) = require_enrollment(EnrollmentKind::App, &ceremony, IDENTITIES_APP, &then).await? else {
        return Ok(());
    };
    let (services, t) = (context::services()?, context::translations());
    context::redirect_to_url(&paths::page_about(IDENTITIES_APP, "ceremony", &ceremony.id, &then));
    match services.enroll_app(&person, &ceremony.state, &code).await {
        Ok(set_up) => finish_enrollment(EnrollmentKind::App, &ceremony.id, set_up, &then).await,
        Err(Error::Refused(refused)) => context::flash_error_about(&ceremony.id, t.enrollment_refused(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Enrolls a passkey that the browser has created.
#[server(prefix = "/api", endpoint = "second-factors/passkey")]
pub async fn add_passkey(
    #[server(default)] passkey: String,
    #[server(default)] name: String,
    #[server(default)] ceremony: String,
    #[server(default)] then: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_PASSKEY, ReturnTo};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::sign_in::session::second_factors::EnrollmentKind;
    let then = ReturnTo::from_untrusted(&then);
    let Some(StartedEnrollment { person, ceremony }) = require_enrollment(EnrollmentKind::Passkey, &ceremony, IDENTITIES_PASSKEY, &then).await?
    else {
        return Ok(());
    };
    let (services, session, t) = (context::services()?, context::request_context()?.session, context::translations());
    context::redirect_to_url(&paths::with_return_to(IDENTITIES_PASSKEY, &then));
    // A challenge is answered once.
    session.forget_enrollment(EnrollmentKind::Passkey, &ceremony.id, services.now()).await.map_err(context::fault)?;
    match services.finish_passkey_registration(&person, &ceremony.state, &passkey, &name).await {
        Ok(set_up) => finish_enrollment(EnrollmentKind::Passkey, &ceremony.id, set_up, &then).await,
        Err(Error::Refused(refused)) => context::flash_error(t.enrollment_refused(&refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// An enrollment that was started shortly after a sign-in.
#[cfg(feature = "ssr")]
struct StartedEnrollment {
    person: crate::server::service::auth::principals::RecentlyAuthenticated,
    ceremony: crate::server::sign_in::session::second_factors::Enrollment,
}

/// This tab's enrollment; `None`: it has expired, and the browser is redirected to start again.
#[cfg(feature = "ssr")]
async fn require_enrollment(
    kind: crate::server::sign_in::session::second_factors::EnrollmentKind,
    id: &str,
    path: &str,
    then: &crate::domain::paths::ReturnTo,
) -> Result<Option<StartedEnrollment>, ServerFnError> {
    use crate::domain::paths::{self, ReturnTo};
    use crate::server::context;
    use crate::server::sign_in::session::second_factors::EnrollmentKind;
    let (services, session, person, t) = (context::services()?, context::request_context()?.session, context::signed_in()?, context::translations());
    let ceremony = session.enrollment(kind, id, services.now()).await.map_err(context::fault)?;
    let anew = paths::with_return_to(path, then);
    let Some(ceremony) = ceremony else {
        context::redirect_to_url(&anew);
        let ended = if kind == EnrollmentKind::App { t.factors_app_ended() } else { t.factors_passkey_ended() };
        context::flash_error(ended).await?;
        return Ok(None);
    };
    Ok(match services.require_recent_auth_at(&person, ceremony.since) {
        Ok(person) => Some(StartedEnrollment { person, ceremony }),
        Err(missing) => {
            context::redirect_to_step_up(missing, &ReturnTo::from_untrusted(&anew));
            None
        }
    })
}

/// New recovery codes.
#[server(prefix = "/api", endpoint = "second-factors/recovery")]
pub async fn renew_recovery_codes() -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, IDENTITIES_RECOVERY_NEW, ReturnTo};
    use crate::server::context;
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(IDENTITIES_RECOVERY_NEW))? else { return Ok(()) };
    context::see_other(IDENTITIES);
    match context::services()?.renew_recovery_codes(&person).await.map_err(context::fault)? {
        Some(codes) => show_codes(&codes, context::translations().factors_codes_renewed(), &ReturnTo::default()).await,
        None => context::flash_error(context::translations().factors_no_codes()).await,
    }
}

/// Renames a passkey.
#[server(prefix = "/api", endpoint = "second-factors/rename")]
pub async fn rename_passkey(#[server(default)] factor: String, #[server(default)] name: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES, IDENTITIES_RENAME, ReturnTo};
    use crate::domain::second_factor::Factor;
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::auth::second_factors::RenameRefused;
    let here = paths::page_about(IDENTITIES_RENAME, "factor", &factor, &ReturnTo::default());
    let Some(person) = context::require_recent_authentication(&ReturnTo::from_untrusted(&here))? else { return Ok(()) };
    let t = context::translations();
    context::see_other(IDENTITIES);
    let renamed = match Factor::parse(&factor) {
        Some(Factor::Passkey(number)) => context::services()?.rename_passkey(&person, number, &name).await,
        Some(Factor::App) | None => Err(Error::Refused(RenameRefused::NotFound)),
    };
    match renamed {
        Ok(()) => context::flash_success(t.factors_renamed()).await,
        Err(Error::Refused(RenameRefused::NotFound)) => context::flash_error(t.factors_gone()).await,
        Err(Error::Refused(RenameRefused::Name(why))) => {
            context::redirect_to_url(&here);
            context::flash_error(t.name_refused(why)).await
        }
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Removes a second factor: `app`, or a passkey by its id.
#[server(prefix = "/api", endpoint = "second-factors/remove")]
pub async fn remove_factor(#[server(default)] factor: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::{IDENTITIES, ReturnTo};
    use crate::domain::second_factor::Factor;
    use crate::server::context;
    let Some(person) = context::require_recent_authentication(&ReturnTo::to(IDENTITIES))? else { return Ok(()) };
    let t = context::translations();
    context::see_other(IDENTITIES);
    let removed = match Factor::parse(&factor) {
        Some(factor) => context::services()?.remove_second_factor(&person, factor).await.map_err(context::fault)?,
        None => false,
    };
    if removed { context::flash_success(t.factors_removed()).await } else { context::flash_error(t.factors_gone()).await }
}

/// It counts for this session from now on; the first factor also generates recovery codes.
#[cfg(feature = "ssr")]
async fn finish_enrollment(
    kind: crate::server::sign_in::session::second_factors::EnrollmentKind,
    id: &str,
    set_up: crate::server::service::auth::second_factors::enrollment::CreatedFactor,
    then: &crate::domain::paths::ReturnTo,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::IDENTITIES;
    use crate::server::context;
    let (services, session, t) = (context::services()?, context::request_context()?.session, context::translations());
    session.forget_enrollment(kind, id, services.now()).await.map_err(context::fault)?;
    session.sign_in(&set_up.identity, services.now()).await.map_err(context::fault)?;
    match set_up.recovery_codes {
        Some(codes) => show_codes(&codes, t.factors_added_first(), then).await,
        None => {
            context::redirect(&then.clone().or(IDENTITIES));
            context::flash_success(t.factors_added()).await
        }
    }
}

/// Redirects to the page that shows them, for long enough to save them.
#[cfg(feature = "ssr")]
async fn show_codes(
    codes: &crate::server::service::platform::rng::Secret,
    sentence: String,
    then: &crate::domain::paths::ReturnTo,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{self, IDENTITIES_RECOVERY};
    use crate::server::context;
    use crate::server::sign_in::session::flash::{Flash, FlashTarget};
    let (services, session) = (context::services()?, context::request_context()?.session);
    let id = services.new_tab_id();
    session.add_recovery_codes(&id, codes, services.now()).await.map_err(context::fault)?;
    session.set_flash(&Flash::new(FlashTarget::Success, sentence).about(&id)).await.map_err(context::fault)?;
    context::redirect_to_url(&paths::page_about(IDENTITIES_RECOVERY, "codes", &id, then));
    Ok(())
}
