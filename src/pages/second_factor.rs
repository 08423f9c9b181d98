//! `/sign-in/second-factor`: the other half of a sign-in, or once more before something that is hard to take back.

use leptos::either::Either;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::components::{Page, PostForm, Problem, Sorry};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::paths::{self, Onward};
use crate::domain::provider::Provider;
use crate::domain::second_factor::SecondFactors;
use crate::islands::{OnePress, PasskeyButton};
use crate::server::context::{self, Caller, Fault, Notice, Place, Services, SignedIn, Ways, words};

#[component]
pub fn SecondFactor() -> impl IntoView {
    let (again, then) = use_query_map().with_untracked(|query| (query.get("again").is_some(), query.get("then").unwrap_or_default()));
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        match asked(&services, &caller, again, Onward::wanted(&then)).await {
            Ok(Some(asked)) => Either::Left(Either::Left(view! { <Ask asked/> })),
            Ok(None) => {
                context::see_other(paths::SIGN_IN);
                Either::Left(Either::Right(()))
            }
            Err(fault) => {
                context::fault(fault);
                Either::Right(view! { <Sorry/> })
            }
        }
    })
}

/// What the page shows.
struct Asked {
    /// Where somebody goes on to who is signed in already.
    again: Option<Onward>,
    app: bool,
    /// What the browser is asked for a passkey.
    passkey: Option<String>,
    has_passkeys: bool,
    notice: Option<Notice>,
    /// Institutions at which somebody who is signed in can show one as well.
    providers: Vec<Provider>,
    /// Who is half signed in.
    user_id: UserId,
}

async fn asked(services: &Services, caller: &Caller, again: bool, then: Onward) -> Result<Option<Asked>, Fault> {
    let half = caller.session.half_signed_in().await?;
    let (who, again): ((TenantId, UserId), Option<Onward>) = match (&caller.signed_in, half) {
        (Some(person), _) if again => ((person.tenant_id().clone(), person.user_id().clone()), Some(then)),
        (_, Some((half, _))) => ((half.tenant_id, half.user_id), None),
        _ => return Ok(None),
    };
    let SecondFactors { app, passkeys, .. } = services.second_factors_of(&who.0, &who.1).await?;
    if app.is_none() && passkeys.is_empty() {
        return Ok(None);
    }
    let passkey = services.ask_for_passkey(&who.0, &who.1).await?;
    if let Some(asked) = &passkey {
        caller.session.set_passkey_asked(&asked.state).await?;
    }
    let providers = match &caller.signed_in {
        Some(person) if again.is_some() => with_mfa(services, person).await?,
        _ => Vec::new(),
    };
    let notice = caller.session.take_notice(Place::SecondFactor).await?;
    Ok(Some(Asked {
        again,
        app: app.is_some(),
        passkey: passkey.map(|asked| asked.options),
        has_passkeys: !passkeys.is_empty(),
        notice,
        providers,
        user_id: who.1,
    }))
}

/// The institutions whose word for a second factor the tenant takes.
async fn with_mfa(services: &Services, person: &SignedIn) -> Result<Vec<Provider>, Fault> {
    let ways = Ways::into(services, person.tenant()).await?;
    Ok(ways.providers.into_iter().filter(|provider| provider.mfa.is_asked_for()).collect())
}

#[component]
fn Ask(asked: Asked) -> impl IntoView {
    let w = words();
    let Asked { again, app, passkey, has_passkeys, notice, providers, user_id } = asked;
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let lead = if again.is_some() { w.second_factor_again() } else { w.second_factor_lead(user_id.as_str()) };
    let half = again.is_none();
    let then = again.clone().unwrap_or_default();
    let with_passkey = passkey.is_some();
    view! {
        <Page title=w.second_factor_title() refused>
            <p class="lead">{lead}</p>
            {notice.map(|notice| view! { <Problem id="second-factor-error" sentence=notice.sentence/> })}
            {passkey.map(|options| view! {
                <PostForm action=paths::SHOW_SECOND_FACTOR clone:again>
                    <Carried again=again.clone()/>
                    <PasskeyButton
                        options
                        make=false
                        label=w.second_factor_passkey()
                        failed=w.second_factor_passkey_failed()
                        missing=w.factors_passkey_missing()
                    />
                </PostForm>
            })}
            {(has_passkeys && !with_passkey).then(|| view! { <p class="hint">{w.factors_passkey_no_name()}</p> })}
            <OnePress>
                <PostForm action=paths::SHOW_SECOND_FACTOR class="sign-in" clone:again>
                    <Carried again=again.clone()/>
                    <label for="code">{if app { w.second_factor_code() } else { w.second_factor_recovery_code() }}</label>
                    <input
                        id="code"
                        name="code"
                        type="text"
                        inputmode=if app { "text" } else { "" }
                        autocomplete="one-time-code"
                        autocapitalize="none"
                        spellcheck="false"
                        dir="ltr"
                        maxlength="40"
                        required
                        autofocus=!with_passkey
                        aria-invalid=refused.then_some("true")
                        aria-describedby=if refused { "second-factor-error code-hint" } else { "code-hint" }
                    />
                    <p class="hint" id="code-hint">{w.second_factor_code_hint()}</p>
                    <button class=if with_passkey { "" } else { "main" }>{w.second_factor_go_on()}</button>
                </PostForm>
            </OnePress>
            {providers.into_iter().map(|provider| view! {
                <p class="aside">
                    <a href=paths::sign_in_with(&provider.tenant_id, &provider.id, &then, true) rel="external">{w.second_factor_elsewhere(provider.display_name)}</a>
                </p>
            }).collect_view()}
            <p class="aside">{w.second_factor_lost()}</p>
            {half.then(|| view! { <p class="aside"><a href=paths::SIGN_IN>{w.consent_use_another()}</a></p> })}
        </Page>
    }
}

/// Where somebody goes on to who is signed in already; for everybody else their session knows.
#[component]
fn Carried(again: Option<Onward>) -> impl IntoView {
    again.map(|then| {
        view! {
            <input type="hidden" name="again" value="1"/>
            <input type="hidden" name="then" value=then.as_str().to_owned()/>
        }
    })
}
