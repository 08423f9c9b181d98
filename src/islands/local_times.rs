//! Times as the person's own clock and language say them.

use std::time::Duration;

use js_sys::Intl::RelativeTimeFormat;
use js_sys::{Array, Date, Object};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

const EVERY: Duration = Duration::from_secs(30);

/// Every `time[datetime]` of the page: the exact time in its tooltip becomes the person's own, and what is said as "3 minutes
/// ago" (`data-ago`) stays true. Without WASM they stay as the server wrote them, in UTC.
#[island]
pub fn LocalTimes() -> impl IntoView {
    Effect::new(move |_| {
        // What the server said is still true: only the tooltips change, and nothing moves.
        retell(false);
        if let Ok(telling) = set_interval_with_handle(|| retell(true), EVERY) {
            on_cleanup(move || telling.clear());
        }
    });
}

fn retell(also_ago: bool) {
    let Some(language) = document().document_element().and_then(|root| root.get_attribute("lang")) else { return };
    let Ok(times) = document().query_selector_all("time[datetime]") else { return };
    for time in (0..times.length()).filter_map(|n| times.item(n)?.dyn_into::<Element>().ok()) {
        let Some(at) = time.get_attribute("datetime").map(|at| Date::parse(&at)).filter(|at| at.is_finite()) else { continue };
        let exact = Date::new(&at.into()).to_locale_string(&language, &Object::new());
        let _ = time.set_attribute("title", &String::from(exact));
        if also_ago && time.has_attribute("data-ago") {
            time.set_text_content(Some(&relative(at - Date::now(), &language)));
        }
    }
}

/// The largest whole unit, as the browser says it in that language.
fn relative(millis: f64, language: &str) -> String {
    let seconds = millis / 1_000.0;
    let (count, unit) = match seconds.abs() {
        s if s < 60.0 => (seconds, "second"),
        s if s < 3_600.0 => (seconds / 60.0, "minute"),
        s if s < 172_800.0 => (seconds / 3_600.0, "hour"),
        _ => (seconds / 86_400.0, "day"),
    };
    RelativeTimeFormat::new(&Array::of1(&language.into()), &Object::new()).format(count.trunc(), unit).into()
}
