//! A person's browser sessions, as administrators see and end them.

use leptos::either::Either;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::domain::paths::{self, encode};
use crate::pages::components::{Confirm, Hidden};
use crate::pages::sessions::{ManySessions, SessionEntry, SessionFacts};
use crate::server::context::translations;
use crate::server_fns::admin::people::EndSessionOf;
use crate::server_fns::sessions::SessionItem;

#[component]
pub fn PersonSessions(user: String, sessions: Vec<SessionItem>) -> impl IntoView {
    let t = translations();
    let change = format!("{}?user={}", paths::ADMIN_PERSON_CHANGE, encode(&user));
    view! {
        <section aria-labelledby="sessions">
            <h2 id="sessions">{t.sessions_title()}</h2>
            {if sessions.is_empty() {
                Either::Left(view! { <p class="hint">{t.admin_people_no_sessions()}</p> })
            } else {
                Either::Right(view! {
                    <ManySessions sessions=sessions.len()/>
                    <ul class="rows">
                        {sessions.into_iter().map(|session| {
                            let end = format!("{change}&change=end-session&session={}", encode(&session.id));
                            view! { <SessionEntry session end within=true/> }
                        }).collect_view()}
                    </ul>
                    <a class="button danger" href=format!("{change}&change=end-sessions") data-confirm="">{t.admin_people_end_sessions()}</a>
                })
            }}
        </section>
    }
}

/// Asks whether to end one session of a person.
#[component]
pub fn EndSessionQuestion(user: String, display_name: String, session: SessionItem) -> impl IntoView {
    let t = translations();
    view! {
        <Confirm
            title=t.admin_people_end_session_question(session.browser.as_str(), display_name)
            action=EndSessionOf::url()
            fields=vec![Hidden("user", user.clone()), Hidden("session", session.id.clone())]
            button=t.sessions_end()
            cancel=format!("{}?user={}", paths::ADMIN_PERSON, encode(&user))
        >
            <SessionFacts session/>
            <p class="warning">{t.admin_people_end_session_consequence()}</p>
        </Confirm>
    }
}
