//! `/hosts/link`: the user code that `tms link` shows on a host, then the question whether to link the account. Each request has its own
//! URL.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{EnterCodeForm, ExactTime, FormError, Hidden, PageContent, PostForm, RelativeTime, ServerError, YouAre, other_tenant, told};
use crate::domain::paths::{self, ContinuedRequest};
use crate::domain::sentence::Sentence;
use crate::islands::{Countdown, SubmitOnce};
use crate::server::context::{self, translations};
use crate::server::service::SignedIn;
use crate::server::sign_in::session::flash::{Flash, FlashTarget};
use crate::server_fns::link_requests::{
    AnswerLink, EnterAnotherLinkCode, EnterLinkCode, ExistingLink, LinkRequestItem, LinkRequestLookup, LinkRequestSummary, SwitchLinkTenant,
    pending_link_request, pending_link_requests,
};

/// The command on the host.
pub const COMMAND: &str = "tms link";

#[component]
pub fn LinkAnAccount() -> impl IntoView {
    let (request, in_address) = use_query_map().with_untracked(|query| (query.get("request"), query.get("user_code")));
    // What continues when an account is linked.
    let grant = use_query_map().with_untracked(|query| ContinuedRequest::parse(&query.get("grant").unwrap_or_default()));
    Suspend::new(async move {
        let (Ok(caller), Some(person)) = (context::request_context(), context::current_person()) else {
            return EitherOf3::C(view! { <ServerError/> });
        };
        let found = match request {
            Some(request) => Some(pending_link_request(request).await),
            None => None,
        };
        match found {
            Some(Ok(LinkRequestLookup::Pending(link))) => {
                let here = address(&link.request);
                let flash = caller.session.take_flash_at(&[FlashTarget::Link], &here).await.ok().flatten();
                EitherOf3::A(view! { <LinkQuestion link=*link person flash grant/> })
            }
            Some(Ok(LinkRequestLookup::Refused(sentence))) => {
                EitherOf3::B(form(person, Some(Flash::new(FlashTarget::LinkCode, sentence)), None, grant).await)
            }
            Some(Err(_)) => EitherOf3::C(view! { <ServerError/> }),
            None => {
                let flash = caller.session.take_flash_at(&[FlashTarget::LinkCode], paths::HOSTS_LINK).await.ok().flatten();
                EitherOf3::B(form(person, flash, in_address, grant).await)
            }
        }
    })
}

fn address(request: &str) -> String {
    format!("{}?request={}", paths::HOSTS_LINK, paths::encode(request))
}

async fn form(person: SignedIn, flash: Option<Flash>, in_address: Option<String>, grant: Option<ContinuedRequest>) -> AnyView {
    let t = translations();
    let Ok(waiting) = pending_link_requests().await else { return view! { <ServerError/> }.into_any() };
    let (filled, note) = prefilled(&person, in_address).await.unzip();
    let other = other_tenant(flash.as_ref()).await;
    let other_kind = (paths::DEVICE, t.link_is_for_a_device());
    let about = grant.as_ref().map(|grant| Hidden("grant", grant.as_str().to_owned()));
    let how = view! {
        {grant.map(|grant| view! {
            <p class="notice">{t.link_for_a_request()} " " <a href=grant.page()>{t.link_back_to_request()}</a></p>
        })}
        <PendingLinkRequests waiting/>
        <p>{t.link_how_before()} " " <code translate="no" dir="ltr">{COMMAND}</code> {t.link_how_after()}</p>
    };
    let (title, action, switch) = (t.link_title(), EnterLinkCode::url(), (SwitchLinkTenant::url(), None));
    view! {
        <EnterCodeForm title how action flash filled note other switch other_kind about>{t.link_sent_code()}</EnterCodeForm>
    }
    .into_any()
}

/// Links to the link requests that wait for the person.
#[component]
fn PendingLinkRequests(waiting: Vec<LinkRequestSummary>) -> impl IntoView {
    let t = translations();
    waiting
        .into_iter()
        .map(|link| {
            view! {
                <div class="card ask">
                    <p><a href=address(&link.request)>{t.link_question(link.account.as_str(), link.host.as_str())}</a></p>
                </div>
            }
        })
        .collect_view()
}

