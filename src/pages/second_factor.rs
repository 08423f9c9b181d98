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
use crate::server::context::second_factors::HalfSignedIn;
use crate::server::context::{self, Caller, Fault, Notice, Place, Services, SignedIn, Ways, words};

#[component]
pub fn SecondFactor() -> impl IntoView {
    let (again, then, attempt) = use_query_map()
        .with_untracked(|query| (query.get("again").is_some(), query.get("then").unwrap_or_default(), query.get("attempt").unwrap_or_default()));
    let then = Onward::wanted(&then);
    Suspend::new(async move {
        let (Ok(services), Ok(caller)) = (context::services(), context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        match asked(&services, &caller, again, &attempt, then).await {
            Ok(Ok(asked)) => Either::Left(Either::Left(view! { <Ask asked/> })),
            Ok(Err(elsewhere)) => {
                context::go_to(&elsewhere);
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
    whose: Whose,
    /// Where they go on to.
    then: Onward,
    app: bool,
    /// What the browser is asked for a passkey, and its id.
    passkey: Option<(String, String)>,
    has_passkeys: bool,
    notice: Option<Notice>,
    /// Says that a form waits for the end of the sign-in.
    entries_kept: Option<String>,
    /// Institutions at which somebody who is signed in can show one as well.
    providers: Vec<Provider>,
}

/// Whose second factor is asked for.
#[derive(Clone)]
enum Whose {
    /// A signed-in person's.
    SignedIn(Box<SignedIn>),
    /// That of a half sign-in.
    Half(Box<HalfSignedIn>),
}

impl Whose {
    fn person(&self) -> (&TenantId, &UserId) {
        match self {
            Self::SignedIn(person) => (person.tenant_id(), person.user_id()),
            Self::Half(half) => (&half.tenant_id, &half.user_id),
        }
    }

    /// The half sign-in's id.
    fn attempt(&self) -> String {
        match self {
            Self::SignedIn(_) => String::new(),
            Self::Half(half) => half.id.to_string(),
        }
    }
}

/// What to ask; or where they go who have nothing to show here.
async fn asked(services: &Services, caller: &Caller, again: bool, attempt: &str, then: Onward) -> Result<Result<Asked, String>, Fault> {
    let now = services.now();
    let half = caller.session.half_sign_in(attempt, now).await?;
    let (finished, open) = match &half {
        Some((half, _)) => (caller.signed_in.is_some() && caller.session.has_finished(half).await?, services.is_open(half).await?),
        None => (false, false),
    };
    let half = half.filter(|_| !finished || !attempt.is_empty());
    let (whose, then) = match (&caller.signed_in, half) {
        (Some(person), _) if again => (Whose::SignedIn(Box::new(person.clone())), then),
        (_, Some((_, then))) if finished => return Ok(Err(then.as_str().to_owned())),
        (_, Some((_, then))) if !open => return Ok(Err(paths::sign_in_gone(&then))),
        (_, Some((half, then))) => (Whose::Half(Box::new(half)), then),
        (_, None) if attempt.is_empty() => return Ok(Err(paths::sign_in(None, &then))),
        (_, None) => return Ok(Err(paths::sign_in_gone(&then))),
    };
    let (tenant, user) = whose.person();
    let SecondFactors { app, passkeys, .. } = services.second_factors_of(tenant, user).await?;
    if app.is_none() && passkeys.is_empty() {
        return Ok(Err(paths::sign_in(Some(tenant), &then)));
    }
    let mut passkey = None;
    if let Some(asked) = services.ask_for_passkey(tenant, user).await? {
        let id = services.new_tab_id();
        caller.session.add_passkey_asked(&id, &asked.state, now).await?;
        passkey = Some((asked.options, id));
    }
    let providers = match &whose {
        Whose::SignedIn(person) => with_mfa(services, person).await?,
        Whose::Half(_) => Vec::new(),
    };
    let notice = caller.session.take_notice_about(Place::SecondFactor, &whose.attempt()).await?;
    let entries_kept = context::entries_kept(&then).await?;
    Ok(Ok(Asked { then, app: app.is_some(), passkey, has_passkeys: !passkeys.is_empty(), notice, entries_kept, providers, whose }))
}

/// The institutions whose word for a second factor the tenant takes.
async fn with_mfa(services: &Services, person: &SignedIn) -> Result<Vec<Provider>, Fault> {
    let ways = Ways::into(services, person.tenant()).await?;
    Ok(ways.providers.into_iter().filter(|provider| provider.mfa.is_asked_for()).collect())
}

#[component]
fn Ask(asked: Asked) -> impl IntoView {
    let w = words();
    let Asked { whose, then, app, passkey, has_passkeys, notice, entries_kept, providers } = asked;
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let (lead, other) = match &whose {
        Whose::SignedIn(_) => (w.second_factor_again(), None),
        Whose::Half(half) => (w.second_factor_lead(half.user_id.as_str()), Some(paths::sign_in(Some(&half.tenant_id), &then))),
    };
    let (attempt, onward) = (whose.attempt(), then.clone());
    let with_passkey = passkey.is_some();
    view! {
        <Page title=w.second_factor_title() refused>
            {entries_kept.map(|sentence| view! { <p class="notice" role="status">{sentence}</p> })}
            <p class="lead">{lead}</p>
            {notice.map(|notice| view! { <Problem id="second-factor-error" sentence=notice.sentence/> })}
            {passkey.map(|(options, ceremony)| view! {
                <PostForm action=paths::SHOW_SECOND_FACTOR clone:attempt clone:then>
                    <Carried attempt=attempt.clone() then=then.clone()/>
                    <input type="hidden" name="ceremony" value=ceremony/>
                    <PasskeyButton
                        options
                        make=false
                        label=w.second_factor_passkey()
                        failed=w.second_factor_passkey_failed()
                        exists=String::new()
                        missing=w.factors_passkey_missing()
                    />
                </PostForm>
            })}
            {(has_passkeys && !with_passkey).then(|| view! { <p class="hint">{w.factors_passkey_no_name()}</p> })}
            <OnePress>
                <PostForm action=paths::SHOW_SECOND_FACTOR class="sign-in" clone:attempt clone:then>
                    <Carried attempt=attempt.clone() then=then.clone()/>
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
                    <a href=paths::sign_in_with(&provider.tenant_id, &provider.id, &onward, true) rel="external">{w.second_factor_elsewhere(provider.display_name)}</a>
                </p>
            }).collect_view()}
            <p class="aside">{w.second_factor_lost()}</p>
            {other.map(|address| view! { <p class="aside"><a href=address>{w.consent_use_another()}</a></p> })}
        </Page>
    }
}

/// Which half sign-in it is, or that the person is signed in; and where they go on to.
#[component]
fn Carried(attempt: String, then: Onward) -> impl IntoView {
    let (name, value) = if attempt.is_empty() { ("again", "1".to_owned()) } else { ("attempt", attempt) };
    view! {
        <input type="hidden" name=name value=value/>
        <input type="hidden" name="then" value=then.as_str().to_owned()/>
    }
}
