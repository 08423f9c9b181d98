//! Times in the browser's zone and language, by the server's clock.

use std::time::Duration;

use js_sys::Intl::RelativeTimeFormat;
use js_sys::{Array, Date, Object, Reflect};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

use super::documents;

const UPDATE_INTERVAL: Duration = Duration::from_secs(30);

/// Rewrites every `time[datetime]` of the page: exact times are converted to the browser's zone and name it; relative times (`data-ago`)
/// are kept current and show the exact time in their tooltip. Without WASM they stay as rendered.
#[island]
pub fn LocalTimes(
    /// The server's clock, in milliseconds since 1970. The browser's clock may be wrong; only its differences are used.
    now: i64,
    /// The format of times for each month, one per line (`Language::month_formats`). `None`: the person chose a zone, and the server
    /// renders all times in it.
    month_formats: Option<String>,
) -> impl IntoView {
    let month_formats = StoredValue::new(month_formats);
    Effect::new(move |_| {
        let ahead = Date::now() - now as f64;
        let retell = move |also_ago| month_formats.with_value(|month_formats| update_times(ahead, month_formats.as_deref(), also_ago));
        // The relative times rendered by the server are still correct.
        retell(false);
        let listening = window_event_listener_untyped(documents::CHANGED, move |_| retell(false));
        on_cleanup(move || listening.remove());
        if let Ok(telling) = set_interval_with_handle(move || retell(true), UPDATE_INTERVAL) {
            on_cleanup(move || telling.clear());
        }
    });
}

/// `ahead`: the difference of the browser's clock to the server's, in milliseconds.
fn update_times(ahead: f64, month_formats: Option<&str>, also_ago: bool) {
    let Some(language) = document().document_element().and_then(|root| root.get_attribute("lang")) else { return };
    let Ok(times) = document().query_selector_all("time[datetime]") else { return };
    for time in (0..times.length()).filter_map(|n| times.item(n)?.dyn_into::<Element>().ok()) {
        let Some(at) = time.get_attribute("datetime").map(|at| Date::new(&at.into())).filter(|at| at.get_time().is_finite()) else { continue };
        let ago = time.has_attribute("data-ago");
        // In UTC the rendered text is correct already.
        if let Some(month_formats) = month_formats.filter(|_| at.get_timezone_offset() != 0.0) {
            let exact = exact(&at, month_formats, &language);
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

/// The time in the browser's zone, with the zone's name.
fn exact(at: &Date, month_formats: &str, language: &str) -> String {
    let options = Object::new();
    for (part, how) in [("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23"), ("timeZoneName", "short")] {
        let _ = Reflect::set(&options, &part.into(), &how.into());
    }
    let time = String::from(at.to_locale_string(language, &options));
    let moment = month_formats.lines().nth(at.get_month() as usize).unwrap_or_default();
    moment.replace("{day}", &at.get_date().to_string()).replace("{year}", &at.get_full_year().to_string()).replace("{time}", &time)
}

/// The largest unit, rounded to the nearest, in the page's language; same rule as `domain::time::largest_unit`.
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
