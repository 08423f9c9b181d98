//! Whether the device has come for its token, while the person waits.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::domain::paths;
use crate::server_fns::device::{Outcome, decided_device};

const ASK_EVERY: Duration = Duration::from_secs(2);

/// Asks until the device has its token or the time is over. Without WASM there is the link to look again.
#[island]
pub fn PickupStatus(outcome: Outcome) -> impl IntoView {
    let outcome = RwSignal::new(outcome);
    Effect::new(move |_| {
        let ask = move || {
            if !is_waiting(&outcome.get_untracked()) {
                return;
            }
            spawn_local(async move {
                // A failed answer changes nothing: the next one may come through.
                if let Ok(Some(decided)) = decided_device().await {
                    outcome.set(decided.outcome);
                }
            });
        };
        if let Ok(asking) = set_interval_with_handle(ask, ASK_EVERY) {
            on_cleanup(move || asking.clear());
        }
    });
    view! {
        <p class="pickup" role="status" data-waiting=move || is_waiting(&outcome.get()).then_some("true")>
            {move || in_words(&outcome.get())}
        </p>
        <p class="again" hidden=move || !is_waiting(&outcome.get())>
            <a href=paths::DEVICE_RESULT>"Look again"</a>
        </p>
    }
}

fn is_waiting(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Waiting)
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Waiting => "Your device has not picked it up yet. That takes a few seconds.".to_owned(),
        Outcome::PickedUp { at, from: Some(from) } => format!("Your device picked it up at {at}, from {from}."),
        Outcome::PickedUp { at, from: None } => format!("Your device picked it up at {at}."),
        Outcome::Denied => "The request has been denied.".to_owned(),
        Outcome::Withdrawn => "The access has been taken back.".to_owned(),
        Outcome::Expired => "Your device did not come for it in time. Run the command again.".to_owned(),
    }
}
