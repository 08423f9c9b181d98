//! Who asks.

use leptos::prelude::*;

use crate::server_fns::device::{ClientItem, Standing};

/// An application's name, and whether the centre vouches for it.
#[component]
pub fn ClientName(client: ClientItem) -> impl IntoView {
    let (class, words) = match client.standing {
        Standing::Verified => ("badge good", "verified"),
        Standing::NotVerified => ("badge", "not verified"),
        Standing::AnyProgram => ("badge", "any program can use this name"),
    };
    view! {
        <strong>{client.name}</strong>
        " "
        <span class=class>{words}</span>
    }
}
