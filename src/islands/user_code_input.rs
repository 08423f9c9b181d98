//! The input field for a user code.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Event, InputEvent};

use crate::domain::user_code::{format_pasted, format_typed};

/// Formats the code as the device shows it while it is typed, and extracts it from pasted text. It never rejects a key and never moves the
/// caret: text typed at the end is formatted at once, everything else when the field loses focus.
#[island]
pub fn UserCodeInput(
    /// The initial value.
    value: String,
    /// Whether the code was refused; `user-code-error` is the id of the reason.
    refused: bool,
) -> impl IntoView {
    let field: NodeRef<leptos::html::Input> = NodeRef::new();
    let reshape = move |shape: fn(&str) -> String, everywhere: bool| {
        let Some(field) = field.get() else { return };
        let typed = field.value();
        let at_end = field.selection_start().ok().flatten() == u32::try_from(typed.encode_utf16().count()).ok();
        let shown = shape(&typed);
        if shown != typed && (everywhere || at_end) {
            field.set_value(&shown);
        }
    };
    let input = move |event: Event| {
        let event = event.dyn_into::<InputEvent>().ok();
        // An input method is still composing: changing the value now would duplicate letters.
        if event.as_ref().is_some_and(InputEvent::is_composing) {
            return;
        }
        let pasted = event.is_some_and(|event| event.input_type().starts_with("insertFrom"));
        reshape(if pasted { format_pasted } else { format_typed }, false);
    };
    view! {
        <input
            node_ref=field
            id="user-code"
            class="user-code"
            name="user_code"
            data-unkept=""
            type="text"
            inputmode="text"
            autocapitalize="characters"
            autocomplete="off"
            spellcheck="false"
            enterkeyhint="go"
            translate="no"
            dir="ltr"
            autofocus
            value=value
            aria-invalid=refused.then_some("true")
            aria-describedby=if refused { "user-code-error user-code-hint" } else { "user-code-hint" }
            on:input=input
            on:compositionend=move |_| reshape(format_typed, false)
            on:change=move |_| reshape(format_pasted, true)
        />
    }
}
