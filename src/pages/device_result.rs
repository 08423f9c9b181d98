//! `/device/result`: what came of the decision, and the way to take it back.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{At, ClientName, Page, PostForm, Problem, Sorry};
use super::device::elsewhere;
use crate::domain::ids::DeviceGrantId;
use crate::domain::paths;
use crate::islands::{OnePress, PickupStatus};
use crate::server::context::{self, Place, words};
use crate::server_fns::device::{ClientItem, DecidedRequest, Outcome, WithdrawDevice, decided_device, waiting_device};

#[component]
pub fn DeviceResult() -> impl IntoView {
    let grant = use_query_map().with_untracked(|query| query.get("grant"));
    Suspend::new(async move {
        match grant {
            Some(grant) => Either::Left(one_result(grant).await),
            None => Either::Right(view! { <Nothing sentence=words().result_nothing_means()/> }),
        }
    })
}

async fn one_result(grant: String) -> AnyView {
    let (Ok(decided), Ok(waiting), Ok(caller)) = (decided_device(grant.clone()).await, waiting_device(grant.clone()).await, context::caller()) else {
        return view! { <Sorry/> }.into_any();
    };
    match (decided, waiting, DeviceGrantId::parse(grant)) {
        (Some(device), _, Ok(grant)) => {
            let notice = caller.session.take_notice_at(&[Place::Result], &paths::device_result(&grant)).await.ok().flatten();
            view! { <Answered device problem=notice.map(|notice| notice.sentence)/> }.into_any()
        }
        (None, Some(_), Ok(grant)) => elsewhere(paths::device(&grant)),
        _ => {
            context::set_status(axum::http::StatusCode::NOT_FOUND);
            view! { <Nothing sentence=words().result_gone()/> }.into_any()
        }
    }
}

#[component]
fn Answered(device: DecidedRequest, problem: Option<String>) -> impl IntoView {
    let w = words();
    let problem = problem.map(|sentence| view! { <Problem sentence/> });
    match device.outcome {
        Outcome::Waiting | Outcome::PickedUp { .. } => Either::Left(view! { <Connected device problem=problem.into_any()/> }),
        Outcome::Denied => {
            Either::Right(view! { <Ended title=w.result_denied() sentence=w.result_denied_means() client=device.client problem=problem.into_any()/> })
        }
        Outcome::Withdrawn => Either::Right(view! {
            <Ended title=w.result_taken_back() sentence=w.result_taken_back_means() client=device.client problem=problem.into_any()/>
        }),
        Outcome::Expired => Either::Right(view! {
            <Ended title=w.result_expired() sentence=w.result_expired_means() client=device.client problem=problem.into_any()/>
        }),
        Outcome::Refused(_) => Either::Right(view! {
            <Ended title=w.result_refused() sentence=device.status.text client=device.client problem=problem.into_any()/>
        }),
    }
}

#[component]
fn Connected(device: DecidedRequest, problem: AnyView) -> impl IntoView {
    let w = words();
    let waiting = matches!(device.outcome, Outcome::Waiting);
    let hosts: Vec<String> =
        device.host_accounts.iter().map(|account| w.consent_account_on(account.host.as_str(), account.account.as_str())).collect();
    let may = if device.may_create_keys { w.result_may_log_in() } else { w.result_may_see() };
    view! {
        <Page title=w.result_connected()>
            {problem}
            <p class="lead">{w.result_go_back()}</p>
            <div class="card pickup-card">
                <PickupStatus grant=device.grant.clone() waiting sentence=device.status look_again=w.pickup_look_again()/>
            </div>
            <dl class="facts">
                <dt>{w.consent_application()}</dt>
                <dd><ClientName client=device.client/></dd>
                <dt>{may}</dt>
                <dd>{if hosts.is_empty() { w.result_no_host() } else { hosts.join(", ") }}</dd>
                <dt>{w.result_until()}</dt>
                <dd>{device.until.map(|at| view! { <At at/> })}</dd>
            </dl>
            <OnePress>
                <PostForm action=WithdrawDevice::url() class="aside row">
                    <input type="hidden" name="grant" value=device.grant/>
                    <p>{w.result_changed_your_mind()}</p>
                    <button class="danger">{w.result_take_back()}</button>
                </PostForm>
            </OnePress>
            <p class="aside"><a href=paths::SESSIONS>{w.result_see_all()}</a></p>
        </Page>
    }
}

#[component]
fn Ended(title: String, sentence: String, client: ClientItem, problem: AnyView) -> impl IntoView {
    let w = words();
    view! {
        <Page title>
            {problem}
            <p class="lead">{sentence}</p>
            <dl class="facts">
                <dt>{w.consent_application()}</dt>
                <dd><ClientName client/></dd>
            </dl>
            <p class="actions aside">
                <a class="button" href=paths::DEVICE>{w.consent_another_code()}</a>
                <a class="button" href=paths::HOME>{w.error_home()}</a>
            </p>
        </Page>
    }
}

#[component]
fn Nothing(sentence: String) -> impl IntoView {
    let w = words();
    view! {
        <Page title=w.result_nothing()>
            <p class="lead">{sentence}</p>
            <p><a class="button main" href=paths::DEVICE>{w.nav_device()}</a></p>
        </Page>
    }
}
