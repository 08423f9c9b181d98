//! `/authorize/onward`: returns to the client with the answer. A page of ours, because after a form the browser follows no redirect to another
//! site (`form-action 'self'`).

use axum::http::{HeaderValue, header};
use leptos::prelude::*;

use super::{ClosedRequest, NoRequest, RequestAddress, server_error};
use crate::domain::paths;
use crate::pages::components::{PageContent, ServerError, TenantHelpContact};
use crate::pages::device::redirect_page;
use crate::server::context::{self, translations};
use crate::server::service::code_flow::next_step::{Answer, AnswerState, RequestOpener};
use crate::server_fns::authorize::ReturnsTo;

#[component]
pub fn AuthorizeOnward() -> impl IntoView {
    let address = RequestAddress::read();
    Suspend::new(async move { onward(address).await })
}

async fn onward(address: RequestAddress) -> AnyView {
    let t = translations();
    if address.handle.is_empty() {
        return view! { <NoRequest sentence=t.authorize_nothing_means()/> }.into_any();
    }
    let (Ok(services), Ok(caller)) = (context::services(), context::request_context()) else { return view! { <ServerError/> }.into_any() };
    let session = match caller.start_session(&services).await {
        Ok(session) => session,
        Err(fault) => return server_error(fault),
    };
    let opener = caller.signed_in.as_ref().map_or(RequestOpener::Anonymous(&session), RequestOpener::Person);
    match services.answer(&address.handle, opener).await {
        Ok(AnswerState::Ready(answer)) => view! { <ReturnPage answer=*answer/> }.into_any(),
        Ok(AnswerState::Over(to)) => {
            let sentence = match ReturnsTo::of(&to) {
                ReturnsTo::Host(host) => t.authorize_over_host(host),
                ReturnsTo::ThisComputer => t.authorize_over_program(),
            };
            view! { <ClosedRequest title=t.authorize_over() sentence/> }.into_any()
        }
        Ok(AnswerState::Undecided) => redirect_page(address.page().as_str().to_owned()),
        Ok(AnswerState::Reported) => view! { <Reported/> }.into_any(),
        Ok(AnswerState::OpenElsewhere) => view! { <ClosedRequest title=t.authorize_elsewhere() sentence=t.authorize_elsewhere_means()/> }.into_any(),
        Ok(AnswerState::Gone) => {
            context::set_status(axum::http::StatusCode::NOT_FOUND);
            view! { <NoRequest sentence=t.authorize_gone_means()/> }.into_any()
        }
        Err(fault) => server_error(fault),
    }
}

/// Redirects the browser to the client. The page links there in case it does not follow.
pub fn leave(answer: Answer) -> AnyView {
    context::redirect_to_url(&answer.location);
    without_referrer();
    view! { <ReturnLink answer/> }.into_any()
}

/// Goes to the client by itself, or by its link.
#[component]
pub fn ReturnPage(answer: Answer) -> impl IntoView {
    without_referrer();
    context::refresh_to(&answer.location);
    view! { <ReturnLink answer/> }
}

#[component]
fn ReturnLink(answer: Answer) -> impl IntoView {
    let t = translations();
    let (title, link) = match ReturnsTo::of(&answer.to) {
        ReturnsTo::Host(host) => (t.authorize_onward_host(host.clone()), t.authorize_go_host(host)),
        ReturnsTo::ThisComputer => (t.authorize_onward_program(), t.authorize_go_program()),
    };
    view! {
        <PageContent title>
            <p class="lead">{t.authorize_onward_means()}</p>
            <p class="actions"><a class="button main" href=answer.location rel="external noreferrer">{link}</a></p>
        </PageContent>
    }
}

/// The address of this page is in no request of the client's (RFC 9700 §4.2.4).
fn without_referrer() {
    context::set_header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

#[component]
fn Reported() -> impl IntoView {
    let t = translations();
    view! {
        <PageContent title=t.report_thanks()>
            <p class="lead" role="status">{t.authorize_reported_means()}</p>
            <p>{t.report_allowed_before()} " " <a href=paths::APPS>{t.report_allowed_link()}</a> {t.report_allowed_after()}</p>
            <TenantHelpContact/>
        </PageContent>
    }
}
