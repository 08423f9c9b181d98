//! `/device`: the user code, then the consent page (RFC 8628 §3.3). Each request has its own URL.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{
    ClientName, EnterCodeForm, FormError, Hidden, HostChoices, LifetimeChoices, PageContent, PostForm, RelativeTime, RequestFacts, ResourceAccess,
    ServerError, StartedThis, YouAre, other_tenant, told,
};
use super::host_accounts::{LinkFirst, host_providers};
use crate::domain::device_grant::DecisionRefused;
use crate::domain::ids::{CodeEntryId, DeviceGrantId};
use crate::domain::paths::{self, ReturnTo};
use crate::domain::provider::Provider;
use crate::islands::{Countdown, SubmitOnce};

use crate::server::context::{self, translations};
use crate::server::request_context::RequestContext;
use crate::server::service::SignedIn;
use crate::server::service::device_flow::user_codes::CodeSubmitter;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};

use crate::server_fns::device::{
    DecideDevice, EnterAnotherCode, EnterCode, PendingDeviceGrant, SwitchTenant, decided_device, pending_device, pending_devices,
};

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
            let flash = caller.session.take_flash_at(&[FlashTarget::Consent, FlashTarget::Confirmation], &here).await.ok().flatten();
            // An account was linked for this request.
            let linked = caller.session.take_flash_at(&[FlashTarget::Success], &here).await.ok().flatten();
            let providers = if device.host_accounts.is_empty() { host_providers().await } else { Vec::new() };
            view! { <Consent device person flash linked providers/> }.into_any()
        }
        (Ok(None), Ok(Some(_))) => redirect_page(known.as_ref().map_or_else(|| paths::DEVICE_RESULT.to_owned(), paths::device_result)),
        (Ok(None), Ok(None)) => {
            let flash = Flash::new(FlashTarget::EnterCode, translations().decision_refused(DecisionRefused::NotYours));
            form(Some(flash), None, None, None).await
        }
        _ => view! { <ServerError/> }.into_any(),
    }
}

/// Redirects the browser; the page links to the target in case it does not follow.
pub fn redirect_page(address: String) -> AnyView {
    let t = translations();
    context::redirect_to_url(&address);
    view! { <PageContent title=t.device_title()><p><a class="button main" href=address>{t.device_continue()}</a></p></PageContent> }.into_any()
}

/// The form for a user code: empty, or with the code of the URL or of this session.
async fn code_form(entry: Option<String>, in_address: Option<String>) -> AnyView {
    let Ok(caller) = context::request_context() else { return view! { <ServerError/> }.into_any() };
    let t = translations();
    let entry = entry.and_then(|entry| CodeEntryId::parse(entry).ok());
    let here = entry.as_ref().map_or_else(|| paths::DEVICE.to_owned(), paths::device_entry);
    let flash = caller.session.take_flash_at(&[FlashTarget::EnterCode], &here).await.ok().flatten();
    let kept = match &entry {
        Some(entry) => caller.session.pending_user_code(Some(entry)).await.ok().flatten(),
        None => None,
    };
    if let Some(kept) = kept {
        return form(flash, Some(kept.code), None, Some(kept.entry)).await;
    }
    let (filled, of_address) = prefilled(&caller, in_address).await.unzip();
    let note = entry.map_or(of_address, |_| Some(t.device_not_kept()));
    form(flash, filled, note, None).await
}

/// `kept`: the code that is taken along to its tenant.
async fn form(flash: Option<Flash>, filled: Option<String>, note: Option<String>, kept: Option<CodeEntryId>) -> AnyView {
    let t = translations();
    let Ok(waiting) = pending_devices().await else { return view! { <ServerError/> }.into_any() };
    let other = other_tenant(flash.as_ref()).await;
    let switch = (SwitchTenant::url(), kept.map(|kept| Hidden("entry", kept.into())));
    let other_kind = (paths::HOSTS_LINK, t.device_is_for_a_host());
    let (title, action, how) = (t.device_title(), EnterCode::url(), view! { <PendingDevices waiting/> });
    view! {
        <EnterCodeForm title how action flash filled note other switch other_kind>
            {t.device_sent_code()} " "
            <a href=paths::DEVICE_REPORT>{t.not_started()}</a>
        </EnterCodeForm>
    }
    .into_any()
}