/// The code in the URL, if the tenant allows that, and the note about it.
async fn prefilled(person: &SignedIn, in_address: Option<String>) -> Option<(String, String)> {
    // An image on another site's page must not look up codes.
    let typed = in_address.filter(|_| context::is_navigation())?;
    Some(match context::services().ok()?.may_prefill_link(person, &typed).await.ok()? {
        Some(code) => (code.to_string(), translations().link_came_with_address()),
        None => (String::new(), translations().link_not_filled_in()),
    })
}

#[component]
fn LinkQuestion(link: LinkRequestItem, person: SignedIn, flash: Option<Flash>, grant: Option<ContinuedRequest>) -> impl IntoView {
    let t = translations();
    if let Some(flash) = &flash {
        context::set_error_status(flash);
    }
    let refused = flash.is_some();
    let title = t.link_question(link.account.as_str(), link.host.as_str());
    let (host, yours, request) = (link.host.clone(), person.clone(), link.request.clone());
    let grant = grant.map(|grant| grant.as_str().to_owned());
    view! {
        <PageContent title refused>
            {flash.map(|flash| view! { <FormError sentence=flash.message/> })}
            <YouAre person another=SwitchLinkTenant::url()/>
            <div class="compare">
                <p id="compare">{t.link_compare(link.host.as_str())}</p>
                <p class="code" translate="no" dir="ltr" aria-describedby="compare">{link.code.clone()}</p>
                <p class="hint">{t.consent_valid_for()} " " <Countdown seconds=link.expires_in_seconds expired=t.consent_expired()/></p>
            </div>
            <dl class="facts">
                <dt>{t.link_account()}</dt>
                <dd><code translate="no" dir="ltr">{link.account.clone()}</code> <span class="hint">" " {t.link_number(link.uid.to_string())}</span></dd>
                <dt>{t.link_host()}</dt>
                <dd><bdi>{host}</bdi></dd>
                <dt>{t.consent_requested()}</dt>
                <dd><RelativeTime at=link.requested_at/></dd>
                {(link.existing != ExistingLink::OtherPerson).then(|| view! {
                    <dt>{t.link_until()}</dt>
                    <dd><ExactTime at=link.until/></dd>
                })}
            </dl>
            {match link.existing {
                ExistingLink::OtherPerson => Either::Left(view! { <LinkedElsewhere request=link.request/> }),
                ExistingLink::Unlinked => Either::Right(view! { <DecisionForm link renews=None person=yours grant=grant.clone()/> }),
                ExistingLink::Yours(until) => Either::Right(view! { <DecisionForm renews=Some(t.existing_link(until, &context::zone())) link person=yours grant=grant.clone()/> }),
            }}
            <PostForm action=EnterAnotherLinkCode::url() class="aside">
                <input type="hidden" name="request" value=request/>
                <input type="hidden" name="grant" value=grant/>
                <button class="quiet">{t.consent_another_code()}</button>
            </PostForm>
        </PageContent>
    }
}

/// The buttons to link or refuse. `renews`: the consequence if the account is linked to this person already.
#[component]
fn DecisionForm(
    link: LinkRequestItem,
    renews: Option<Sentence>,
    person: SignedIn,
    /// The device grant that continues afterwards.
    grant: Option<String>,
) -> impl IntoView {
    let t = translations();
    let button = if renews.is_some() { t.link_renew() } else { t.link_link() };
    view! {
        {renews.map(|sentence| view! { <p class="notice">{told(&sentence)}</p> })}
        <p>{t.link_means(person.user_id().as_str(), link.account.as_str(), link.host.as_str())}</p>
        <SubmitOnce>
            <PostForm action=AnswerLink::url() class="consent" novalidate=true>
                <input type="hidden" name="request" value=link.request/>
                <input type="hidden" name="grant" value=grant/>
                <p class="warning">{t.link_warning_before()} " " <strong>{t.link_warning_you()}</strong> " " {t.link_warning_after()}</p>
                <div class="decide">
                    <button name="answer" value="refuse">{t.link_not_me()}</button>
                    <button name="answer" value="link">{button}</button>
                </div>
            </PostForm>
        </SubmitOnce>
    }
}

/// Shown instead of the form if the account is linked to another person.
#[component]
fn LinkedElsewhere(request: String) -> impl IntoView {
    let t = translations();
    view! {
        <p class="warning">{t.link_refused_linked_to_another()}</p>
        <SubmitOnce>
            <PostForm action=AnswerLink::url() class="aside">
                <input type="hidden" name="request" value=request/>
                <button name="answer" value="refuse">{t.link_stop()}</button>
            </PostForm>
        </SubmitOnce>
    }
}
