//! `/device/result`: what came of the decision, and the way to take it back.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{At, ClientName, Page, PostForm, Problem, Sorry};
use crate::domain::paths;
use crate::islands::{OnePress, PickupStatus};
use crate::server::context::{self, Place, words};
use crate::server_fns::device::{ClientItem, DecidedRequest, Outcome, WithdrawDevice, decided_device};

#[component]
pub fn DeviceResult() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(decided), Ok(caller)) = (decided_device().await, context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        let problem = caller.session.take_notice(Place::Result).await.ok().flatten().map(|notice| notice.sentence);
        Either::Left(match decided {
            Some(device) => Either::Left(view! { <Answered device problem/> }),
            None => Either::Right(view! { <Nothing/> }),
        })
    })
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
            <Ended title=w.result_refused() sentence=device.status client=device.client problem=problem.into_any()/>
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
                <PickupStatus waiting sentence=device.status look_again=w.pickup_look_again()/>
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
fn Nothing() -> impl IntoView {
    let w = words();
    view! {
        <Page title=w.result_nothing()>
            <p class="lead">{w.result_nothing_means()}</p>
            <p><a class="button main" href=paths::DEVICE>{w.nav_device()}</a></p>
        </Page>
    }
}
