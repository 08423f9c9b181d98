//! The name of a client.

use leptos::either::Either;
use leptos::prelude::*;

use crate::server::context::translations;
use crate::server_fns::consent::{ClientItem, ClientTrust};

/// A client's name, and whether the tenant's administrators have verified it.
#[component]
pub fn ClientName(
    client: ClientItem,
    /// Where the name leads to.
    #[prop(optional, into)]
    href: Option<String>,
) -> impl IntoView {
    let name = view! { <strong>{client.name}</strong> };
    view! {
        {match href {
            Some(href) => Either::Left(view! { <a href=href>{name}</a> }),
            None => Either::Right(name),
        }}
        " "
        <ClientTrustBadge trust=client.trust/>
    }
}

/// Whether the tenant's administrators have verified a client's name.
#[component]
pub fn ClientTrustBadge(trust: ClientTrust) -> impl IntoView {
    let t = translations();
    let (class, text) = match trust {
        ClientTrust::Verified => ("badge good", t.client_verified()),
        ClientTrust::Unverified => ("badge", t.client_not_verified()),
        ClientTrust::Public => ("badge", t.client_any_program()),
    };
    view! { <span class=class>{text}</span> }
}
