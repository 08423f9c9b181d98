//! Title and heading of a page.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::server::context::translations;

/// A page with one heading. The document's title repeats it, with "Error:" in front if a form was refused.
#[component]
pub fn PageContent(
    #[prop(into)] title: String,
    /// Whether a form was refused.
    #[prop(optional)]
    refused: bool,
    /// Wide pages contain lists, narrow ones a single task.
    #[prop(optional)]
    wide: bool,
    /// The area, for the document's title.
    #[prop(optional, into)]
    within: Option<String>,
    /// The page renders its own heading.
    #[prop(optional)]
    bare: bool,
    children: Children,
) -> AnyView {
    view! {
        <DocumentTitle title=within.map_or_else(|| title.clone(), |within| format!("{title} · {within}")) refused/>
        <article class=if wide { "page wide" } else { "page" }>
            {(!bare).then(|| view! { <h1>{title}</h1> })}
            {children()}
        </article>
    }
    .into_any()
}

#[component]
pub fn DocumentTitle(title: String, #[prop(optional)] refused: bool) -> impl IntoView {
    let full = if refused { translations().document_title_refused(title) } else { translations().document_title(title) };
    // `leptos_meta` does not escape titles, and they contain names from the database.
    view! { <Title text=html_escape::encode_text(&full).into_owned()/> }
}
