//! The end of the session, and what other tabs do to it.

use std::time::Duration;

use js_sys::Date;
use leptos::prelude::*;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::documents;

/// How often the clock is read: timers stop while a device sleeps.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What the island announces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SessionStatus {
    Active,
    /// It ends unless it is used.
    Idle,
    /// It ends however it is used.
    Expiring,
    Expired,
    /// Another tab signed in to another account, or out.
    OtherAccount,
}

/// Warns before the session ends, with a button that extends it, or a link to sign in again; says when other tabs have signed in or out. Without WASM
/// the next page requires sign-in, and forms keep their values.
#[island]
pub fn SessionWatch(
    /// The signed-in account; empty if none.
    account: String,
    /// Seconds until the session ends if it is not used.
    idle: f64,
    /// Seconds until it ends however it is used.
    longest: f64,
    /// Seconds before its end at which the island warns.
    warning: f64,
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
    let status = RwSignal::new(SessionStatus::Active);
    let signed_in = !account.is_empty();
    let account = StoredValue::new(account);
    let used_at = StoredValue::new(0.0);
    let channel = StoredValue::new(None::<BroadcastChannel>);
    let used = move || {
        used_at.set_value(Date::now());
        status.update(|status| {
            if *status == SessionStatus::Idle {
                *status = SessionStatus::Active;
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
        Some(_) => status.set(SessionStatus::OtherAccount),
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
                () if status.get_untracked() == SessionStatus::OtherAccount => return,
                () if unused <= 0.0 || left <= 0.0 => SessionStatus::Expired,
                () if left < warning * 1_000.0 => SessionStatus::Expiring,
                () if unused < warning * 1_000.0 => SessionStatus::Idle,
                () => SessionStatus::Active,
            };
            if status.get_untracked() != next {
                status.set(next);
            }
        };
        if let Ok(ticking) = set_interval_with_handle(check, CHECK_INTERVAL) {
            on_cleanup(move || ticking.clear());
        }
    });
    let extend = move |_| {
        documents::request(&extend, move |page| match page {
            Some(_) => {
                used();
                tell();
            }
            None => status.set(SessionStatus::Expired),
        });
    };
    let sentence = move || match status.get() {
        SessionStatus::Active => String::new(),
        SessionStatus::Idle => idle_sentence.clone(),
        SessionStatus::Expiring => ending_sentence.clone(),
        SessionStatus::Expired => ended_sentence.clone(),
        SessionStatus::OtherAccount => other_account_sentence.clone(),
    };
    let shows_sign_in = move || matches!(status.get(), SessionStatus::Expiring | SessionStatus::Expired);
    view! {
        <div class="session-status" aria-live="polite" data-empty=move || (status.get() == SessionStatus::Active).then_some("")>
            <p>{sentence}</p>
            <button type="button" hidden=move || status.get() != SessionStatus::Idle on:click=extend>{stay}</button>
            <a class="button" href=sign_in hidden=move || !shows_sign_in()>{sign_in_label}</a>
            <a class="button" href="" hidden=move || status.get() != SessionStatus::OtherAccount>{reload}</a>
        </div>
    }
}
