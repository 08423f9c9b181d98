//! Buttons that need a script: copy the text beside them, and print the page.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

/// Copies the value of any `button[data-copy]` and announces it; prints for any `button[data-print]`. The buttons are shown only where this
/// works; the text can always be selected instead.
#[island]
pub fn Copying(
    /// Announced after copying.
    copied: String,
) -> impl IntoView {
    let said = RwSignal::new(String::new());
    Effect::new(move |_| {
        let clipboard = clipboard();
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-printing", "");
            if clipboard.is_some() {
                let _ = root.set_attribute("data-copying", "");
            }
        }
        let copied = copied.clone();
        let listening = window_event_listener(ev::click, move |event| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let Some(button) = target.and_then(|target| target.closest("button").ok().flatten()) else { return };
            if button.has_attribute("data-print") {
                let _ = window().print();
            }
            if let (Some(clipboard), Some(text)) = (&clipboard, button.get_attribute("data-copy")) {
                let _ = clipboard.write_text(&text);
                said.set(copied.clone());
                set_timeout(move || said.set(String::new()), std::time::Duration::from_secs(3));
            }
        });
        on_cleanup(move || listening.remove());
    });
    view! { <p class="toast" aria-live="polite" data-empty=move || said.read().is_empty().then_some("")>{said}</p> }
}

/// `None` if the page was not loaded over TLS or from loopback.
fn clipboard() -> Option<web_sys::Clipboard> {
    let window = window();
    window.is_secure_context().then(|| window.navigator().clipboard())
}
