//! The end of the session, and what other tabs do to it.

use std::time::Duration;

use js_sys::Date;
use leptos::prelude::*;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::documents;

/// How often the clock is read: timers stop while a device sleeps.
const TICK: Duration = Duration::from_secs(5);
/// The warning before the end (WCAG 2.2.1 requires at least 20 seconds).
const WARNING_SECONDS: f64 = 300.0;

/// What the island says about the session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notice {
    None,
    /// It ends unless it is used.
    Idle,
    /// It ends however it is used.
    Ending,
    Ended,
    /// Another tab signed in to another account, or out.
    OtherAccount,
}

/// Warns before the session ends, and offers to extend it, or to sign in again; says when other tabs have signed in or out. Without WASM
/// the next page requires sign-in, and forms keep their values.
#[island]
pub fn SessionWatch(
    /// The signed-in account; empty if none.
    account: String,
    /// Seconds until the session ends if it is not used.
    idle: f64,
    /// Seconds until it ends however it is used.
    longest: f64,
    /// A page that requires sign-in; a request for it extends the session.
    extend: String,
    /// The sign-in, which returns to this page.
    sign_in: String,
    idle_sentence: String,
    stay: String,
    ending_sentence: String,
    ended_sentence: String,
    sign_in_label: String,
    other_account_sentence: String,
    reload: String,
) -> impl IntoView {
    let notice = RwSignal::new(Notice::None);
    let signed_in = !account.is_empty();
    let account = StoredValue::new(account);
    let used_at = StoredValue::new(0.0);
    let channel = StoredValue::new(None::<BroadcastChannel>);
    let used = move || {
        used_at.set_value(Date::now());
        notice.update(|notice| {
            if *notice == Notice::Idle {
                *notice = Notice::None;
            }
        });
    };
    // The other tabs.
    let tell = move || {
        let account = account.with_value(|account| JsValue::from_str(account));
        channel.with_value(|channel| channel.as_ref().map(|channel| channel.post_message(&account)));
    };
    let hear = move |event: MessageEvent| match event.data().as_string() {
        Some(other) if account.with_value(|account| *account == other) => used(),
        Some(_) => notice.set(Notice::OtherAccount),
        None => {}
    };
    Effect::new(move |_| {
        used();
        let ends_at = Date::now() + longest * 1_000.0;
        let opened = BroadcastChannel::new("tms-session").ok();
        if let Some(opened) = &opened {
            opened.set_onmessage(Some(Closure::<dyn Fn(MessageEvent)>::new(hear).into_js_value().unchecked_ref()));
        }
        channel.set_value(opened);
        tell();
        if !signed_in {
            return;
        }
        // A list or a status that was fetched extended the session.
        let listening = window_event_listener_untyped(documents::CHANGED, move |_| used());
        on_cleanup(move || listening.remove());
        let check = move || {
            let now = Date::now();
            let (unused, left) = (used_at.get_value() + idle * 1_000.0 - now, ends_at - now);
            let next = match () {
                () if notice.get_untracked() == Notice::OtherAccount => return,
                () if unused <= 0.0 || left <= 0.0 => Notice::Ended,
                () if left < WARNING_SECONDS * 1_000.0 => Notice::Ending,
                () if unused < WARNING_SECONDS * 1_000.0 => Notice::Idle,
                () => Notice::None,
            };
            if notice.get_untracked() != next {
                notice.set(next);
            }
        };
        if let Ok(ticking) = set_interval_with_handle(check, TICK) {
            on_cleanup(move || ticking.clear());
        }
    });
    let extend = move |_| {
        documents::request(&extend, move |page| match page {
            Some(_) => {
                used();
                tell();
            }
            None => notice.set(Notice::Ended),
        });
    };
    let sentence = move || match notice.get() {
        Notice::None => String::new(),
        Notice::Idle => idle_sentence.clone(),
        Notice::Ending => ending_sentence.clone(),
        Notice::Ended => ended_sentence.clone(),
        Notice::OtherAccount => other_account_sentence.clone(),
    };
    let offers_sign_in = move || matches!(notice.get(), Notice::Ending | Notice::Ended);
    view! {
        <div class="session-notice" role="status" data-empty=move || (notice.get() == Notice::None).then_some("")>
            <p>{sentence}</p>
            <button type="button" hidden=move || notice.get() != Notice::Idle on:click=extend>{stay}</button>
            <a class="button" href=sign_in hidden=move || !offers_sign_in()>{sign_in_label}</a>
            <a class="button" href="" hidden=move || notice.get() != Notice::OtherAccount>{reload}</a>
        </div>
    }
}
