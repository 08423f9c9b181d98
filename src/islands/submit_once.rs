//! A form is sent once, however often its button is pressed.

use std::time::Duration;

use leptos::prelude::*;
use web_sys::{Event, SubmitEvent};

/// For this long a second press is not taken; the server would find the first one's result anyway.
const RESUBMIT_WINDOW: Duration = Duration::from_millis(500);

/// Swallows a second submission of the form around or inside it that follows at once.
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
