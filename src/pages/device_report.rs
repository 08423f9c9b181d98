//! `/device/report`: "I did not start this".

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{Page, Problem, Sorry};
use crate::domain::paths;
use crate::islands::{OnePress, UserCodeInput};
use crate::server::context::{self, Notice, Place};
use crate::server_fns::device::{ReportCode, waiting_device};

#[component]
pub fn DeviceReport() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(waiting), Ok(caller)) = (waiting_device().await, context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        Either::Left(match caller.session.take_notice(Place::Reported).await {
            Ok(Some(_)) => Either::Left(view! { <Reported/> }),
            _ => {
                let notice = caller.session.take_notice(Place::Report).await.ok().flatten();
                Either::Right(view! { <Report notice code=waiting.map(|device| device.code)/> })
            }
        })
    })
}

#[component]
fn Report(notice: Option<Notice>, code: Option<String>) -> impl IntoView {
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let value = notice.as_ref().map(|notice| notice.typed.clone()).or(code).unwrap_or_default();
    view! {
        <Page title="I did not start this" refused>
            <p class="lead">
                "Whoever sends you a code wants you to let them into your account. Do not enter it anywhere else, and do not answer them."
            </p>
            <p>"Enter the code here, and it stops working at once. The device is told no, and what happened is recorded for your centre’s operators."</p>
            <OnePress>
                <form method="post" action=ReportCode::url() class="enter-code" novalidate>
                    <label for="user-code">"Code"</label>
                    {notice.map(|notice| view! { <Problem id="user-code-error" sentence=notice.sentence/> })}
                    <UserCodeInput value refused/>
                    <p class="hint" id="user-code-hint">"Eight letters, such as " <span translate="no">"WDJB-MJHT"</span> "."</p>
                    <button class="main danger">"Report and stop it"</button>
                </form>
            </OnePress>
            <p class="aside"><a href=paths::DEVICE>"I did start it: enter the code to continue"</a></p>
        </Page>
    }
}

#[component]
fn Reported() -> impl IntoView {
    view! {
        <Page title="Thank you. It has been stopped.">
            <p class="lead" role="status">"The code no longer works, the device has been told no, and nothing was shared."</p>
            <p>"If you have already allowed a request, " <a href=paths::SESSIONS>"take it back"</a> ", and tell your centre’s help desk."</p>
        </Page>
    }
}
