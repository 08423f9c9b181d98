//! `/device/result`: the result of a decision, and the button to revoke it.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{ClientName, ExactTime, FormError, PageContent, PostForm, ServerError, told};
use super::device::redirect_page;
use crate::domain::ids::DeviceGrantId;
use crate::domain::paths;
use crate::islands::{PickupStatus, SubmitOnce};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::FlashTarget;
use crate::server_fns::consent::ClientItem;
use crate::server_fns::device::{DecidedDeviceGrant, DecisionOutcome, RevokeDevice, decided_device, pending_device};
use crate::server_fns::host_accounts::list_host_accounts;

#[component]
pub fn DeviceResult() -> impl IntoView {
    let grant = use_query_map().with_untracked(|query| query.get("grant"));
    Suspend::new(async move {
        match grant {
            Some(grant) => Either::Left(one_result(grant).await),
            None => Either::Right(view! { <NoResult sentence=translations().result_nothing_means()/> }),
        }
    })
}

async fn one_result(grant: String) -> AnyView {
    let (Ok(decided), Ok(waiting), Ok(caller)) =
        (decided_device(grant.clone()).await, pending_device(grant.clone()).await, context::request_context())
    else {
        return view! { <ServerError/> }.into_any();
    };
    match (decided, waiting, DeviceGrantId::parse(grant)) {
        (Some(device), _, Ok(grant)) => {
            // The island that polls this page must not consume the message.
            let flash = match context::is_navigation() {
                true => caller.session.take_flash_at(&[FlashTarget::Result], &paths::device_result(&grant)).await.ok().flatten(),
                false => None,
            };
            let link_first = device.host_accounts.is_empty() && has_no_host_account().await;
            view! { <DecisionResult device link_first problem=flash.map(|flash| flash.message)/> }.into_any()
        }
        (None, Some(_), Ok(grant)) => redirect_page(paths::device(&grant)),
        _ => {
            context::set_status(axum::http::StatusCode::NOT_FOUND);
            view! { <NoResult sentence=translations().result_gone()/> }.into_any()
        }
    }
}

/// Whether the person has no active host account; `false` if that cannot be read.
async fn has_no_host_account() -> bool {
    list_host_accounts().await.is_ok_and(|accounts| accounts.iter().all(|account| !account.active))
}

#[component]
fn DecisionResult(device: DecidedDeviceGrant, link_first: bool, problem: Option<String>) -> impl IntoView {
    let t = translations();
    let problem = problem.map(|sentence| view! { <FormError sentence/> });
    match device.outcome {
        DecisionOutcome::Pending | DecisionOutcome::PickedUp { .. } => {
            Either::Left(view! { <ApprovedResult device link_first problem=problem.into_any()/> })
        }
        DecisionOutcome::Denied => Either::Right(
            view! { <ClosedResult title=t.result_denied() sentence=device.status.text client=device.client problem=problem.into_any()/> },
        ),
        DecisionOutcome::Revoked => Either::Right(view! {
            <ClosedResult title=t.result_revoked() sentence=device.status.text client=device.client problem=problem.into_any()/>
        }),
        DecisionOutcome::Expired => Either::Right(view! {
            <ClosedResult title=t.result_expired() sentence=device.status.text client=device.client problem=problem.into_any()/>
        }),
        DecisionOutcome::Refused(_) => Either::Right(view! {
            <ClosedResult title=t.result_refused() sentence=device.status.text client=device.client problem=problem.into_any()/>
        }),
    }
}

#[component]
fn ApprovedResult(
    device: DecidedDeviceGrant,
    /// Whether to offer to link a host account.
    link_first: bool,
    problem: AnyView,
) -> impl IntoView {
    let t = translations();
    let waiting = matches!(device.outcome, DecisionOutcome::Pending);
    let here = format!("{}?grant={}", paths::DEVICE_RESULT, paths::encode(&device.grant));
    let hosts: Vec<String> =
        device.host_accounts.iter().map(|account| t.consent_account_on(account.host.as_str(), account.account.as_str())).collect();
    let (may, hosts) = match (hosts.is_empty(), device.may_create_keys) {
        (true, _) => (t.consent_hosts(), t.result_no_host()),
        (false, true) => (t.result_may_log_in(), hosts.join(", ")),
        (false, false) => (t.result_may_see(), hosts.join(", ")),
    };
    view! {
        <PageContent title=t.result_connected()>
            {problem}
            <p class="lead">{t.result_go_back()}</p>
            <div class="card pickup-card">
                <PickupStatus here=here.clone()>
                    <p class="pickup" role="status">
                        <span data-pickup="" data-waiting=waiting.then_some("true")>{told(&device.status)}</span>
                    </p>
                    {waiting.then(|| view! { <p class="again"><a href=here>{t.pickup_look_again()}</a></p> })}
                </PickupStatus>
            </div>
            <dl class="facts">
                <dt>{t.consent_application()}</dt>
                <dd><ClientName client=device.client/></dd>
                <dt>{may}</dt>
                <dd>{hosts}</dd>
                <dt>{t.result_until()}</dt>
                <dd>{device.until.map(|at| view! { <ExactTime at/> })}</dd>
            </dl>
            {link_first.then(|| view! {
                <p>{t.result_link_first()}</p>
                <p class="actions"><a class="button" href=paths::HOSTS_LINK>{t.hosts_link()}</a></p>
            })}
            <SubmitOnce>
                <PostForm action=RevokeDevice::url() class="aside row">
                    <input type="hidden" name="grant" value=device.grant/>
                    <p>{t.result_changed_your_mind()}</p>
                    <button class="danger">{t.result_revoke()}</button>
                </PostForm>
            </SubmitOnce>
            <p class="aside"><a href=paths::APPS>{t.result_see_all()}</a></p>
        </PageContent>
    }
}

#[component]
fn ClosedResult(title: String, sentence: String, client: ClientItem, problem: AnyView) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title>
            {problem}
            <p class="lead">{sentence}</p>
            <dl class="facts">
                <dt>{t.consent_application()}</dt>
                <dd><ClientName client/></dd>
            </dl>
            <p class="actions aside">
                <a class="button" href=paths::DEVICE>{t.consent_another_code()}</a>
                <a class="button" href=paths::HOME>{t.error_home()}</a>
            </p>
        </PageContent>
    }
}

#[component]
fn NoResult(sentence: String) -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.result_nothing()>
            <p class="lead">{sentence}</p>
            <p class="actions">
                <a class="button main" href=paths::DEVICE>{t.nav_device()}</a>
                <a class="button" href=paths::APPS>{t.nav_apps()}</a>
            </p>
        </PageContent>
    }
}