/// The page of one request.
fn request_url(grant: &str) -> String {
    format!("{}?grant={}", paths::DEVICE, paths::encode(grant))
}

/// Links to the requests that wait for the person; nothing if there are none.
#[component]
pub fn PendingDevices(waiting: Vec<PendingDeviceGrant>) -> impl IntoView {
    (!waiting.is_empty()).then(|| {
        view! { <ul class="rows ask">{waiting.into_iter().map(|device| view! { <PendingDevice device/> }).collect_view()}</ul> }
    })
}

#[component]
fn PendingDevice(device: PendingDeviceGrant) -> impl IntoView {
    let t = translations();
    view! {
        <li class="row-card">
            <div class="what">
                <p><ClientName client=device.client/> " " {t.home_asks()}</p>
                <p class="hint"><span class="code" translate="no" dir="ltr">{device.code}</span> " " <RelativeTime at=device.requested_at/></p>
                <p class="hint agent">
                    {(!device.agent.is_empty()).then(|| view! { <bdi>{device.agent}</bdi> ", " })}
                    {t.home_from()} " " <bdi>{device.from.unwrap_or_else(|| t.consent_from_unknown())}</bdi>
                </p>
            </div>
            <a class="button" href=request_url(&device.grant)>{t.home_look()}</a>
        </li>
    }
}

/// The code in the URL, if the tenant allows that, and the note about it.
async fn prefilled(caller: &RequestContext, in_address: Option<String>) -> Option<(String, String)> {
    let (services, typed) = (context::services().ok()?, in_address?);
    if !context::is_navigation() {
        // An image on another site's page must not look up codes.
        return None;
    }
    let session = caller.start_session(&services).await.ok()?;
    let who = caller.signed_in.as_ref().map_or(CodeSubmitter::Anonymous(&session), CodeSubmitter::Person);
    Some(match services.may_prefill(who, &typed).await.ok()? {
        Some(code) => (code.to_string(), translations().device_came_with_address()),
        None => (String::new(), translations().device_not_filled_in()),
    })
}

