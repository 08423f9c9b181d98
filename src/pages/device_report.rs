//! `/device/report`: "I did not start this".

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{FormError, PageContent, PostForm, ServerError, TenantHelpContact};
use crate::domain::paths;
use crate::islands::{SubmitOnce, UserCodeInput};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
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
                let flash = caller.session.take_flash(FlashTarget::Report).await.ok().flatten();
                Either::Right(view! { <Report flash code/> })
            }
        })
    })
}

#[component]
fn Report(flash: Option<Flash>, code: Option<String>) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let value = flash.as_ref().map(|flash| flash.input.clone()).or(code).unwrap_or_default();
    view! {
        <PageContent title=t.not_started() refused>
            <p class="lead">
                {t.report_lead()}
            </p>
            <p>{t.report_enter()}</p>
            <SubmitOnce>
                <PostForm action=ReportCode::url() main=true class="enter-code" novalidate=true>
                    <label for="user-code">{t.device_code()}</label>
                    {flash.map(|flash| view! { <FormError id="user-code-error" sentence=flash.message/> })}
                    <UserCodeInput value refused/>
                    <p class="hint" id="user-code-hint">{t.device_hint_before()} " " <span translate="no" dir="ltr">"WDJB-MJHT"</span> "."</p>
                    <button class="main danger">{t.report_button()}</button>
                </PostForm>
            </SubmitOnce>
            <p class="aside"><a href=paths::DEVICE>{t.report_did_start()}</a></p>
            <TenantHelpContact/>
        </PageContent>
    }
}

#[component]
fn Reported() -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.report_thanks()>
            <p class="lead" role="status">{t.report_thanks_means()}</p>
            <p>{t.report_allowed_before()} " " <a href=paths::APPS>{t.report_allowed_link()}</a> {t.report_allowed_after()}</p>
            <TenantHelpContact/>
        </PageContent>
    }
}
