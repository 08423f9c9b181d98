//! `/admin`: the administrators' pages. `server::middleware::require_sign_in` refuses everyone else.

pub mod audit_log;
pub mod clients;
mod components;
pub mod delegations;
pub mod hosts;
pub mod people;
pub mod policy;
pub mod providers;
pub mod ssh_keys;
pub mod tenants;

use leptos::prelude::*;

use crate::domain::paths;
use crate::server::context::translations;
use components::AdminPage;

/// `/admin`: an overview of the areas.
#[component]
pub fn Overview() -> impl IntoView {
    let t = translations();
    view! {
        <AdminPage title=t.admin_title() here=paths::ADMIN>
            <p class="lead">{t.admin_lead()}</p>
            <ul class="cards">
                {components::areas().into_iter().map(|area| view! {
                    <li class="card"><h2><a href=area.path>{area.name}</a></h2> <p class="hint">{area.purpose}</p></li>
                }).collect_view()}
            </ul>
        </AdminPage>
    }
}
