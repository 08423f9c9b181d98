//! `/device`: the user code, then the consent page (RFC 8628 §3.3). Each request has its own URL.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{
    ClientName, EnterCodeForm, ExactTime, FormError, Hidden, PageContent, PostForm, RelativeTime, ServerError, YouAre, other_tenant,
};
use crate::domain::device_grant::DecisionRefused;
use crate::domain::ids::{CodeEntryId, DeviceGrantId};
use crate::domain::paths::{self, ReturnTo};
use crate::islands::{Countdown, SubmitOnce};

use crate::server::context::user_codes::CodeSubmitter;
use crate::server::context::{self, Flash, FlashTarget, RequestContext, SignedIn, translations};

use crate::server_fns::device::{
    DecideDevice, EnterAnotherCode, EnterCode, LifetimeItem, NetworkProximity, PendingDeviceGrant, SwitchTenant, decided_device, pending_device,
    pending_devices,
};
use crate::server_fns::host_accounts::HostAccountItem;

#[component]
pub fn Device() -> impl IntoView {
    let get = |name: &str| use_query_map().with_untracked(|query| query.get(name));
    let (grant, entry, in_address) = (get("grant"), get("entry"), get("user_code"));
    Suspend::new(async move {
        match grant {
            Some(grant) => Either::Left(one_request(grant).await),
            None => Either::Right(code_form(entry, in_address).await),
        }
    })
}

/// A request: its consent page, a redirect to its result, or why it cannot be decided.
async fn one_request(grant: String) -> AnyView {
    let Ok(caller) = context::request_context() else { return view! { <ServerError/> }.into_any() };
    let known = DeviceGrantId::parse(grant.as_str()).ok();
    let here = known.as_ref().map_or_else(|| paths::DEVICE.to_owned(), paths::device);
    let Some(person) = caller.signed_in.clone() else {
        return redirect_page(paths::sign_in(None, &ReturnTo::from_untrusted(&here)));
    };
    match (pending_device(grant.clone()).await, decided_device(grant).await) {
        (Ok(Some(device)), _) => {
            let notice = caller.session.take_flash_at(&[FlashTarget::Consent, FlashTarget::Confirmation], &here).await.ok().flatten();
            view! { <Consent device person notice/> }.into_any()
        }
        (Ok(None), Ok(Some(_))) => redirect_page(known.as_ref().map_or_else(|| paths::DEVICE_RESULT.to_owned(), paths::device_result)),
        (Ok(None), Ok(None)) => {
            let notice = Flash::new(FlashTarget::EnterCode, translations().decision_refused(DecisionRefused::NotYours));
            form(Some(notice), None, None, None).await
        }
        _ => view! { <ServerError/> }.into_any(),
    }
}

/// Redirects the browser; the page links to the target in case it does not follow.
pub fn redirect_page(address: String) -> AnyView {
    let w = translations();
    context::redirect_to_url(&address);
    view! { <PageContent title=w.device_title()><p><a class="button main" href=address>{w.device_continue()}</a></p></PageContent> }.into_any()
}

/// The form for a user code: empty, or with the code of the URL or of this session.
async fn code_form(entry: Option<String>, in_address: Option<String>) -> AnyView {
    let Ok(caller) = context::request_context() else { return view! { <ServerError/> }.into_any() };
    let w = translations();
    let entry = entry.and_then(|entry| CodeEntryId::parse(entry).ok());
    let here = entry.as_ref().map_or_else(|| paths::DEVICE.to_owned(), paths::device_entry);
    let notice = caller.session.take_flash_at(&[FlashTarget::EnterCode], &here).await.ok().flatten();
    let kept = match &entry {
        Some(entry) => caller.session.pending_user_code(Some(entry)).await.ok().flatten(),
        None => None,
    };
    if let Some(kept) = kept {
        return form(notice, Some(kept.code), None, Some(kept.entry)).await;
    }
    let (filled, of_address) = prefilled(&caller, in_address).await.unzip();
    let note = entry.map_or(of_address, |_| Some(w.device_not_kept()));
    form(notice, filled, note, None).await
}

