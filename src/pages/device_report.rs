//! `/device/report`: "I did not start this".

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{FormError, PageContent, PostForm, ServerError};
use crate::domain::paths;
use crate::islands::{SubmitOnce, UserCodeInput};
use crate::server::context::{self, Flash, FlashTarget, translations};
use crate::server_fns::device::{ReportCode, pending_devices};

#[component]
pub fn DeviceReport() -> impl IntoView {
    let grant = use_query_map().with_untracked(|query| query.get("grant"));
    Suspend::new(async move {
        let (Ok(mut waiting), Ok(caller)) = (pending_devices().await, context::request_context()) else {
            return Either::Right(view! { <ServerError/> });
        };
        // The code of the request that the link came from, or of the only pending one.
        waiting.retain(|device| grant.as_ref().is_none_or(|grant| device.grant == *grant));
        let code = if waiting.len() == 1 { waiting.pop().map(|device| device.code) } else { None };
        Either::Left(match caller.session.take_flash(FlashTarget::Reported).await {
            Ok(Some(_)) => Either::Left(view! { <Reported/> }),
            _ => {
                let notice = caller.session.take_flash(FlashTarget::Report).await.ok().flatten();
                Either::Right(view! { <Report notice code/> })
            }
        })
    })
}

#[component]
fn Report(notice: Option<Flash>, code: Option<String>) -> impl IntoView {
    let w = translations();
    if let Some(notice) = &notice {
        context::set_error_status(notice);
    }
    let refused = notice.is_some();
    let value = notice.as_ref().map(|notice| notice.input.clone()).or(code).unwrap_or_default();
    view! {
        <PageContent title=w.not_started() refused>
            <p class="lead">
                {w.report_lead()}
            </p>
            <p>{w.report_enter()}</p>
            <SubmitOnce>
                <PostForm action=ReportCode::url() main=true class="enter-code" novalidate=true>
                    <label for="user-code">{w.device_code()}</label>
                    {notice.map(|notice| view! { <FormError id="user-code-error" sentence=notice.message/> })}
                    <UserCodeInput value refused/>
                    <p class="hint" id="user-code-hint">{w.device_hint_before()} " " <span translate="no" dir="ltr">"WDJB-MJHT"</span> "."</p>
                    <button class="main danger">{w.report_button()}</button>
                </PostForm>
            </SubmitOnce>
            <p class="aside"><a href=paths::DEVICE>{w.report_did_start()}</a></p>
        </PageContent>
    }
}

#[component]
fn Reported() -> impl IntoView {
    let w = translations();
    view! {
        <PageContent title=w.report_thanks()>
            <p class="lead" role="status">{w.report_thanks_means()}</p>
            <p>{w.report_allowed_before()} " " <a href=paths::SESSIONS>{w.report_allowed_link()}</a> {w.report_allowed_after()}</p>
        </PageContent>
    }
}
