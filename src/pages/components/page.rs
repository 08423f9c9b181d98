//! One page's title and heading.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::server::context::translations;

/// A page with one heading. The document's title says the same, with "Error:" first when something has to be mended.
#[component]
pub fn PageContent(
    #[prop(into)] title: String,
    /// Something was refused.
    #[prop(optional)]
    refused: bool,
    /// Wide pages hold lists; narrow ones one task.
    #[prop(optional)]
    wide: bool,
    /// What it is part of, for the document's title.
    #[prop(optional, into)]
    within: Option<String>,
    /// The page brings its heading itself.
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
    // `leptos_meta` writes a title as it is given, and names out of the database stand in it.
    view! { <Title text=html_escape::encode_text(&full).into_owned()/> }
}
