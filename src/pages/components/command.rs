//! A command to run.

use leptos::prelude::*;

use crate::islands::CopyButton;

/// A command, with a button to copy it.
#[component]
pub fn Command(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <p class="command">
            <code translate="no" dir="ltr">{text.clone()}</code>
            <CopyButton text/>
        </p>
    }
}
