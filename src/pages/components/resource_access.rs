//! What a program may do at resource servers besides the TMS API.

use leptos::prelude::*;

use crate::server::context::translations;
use crate::server_fns::resource_servers::ResourceItem;

/// A section for each resource server; nothing if there are none.
#[component]
pub fn ResourceAccess(resources: Vec<ResourceItem>) -> impl IntoView {
    let t = translations();
    let section = move |(place, resource): (usize, ResourceItem)| {
        let id = format!("may-at-{place}");
        let labelled_by = id.clone();
        view! {
            <section aria-labelledby=labelled_by>
                <h2 id=id>{t.consent_may_at(resource.name.as_deref().unwrap_or(&resource.indicator))}</h2>
                <p class="hint"><bdi translate="no">{resource.indicator.clone()}</bdi></p>
                <ul class="may">{resource.may.into_iter().map(|may| view! { <li>{may}</li> }).collect_view()}</ul>
            </section>
        }
    };
    resources.into_iter().enumerate().map(section).collect_view()
}
