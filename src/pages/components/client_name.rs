//! Who asks.

use leptos::prelude::*;

use crate::server::context::words;
use crate::server_fns::device::{ClientItem, Standing};

/// An application's name, and whether the centre vouches for it.
#[component]
pub fn ClientName(client: ClientItem) -> impl IntoView {
    let w = words();
    let (class, text) = match client.standing {
        Standing::Verified => ("badge good", w.client_verified()),
        Standing::NotVerified => ("badge", w.client_not_verified()),
        Standing::AnyProgram => ("badge", w.client_any_program()),
    };
    view! {
        <strong>{client.name}</strong>
        " "
        <span class=class>{text}</span>
    }
}
