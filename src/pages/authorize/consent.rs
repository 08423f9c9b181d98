//! The consent page of an authorization request (RFC 6749 §10.2, OpenID Connect Core §3.1.2.4).

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::domain::paths::{self, ReturnTo};
use crate::domain::provider::Provider;
use crate::islands::{Countdown, SubmitOnce};
use crate::pages::components::{
    ClientName, ExactTime, FormError, Hidden, HostChoices, LifetimeChoices, PageContent, PostForm, RequestFacts, ResourceAccess, StartedThis, YouAre,
    told,
};
use crate::pages::host_accounts::LinkFirst;
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server_fns::authorize::{
    AuthorizationItem, AuthorizationItemKind, ChangeAccount, DecideAuthorization, Fact, RequestOriginItem, ReturnsTo, UsernameItem,
};
use crate::server_fns::consent::NetworkProximity;

#[component]
pub fn AuthorizationConsent(
    request: AuthorizationItem,
    person: SignedIn,
    flash: Option<Flash>,
    /// The message that an account has been linked for this request.
    linked: Option<Flash>,
    /// The providers through which host accounts can be linked.
    providers: Vec<Provider>,
    /// This page.
    here: ReturnTo,
    language: Option<String>,
    /// The person has confirmed the account.
    account_kept: bool,
) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let name = request.client.name.as_str();
    let title = match request.kind {
        AuthorizationItemKind::Delegation { to_hosts: true, .. } => t.authorize_question_delegation(name),
        AuthorizationItemKind::Delegation { to_hosts: false, .. } => t.authorize_question_resources(name),
        AuthorizationItemKind::SignIn => t.authorize_question_sign_in(name),
        AuthorizationItemKind::Program => t.authorize_question_program(name),
    };
    let confirmation_refused = flash.as_ref().is_some_and(|flash| flash.target == FlashTarget::Confirmation);
    let problem = flash.map(|flash| view! { <FormError id="consent-error" sentence=flash.message/> });
    let (above, at_confirmation) = if confirmation_refused { (None, problem) } else { (problem, None) };
    // What the tenant requires before the person can allow; denying requires nothing.
    let missing = context::services().ok().and_then(|services| services.authorize_consent(&person).err());
    let handle = request.request.clone();
    let origin = request.pushed.clone();
    let lacks_username = request.lacks_username();
    view! {
        <PageContent title refused>
            {above}
            {linked.map(|flash| view! { <p class="notice" role="status">{told(&flash.told())}</p> })}
            <YouAre person another=ChangeAccount::url() about=Hidden("request", handle.clone())/>
            <AboutClient request=request.clone()/>
            <SubmitOnce>
                <PostForm action=DecideAuthorization::url() main=true class="consent" novalidate=true>
                    <input type="hidden" name="request" value=handle/>
                    <input type="hidden" name="lang" value=language.unwrap_or_default()/>
                    {account_kept.then(|| view! { <input type="hidden" name="account" value="kept"/> })}
                    <input type="hidden" name="shown" value=request.scope.clone()/>
                    <Told facts=request.facts.clone()/>
                    <UsernameChoice request=request.clone() providers=providers.clone() here=here.clone()/>
                    <RequestedAccess request=request.clone() providers here=here.clone()/>
                    <ResourceAccess resources=request.resources.clone()/>
                    {missing.is_none().then(|| view! { <AccessDuration request=request.clone()/> })}
                    {(request.can_be_remembered && missing.is_none()).then(|| view! {
                        <label class="choice tick">
                            <input type="checkbox" name="remember" value="yes"/>
                            <span>{t.authorize_remember()}</span>
                        </label>
                    })}
                    {at_confirmation}
                    {(request.confirmation_required && missing.is_none())
                        .then(|| view! { <StartedThis sentence=confirmation(origin) refused=confirmation_refused/> })}
                    {missing.map(|missing| view! { <p class="notice">{t.step_up_required(missing)}</p> })}
                    <div class="decide">
                        <button name="decision" value="deny">{t.consent_deny()}</button>
                        {(!lacks_username).then(|| match missing {
                            None => Either::Left(view! { <AllowButtons kind=request.kind/> }),
                            Some(missing) => Either::Right(view! {
                                <a class="button" href=paths::step_up(missing, &here)>{t.consent_verify_first()}</a>
                            }),
                        })}
                    </div>
                    <p class="aside"><button class="quiet" name="decision" value="report">{t.not_started()}</button></p>
                </PostForm>
            </SubmitOnce>
        </PageContent>
    }
}

/// The sentence of the "I started this" checkbox; it names a foreign network.
fn confirmation(origin: Option<RequestOriginItem>) -> String {
    let t = translations();
    match origin {
        Some(RequestOriginItem { from: Some(from), proximity: NetworkProximity::OtherNetwork, .. }) => t.authorize_confirmation_other(from),
        _ => t.consent_confirmation(),
    }
}

#[component]
fn AllowButtons(kind: AuthorizationItemKind) -> impl IntoView {
    let t = translations();
    let sign_in = |label: String| view! { <button name="decision" value="sign_in">{label}</button> };
    let allow = || view! { <button name="decision" value="allow">{t.consent_allow()}</button> };
    match kind {
        AuthorizationItemKind::Delegation { with_sign_in, .. } => {
            (with_sign_in.then(|| sign_in(t.authorize_sign_in_only())), Some(allow())).into_any()
        }
        // The whole request is the sign-in, with or without `offline_access`.
        AuthorizationItemKind::SignIn => view! { <button name="decision" value="allow">{t.sign_in()}</button> }.into_any(),
        AuthorizationItemKind::Program => allow().into_any(),
    }
}

