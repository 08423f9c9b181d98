//! Points in time.

use leptos::prelude::*;

use crate::domain::time::Timestamp;
use crate::server::context::{exactly, services, words};

/// The exact time, in words; "never" for the end of all times.
#[component]
pub fn At(at: Timestamp) -> impl IntoView {
    let w = words();
    if at >= Timestamp::FOREVER {
        return leptos::either::Either::Left(view! { <span>{w.never()}</span> });
    }
    leptos::either::Either::Right(view! { <time datetime=at.to_rfc3339()>{exactly(at)}</time> })
}

/// How long ago, or in how long; the exact time for whoever points at it, and in print.
#[component]
pub fn Ago(at: Timestamp) -> impl IntoView {
    let w = words();
    let exact = exactly(at);
    let now = services().map_or(at, |services| services.now());
    view! { <time datetime=at.to_rfc3339() title=exact data-ago="">{w.from_now(at, now)}</time> }
}

/// The same of what may not have happened yet.
#[component]
pub fn AgoOrNever(at: Option<Timestamp>) -> impl IntoView {
    match at {
        Some(at) => leptos::either::Either::Left(view! { <Ago at/> }),
        None => leptos::either::Either::Right(words().never()),
    }
}
