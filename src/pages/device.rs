//! `/device`: the code, then the consent (RFC 8628 §3.3).

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Ago, At, ClientName, EnterCodeForm, Page, PostForm, Problem, Sorry, YouAre, other_tenant};
use crate::domain::device_grant::DecisionRefused;
use crate::domain::paths::{self, Onward};
use crate::islands::{Countdown, OnePress};

use crate::server::context::user_codes::Presenting;
use crate::server::context::{self, Caller, Chosen, Notice, Place, SignedIn, words};

use crate::server_fns::device::{DecideDevice, EnterAnotherCode, EnterCode, LifetimeItem, Nearness, SwitchTenant, WaitingRequest, waiting_device};
use crate::server_fns::host_accounts::HostAccountItem;

#[component]
pub fn Device() -> impl IntoView {
    let in_address = use_query_map().with_untracked(|query| query.get("user_code"));
    Suspend::new(async move {
        let w = words();
        let (Ok(waiting), Ok(caller)) = (waiting_device().await, context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        Either::Left(match (waiting, caller.signed_in.clone()) {
            (Some(device), Some(person)) => {
                let notice = notice_at(&caller, &[Place::Consent, Place::Tick]).await;
                Either::Left(view! { <Consent device person notice/> })
            }
            _ => {
                // Why the code was refused, or why the request that it led to is gone.
                let notice = notice_at(&caller, &[Place::EnterCode, Place::Consent, Place::Tick]).await;
                let notice = match notice {
                    Some(notice) => Some(notice),
                    None => not_allowed(&caller).await,
                };
                let filled = prefilled(&caller, in_address).await;
                let other = other_tenant(notice.as_ref()).await;
                let other_kind = (paths::HOSTS_LINK, w.device_is_for_a_host());
                let (title, action, switch) = (w.device_title(), EnterCode::url(), SwitchTenant::url());
                Either::Right(view! {
                    <EnterCodeForm title how=() action notice filled other switch other_kind>
                        {w.device_sent_code()} " "
                        <a href=paths::DEVICE_REPORT>{w.not_started()}</a>
                    </EnterCodeForm>
                })
            }
        })
    })
}

async fn notice_at(caller: &Caller, places: &[Place]) -> Option<Notice> {
    for place in places {
        if let Ok(Some(notice)) = caller.session.take_notice(*place).await {
            return Some(notice);
        }
    }
    None
}

/// Why the client of the request that waited here gets nothing any more.
async fn not_allowed(caller: &Caller) -> Option<Notice> {
    let (services, person) = (context::services().ok()?, caller.signed_in.as_ref()?);
    let waiting = caller.session.waiting().await.ok()??;
    let refused = services.decided_device(person, &waiting.grant).await.ok()??.refused?;
    Some(Notice::new(Place::Consent, words().decision_refused(DecisionRefused::NotAllowed(refused))))
}

/// The code out of the address, where the code's tenant allows that, and what to say of it.
async fn prefilled(caller: &Caller, in_address: Option<String>) -> Option<(String, String)> {
    let (services, typed) = (context::services().ok()?, in_address?);
    if !context::is_navigation() {
        // An image on somebody's page looks nothing up.
        return None;
    }
    let visit = caller.begin_visit(&services).await.ok()?;
    let who = caller.signed_in.as_ref().map_or(Presenting::Visitor(&visit), Presenting::Person);
    Some(match services.may_prefill(who, &typed).await.ok()? {
        Some(code) => (code.to_string(), words().device_came_with_address()),
        None => (String::new(), words().device_not_filled_in()),
    })
}

#[component]
fn Consent(device: WaitingRequest, person: SignedIn, notice: Option<Notice>) -> impl IntoView {
    let w = words();
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let title = w.consent_question(device.client.name.as_str());
    let tick_refused = notice.as_ref().is_some_and(|notice| notice.place == Place::Tick);
    let chosen = notice.as_ref().and_then(|notice| notice.chosen.clone());
    let problem = notice.map(|notice| view! { <Problem id="consent-error" sentence=notice.sentence/> });
    let (above, at_the_tick) = if tick_refused { (None, problem) } else { (problem, None) };
    let grant = device.grant.clone();
    // What their centre wants to see first; denying takes nothing but the wish.
    let missing = context::services().ok().and_then(|services| services.may_allow(&person).err());
    view! {
        <Page title refused>
            {above}
            <YouAre person another=SwitchTenant::url()/>
            <div class="compare">
                <p id="compare">{w.consent_compare()}</p>
                <p class="code" translate="no" dir="ltr" aria-describedby="compare">{device.code.clone()}</p>
                <p class="hint">{w.consent_valid_for()} " " <Countdown seconds=device.expires_in_seconds expired=w.consent_expired()/></p>
            </div>
            <Origin device=device.clone()/>
            <OnePress>
                <PostForm action=DecideDevice::url() main=true class="consent" novalidate=true>
                    <input type="hidden" name="grant" value=grant/>
                    <WhatItMay device=device.clone() chosen=chosen.clone()/>
                    {missing.is_none().then(|| view! { <Lifetimes lifetimes=device.lifetimes chosen/> })}
                    <p class="warning">
                        {w.consent_only_if_before()} " " <strong>{w.consent_only_if_you()}</strong> " " {w.consent_only_if_after()}
                    </p>
                    {at_the_tick}
                    {(device.tick_required && missing.is_none()).then(|| view! {
                        <label class="choice tick">
                            <input
                                type="checkbox"
                                name="started_this"
                                value="yes"
                                autofocus=tick_refused
                                aria-invalid=tick_refused.then_some("true")
                                aria-describedby=tick_refused.then_some("consent-error")
                            />
                            <span>{w.consent_tick()}</span>
                        </label>
                    })}
                    {missing.map(|missing| view! { <p class="notice">{w.consent_missing(missing)}</p> })}
                    <div class="decide">
                        <button name="decision" value="deny">{w.consent_deny()}</button>
                        {match missing {
                            None => Either::Left(view! { <button name="decision" value="allow">{w.consent_allow()}</button> }),
                            Some(missing) => Either::Right(view! {
                                <a class="button" href=paths::show(missing, &Onward::to(paths::DEVICE))>{w.consent_show_first()}</a>
                            }),
                        }}
                    </div>
                </PostForm>
            </OnePress>
            <PostForm action=EnterAnotherCode::url() class="aside">
                <button class="quiet">{w.consent_another_code()}</button>
            </PostForm>
        </Page>
    }
}

/// Who asks, from where, since when.
#[component]
fn Origin(device: WaitingRequest) -> impl IntoView {
    let w = words();
    let place = match (device.from, device.nearness) {
        (Some(from), Nearness::SameAddress) => w.consent_from_same(from),
        (Some(from), Nearness::SameNetwork) => w.consent_from_network(from),
        (Some(from), Nearness::Elsewhere) => w.consent_from_other(from),
        (Some(from), Nearness::Unknown) => w.consent_from_uncompared(from),
        (None, _) => w.consent_from_unknown(),
    };
    view! {
        <dl class="facts">
            <dt>{w.consent_application()}</dt>
            <dd><ClientName client=device.client/></dd>
            <dt>{w.consent_asked()}</dt>
            <dd><Ago at=device.requested_at/></dd>
            <dt>{w.consent_from()}</dt>
            <dd>{place}</dd>
            {(!device.agent.is_empty()).then(|| view! {
                <dt>{w.consent_program()}</dt>
                <dd><bdi>{device.agent}</bdi> <span class="hint">" " {w.consent_program_says()}</span></dd>
            })}
        </dl>
    }
}

/// What it may do, and on which host accounts.
#[component]
fn WhatItMay(device: WaitingRequest, chosen: Option<Chosen>) -> impl IntoView {
    let w = words();
    let none = device.host_accounts.is_empty();
    view! {
        <section aria-labelledby="may">
            <h2 id="may">{w.consent_may()}</h2>
            <ul class="may">
                {device.may_create_keys.then(|| view! {
                    <li><strong>{w.consent_may_log_in()}</strong> {w.consent_may_log_in_more()}</li>
                })}
                {device.may_revoke_keys.then(|| view! { <li>{w.apps_may_revoke_keys()}</li> })}
                {device.may_read_keys.then(|| view! { <li>{w.apps_may_read_keys()}</li> })}
                {device.may_read_hosts.then(|| view! { <li>{w.consent_may_see_hosts()}</li> })}
                <li>{w.consent_may_know()}</li>
            </ul>
        </section>
        <fieldset>
            <legend>{w.consent_hosts()}</legend>
            {if none {
                Either::Left(view! { <p class="hint">{w.consent_no_hosts()}</p> })
            } else {
                Either::Right(device.host_accounts.into_iter().map(|account| {
                    // All are ticked at first; after a refusal, those that the person left ticked.
                    let checked = chosen.as_ref().is_none_or(|chosen| chosen.host_accounts.contains(&account.id));
                    view! { <HostChoice account checked/> }
                }).collect_view())
            }}
        </fieldset>
    }
}

#[component]
fn HostChoice(account: HostAccountItem, checked: bool) -> impl IntoView {
    let w = words();
    view! {
        <label class="choice">
            <input type="checkbox" name="host_accounts[]" value=account.id checked=checked/>
            <span><strong>{account.host}</strong> " " {w.consent_as()} " " <strong>{account.account}</strong></span>
        </label>
    }
}

#[component]
fn Lifetimes(lifetimes: Vec<LifetimeItem>, chosen: Option<Chosen>) -> impl IntoView {
    let w = words();
    let wanted = chosen.map(|chosen| chosen.lifetime);
    let place = lifetimes.iter().position(|lifetime| Some(lifetime.seconds.to_string()) == wanted).unwrap_or(0);
    view! {
        <fieldset>
            <legend>{w.consent_how_long()}</legend>
            {lifetimes.into_iter().enumerate().map(|(n, lifetime)| view! {
                <label class="choice">
                    <input type="radio" name="lifetime" value=lifetime.seconds.to_string() checked=n == place/>
                    <span><strong>{lifetime.words}</strong> <span class="hint">" " {w.consent_until()} " " <At at=lifetime.until/></span></span>
                </label>
            }).collect_view()}
        </fieldset>
    }
}
