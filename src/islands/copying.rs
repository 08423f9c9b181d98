//! Copies what stands beside a button.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::Element;

/// Every `button[data-copy]` of the page copies its value and says so. Buttons are shown only where copying works; what they
/// copy can always be selected.
#[island]
pub fn Copying(
    /// What is said once it is copied.
    copied: String,
) -> impl IntoView {
    let said = RwSignal::new(String::new());
    Effect::new(move |_| {
        let Some(clipboard) = clipboard() else { return };
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-copying", "");
        }
        let copied = copied.clone();
        let listening = window_event_listener(ev::click, move |event| {
            let button =
                event.target().and_then(|target| target.dyn_into::<Element>().ok()).and_then(|target| target.closest("button[data-copy]").ok()?);
            if let Some(text) = button.and_then(|button| button.get_attribute("data-copy")) {
                let _ = clipboard.write_text(&text);
                said.set(copied.clone());
                set_timeout(move || said.set(String::new()), std::time::Duration::from_secs(3));
            }
        });
        on_cleanup(move || listening.remove());
    });
    view! { <p class="toast" aria-live="polite" data-empty=move || said.read().is_empty().then_some("")>{said}</p> }
}

/// Missing where the page was not reached over TLS or loopback.
fn clipboard() -> Option<web_sys::Clipboard> {
    let window = window();
    window.is_secure_context().then(|| window.navigator().clipboard())
}
