//! Whether the device has redeemed its grant, while the person waits.

use std::time::Duration;

use leptos::leptos_dom::helpers::IntervalHandle;
use leptos::prelude::*;

use super::documents;

const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The element with the status, here and on the fetched page.
const STATUS: &str = "[data-pickup]";

/// Fetches the page every two seconds and shows its new status, while the status has `data-waiting`. A failed request changes nothing; the
/// next one may succeed. Without WASM there is a link that reloads the page.
#[island]
pub fn PickupStatus(
    /// This page.
    here: String,
    children: Children,
) -> impl IntoView {
    let here = StoredValue::new(here);
    Effect::new(move |_| {
        let polling = StoredValue::new(None::<IntervalHandle>);
        let stop = move || {
            if let Some(polling) = polling.get_value() {
                polling.clear();
            }
        };
        let poll = move || {
            let Some(shown) = document().query_selector(STATUS).ok().flatten().filter(|shown| shown.has_attribute("data-waiting")) else {
                return stop();
            };
            documents::request(&here.get_value(), move |page| {
                let Some(page) = page else { return };
                let status = page.query_selector(STATUS).ok().flatten().and_then(|status| document().adopt_node(&status).ok());
                match status {
                    Some(status) => {
                        let _ = shown.replace_with_with_node_1(&status);
                        // The time in the new status is converted to the browser's zone.
                        documents::notify_changed();
                    }
                    // The access was refused or revoked meanwhile: another page.
                    None => documents::navigate(&here.get_value()),
                }
            });
        };
        polling.set_value(set_interval_with_handle(poll, POLL_INTERVAL).ok());
        on_cleanup(stop);
    });
    children()
}
