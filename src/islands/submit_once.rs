//! Submits a form once, however often its button is pressed.

use std::time::Duration;

use leptos::prelude::*;
use web_sys::{Event, SubmitEvent};

/// A second press within this time is ignored. The server would return the first one's result anyway.
const RESUBMIT_WINDOW: Duration = Duration::from_millis(500);

/// Cancels a second submission of the form around or inside it within `RESUBMIT_WINDOW`.
#[island]
pub fn SubmitOnce(children: Children) -> impl IntoView {
    let pressed = StoredValue::new(false);
    let guard = move |event: SubmitEvent| {
        if pressed.get_value() {
            let event: &Event = event.as_ref();
            event.prevent_default();
            return;
        }
        pressed.set_value(true);
        set_timeout(move || pressed.set_value(false), RESUBMIT_WINDOW);
    };
    view! { <div class="one-press" on:submit=guard>{children()}</div> }
}