#[component]
fn Consent(
    device: PendingDeviceGrant,
    person: SignedIn,
    flash: Option<Flash>,
    /// The message that an account has been linked for this request.
    linked: Option<Flash>,
    /// The providers through which host accounts can be linked.
    providers: Vec<Provider>,
) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let title = t.consent_question(device.client.name.as_str());
    let confirmation_refused = flash.as_ref().is_some_and(|flash| flash.target == FlashTarget::Confirmation);
    let problem = flash.map(|flash| view! { <FormError id="consent-error" sentence=flash.message/> });
    let (above, at_confirmation) = if confirmation_refused { (None, problem) } else { (problem, None) };
    let grant = device.grant.clone();
    let put_aside = grant.clone();
    let report = format!("{}?grant={}", paths::DEVICE_REPORT, paths::encode(&grant));
    let here = ReturnTo::from_untrusted(&request_url(&grant));
    // What the tenant requires before the person can allow; denying requires nothing.
    let missing = context::services().ok().and_then(|services| services.authorize_consent(&person).err());
    view! {
        <PageContent title refused>
            {above}
            {linked.map(|flash| view! { <p class="notice" role="status">{told(&flash.told())}</p> })}
            <YouAre person another=SwitchTenant::url() about=Hidden("grant", grant.clone())/>
            <div class="compare">
                <p id="compare">{t.consent_compare()}</p>
                <p class="code" translate="no" dir="ltr" aria-describedby="compare">{device.code.clone()}</p>
                <p class="hint">{t.consent_valid_for()} " " <Countdown seconds=device.expires_in_seconds expired=t.consent_expired()/> " · " <a href=report>{t.not_started()}</a></p>
            </div>
            <RequestOrigin device=device.clone()/>
            <SubmitOnce>
                <PostForm action=DecideDevice::url() main=true class="consent" novalidate=true>
                    <input type="hidden" name="grant" value=grant/>
                    <input type="hidden" name="shown" value=device.scope.clone()/>
                    <RequestedAccess device=device.clone() providers/>
                    <ResourceAccess resources=device.resources.clone()/>
                    {missing.is_none().then(|| view! {
                        <LifetimeChoices lifetimes=device.lifetimes.clone() is_fixed=device.host_accounts.is_empty() && device.resources.is_empty()/>
                    })}
                    <p class="warning">
                        {t.consent_only_if_before()} " " <strong>{t.consent_only_if_you()}</strong> " " {t.consent_only_if_after()}
                    </p>
                    {at_confirmation}
                    {(device.confirmation_required && missing.is_none())
                        .then(|| view! { <StartedThis sentence=t.consent_confirmation() refused=confirmation_refused/> })}
                    {missing.map(|missing| view! { <p class="notice">{t.step_up_required(missing)}</p> })}
                    <div class="decide">
                        <button name="decision" value="deny">{t.consent_deny()}</button>
                        {match missing {
                            None => Either::Left(view! { <button name="decision" value="allow">{t.consent_allow()}</button> }),
                            Some(missing) => Either::Right(view! {
                                <a class="button" href=paths::step_up(missing, &here)>{t.consent_verify_first()}</a>
                            }),
                        }}
                    </div>
                </PostForm>
            </SubmitOnce>
            <PostForm action=EnterAnotherCode::url() class="aside">
                <input type="hidden" name="grant" value=put_aside/>
                <button class="quiet">{t.consent_another_code()}</button>
            </PostForm>
        </PageContent>
    }
}

/// Which client sent the request, from which network and when.
#[component]
fn RequestOrigin(device: PendingDeviceGrant) -> impl IntoView {
    let t = translations();
    view! {
        <dl class="facts tight">
            <dt>{t.consent_application()}</dt>
            <dd><ClientName client=device.client/></dd>
            <RequestFacts at=device.requested_at from=device.from proximity=device.proximity agent=device.agent/>
        </dl>
    }
}

/// The requested scopes and the choice of host accounts; without an account, nothing about logging in, but how to link one.
#[component]
fn RequestedAccess(device: PendingDeviceGrant, providers: Vec<Provider>) -> impl IntoView {
    let t = translations();
    let none = device.host_accounts.is_empty();
    let of_accounts = device.may_create_keys || device.may_read_hosts;
    view! {
        <section aria-labelledby="may">
            <h2 id="may">{t.consent_may()}</h2>
            <ul class="may">
                {(device.may_create_keys && !none).then(|| view! {
                    <li><strong>{t.consent_may_log_in()}</strong> {t.consent_may_log_in_more()}</li>
                })}
                {device.may_revoke_keys.then(|| view! { <li>{t.apps_may_revoke_keys()}</li> })}
                {device.may_read_keys.then(|| view! { <li>{t.apps_may_read_keys()}</li> })}
                {(device.may_read_hosts && !none).then(|| view! { <li>{t.consent_may_see_hosts()}</li> })}
                <li>{t.consent_may_know()}</li>
            </ul>
        </section>
        {match none {
            true => Either::Left(of_accounts.then(|| view! { <LinkFirst here=ReturnTo::from_untrusted(&request_url(&device.grant)) continued=device.grant providers/> })),
            false => Either::Right(view! {
                <fieldset>
                    <legend>{t.consent_hosts()}</legend>
                    <HostChoices accounts=device.host_accounts/>
                </fieldset>
            }),
        }}
    }
}
