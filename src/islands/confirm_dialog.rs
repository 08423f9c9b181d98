//! Confirmations in a dialog.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement, HtmlElement, MouseEvent};

use super::documents;

/// Opens links with `data-confirm`, which lead to a page with a question, as a dialog over the current page. The dialog has the same form
/// and button; closing it changes nothing.
#[island]
pub fn ConfirmDialog() -> impl IntoView {
    let dialog: NodeRef<leptos::html::Dialog> = NodeRef::new();
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    Effect::new(move |_| {
        let listening = window_event_listener(ev::click, move |event| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let Some(link) = target.and_then(|target| target.closest("a").ok().flatten()).filter(|_| is_plain(&event)) else { return };
            let Some(address) = link.get_attribute("href") else { return };
            if link.has_attribute("data-cancel") && dialog.get_untracked().is_some_and(|dialog| dialog.open()) {
                event.prevent_default();
                close();
            } else if let (true, Some(dialog)) = (link.has_attribute("data-confirm"), dialog.get_untracked()) {
                event.prevent_default();
                show(dialog, address);
            }
        });
        on_cleanup(move || listening.remove());
    });
    view! { <dialog node_ref=dialog class="confirm" aria-labelledby="confirm-title"></dialog> }
}

/// Whether a click would open the link in this tab: main button, no modifier key.
fn is_plain(event: &MouseEvent) -> bool {
    event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key())
}

fn show(dialog: HtmlDialogElement, address: String) {
    documents::fetch(
        &address.clone(),
        || true,
        move |page| {
            let question = page.query_selector("[data-question]").ok().flatten();
            let adopted = question.and_then(|question| document().adopt_node(&question).ok());
            let Some(question) = adopted else { return documents::navigate(&address) };
            dialog.set_text_content(None);
            let _ = dialog.append_child(&question);
            let _ = dialog.show_modal();
            if let Some(cancel) = dialog.query_selector("[data-cancel]").ok().flatten().and_then(|cancel| cancel.dyn_into::<HtmlElement>().ok()) {
                let _ = cancel.focus();
            }
        },
    );
}
