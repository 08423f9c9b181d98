//! `/sessions`: where the person is signed in, and ending it.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::components::{Page, Sorry, Time};
use crate::server::context::{self, Place};
use crate::server_fns::sessions::{EndOtherSessions, EndSession, SessionItem, list_sessions};

#[component]
pub fn Sessions() -> impl IntoView {
    Suspend::new(async move {
        let (Ok(sessions), Ok(caller)) = (list_sessions().await, context::caller()) else {
            return Either::Right(view! { <Sorry/> });
        };
        let said = caller.session.take_notice(Place::Sessions).await.ok().flatten().map(|notice| notice.sentence);
        Either::Left(view! { <List sessions said/> })
    })
}

#[component]
fn List(sessions: Vec<SessionItem>, said: Option<String>) -> impl IntoView {
    let others = sessions.iter().any(|session| !session.current);
    view! {
        <Page title="Sessions" wide=true>
            <p class="lead">"Browsers in which you are signed in. End what you do not know."</p>
            {said.map(|said| view! { <p class="notice" role="status">{said}</p> })}
            <ul class="cards">
                {sessions.into_iter().map(|session| view! { <Session session/> }).collect_view()}
            </ul>
            {others.then(|| view! {
                <form method="post" action=EndOtherSessions::url() class="aside">
                    <button class="danger">"End all other sessions"</button>
                </form>
            })}
        </Page>
    }
}

#[component]
fn Session(session: SessionItem) -> impl IntoView {
    let name = session.browser.clone();
    view! {
        <li class="card">
            <h2>{session.browser} {session.current.then(|| view! { " " <span class="badge good">"this one"</span> })}</h2>
            <dl class="facts">
                <dt>"Last seen"</dt>
                <dd><Time at=session.last_seen/></dd>
                <dt>"Signed in"</dt>
                <dd><Time at=session.signed_in_at/></dd>
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
