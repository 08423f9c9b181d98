//! `/sessions`: the person's browser sessions and devices; `/sessions/end`: confirms that one is signed out or revoked.

use leptos::either::{Either, EitherOf4};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::components::{AlreadyGone, ClientName, Confirm, FlashMessage, Hidden, PageContent, RelativeTime, ServerError};
use crate::domain::paths::{self, encode};
use crate::server::context::{self, translations};
use crate::server::sign_in::session::flash::Flash;
use crate::server_fns::device::{DeviceItem, RevokeListedDevice, list_devices};
use crate::server_fns::sessions::{EndOtherSessions, EndSession, SessionItem, list_sessions};

#[component]
pub fn Sessions() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(sessions), Ok(devices)) = (list_sessions().await, list_devices().await) else {
            return Either::Right(view! { <ServerError/> });
        };
        Either::Left(view! { <SessionList sessions devices said=context::take_flash().await/> })
    })
}

#[component]
fn SessionList(sessions: Vec<SessionItem>, devices: Vec<DeviceItem>, said: Option<Flash>) -> impl IntoView {
    let t = translations();
    let others = sessions.iter().any(|session| !session.current);
    view! {
        <PageContent title=t.sessions_title() wide=true>
            <p class="lead">{t.sessions_lead()} " " <a href=paths::IDENTITIES>{t.identities_title()}</a></p>
            <FlashMessage flash=said/>
            <section aria-labelledby="browsers">
                <h2 id="browsers">{t.sessions_browsers()}</h2>
                <ul class="rows">
                    {sessions.into_iter().map(|session| view! { <Session session/> }).collect_view()}
                </ul>
                {others.then(|| view! {
                    <p><a class="button danger" href=format!("{}?others=1", paths::SESSIONS_END) data-confirm="">{t.sessions_end_others()}</a></p>
                })}
            </section>
            <section aria-labelledby="devices">
                <h2 id="devices">{t.sessions_devices()}</h2>
                {if devices.is_empty() {
                    Either::Left(view! { <p class="hint">{t.sessions_no_devices()}</p> })
                } else {
                    Either::Right(view! { <ul class="rows">{devices.into_iter().map(|device| view! { <Device device/> }).collect_view()}</ul> })
                }}
            </section>
        </PageContent>
    }
}

#[component]
fn Session(session: SessionItem) -> impl IntoView {
    let t = translations();
    view! {
        <li class="row-card">
            <div class="what">
                <h3>{session.browser.clone()} {session.current.then(|| view! { " " <span class="badge good">{t.sessions_this_one()}</span> })}</h3>
                <dl class="facts short">
                    <div><dt>{t.sessions_last_seen()}</dt><dd><RelativeTime at=session.last_seen/></dd></div>
                    <div><dt>{t.sessions_signed_in()}</dt><dd><RelativeTime at=session.signed_in_at/></dd></div>
                    <div><dt>{t.sessions_from()}</dt><dd><bdi>{session.from.unwrap_or_else(|| t.sessions_from_unknown())}</bdi></dd></div>
                </dl>
            </div>
            {if session.current {
                Either::Left(view! { <p class="hint">{t.sessions_sign_out_instead()}</p> })
            } else {
                Either::Right(view! {
                    <a
                        class="button danger"
                        href=format!("{}?session={}", paths::SESSIONS_END, encode(&session.id))
                        data-confirm=""
                        aria-label=t.sessions_end_this(session.browser)
                    >
                        {t.sessions_end()}
                    </a>
                })
            }}
        </li>
    }
}

#[component]
fn Device(device: DeviceItem) -> impl IntoView {
    let t = translations();
    let name = device.client.name.clone();
    view! {
        <li class="row-card">
            <div class="what">
                <h3><ClientName client=device.client/></h3>
                <dl class="facts short">
                    <div><dt>{t.sessions_allowed()}</dt><dd><RelativeTime at=device.allowed_at/></dd></div>
                    <div><dt>{t.sessions_until()}</dt><dd><RelativeTime at=device.until/></dd></div>
                    <div><dt>{t.sessions_from()}</dt><dd><bdi>{device.from.unwrap_or_else(|| t.sessions_not_picked_up())}</bdi></dd></div>
                </dl>
            </div>
            <a
                class="button danger"
                href=format!("{}?grant={}", paths::SESSIONS_END, encode(&device.grant))
                data-confirm=""
                aria-label=t.sessions_revoke_this(name)
            >
                {t.sessions_revoke()}
            </a>
        </li>
    }
}

#[component]
pub fn EndTheseSessions() -> impl IntoView {
    let (session, grant, others) = use_query_map().with_untracked(|query| (query.get("session"), query.get("grant"), query.get("others").is_some()));
    Suspend::new(async move {
        let t = translations();
        let (Ok(sessions), Ok(devices)) = (list_sessions().await, list_devices().await) else {
            return Either::Right(view! { <ServerError/> });
        };
        let session = session.and_then(|id| sessions.into_iter().find(|session| session.id == id && !session.current));
        let device = grant.and_then(|id| devices.into_iter().find(|device| device.grant == id));
        Either::Left(match (session, device) {
            (Some(session), _) => EitherOf4::A(view! {
                <Confirm
                    title=t.sessions_end_question(session.browser)
                    action=EndSession::url()
                    fields=vec![Hidden("session", session.id)]
                    button=t.sessions_end()
                    cancel=paths::SESSIONS
                >
                    <p class="warning">{t.sessions_end_consequence()}</p>
                </Confirm>
            }),
            (None, Some(device)) => EitherOf4::B(view! {
                <Confirm
                    title=t.sessions_revoke_question(device.client.name)
                    action=RevokeListedDevice::url()
                    fields=vec![Hidden("grant", device.grant)]
                    button=t.sessions_revoke()
                    cancel=paths::SESSIONS
                >
                    <p class="warning">{t.sessions_revoke_consequence()}</p>
                </Confirm>
            }),
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
