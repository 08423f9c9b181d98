//! Whether the device has redeemed its grant, while the person waits.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{documents, told};
use crate::domain::sentence::Sentence;
use crate::server_fns::device::device_pickup;

const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Polls until the device has its token or the grant has expired. Without WASM there is a link that reloads the page.
#[island]
pub fn PickupStatus(
    /// Id of the device grant.
    grant: String,
    waiting: bool,
    /// Its state at rendering.
    sentence: Sentence,
    /// Label of the link.
    look_again: String,
) -> impl IntoView {
    // Reloads this page.
    let here = format!("?grant={grant}");
    let grant = StoredValue::new(grant);
    let waiting = RwSignal::new(waiting);
    let sentence = RwSignal::new(sentence);
    Effect::new(move |_| {
        let ask = move || {
            if !waiting.get_untracked() {
                return;
            }
            spawn_local(async move {
                // A failed poll changes nothing; the next one may succeed.
                if let Ok(Some(pickup)) = device_pickup(grant.get_value()).await {
                    waiting.set(pickup.waiting);
                    sentence.set(pickup.status);
                    // After the new sentence was rendered: its time is converted to the browser's zone.
                    request_animation_frame(documents::notify_changed);
                }
            });
        };
        if let Ok(asking) = set_interval_with_handle(ask, POLL_INTERVAL) {
            on_cleanup(move || asking.clear());
        }
    });
    view! {
        <p class="pickup" role="status" data-waiting=move || waiting.get().then_some("true")>{move || sentence.with(told)}</p>
        <p class="again" hidden=move || !waiting.get()>
            <a href=here>{look_again}</a>
        </p>
    }
}
