//! A point in time.

use leptos::prelude::*;

/// In words for people, exact for machines and for whoever points at it.
#[component]
pub fn Time(
    /// RFC 3339, and words.
    at: (String, String),
) -> impl IntoView {
    let (exact, words) = at;
    view! { <time datetime=exact.clone() title=exact>{words}</time> }
}
