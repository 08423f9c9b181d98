//! Times.

use leptos::prelude::*;

use crate::domain::time::Timestamp;
use crate::server::context::{format_time, services, translations};

/// The exact time, or "never" for [`Timestamp::FOREVER`].
#[component]
pub fn ExactTime(at: Timestamp) -> impl IntoView {
    let t = translations();
    if at >= Timestamp::FOREVER {
        return leptos::either::Either::Left(view! { <span>{t.never()}</span> });
    }
    leptos::either::Either::Right(view! { <time datetime=at.to_rfc3339()>{format_time(at)}</time> })
}

/// A relative time; the exact one in the tooltip and in print.
#[component]
pub fn RelativeTime(at: Timestamp) -> impl IntoView {
    let t = translations();
    let exact = format_time(at);
    let now = services().map_or(at, |services| services.now());
    view! { <time datetime=at.to_rfc3339() title=exact data-ago="">{t.format_relative(at, now)}</time> }
}

/// The same for an event that may not have occurred yet.
#[component]
pub fn RelativeTimeOrNever(at: Option<Timestamp>) -> impl IntoView {
    match at {
        Some(at) => leptos::either::Either::Left(view! { <RelativeTime at/> }),
        None => leptos::either::Either::Right(translations().never()),
    }
}
