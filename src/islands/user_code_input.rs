//! The one field for a code.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{Event, InputEvent};

use crate::domain::user_code::{format_pasted, format_typed};

/// Writes the code as the device shows it while it is typed, and takes it out of what is pasted. Never refuses a key, never moves the
/// caret from where the person put it: only what is typed at the end is reshaped at once, the rest when they leave the field.
#[island]
pub fn UserCodeInput(
    /// What stands in the field at first.
    value: String,
    /// What was typed is refused; the page says why in `user-code-error`.
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
        // An input method is still putting the word together: rewriting it now would make it type letters twice.
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
