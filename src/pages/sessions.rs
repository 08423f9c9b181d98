//! `/sessions`: the person's browser sessions; `/sessions/end`: confirms that one, or all others, are signed out.

use leptos::either::{Either, EitherOf4};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AlreadyGone, Confirm, FlashMessage, Hidden, PageContent, RelativeTime, ServerError};
use super::delegations::RevokeQuestion;
use crate::domain::paths::{self, encode};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::delegations::find_my_delegation;
use crate::server_fns::sessions::{EndOtherSessions, EndSession, SessionItem, list_sessions};

#[component]
pub fn Sessions() -> impl IntoView {
    Suspend::new(async move {
        match list_sessions().await {
            Ok(sessions) => Either::Left(view! { <SessionList sessions said=context::take_flash().await/> }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}

#[component]
fn SessionList(sessions: Vec<SessionItem>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let others = sessions.iter().any(|session| !session.current);
    view! {
        <PageContent title=t.sessions_title() wide=true>
            <p class="lead">{t.sessions_lead()} " " {t.sessions_methods()} " " <a href=paths::IDENTITIES>{t.identities_title()}</a> "."</p>
            <FlashMessage flash=said/>
            <ManySessions sessions=sessions.len()/>
            <ul class="rows">
                {sessions.into_iter().map(|session| {
                    let end = format!("{}?session={}", paths::SESSIONS_END, encode(&session.id));
                    view! { <SessionEntry session end/> }
                }).collect_view()}
            </ul>
            {others.then(|| view! {
                <p><a class="button danger" href=format!("{}?others=1", paths::SESSIONS_END) data-confirm="">{t.sessions_end_others()}</a></p>
            })}
            <p class="aside"><a href=paths::APPS>{t.sessions_apps()}</a></p>
        </PageContent>
    }
}

/// Says that older sessions are not listed, if there may be any.
#[component]
pub fn ManySessions(sessions: usize) -> impl IntoView {
    let full = i64::try_from(sessions).is_ok_and(|count| count >= SessionItem::SHOWN);
    full.then(|| view! { <p class="hint">{translations().sessions_shown(SessionItem::SHOWN)}</p> })
}

/// A session, with the link to `end` it unless it is the current one.
#[component]
pub fn SessionEntry(
    session: SessionItem,
    end: String,
    /// Whether it stands below a heading of the page.
    #[prop(optional)]
    within: bool,
) -> impl IntoView {
    let t = translations();
    let browser = session.browser.clone();
    let title = view! { {browser.clone()} {session.current.then(|| view! { " " <span class="badge good">{t.sessions_this_one()}</span> })} };
    view! {
        <li class="row-card">
            <div class="what">
                {if within { Either::Left(view! { <h3>{title}</h3> }) } else { Either::Right(view! { <h2>{title}</h2> }) }}
                <SessionFacts session=session.clone()/>
            </div>
            {if session.current {
                Either::Left(view! { <p class="hint">{t.sessions_sign_out_instead()}</p> })
            } else {
                Either::Right(view! { <a class="button danger" href=end data-confirm="" aria-label=t.sessions_end_this(browser)>{t.sessions_end()}</a> })
            }}
        </li>
    }
}

/// What distinguishes a session: the address, how the person signed in, and when it was used.
#[component]
pub fn SessionFacts(session: SessionItem) -> impl IntoView {
    let t = translations();
    view! {
        <dl class="facts short">
            <div><dt>{t.sessions_from()}</dt><dd><bdi>{session.from.unwrap_or_else(|| t.sessions_from_unknown())}</bdi></dd></div>
            <div><dt>{t.sessions_last_seen()}</dt><dd><RelativeTime at=session.last_seen/></dd></div>
            <div>
                <dt>{t.sessions_signed_in()}</dt>
                <dd>
                    <RelativeTime at=session.signed_in_at/> " "
                    <bdi>{session.provider.map_or_else(|| t.sessions_with_password(), |provider| t.sessions_with(provider))}</bdi>
                </dd>
            </div>
            {(!session.clients.is_empty()).then(|| view! {
                <div><dt>{t.sessions_clients()}</dt><dd><bdi>{session.clients.join(", ")}</bdi></dd></div>
            })}
        </dl>
    }
}

#[component]
pub fn EndTheseSessions() -> impl IntoView {
    let (session, grant, others) = use_query_map().with_untracked(|query| (query.get("session"), query.get("grant"), query.get("others").is_some()));
    Suspend::new(async move {
        let t = translations();
        // Links to revoke a device led here before they led to `/apps/change`.
        let device = match grant {
            Some(grant) => find_my_delegation(0, grant).await,
            None => Ok(None),
        };
        let (Ok(sessions), Ok(device)) = (list_sessions().await, device) else {
            return Either::Right(view! { <ServerError/> });
        };
        let session = session.and_then(|id| sessions.into_iter().find(|session| session.id == id && !session.current));
        Either::Left(match (session, device) {
            (Some(session), _) => EitherOf4::A(view! {
                <Confirm
                    title=t.sessions_end_question(session.browser.as_str())
                    action=EndSession::url()
                    fields=vec![Hidden("session", session.id.clone())]
                    button=t.sessions_end()
                    cancel=paths::SESSIONS
                >
                    <SessionFacts session/>
                    <p class="warning">{t.sessions_end_consequence()}</p>
                </Confirm>
            }),
            (None, Some(app)) => EitherOf4::B(view! { <RevokeQuestion app/> }),
            (None, None) if others => EitherOf4::C(view! {
                <Confirm
                    title=t.sessions_end_others_question()
                    action=EndOtherSessions::url()
                    button=t.sessions_end_others()
                    cancel=paths::SESSIONS
                >
                    <p class="warning">{t.sessions_end_consequence()}</p>
                </Confirm>
            }),
            (None, None) => EitherOf4::D(view! { <AlreadyGone back=paths::SESSIONS/> }),
        })
    })
}
