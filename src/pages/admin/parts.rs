//! What the administrators' pages share.

use leptos::either::Either;
use leptos::prelude::*;

use crate::domain::paths;
use crate::pages::components::{Copyable, Page, Sorry};
use crate::server::context::{self, words};

/// One of the administrators' areas.
pub struct Area {
    pub path: &'static str,
    pub name: String,
    /// In half a sentence.
    pub purpose: String,
}

/// Those of this administrator: tenants are the business of those who run the deployment.
pub fn areas() -> Vec<Area> {
    let w = words();
    let area = |path, name, purpose| Area { path, name, purpose };
    let mut areas = vec![
        area(paths::ADMIN_CLIENTS, w.admin_clients(), w.admin_clients_purpose()),
        area(paths::ADMIN_HOSTS, w.admin_hosts(), w.admin_hosts_purpose()),
        area(paths::ADMIN_PEOPLE, w.admin_people(), w.admin_people_purpose()),
        area(paths::ADMIN_DELEGATIONS, w.admin_delegations(), w.admin_delegations_purpose()),
        area(paths::ADMIN_KEYS, w.admin_keys(), w.admin_keys_purpose()),
        area(paths::ADMIN_ACTIVITY, w.admin_activity(), w.admin_activity_purpose()),
        area(paths::ADMIN_POLICY, w.admin_policy(), w.admin_policy_purpose()),
    ];
    if context::admin().is_ok_and(|admin| admin.runs_the_deployment()) {
        areas.push(area(paths::ADMIN_TENANTS, w.admin_tenants(), w.admin_tenants_purpose()));
    }
    areas
}

/// A page of the administrators, with the way to the others.
#[component]
pub fn AdminPage(
    #[prop(into)] title: String,
    /// The area it belongs to.
    here: &'static str,
    /// Something was refused.
    #[prop(optional)]
    refused: bool,
    children: Children,
) -> AnyView {
    let w = words();
    let tenant = context::visitor().map(|person| person.tenant_name().to_owned()).unwrap_or_default();
    view! {
        <nav class="areas" aria-label=w.admin_areas()>
            <p><bdi>{tenant}</bdi></p>
            <ul>
                {areas().into_iter().map(|area| view! {
                    <li><a href=area.path aria-current=(area.path == here).then_some("page")>{area.name}</a></li>
                }).collect_view()}
            </ul>
        </nav>
        <Page title refused wide=true within=w.admin_title()>{children()}</Page>
    }
    .into_any()
}

/// The same by the TMS API: a command to copy, without secrets.
#[component]
pub fn Curl(
    method: &'static str,
    /// Beneath the portal's address, such as `/v1/tms/client`.
    #[prop(into)]
    path: String,
    /// JSON.
    #[prop(optional, into)]
    body: Option<String>,
) -> impl IntoView {
    let w = words();
    let (Ok(services), Some(person)) = (context::services(), context::visitor()) else {
        return Either::Left(view! { <Sorry/> });
    };
    let mut command = format!(
        "curl -X {method} {}{path} \\\n  -H 'X-TMS-TENANT: {}' \\\n  -H 'X-TMS-ADMIN-ID: '\"$TMS_ADMIN_ID\" \\\n  -H 'X-TMS-ADMIN-SECRET: '\"$TMS_ADMIN_SECRET\"",
        services.public_url(),
        person.tenant_id()
    );
    if let Some(body) = body {
        // In single quotes for the shell, whatever is in it.
        command.push_str(&format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'", body.replace('\'', r"'\''")));
    }
    Either::Right(view! {
        <details class="curl">
            <summary>{w.admin_as_curl()}</summary>
            <Copyable text=command block=true/>
        </details>
    })
}

/// A box to tick, with what it means.
#[component]
pub fn Tick(name: &'static str, #[prop(default = "yes")] value: &'static str, checked: bool, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value=value checked=checked/>
            <span>{text}</span>
        </label>
    }
}
