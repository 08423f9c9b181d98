//! How long a code still lives.

use std::time::Duration;

use leptos::prelude::*;

/// Counts down from what the server said. Without WASM the first figure stays.
#[island]
pub fn Countdown(
    seconds: u64,
    /// What is said when it is over.
    expired: String,
) -> impl IntoView {
    let left = RwSignal::new(seconds);
    Effect::new(move |_| {
        let end = now() + Duration::from_secs(seconds).as_secs_f64() * 1_000.0;
        // The clock is read at each tick: a phone that slept must not show the time it fell asleep.
        let tick = move || left.set(((end - now()).max(0.0) / 1_000.0).round() as u64);
        if let Ok(ticking) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || ticking.clear());
        }
    });
    view! { <span class="countdown">{move || format_remaining(left.get(), &expired)}</span> }
}

fn format_remaining(seconds: u64, expired: &str) -> String {
    if seconds == 0 { expired.to_owned() } else { format!("{}:{:02}", seconds / 60, seconds % 60) }
}

/// Milliseconds by the browser's clock; only differences of it are used.
fn now() -> f64 {
    js_sys::Date::now()
}
