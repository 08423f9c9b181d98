//! Sentences that contain a time.

use leptos::prelude::*;

use crate::domain::sentence::Sentence;

/// Renders a sentence with its time as an element, which [`LocalTimes`](crate::islands::LocalTimes) converts to the browser's zone.
pub fn told(sentence: &Sentence) -> impl IntoView + use<> {
    let (before, time, after) = sentence.parts();
    let time = time.map(|time| view! { <time datetime=time.datetime.clone()>{time.words.clone()}</time> });
    let after = time.is_some().then(|| after.to_owned());
    (before.to_owned(), time, after)
}
