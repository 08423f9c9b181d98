//! Who asks.

use leptos::prelude::*;

use crate::server_fns::device::ClientItem;

/// An application's name, and whether the centre vouches for it.
#[component]
pub fn ClientName(client: ClientItem) -> impl IntoView {
    let (class, words) = if client.verified { ("badge good", "verified") } else { ("badge", "not verified") };
    view! {
        <strong>{client.name}</strong>
        " "
        <span class=class>{words}</span>
    }
}
