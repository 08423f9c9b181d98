//! The name of a client.

use leptos::prelude::*;

use crate::server::context::translations;
use crate::server_fns::device::{ClientItem, ClientTrust};

/// A client's name, and whether the tenant's administrators have verified it.
#[component]
pub fn ClientName(client: ClientItem) -> impl IntoView {
    let t = translations();
    let (class, text) = match client.trust {
        ClientTrust::Verified => ("badge good", t.client_verified()),
        ClientTrust::Unverified => ("badge", t.client_not_verified()),
        ClientTrust::Public => ("badge", t.client_any_program()),
    };
    view! {
        <strong>{client.name}</strong>
        " "
        <span class=class>{text}</span>
    }
}
