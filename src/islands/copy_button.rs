//! Copies a command.

use leptos::prelude::*;

/// A button beside a command. Shown only where it works; the command itself can always be selected.
#[island]
pub fn CopyButton(text: String) -> impl IntoView {
    let ready = RwSignal::new(false);
    let copied = RwSignal::new(false);
    Effect::new(move |_| ready.set(clipboard().is_some()));
    let copy = move |_| {
        if let Some(clipboard) = clipboard() {
            let _ = clipboard.write_text(&text);
            copied.set(true);
        }
    };
    view! {
        <button type="button" class="copy" hidden=move || !ready.get() on:click=copy>
            "Copy"
        </button>
        <span class="copied" role="status">{move || if copied.get() { "Copied" } else { "" }}</span>
    }
}

/// Missing where the page was not reached over TLS or loopback.
fn clipboard() -> Option<web_sys::Clipboard> {
    let window = window();
    window.is_secure_context().then(|| window.navigator().clipboard())
}
