//! Times as the person's own zone and language say them, by the server's clock.

use std::time::Duration;

use js_sys::Intl::RelativeTimeFormat;
use js_sys::{Array, Date, Object, Reflect};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use super::documents;

const UPDATE_INTERVAL: Duration = Duration::from_secs(30);

/// Every `time[datetime]` of the page: an exact time becomes that of the browser's zone, with its name, and what is said as "3 minutes
/// ago" (`data-ago`) stays true and has the exact time in its tooltip. Without WASM they stay as the server wrote them.
#[island]
pub fn LocalTimes(
    /// The server's clock: milliseconds since 1970. The browser's may be wrong; only its differences are used.
    now: i64,
    /// How a time is said in each month, by line (`Language::moments`). `None`: the person chose a zone, and the server has written all
    /// times in it.
    moments: Option<String>,
) -> impl IntoView {
    let moments = StoredValue::new(moments);
    Effect::new(move |_| {
        let ahead = Date::now() - now as f64;
        let retell = move |also_ago| moments.with_value(|moments| update_times(ahead, moments.as_deref(), also_ago));
        // What the server said of how long ago is still true.
        retell(false);
        let listening = window_event_listener_untyped(documents::CHANGED, move |_| retell(false));
        on_cleanup(move || listening.remove());
        if let Ok(telling) = set_interval_with_handle(move || retell(true), UPDATE_INTERVAL) {
            on_cleanup(move || telling.clear());
        }
    });
}

/// `ahead`: by how much the browser's clock is.
fn update_times(ahead: f64, moments: Option<&str>, also_ago: bool) {
    let Some(language) = document().document_element().and_then(|root| root.get_attribute("lang")) else { return };
    let Ok(times) = document().query_selector_all("time[datetime]") else { return };
    for time in (0..times.length()).filter_map(|n| times.item(n)?.dyn_into::<Element>().ok()) {
        let Some(at) = time.get_attribute("datetime").map(|at| Date::new(&at.into())).filter(|at| at.get_time().is_finite()) else { continue };
        let ago = time.has_attribute("data-ago");
        // In UTC it stands there already.
        if let Some(moments) = moments.filter(|_| at.get_timezone_offset() != 0.0) {
            let exact = exact(&at, moments, &language);
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

/// In the browser's zone, with its name; else as the server says it.
fn exact(at: &Date, moments: &str, language: &str) -> String {
    let options = Object::new();
    for (part, how) in [("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23"), ("timeZoneName", "short")] {
        let _ = Reflect::set(&options, &part.into(), &how.into());
    }
    let time = String::from(at.to_locale_string(language, &options));
    let moment = moments.lines().nth(at.get_month() as usize).unwrap_or_default();
    moment.replace("{day}", &at.get_date().to_string()).replace("{year}", &at.get_full_year().to_string()).replace("{time}", &time)
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
