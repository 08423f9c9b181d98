//! Components that the administrators' pages share.

use leptos::prelude::*;
use serde_json::{Value, json};

use super::areas;
use crate::pages::api_docs::{self, Field};
use crate::pages::components::{Copyable, PageContent};
use crate::server::context::{self, translations};

/// An administrators' page, with navigation to the others.
#[component]
pub fn AdminPage(
    #[prop(into)] title: String,
    /// The area that it belongs to.
    here: &'static str,
    /// Whether a form was refused.
    #[prop(optional)]
    refused: bool,
    children: Children,
) -> AnyView {
    let t = translations();
    let areas = areas();
    let button = areas.iter().find(|area| area.path == here).map_or_else(|| t.admin_areas(), |area| t.admin_areas_menu(area.name.as_str()));
    view! {
        <div class="areas">
            <button type="button" class="quiet menu-button" popovertarget="areas">{button}</button>
            <nav id="areas" class="menu bar" popover="auto" aria-label=t.admin_areas()>
                <ul>
                    {areas.into_iter().map(|area| view! {
                        <li><a href=area.path aria-current=(area.path == here).then_some("page")>{area.name}</a></li>
                    }).collect_view()}
                </ul>
            </nav>
        </div>
        <PageContent title refused wide=true within=t.admin_title()>{children()}</PageContent>
    }
    .into_any()
}

/// The same action in the TMS API: a `curl` command to copy, without secrets. Required fields that `with` does not have appear in capitals.
#[component]
pub fn CurlExample(
    /// Method and path, as in the API's description.
    call: &'static str,
    /// Values of fields, by name; the tenant is filled in.
    #[prop(optional)]
    with: Vec<(&'static str, Value)>,
) -> impl IntoView {
    let t = translations();
    view! {
        <details class="curl">
            <summary>{t.admin_as_curl()}</summary>
            <Copyable text=curl_command(call, &with).unwrap_or_default() block=true/>
        </details>
    }
}

fn curl_command(call: &str, with: &[(&str, Value)]) -> Option<String> {
    let (services, person) = (context::services().ok()?, context::current_person()?);
    let (method, path) = call.split_once(' ')?;
    let operation = api_docs::operation(method, path)?;
    let tenant = person.tenant_id().to_string();
    let headers = [("X-TMS-TENANT", tenant.as_str()), ("X-TMS-ADMIN-ID", "$ADMIN_ID"), ("X-TMS-ADMIN-SECRET", "$ADMIN_SECRET")];
    let value = |field: &Field| match with.iter().find(|(name, _)| *name == field.name) {
        Some((_, value)) => Some(value.clone()),
        None if field.name == "tenant" => Some(json!(tenant)),
        None => field.required.then(|| json!(field.name.to_uppercase())),
    };
    let values: Vec<(&Field, Value)> = operation.fields.iter().filter_map(|field| Some((field, value(field)?))).collect();
    Some(api_docs::curl(services.public_url(), method, path, &headers, &values))
}

/// A checkbox with its label.
#[component]
pub fn Checkbox(name: &'static str, #[prop(default = "yes")] value: &'static str, checked: bool, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <label class="choice">
            <input type="checkbox" name=name value=value checked=checked/>
            <span>{text}</span>
        </label>
    }
}
