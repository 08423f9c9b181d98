//! `/hosts/link`: the code that `tms link` shows on a host, then the question whether the account is to be linked.

use leptos::either::{Either, EitherOf3};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{Ago, At, EnterCodeForm, Page, PostForm, Problem, Sorry, YouAre, other_tenant};
use crate::domain::paths;
use crate::islands::{Countdown, OnePress};
use crate::server::context::{self, Notice, Place, SignedIn, words};
use crate::server_fns::links::{AlreadyLinked, AnswerLink, EnterAnotherLinkCode, EnterLinkCode, LinkAsSomebodyElse, LinkItem, waiting_link};

/// What people type on the host.
pub const COMMAND: &str = "tms link";

#[component]
pub fn LinkAnAccount() -> impl IntoView {
    let in_address = use_query_map().with_untracked(|query| query.get("user_code"));
    Suspend::new(async move {
        let w = words();
        let (Ok(waiting), Ok(caller), Some(person)) = (waiting_link().await, context::caller(), context::visitor()) else {
            return EitherOf3::C(view! { <Sorry/> });
        };
        let notice = caller.session.take_notice_at(&[Place::LinkCode, Place::Link], paths::HOSTS_LINK).await.ok().flatten();
        match waiting {
            Some(link) => EitherOf3::A(view! { <Question link person notice/> }),
            None => {
                let filled = prefilled(&person, in_address).await;
                let other = other_tenant(notice.as_ref()).await;
                let other_kind = (paths::DEVICE, w.link_is_for_a_device());
                let how = view! { <p>{w.link_how_before()} " " <code translate="no" dir="ltr">{COMMAND}</code> {w.link_how_after()}</p> };
                let (title, action, switch) = (w.link_title(), EnterLinkCode::url(), LinkAsSomebodyElse::url());
                EitherOf3::B(view! {
                    <EnterCodeForm title how action notice filled other switch other_kind>{w.link_sent_code()}</EnterCodeForm>
                })
            }
        }
    })
}

/// The code out of the address, where the centre allows that, and what to say of it.
async fn prefilled(person: &SignedIn, in_address: Option<String>) -> Option<(String, String)> {
    // An image on somebody's page looks nothing up.
    let typed = in_address.filter(|_| context::is_navigation())?;
    Some(match context::services().ok()?.may_prefill_link(person, &typed).await.ok()? {
        Some(code) => (code.to_string(), words().link_came_with_address()),
        None => (String::new(), words().link_not_filled_in()),
    })
}

#[component]
fn Question(link: LinkItem, person: SignedIn, notice: Option<Notice>) -> impl IntoView {
    let w = words();
    if let Some(notice) = &notice {
        context::set_refused(notice);
    }
    let refused = notice.is_some();
    let title = w.link_question(link.account.as_str(), link.host.as_str());
    let (host, yours) = (link.host.clone(), person.clone());
    view! {
        <Page title refused>
            {notice.map(|notice| view! { <Problem sentence=notice.sentence/> })}
            <YouAre person another=LinkAsSomebodyElse::url()/>
            <div class="compare">
                <p id="compare">{w.link_compare(link.host.as_str())}</p>
                <p class="code" translate="no" dir="ltr" aria-describedby="compare">{link.code.clone()}</p>
                <p class="hint">{w.consent_valid_for()} " " <Countdown seconds=link.expires_in_seconds expired=w.consent_expired()/></p>
            </div>
            <dl class="facts">
                <dt>{w.link_account()}</dt>
                <dd><code translate="no" dir="ltr">{link.account.clone()}</code> <span class="hint">" " {w.link_number(link.uid.to_string())}</span></dd>
                <dt>{w.link_host()}</dt>
                <dd><bdi>{host}</bdi></dd>
                <dt>{w.consent_asked()}</dt>
                <dd><Ago at=link.asked_at/></dd>
                {(link.already != AlreadyLinked::SomebodyElses).then(|| view! {
                    <dt>{w.link_until()}</dt>
                    <dd><At at=link.until/></dd>
                })}
            </dl>
            {match link.already {
                AlreadyLinked::SomebodyElses => Either::Left(view! { <Taken request=link.request/> }),
                AlreadyLinked::Nobody => Either::Right(view! { <Answer link renews=None person=yours/> }),
                AlreadyLinked::Yours(until) => Either::Right(view! { <Answer renews=Some(w.link_is_yours(until, &context::zone())) link person=yours/> }),
            }}
            <PostForm action=EnterAnotherLinkCode::url() class="aside">
                <button class="quiet">{w.consent_another_code()}</button>
            </PostForm>
        </Page>
    }
}

/// Yes or no. `renews`: what a yes means where the account is theirs already.
#[component]
fn Answer(link: LinkItem, renews: Option<String>, person: SignedIn) -> impl IntoView {
    let w = words();
    let button = if renews.is_some() { w.link_renew() } else { w.link_link() };
    view! {
        {renews.map(|sentence| view! { <p class="notice">{sentence}</p> })}
        <p>{w.link_means(person.user_id().as_str(), link.account.as_str(), link.host.as_str())}</p>
        <OnePress>
            <PostForm action=AnswerLink::url() class="consent" novalidate=true>
                <input type="hidden" name="request" value=link.request/>
                <p class="warning">{w.link_warning_before()} " " <strong>{w.link_warning_you()}</strong> " " {w.link_warning_after()}</p>
                <div class="decide">
                    <button name="answer" value="refuse">{w.link_not_me()}</button>
                    <button name="answer" value="link">{button}</button>
                </div>
            </PostForm>
        </OnePress>
    }
}

/// In place of a yes.
#[component]
fn Taken(request: String) -> impl IntoView {
    let w = words();
    view! {
        <p class="warning">{w.link_refused_somebody_elses()}</p>
        <OnePress>
            <PostForm action=AnswerLink::url() class="aside">
                <input type="hidden" name="request" value=request/>
                <button name="answer" value="refuse">{w.link_stop()}</button>
            </PostForm>
        </OnePress>
    }
}
