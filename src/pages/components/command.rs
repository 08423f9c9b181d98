//! A command to run.

use leptos::prelude::*;

use crate::islands::CopyButton;

/// A command, with a button to copy it.
#[component]
pub fn Command(#[prop(into)] text: String) -> impl IntoView {
    // An option and its value stay on one line.
    let parts = text.split(" --").enumerate().map(|(n, part)| if n == 0 { part.to_owned() } else { format!("--{part}") });
    let parts: Vec<_> = parts.map(|part| view! { <span>{part}</span> " " }).collect();
    view! {
        <p class="command">
            <code translate="no" dir="ltr">{parts}</code>
            <CopyButton text/>
        </p>
    }
}