/// Who asks, and where the browser returns to.
#[component]
fn AboutClient(request: AuthorizationItem) -> impl IntoView {
    let t = translations();
    let AuthorizationItem { client, returns_to, pushed, allowed_before, expires_in_seconds, kind, .. } = request;
    let to = match returns_to {
        ReturnsTo::Host(host) => Either::Left(view! { <bdi>{host}</bdi> }),
        ReturnsTo::ThisComputer => Either::Right(t.authorize_to_this_computer()),
    };
    view! {
        {(kind == AuthorizationItemKind::Program).then(|| view! { <p class="warning">{t.authorize_any_program()}</p> })}
        <dl class="facts tight">
            <dt>{t.consent_application()}</dt>
            <dd><ClientName client/></dd>
            <dt>{t.authorize_back_to()}</dt>
            <dd><strong>{to}</strong></dd>
            {pushed.map(|origin| view! { <RequestFacts at=origin.at from=origin.from proximity=origin.proximity agent=origin.agent/> })}
            {allowed_before.map(|(people, since)| view! {
                <dt>{t.authorize_allowed_before()}</dt>
                <dd>
                    {match since.filter(|_| people > 0) {
                        Some(since) => Either::Left(view! { {t.authorize_people_before(people)} " " <ExactTime at=since/> }),
                        None => Either::Right(view! { <strong>{t.authorize_nobody_before()}</strong> }),
                    }}
                </dd>
            })}
            <dt>{t.consent_valid_for()}</dt>
            <dd><Countdown seconds=expires_in_seconds expired=t.consent_expired()/></dd>
        </dl>
    }
}

/// What the client is told, with the values.
#[component]
fn Told(facts: Vec<Fact>) -> impl IntoView {
    let t = translations();
    let rows = facts.into_iter().map(|fact| {
        let (label, value) = match fact {
            Fact::UserName(name) => (t.sign_in_user_name(), name),
            Fact::Name(name) => (t.authorize_name(), name),
            Fact::Email(address) => (t.authorize_email(), address),
            Fact::Groups(groups) => (t.authorize_groups(), groups.join(", ")),
        };
        view! {
            <dt>{label}</dt>
            <dd><bdi>{value}</bdi></dd>
        }
    });
    view! {
        <section aria-labelledby="told">
            <h2 id="told">{t.authorize_told()}</h2>
            <dl class="facts tight">{rows.collect_view()}</dl>
        </section>
    }
}

/// The account on the client's host under which the person arrives there; without any, how to link one.
#[component]
fn UsernameChoice(request: AuthorizationItem, providers: Vec<Provider>, here: ReturnTo) -> impl IntoView {
    let t = translations();
    let first = !request.needs_host_account();
    request.username.map(|UsernameItem { host, accounts }| {
        let named = accounts.first().map(|account| account.account.clone());
        match (named, accounts.len()) {
            (None, _) => view! {
                <p class="notice">{t.authorize_no_username(host)}</p>
                {first.then(|| view! { <LinkFirst here continued=request.request providers/> })}
            }
            .into_any(),
            (Some(only), 1) => view! { <p>{t.authorize_arrive_as(only, host)}</p> }.into_any(),
            (Some(_), _) => view! {
                <fieldset>
                    <legend>{t.authorize_arrive_as_which(host)}</legend>
                    {accounts
                        .into_iter()
                        .enumerate()
                        .map(|(n, account)| view! {
                            <label class="choice">
                                <input type="radio" name="username_account" value=account.id checked=n == 0/>
                                <span><strong>{account.account}</strong></span>
                            </label>
                        })
                        .collect_view()}
                </fieldset>
            }
            .into_any(),
        }
    })
}

/// The requested scopes and the choice of host accounts; without an account, nothing about logging in, but how to link one.
#[component]
fn RequestedAccess(request: AuthorizationItem, providers: Vec<Provider>, here: ReturnTo) -> impl IntoView {
    let t = translations();
    let none = request.host_accounts.is_empty();
    let first = request.needs_host_account();
    let delegates = request.delegates();
    let list = (delegates || request.may_stay_signed_in).then(|| {
        view! {
            <section aria-labelledby="may">
                <h2 id="may">{t.consent_may()}</h2>
                <ul class="may">
                    {(request.may_create_keys && !none).then(|| view! {
                        <li><strong>{t.consent_may_log_in()}</strong> {t.consent_may_log_in_more()}</li>
                    })}
                    {request.may_revoke_keys.then(|| view! { <li>{t.apps_may_revoke_keys()}</li> })}
                    {request.may_read_keys.then(|| view! { <li>{t.apps_may_read_keys()}</li> })}
                    {(request.may_read_hosts && !none).then(|| view! { <li>{t.consent_may_see_hosts()}</li> })}
                    {request.may_stay_signed_in.then(|| view! { <li>{t.apps_may_stay_signed_in()}</li> })}
                </ul>
            </section>
        }
    });
    view! {
        {list}
        {match (delegates, first) {
            (_, true) => Some(Either::Left(view! { <LinkFirst here continued=request.request providers/> })),
            (true, false) if !none => Some(Either::Right(view! {
                <fieldset>
                    <legend>{t.consent_hosts()}</legend>
                    <HostChoices accounts=request.host_accounts/>
                </fieldset>
            })),
            _ => None,
        }}
    }
}

/// Until when.
#[component]
fn AccessDuration(request: AuthorizationItem) -> impl IntoView {
    let t = translations();
    if request.lifetimes.is_empty() {
        return Either::Left(view! { <p class="hint">{t.authorize_until_sign_out()}</p> });
    }
    let is_fixed = request.needs_host_account() && request.resources.is_empty();
    Either::Right(view! { <LifetimeChoices lifetimes=request.lifetimes is_fixed/> })
}