/// `kept`: the code that is taken along to its tenant.
async fn form(notice: Option<Flash>, filled: Option<String>, note: Option<String>, kept: Option<CodeEntryId>) -> AnyView {
    let w = translations();
    let Ok(waiting) = pending_devices().await else { return view! { <ServerError/> }.into_any() };
    let other = other_tenant(notice.as_ref()).await;
    let switch = (SwitchTenant::url(), kept.map(|kept| Hidden("entry", kept.into())));
    let other_kind = (paths::HOSTS_LINK, w.device_is_for_a_host());
    let (title, action, how) = (w.device_title(), EnterCode::url(), view! { <PendingDevices waiting/> });
    view! {
        <EnterCodeForm title how action notice filled note other switch other_kind>
            {w.device_sent_code()} " "
            <a href=paths::DEVICE_REPORT>{w.not_started()}</a>
        </EnterCodeForm>
    }
    .into_any()
}

/// Links to the requests that wait for the person.
#[component]
pub fn PendingDevices(waiting: Vec<PendingDeviceGrant>) -> impl IntoView {
    let w = translations();
    waiting
        .into_iter()
        .map(|device| {
            view! {
                <div class="card ask">
                    <p><ClientName client=device.client/> " " {w.home_asks()}</p>
                    <p class="hint"><span class="code" translate="no" dir="ltr">{device.code}</span> " " <RelativeTime at=device.requested_at/></p>
                    <p><a class="button" href=format!("{}?grant={}", paths::DEVICE, paths::encode(&device.grant))>{w.home_look()}</a></p>
                </div>
            }
        })
        .collect_view()
}

/// The code in the URL, if the tenant allows that, and the note about it.
async fn prefilled(caller: &RequestContext, in_address: Option<String>) -> Option<(String, String)> {
    let (services, typed) = (context::services().ok()?, in_address?);
    if !context::is_navigation() {
        // An image on another site's page must not look up codes.
        return None;
    }
    let visit = caller.start_session(&services).await.ok()?;
    let who = caller.signed_in.as_ref().map_or(CodeSubmitter::Anonymous(&visit), CodeSubmitter::Person);
    Some(match services.may_prefill(who, &typed).await.ok()? {
        Some(code) => (code.to_string(), translations().device_came_with_address()),
        None => (String::new(), translations().device_not_filled_in()),
    })
}

