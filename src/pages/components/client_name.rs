//! Who asks.

use leptos::prelude::*;

use crate::server::context::translations;
use crate::server_fns::device::{ClientItem, ClientTrust};

/// An application's name, and whether the centre vouches for it.
#[component]
pub fn ClientName(client: ClientItem) -> impl IntoView {
    let w = translations();
    let (class, text) = match client.trust {
        ClientTrust::Verified => ("badge good", w.client_verified()),
        ClientTrust::Unverified => ("badge", w.client_not_verified()),
        ClientTrust::Public => ("badge", w.client_any_program()),
    };
    view! {
        <strong>{client.name}</strong>
        " "
        <span class=class>{text}</span>
    }
}
