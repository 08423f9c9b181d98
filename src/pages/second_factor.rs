//! `/sign-in/second-factor`: completes a sign-in, or re-authenticates before a sensitive action.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{FormError, HelpContactLine, PageContent, PostForm, ServerError};
use crate::domain::help_contact::HelpContact;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::provider::Provider;
use crate::domain::second_factor::SecondFactors;
use crate::islands::{PasskeyButton, SubmitOnce};
use crate::server::context::{self, translations};
use crate::server::request_context::RequestContext;
use crate::server::service::auth::second_factors::pending_mfa::PendingMfa;
use crate::server::service::{Fault, Services, SignedIn};
use crate::server::sign_in::SignInMethods;
use crate::server::sign_in::second_factor::RECOVERY;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};

#[component]
pub fn SecondFactor() -> impl IntoView {
    let (again, then, attempt) = use_query_map()
        .with_untracked(|query| (query.get("again").is_some(), query.get("then").unwrap_or_default(), query.get("attempt").unwrap_or_default()));
    let then = ReturnTo::from_untrusted(&then);
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else {
            return Either::Right(view! { <ServerError/> });
        };
        match load_prompt(&services, &caller, again, &attempt, then).await {
            Ok(Ok(asked)) => Either::Left(Either::Left(view! { <MfaForm asked/> })),
            Ok(Err(elsewhere)) => {
                context::redirect_to_url(&elsewhere);
                Either::Left(Either::Right(()))
            }
            Err(fault) => {
                context::fault(fault);
                Either::Right(view! { <ServerError/> })
            }
        }
    })
}

/// What the page shows.
struct MfaPrompt {
    whose: MfaSubject,
    /// The page to continue with.
    then: ReturnTo,
    app: bool,
    /// The options of the passkey challenge and its id.
    passkey: Option<(String, String)>,
    has_passkeys: bool,
    flash: Option<Flash>,
    /// The message that the values of a form are kept until the sign-in is complete.
    entries_kept: Option<String>,
    /// The institutions at which a signed-in person can present a second factor instead.
    providers: Vec<Provider>,
    /// Where the tenant's people ask for help.
    help: Option<HelpContact>,
}

/// Whose second factor is asked for.
#[derive(Clone)]
enum MfaSubject {
    /// A signed-in person.
    SignedIn(Box<SignedIn>),
    /// A sign-in that waits for its second factor.
    PendingMfa(Box<PendingMfa>),
}

impl MfaSubject {
    fn person(&self) -> (&TenantId, &UserId) {
        match self {
            Self::SignedIn(person) => (person.tenant_id(), person.user_id()),
            Self::PendingMfa(half) => (&half.tenant_id, &half.user_id),
        }
    }

    /// The id of the pending sign-in; empty for a signed-in person.
    fn attempt(&self) -> String {
        match self {
            Self::SignedIn(_) => String::new(),
            Self::PendingMfa(half) => half.id.to_string(),
        }
    }
}

/// What to ask for; or where to redirect if nothing is to be presented here.
async fn load_prompt(
    services: &Services,
    caller: &RequestContext,
    again: bool,
    attempt: &str,
    return_to: ReturnTo,
) -> Result<Result<MfaPrompt, String>, Fault> {
    let now = services.now();
    let half = caller.session.pending_mfa(attempt, now).await?;
    let (finished, open) = match &half {
        Some((half, _)) => (caller.signed_in.is_some() && caller.session.has_finished(half).await?, services.is_pending(half).await?),
        None => (false, false),
    };
    let half = half.filter(|_| !finished || !attempt.is_empty());
    let (whose, then) = match (&caller.signed_in, half) {
        (Some(person), _) if again => (MfaSubject::SignedIn(Box::new(person.clone())), return_to),
        (_, Some((_, then))) if finished => return Ok(Err(then.as_str().to_owned())),
        (_, Some((_, then))) if !open => return Ok(Err(paths::sign_in_expired(&then))),
        (_, Some((half, then))) => (MfaSubject::PendingMfa(Box::new(half)), then),
        (_, None) if attempt.is_empty() => return Ok(Err(paths::sign_in(None, &return_to))),
        (_, None) => return Ok(Err(paths::sign_in_expired(&return_to))),
    };
    let (tenant, user) = whose.person();
    let SecondFactors { app, passkeys, .. } = services.second_factors_of(tenant, user).await?;
    if app.is_none() && passkeys.is_empty() {
        return Ok(Err(paths::sign_in(Some(tenant), &then)));
    }
    let mut passkey = None;
    if let Some(asked) = services.start_passkey_authentication(tenant, user).await? {
        let id = services.new_tab_id();
        caller.session.add_passkey_challenge(&id, &asked.state, now).await?;
        passkey = Some((asked.options, id));
    }
    let providers = match &whose {
        MfaSubject::SignedIn(person) => mfa_providers(services, person).await?,
        MfaSubject::PendingMfa(_) => Vec::new(),
    };
    let flash = caller.session.take_flash_about(FlashTarget::SecondFactor, &whose.attempt()).await?;
    let entries_kept = context::entries_kept(&then).await?;
    let help = services.enabled_tenant(tenant).await?.and_then(|tenant| tenant.policy.help_contact);
    Ok(Ok(MfaPrompt { then, app: app.is_some(), passkey, has_passkeys: !passkeys.is_empty(), flash, entries_kept, providers, help, whose }))
}

/// The providers whose assertion of a second factor the tenant accepts.
async fn mfa_providers(services: &Services, person: &SignedIn) -> Result<Vec<Provider>, Fault> {
    let methods = SignInMethods::for_tenant(services, person.tenant()).await?;
    Ok(methods.providers.into_iter().filter(|provider| provider.mfa.is_required()).collect())
}

