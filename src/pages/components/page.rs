//! One page's title and heading.

use leptos::prelude::*;
use leptos_meta::Title;

/// A page with one heading. The document's title says the same, with "Error:" first when something has to be mended.
#[component]
pub fn Page(
    #[prop(into)] title: String,
    /// Something was refused.
    #[prop(optional)]
    refused: bool,
    /// Wide pages hold lists; narrow ones one task.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    // `leptos_meta` writes a title as it is given, and names out of the database stand in it.
    let full = html_escape::encode_text(&format!("{}{title} · Trust Manager", if refused { "Error: " } else { "" })).into_owned();
    view! {
        <Title text=full/>
        <article class=if wide { "page wide" } else { "page" }>
            <h1>{title}</h1>
            {children()}
        </article>
    }
}
