//! Times as the person's own zone and language say them, by the server's clock.

use std::time::Duration;

use js_sys::Intl::RelativeTimeFormat;
use js_sys::{Array, Date, Object, Reflect};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use super::documents;

const EVERY: Duration = Duration::from_secs(30);

/// Every `time[datetime]` of the page: an exact time becomes that of the browser's zone, with its name, and what is said as "3 minutes
/// ago" (`data-ago`) stays true and has the exact time in its tooltip. Without WASM they stay as the server wrote them.
#[island]
pub fn LocalTimes(
    /// The server's clock: milliseconds since 1970. The browser's may be wrong; only its differences are used.
    now: i64,
    /// The person chose a zone: the server has written all times in it.
    chosen: bool,
) -> impl IntoView {
    Effect::new(move |_| {
        let ahead = Date::now() - now as f64;
        // What the server said of how long ago is still true.
        retell(ahead, chosen, false);
        let listening = window_event_listener_untyped(documents::CHANGED, move |_| retell(ahead, chosen, false));
        on_cleanup(move || listening.remove());
        if let Ok(telling) = set_interval_with_handle(move || retell(ahead, chosen, true), EVERY) {
            on_cleanup(move || telling.clear());
        }
    });
}

/// `ahead`: by how much the browser's clock is.
fn retell(ahead: f64, chosen: bool, also_ago: bool) {
    let Some(language) = document().document_element().and_then(|root| root.get_attribute("lang")) else { return };
    let Ok(times) = document().query_selector_all("time[datetime]") else { return };
    for time in (0..times.length()).filter_map(|n| times.item(n)?.dyn_into::<Element>().ok()) {
        let Some(at) = time.get_attribute("datetime").map(|at| Date::new(&at.into())).filter(|at| at.get_time().is_finite()) else { continue };
        let ago = time.has_attribute("data-ago");
        // In UTC it stands there already.
        if !chosen && at.get_timezone_offset() != 0.0 {
            let exact = exact(&at, &language);
            if ago {
                let _ = time.set_attribute("title", &exact);
            } else {
                time.set_text_content(Some(&exact));
            }
        }
        if ago && also_ago {
            time.set_text_content(Some(&relative(at.get_time() - (Date::now() - ahead), &language)));
        }
    }
}

/// In the browser's zone, with its name.
fn exact(at: &Date, language: &str) -> String {
    let options = Object::new();
    let parts = [("day", "numeric"), ("month", "long"), ("year", "numeric"), ("hour", "2-digit"), ("minute", "2-digit"), ("timeZoneName", "short")];
    for (part, how) in parts {
        let _ = Reflect::set(&options, &part.into(), &how.into());
    }
    at.to_locale_string(language, &options).into()
}

/// The largest unit, rounded to the nearest, as the browser says it in that language; as `domain::time::largest_unit` has it.
fn relative(millis: f64, language: &str) -> String {
    let seconds = millis / 1_000.0;
    let (count, unit) = match seconds.abs() {
        s if s < 59.5 => (seconds, "second"),
        s if s < 3_570.0 => (seconds / 60.0, "minute"),
        s if s < 171_000.0 => (seconds / 3_600.0, "hour"),
        _ => (seconds / 86_400.0, "day"),
    };
    RelativeTimeFormat::new(&Array::of1(&language.into()), &Object::new()).format((count + 0.5).floor(), unit).into()
}
