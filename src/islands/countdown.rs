//! The time until a code expires.

use std::time::Duration;

use leptos::prelude::*;

/// Counts down from the seconds that the server rendered. Without WASM the first figure stays.
#[island]
pub fn Countdown(
    seconds: u64,
    /// Shown when the time is over.
    expired: String,
) -> impl IntoView {
    let left = RwSignal::new(seconds);
    Effect::new(move |_| {
        let end = now() + Duration::from_secs(seconds).as_secs_f64() * 1_000.0;
        // Reads the clock at each tick, because timers stop while a device sleeps.
        let update = move || left.set(((end - now()).max(0.0) / 1_000.0).round() as u64);
        if let Ok(ticking) = set_interval_with_handle(update, Duration::from_secs(1)) {
            on_cleanup(move || ticking.clear());
        }
    });
    view! { <span class="countdown">{move || format_remaining(left.get(), &expired)}</span> }
}

fn format_remaining(seconds: u64, expired: &str) -> String {
    if seconds == 0 { expired.to_owned() } else { format!("{}:{:02}", seconds / 60, seconds % 60) }
}

/// Milliseconds of the browser's clock; only differences are used.
fn now() -> f64 {
    js_sys::Date::now()
}
