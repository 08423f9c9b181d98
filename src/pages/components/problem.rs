//! What went wrong, next to where it can be mended.

use leptos::prelude::*;

use super::Page;

/// One sentence, announced as soon as the page is there.
#[component]
pub fn Problem(
    #[prop(into)] sentence: String,
    /// For `aria-describedby` of the field it belongs to.
    #[prop(optional)]
    id: Option<&'static str>,
) -> impl IntoView {
    view! { <p class="problem" role="alert" id=id>{sentence}</p> }
}

/// In place of a page whose data could not be had.
#[component]
pub fn Sorry() -> impl IntoView {
    view! {
        <Page title="Something broke on our side" refused=true>
            <p>"This page could not be put together. Try again in a moment; if it stays like this, tell your centre’s help desk when it happened."</p>
        </Page>
    }
}
