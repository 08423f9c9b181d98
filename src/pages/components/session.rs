//! What the browser does for the session of the page: warnings before its end, and values of forms that survive a reload.

use std::time::Duration;

use leptos::prelude::*;

use crate::domain::paths::{self, ReturnTo};
use crate::islands::{KeptEntries, SessionWatch};
use crate::server::context::{self, translations};

/// The islands of the session.
#[component]
pub fn SessionIslands(
    /// This page.
    back: ReturnTo,
) -> impl IntoView {
    let t = translations();
    let account = context::form_context().account;
    let (idle, longest) = context::session_time_left().unwrap_or_default();
    view! {
        <SessionWatch
            account=account.clone()
            idle=idle.as_secs_f64()
            longest=longest.as_secs_f64()
            warning=WARNING.as_secs_f64()
            extend=paths::SESSIONS.to_owned()
            sign_in=paths::sign_in_again(&back)
            idle_sentence=t.session_idle(t.format_duration(WARNING))
            stay=t.session_stay()
            ending_sentence=t.session_ending(t.format_duration(WARNING))
            ended_sentence=t.session_ended()
            sign_in_label=t.sign_in()
            other_account_sentence=t.session_other_account()
            reload=t.session_reload()
        />
        <KeptEntries account/>
    }
}

/// How long before the end of the session the browser warns (WCAG 2.2.1 requires at least 20 seconds).
const WARNING: Duration = Duration::from_secs(300);