#[component]
fn MfaForm(asked: MfaPrompt) -> impl IntoView {
    let t = translations();
    let MfaPrompt { whose, then, app, passkey, has_passkeys, flash, entries_kept, providers, help } = asked;
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let (lead, other) = match &whose {
        MfaSubject::SignedIn(_) => (t.second_factor_again(), None),
        MfaSubject::PendingMfa(half) => (t.second_factor_lead(half.user_id.as_str()), Some(paths::sign_in_another(&half.tenant_id, &then))),
    };
    let (attempt, return_to) = (whose.attempt(), then.clone());
    let with_passkey = passkey.is_some();
    // Each form shows its own error; that of a passkey is above all.
    let (above, of_recovery) = if flash.as_ref().is_some_and(|flash| flash.input == RECOVERY) { (None, flash) } else { (flash, None) };
    let app_refused = above.is_some() && app;
    view! {
        <PageContent title=t.second_factor_title() refused>
            {entries_kept.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
            <p class="lead">{lead}</p>
            {above.map(|flash| view! { <FormError id="second-factor-error" sentence=flash.message/> })}
            {passkey.map(|(options, ceremony)| view! {
                <PostForm action=paths::SUBMIT_SECOND_FACTOR clone:attempt clone:then>
                    <HiddenFields attempt=attempt.clone() then=then.clone()/>
                    <input type="hidden" name="ceremony" value=ceremony/>
                    <PasskeyButton
                        options
                        make=false
                        label=t.second_factor_passkey()
                        failed=t.second_factor_passkey_failed()
                        exists=String::new()
                        missing=t.factors_passkey_missing()
                    />
                </PostForm>
            })}
            {(has_passkeys && !with_passkey).then(|| view! { <p class="hint">{t.factors_passkey_no_name()}</p> })}
            {app.then(|| view! { <AppCodeForm attempt=attempt.clone() then=then.clone() refused=app_refused main=!with_passkey focus=!with_passkey && of_recovery.is_none()/> })}
            <RecoveryCodeForm open=!app && !with_passkey flash=of_recovery attempt then/>
            {providers.into_iter().map(|provider| view! {
                <p class="aside">
                    <a href=paths::upstream_authorize(&provider.tenant_id, &provider.id, &return_to, true) rel="external">{t.second_factor_elsewhere(provider.display_name)}</a>
                </p>
            }).collect_view()}
            <p class="aside">{t.second_factor_lost()}</p>
            <HelpContactLine contact=help/>
            {other.map(|address| view! { <p class="aside"><a href=address>{t.consent_use_another()}</a></p> })}
        </PageContent>
    }
}

/// The form for the digits that an authenticator app shows.
#[component]
fn AppCodeForm(
    attempt: String,
    then: ReturnTo,
    refused: bool,
    /// Whether it is the first form of the page.
    main: bool,
    focus: bool,
) -> impl IntoView {
    let t = translations();
    view! {
        <SubmitOnce>
            <PostForm action=paths::SUBMIT_SECOND_FACTOR class="sign-in">
                <HiddenFields attempt then/>
                <label for="code">{t.second_factor_code()}</label>
                <input
                    id="code"
                    name="code"
                    data-unkept=""
                    type="text"
                    inputmode="numeric"
                    pattern="[0-9 ]*"
                    title=t.second_factor_digits()
                    autocomplete="one-time-code"
                    dir="ltr"
                    maxlength="12"
                    required
                    autofocus=focus
                    aria-invalid=refused.then_some("true")
                    aria-describedby=if refused { "second-factor-error code-hint" } else { "code-hint" }
                />
                <p class="hint" id="code-hint">{t.second_factor_digits()}</p>
                <button class=if main { "main" } else { "" }>{t.second_factor_go_on()}</button>
            </PostForm>
        </SubmitOnce>
    }
}

/// The form for a recovery code, collapsed unless it is needed.
#[component]
fn RecoveryCodeForm(
    /// There is no other way here.
    open: bool,
    /// Why the last one was refused.
    flash: Option<Flash>,
    attempt: String,
    then: ReturnTo,
) -> impl IntoView {
    let t = translations();
    let refused = flash.is_some();
    view! {
        <details class="aside" open=open || refused>
            <summary>{t.second_factor_use_recovery()}</summary>
            <SubmitOnce>
                <PostForm action=paths::SUBMIT_SECOND_FACTOR class="sign-in">
                    <HiddenFields attempt then/>
                    <input type="hidden" name="with" value=RECOVERY/>
                    {flash.map(|flash| view! { <FormError id="recovery-error" sentence=flash.message/> })}
                    <label for="recovery-code">{t.second_factor_recovery_code()}</label>
                    <input
                        id="recovery-code"
                        name="code"
                        data-unkept=""
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        dir="ltr"
                        maxlength="40"
                        required
                        autofocus=refused
                        aria-invalid=refused.then_some("true")
                        aria-describedby=if refused { "recovery-error recovery-hint" } else { "recovery-hint" }
                    />
                    <p class="hint" id="recovery-hint">{t.second_factor_code_hint()}</p>
                    <button>{t.second_factor_go_on()}</button>
                </PostForm>
            </SubmitOnce>
        </details>
    }
}

/// Which pending sign-in it is, or that the person is signed in; and the page to continue with.
#[component]
fn HiddenFields(attempt: String, then: ReturnTo) -> impl IntoView {
    let (name, value) = if attempt.is_empty() { ("again", "1".to_owned()) } else { ("attempt", attempt) };
    view! {
        <input type="hidden" name=name value=value/>
        <input type="hidden" name="then" value=then.as_str().to_owned()/>
    }
}
