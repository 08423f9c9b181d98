//! `/sessions`: where the person is signed in, what they let in, and ending both.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{Ago, At, ClientName, Page, Sorry};
use crate::server::context;
use crate::server_fns::device::{DeviceItem, EndDevice, list_devices};
use crate::server_fns::sessions::{EndOtherSessions, EndSession, SessionItem, list_sessions};

#[component]
pub fn Sessions() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(sessions), Ok(devices)) = (list_sessions().await, list_devices().await) else {
            return Either::Right(view! { <Sorry/> });
        };
        let said = context::said().await.map(|notice| notice.sentence);
        Either::Left(view! { <List sessions devices said/> })
    })
}

#[component]
fn List(sessions: Vec<SessionItem>, devices: Vec<DeviceItem>, said: Option<String>) -> impl IntoView {
    let others = sessions.iter().any(|session| !session.current);
    view! {
        <Page title="Sessions" wide=true>
            <p class="lead">"Where you are signed in, and what you let in. End what you do not know."</p>
            {said.map(|said| view! { <p class="notice" role="status">{said}</p> })}
            <h2>"Browsers"</h2>
            <ul class="cards">
                {sessions.into_iter().map(|session| view! { <Session session/> }).collect_view()}
            </ul>
            {others.then(|| view! {
                <form method="post" action=EndOtherSessions::url() class="aside">
                    <button class="danger">"End all other sessions"</button>
                </form>
            })}
            <section aria-labelledby="devices">
                <h2 id="devices">"Devices and applications"</h2>
                {if devices.is_empty() {
                    Either::Left(view! { <p class="hint">"Nothing may act for you at the moment."</p> })
                } else {
                    Either::Right(view! { <ul class="cards">{devices.into_iter().map(|device| view! { <Device device/> }).collect_view()}</ul> })
                }}
            </section>
        </Page>
    }
}

#[component]
fn Session(session: SessionItem) -> impl IntoView {
    let name = session.browser.clone();
    view! {
        <li class="card">
            <h3>{session.browser} {session.current.then(|| view! { " " <span class="badge good">"this one"</span> })}</h3>
            <dl class="facts">
                <dt>"Last seen"</dt>
                <dd><Ago at=session.last_seen/></dd>
                <dt>"Signed in"</dt>
                <dd><At at=session.signed_in_at/></dd>
                <dt>"From"</dt>
                <dd>{session.from.unwrap_or_else(|| "unknown".to_owned())}</dd>
            </dl>
            {if session.current {
                Either::Left(view! { <p class="hint">"To end this one, sign out."</p> })
            } else {
                Either::Right(view! {
                    <form method="post" action=EndSession::url()>
                        <input type="hidden" name="session" value=session.id/>
                        <button class="danger" aria-label=format!("End the session in {name}")>"End"</button>
                    </form>
                })
            }}
        </li>
    }
}

#[component]
fn Device(device: DeviceItem) -> impl IntoView {
    let label = format!("Take back the access of {}", device.client.name);
    view! {
        <li class="card">
            <h3><ClientName client=device.client/></h3>
            <dl class="facts">
                <dt>"Allowed"</dt>
                <dd><At at=device.allowed_at/></dd>
                <dt>"Until"</dt>
                <dd><At at=device.until/></dd>
                <dt>"From"</dt>
                <dd>{device.from.unwrap_or_else(|| "not picked up yet".to_owned())}</dd>
            </dl>
            <form method="post" action=EndDevice::url()>
                <input type="hidden" name="grant" value=device.grant/>
                <button class="danger" aria-label=label>"Take back"</button>
            </form>
        </li>
    }
}