#[component]
fn Consent(device: PendingDeviceGrant, person: SignedIn, notice: Option<Flash>) -> impl IntoView {
    let w = translations();
    if let Some(notice) = &notice {
        context::set_error_status(notice);
    }
    let refused = notice.is_some();
    let title = w.consent_question(device.client.name.as_str());
    let tick_refused = notice.as_ref().is_some_and(|notice| notice.target == FlashTarget::Confirmation);
    let problem = notice.map(|notice| view! { <FormError id="consent-error" sentence=notice.message/> });
    let (above, at_the_tick) = if tick_refused { (None, problem) } else { (problem, None) };
    let grant = device.grant.clone();
    let put_aside = grant.clone();
    let here = ReturnTo::from_untrusted(&format!("{}?grant={}", paths::DEVICE, paths::encode(&grant)));
    // What the tenant requires before the person can allow; denying requires nothing.
    let missing = context::services().ok().and_then(|services| services.authorize_consent(&person).err());
    view! {
        <PageContent title refused>
            {above}
            <YouAre person another=SwitchTenant::url() about=Hidden("grant", grant.clone())/>
            <div class="compare">
                <p id="compare">{w.consent_compare()}</p>
                <p class="code" translate="no" dir="ltr" aria-describedby="compare">{device.code.clone()}</p>
                <p class="hint">{w.consent_valid_for()} " " <Countdown seconds=device.expires_in_seconds expired=w.consent_expired()/></p>
            </div>
            <RequestOrigin device=device.clone()/>
            <SubmitOnce>
                <PostForm action=DecideDevice::url() main=true class="consent" novalidate=true>
                    <input type="hidden" name="grant" value=grant/>
                    <input type="hidden" name="shown" value=device.scope.clone()/>
                    <RequestedAccess device=device.clone()/>
                    {missing.is_none().then(|| view! { <Lifetimes lifetimes=device.lifetimes/> })}
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
                    {missing.map(|missing| view! { <p class="notice">{w.step_up_required(missing)}</p> })}
                    <div class="decide">
                        <button name="decision" value="deny">{w.consent_deny()}</button>
                        {match missing {
                            None => Either::Left(view! { <button name="decision" value="allow">{w.consent_allow()}</button> }),
                            Some(missing) => Either::Right(view! {
                                <a class="button" href=paths::step_up(missing, &here)>{w.consent_show_first()}</a>
                            }),
                        }}
                    </div>
                </PostForm>
            </SubmitOnce>
            <PostForm action=EnterAnotherCode::url() class="aside">
                <input type="hidden" name="grant" value=put_aside/>
                <button class="quiet">{w.consent_another_code()}</button>
            </PostForm>
        </PageContent>
    }
}

/// Which client sent the request, from which network and when.
#[component]
fn RequestOrigin(device: PendingDeviceGrant) -> impl IntoView {
    let w = translations();
    let place = match (device.from, device.proximity) {
        (Some(from), NetworkProximity::SameAddress) => w.consent_from_same(from),
        (Some(from), NetworkProximity::SameNetwork) => w.consent_from_network(from),
        (Some(from), NetworkProximity::Elsewhere) => w.consent_from_other(from),
        (Some(from), NetworkProximity::Unknown) => w.consent_from_uncompared(from),
        (None, _) => w.consent_from_unknown(),
    };
    view! {
        <dl class="facts">
            <dt>{w.consent_application()}</dt>
            <dd><ClientName client=device.client/></dd>
            <dt>{w.consent_asked()}</dt>
            <dd><RelativeTime at=device.requested_at/></dd>
            <dt>{w.consent_from()}</dt>
            <dd>{place}</dd>
            {(!device.agent.is_empty()).then(|| view! {
                <dt>{w.consent_program()}</dt>
                <dd><bdi>{device.agent}</bdi> <span class="hint">" " {w.consent_program_says()}</span></dd>
            })}
        </dl>
    }
}

/// The requested scopes and host accounts.
#[component]
fn RequestedAccess(device: PendingDeviceGrant) -> impl IntoView {
    let w = translations();
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
                Either::Right(device.host_accounts.into_iter().map(|account| view! { <HostChoice account/> }).collect_view())
            }}
        </fieldset>
    }
}

#[component]
fn HostChoice(account: HostAccountItem) -> impl IntoView {
    let w = translations();
    view! {
        <label class="choice">
            <input type="checkbox" name="host_accounts[]" value=account.id checked/>
            <span><strong>{account.host}</strong> " " {w.consent_as()} " " <strong>{account.account}</strong></span>
        </label>
    }
}

#[component]
fn Lifetimes(lifetimes: Vec<LifetimeItem>) -> impl IntoView {
    let w = translations();
    view! {
        <fieldset>
            <legend>{w.consent_how_long()}</legend>
            {lifetimes.into_iter().enumerate().map(|(n, lifetime)| view! {
                <label class="choice">
                    <input type="radio" name="lifetime" value=lifetime.seconds.to_string() checked=n == 0/>
                    <span><strong>{lifetime.label}</strong> <span class="hint">" " {w.consent_until()} " " <ExactTime at=lifetime.until/></span></span>
                </label>
            }).collect_view()}
        </fieldset>
    }
}
