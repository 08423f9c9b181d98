//! Commands and values to copy.

use leptos::prelude::*;

use crate::server::context::translations;

/// A command, with a button to copy it.
#[component]
pub fn Command(#[prop(into)] text: String) -> impl IntoView {
    // Keeps an option and its value on one line.
    let parts = text.split(" --").enumerate().map(|(n, part)| if n == 0 { part.to_owned() } else { format!("--{part}") });
    let parts: Vec<_> = parts.map(|part| view! { <span>{part}</span> " " }).collect();
    view! {
        <p class="command">
            <code translate="no" dir="ltr">{parts}</code>
            <CopyButton text/>
        </p>
    }
}

/// A fingerprint, an id or a block of configuration: shown in full, with a button to copy it.
#[component]
pub fn Copyable(
    #[prop(into)] text: String,
    /// Whether it has several lines.
    #[prop(optional)]
    block: bool,
) -> impl IntoView {
    view! {
        <span class=if block { "copyable block" } else { "copyable" }>
            <code translate="no" dir="ltr">{text.clone()}</code>
            <CopyButton text/>
        </span>
    }
}

/// Handled by `islands::Copying`, and visible only with it.
#[component]
fn CopyButton(text: String) -> impl IntoView {
    view! { <button type="button" class="copy" data-copy=text>{translations().copy()}</button> }
}
