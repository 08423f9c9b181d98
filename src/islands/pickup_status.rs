//! Whether the device has come for its token, while the person waits.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{documents, told};
use crate::domain::sentence::Sentence;
use crate::server_fns::device::device_pickup;

const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Asks until the device has its token or the time is over. Without WASM there is the link to look again.
#[island]
pub fn PickupStatus(
    /// The request that the device made.
    grant: String,
    waiting: bool,
    /// How it stands.
    sentence: Sentence,
    /// What the link says.
    look_again: String,
) -> impl IntoView {
    // The page itself, anew.
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
                // A failed answer changes nothing: the next one may come through.
                if let Ok(Some(pickup)) = device_pickup(grant.get_value()).await {
                    waiting.set(pickup.waiting);
                    sentence.set(pickup.status);
                    // Once the new sentence is there: its time is to be the browser's.
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
