//! `/device/result`: what came of the decision, and the way to take it back.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{ClientName, Page, Problem, Sorry};
use crate::domain::paths;
use crate::islands::{OnePress, PickupStatus};
use crate::server::context::{self, Place};
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
    let problem = problem.map(|sentence| view! { <Problem sentence/> });
    match device.outcome {
        Outcome::Waiting | Outcome::PickedUp { .. } => Either::Left(view! { <Connected device problem=problem.into_any()/> }),
        Outcome::Denied => Either::Right(
            view! { <Ended title="Denied" sentence="Nothing was shared. The device has been told." client=device.client problem=problem.into_any()/> },
        ),
        Outcome::Withdrawn => Either::Right(view! {
            <Ended title="Taken back" sentence="The access has ended: what the device holds no longer works." client=device.client problem=problem.into_any()/>
        }),
        Outcome::Expired => Either::Right(view! {
            <Ended title="The code has expired" sentence="Nothing was shared. Run the command again to get a new code." client=device.client problem=problem.into_any()/>
        }),
    }
}

#[component]
fn Connected(device: DecidedRequest, problem: AnyView) -> impl IntoView {
    let hosts: Vec<String> = device.host_accounts.iter().map(|account| format!("{} as {}", account.host, account.account)).collect();
    let may = if device.may_create_keys { "May log in over SSH to" } else { "May see" };
    view! {
        <Page title="Connected">
            {problem}
            <p class="lead">"You can go back to your device and close this page."</p>
            <div class="card pickup-card">
                <PickupStatus outcome=device.outcome/>
            </div>
            <dl class="facts">
                <dt>"Application"</dt>
                <dd><ClientName client=device.client/></dd>
                <dt>{may}</dt>
                <dd>{if hosts.is_empty() { "no host account".to_owned() } else { hosts.join(", ") }}</dd>
                <dt>"Until"</dt>
                <dd>{device.until}</dd>
            </dl>
            <OnePress>
                <form method="post" action=WithdrawDevice::url() class="aside row">
                    <input type="hidden" name="grant" value=device.grant/>
                    <p>"Changed your mind?"</p>
                    <button class="danger">"Take it back"</button>
                </form>
            </OnePress>
            <p class="aside"><a href=paths::SESSIONS>"See all that you let in"</a></p>
        </Page>
    }
}

#[component]
fn Ended(title: &'static str, sentence: &'static str, client: ClientItem, problem: AnyView) -> impl IntoView {
    view! {
        <Page title>
            {problem}
            <p class="lead">{sentence}</p>
            <dl class="facts">
                <dt>"Application"</dt>
                <dd><ClientName client/></dd>
            </dl>
            <p class="actions aside">
                <a class="button" href=paths::DEVICE>"Enter another code"</a>
                <a class="button" href=paths::HOME>"Go to the start page"</a>
            </p>
        </Page>
    }
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <Page title="No request here">
            <p class="lead">"You have not answered a request in this browser."</p>
            <p><a class="button main" href=paths::DEVICE>"Enter a code"</a></p>
        </Page>
    }
}
