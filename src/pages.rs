//! Pages: the server renders all HTML. Pages only read; changes are forms to server functions. Everything works without JavaScript.

mod activity;
mod admin;
mod api_docs;
mod authorize;
mod components;
mod delegations;
mod device;
mod device_report;
mod device_result;
mod error;
mod home;
mod host_accounts;
mod identities;
mod link_requests;
mod second_factor;
mod sessions;
mod settings;
mod sign_in;
mod sign_out;
mod signed_out;
mod ssh_keys;
mod upstream_accounts;

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::hooks::use_query_map;
use leptos_router::{SsrMode, path};

use crate::domain::pagination::ListQuery;
use crate::domain::paths;
use crate::server::context;
use crate::server::middleware::security_headers::content_security_policy;
use crate::server::preferences::Theme;

use components::Layout;
pub use error::{ErrorPage, FormElsewhere};

/// The HTML document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    if let Some(policy) = leptos::nonce::use_nonce().and_then(|nonce| content_security_policy(&nonce).parse().ok()) {
        context::set_header(axum::http::header::CONTENT_SECURITY_POLICY, policy);
    }
    let t = context::translations();
    let tenant = context::current_person().map(|person| person.tenant().clone());
    let brand = tenant.filter(|tenant| tenant.policy.brand.is_some()).map(|tenant| paths::brand(&tenant.id, tenant.updated_at));
    view! {
        <!DOCTYPE html>
        <html lang=t.tag() dir=t.direction() data-theme=context::theme().map(Theme::as_str)>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                {brand.map(|address| view! { <link rel="stylesheet" href=address/> })}
                <HydrationScripts options=options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The page routes. One parent route waits for all data before sending: streamed HTML would hide forms from people without JavaScript.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    if let Some(page) = use_context::<ErrorPage>() {
        return leptos::either::Either::Left(page.view());
    }
    leptos::either::Either::Right(view! {
        <Router>
            <Routes fallback=|| ErrorPage { status: 404, form: None }.view()>
                <ParentRoute path=path!("") view=Layout ssr=SsrMode::Async>
                    <Route path=path!("") view=home::Home/>
                    <Route path=path!("device") view=device::Device/>
                    <Route path=path!("device/result") view=device_result::DeviceResult/>
                    <Route path=path!("device/report") view=device_report::DeviceReport/>
                    <Route path=path!("authorize") view=authorize::Authorize/>
                    <Route path=path!("authorize/onward") view=authorize::AuthorizeOnward/>
                    <Route path=path!("sign-in") view=sign_in::SignIn/>
                    <Route path=path!("sign-in/second-factor") view=second_factor::SecondFactor/>
                    <Route path=path!("sign-out/confirm") view=sign_out::ConfirmSignOut/>
                    <Route path=path!("signed-out") view=signed_out::SignedOut/>
                    <Route path=path!("hosts") view=host_accounts::Hosts/>
                    <Route path=path!("hosts/link") view=link_requests::LinkAnAccount/>
                    <Route path=path!("hosts/provider") view=upstream_accounts::LinkUpstreamAccounts/>
                    <Route path=path!("hosts/unlink") view=host_accounts::UnlinkThisAccount/>
                    <Route path=path!("keys") view=ssh_keys::Keys/>
                    <Route path=path!("keys/add") view=ssh_keys::AddKeyPage/>
                    <Route path=path!("keys/revoke-everything") view=ssh_keys::RevokeEverythingPage/>
                    <Route path=path!("keys/revoke") view=ssh_keys::RevokeTheseKeys/>
                    <Route path=path!("apps") view=delegations::Apps/>
                    <Route path=path!("apps/change") view=delegations::ChangeDelegation/>
                    <Route path=path!("apps/application") view=delegations::OneApplication/>
                    <Route path=path!("apps/revoke") view=delegations::RevokeApplication/>
                    <Route path=path!("activity") view=activity::Activity/>
                    <Route path=path!("identities") view=identities::Identities/>
                    <Route path=path!("identities/link") view=identities::LinkThisIdentity/>
                    <Route path=path!("identities/unlink") view=identities::UnlinkThisIdentity/>
                    <Route path=path!("identities/second-factor") view=identities::SecondFactorRequired/>
                    <Route path=path!("identities/app") view=identities::SetUpApp/>
                    <Route path=path!("identities/passkey") view=identities::SetUpPasskey/>
                    <Route path=path!("identities/recovery") view=identities::RecoveryCodes/>
                    <Route path=path!("identities/recovery/new") view=identities::NewRecoveryCodes/>
                    <Route path=path!("identities/remove") view=identities::RemoveAFactor/>
                    <Route path=path!("identities/rename") view=identities::RenameAPasskey/>
                    <Route path=path!("identities/password") view=identities::ChangePassword/>
                    <Route path=path!("sessions") view=sessions::Sessions/>
                    <Route path=path!("sessions/end") view=sessions::EndTheseSessions/>
                    <Route path=path!("admin") view=admin::overview::Overview/>
                    <Route path=path!("admin/clients") view=admin::clients::Clients/>
                    <Route path=path!("admin/clients/add") view=admin::clients::AddAClient/>
                    <Route path=path!("admin/clients/client") view=admin::clients::OneClient/>
                    <Route path=path!("admin/clients/delete") view=admin::clients::DeleteAClient/>
                    <Route path=path!("admin/hosts") view=admin::hosts::AdminHosts/>
                    <Route path=path!("admin/hosts/add") view=admin::hosts::AddAHost/>
                    <Route path=path!("admin/hosts/host") view=admin::hosts::OneHost/>
                    <Route path=path!("admin/hosts/remove") view=admin::hosts::RemoveAHost/>
                    <Route path=path!("admin/providers") view=admin::providers::Providers/>
                    <Route path=path!("admin/providers/add") view=admin::providers::AddAProvider/>
                    <Route path=path!("admin/providers/provider") view=admin::providers::OneProvider/>
                    <Route path=path!("admin/providers/remove") view=admin::providers::RemoveAProvider/>
                    <Route path=path!("admin/resources") view=admin::resource_servers::ResourceServers/>
                    <Route path=path!("admin/resources/add") view=admin::resource_servers::AddAResourceServer/>
                    <Route path=path!("admin/resources/resource") view=admin::resource_servers::OneResourceServer/>
                    <Route path=path!("admin/resources/remove") view=admin::resource_servers::RemoveAResourceServer/>
                    <Route path=path!("admin/people") view=admin::people::People/>
                    <Route path=path!("admin/people/add") view=admin::people::AddAPerson/>
                    <Route path=path!("admin/people/person") view=admin::people::OnePerson/>
                    <Route path=path!("admin/people/change") view=admin::people::ChangeAPerson/>
                    <Route path=path!("admin/delegations") view=admin::delegations::Delegations/>
                    <Route path=path!("admin/delegations/add") view=admin::delegations::AddADelegation/>
                    <Route path=path!("admin/delegations/end") view=admin::delegations::EndADelegation/>
                    <Route path=path!("admin/keys") view=admin::ssh_keys::AdminKeys/>
                    <Route path=path!("admin/keys/revoke") view=admin::ssh_keys::RevokeAKey/>
                    <Route path=path!("admin/activity") view=admin::audit_log::TenantAuditLog/>
                    <Route path=path!("admin/policy") view=admin::policy::TenantPolicy/>
                    <Route path=path!("admin/tenants") view=admin::tenants::Tenants/>
                    <Route path=path!("admin/tenants/change") view=admin::tenants::ChangeATenant/>
                    <Route path=path!("settings") view=settings::Settings/>
                    <Route path=path!("docs/api") view=api_docs::ApiDocs/>
                </ParentRoute>
            </Routes>
        </Router>
    })
}

/// The list parameters in the page's URL.
fn list_query() -> ListQuery {
    let get = |name: &str| use_query_map().with_untracked(|query| query.get(name).unwrap_or_default());
    ListQuery { q: get("q"), show: get("show"), from: get("from"), to: get("to"), actor: get("actor"), sort: get("sort"), after: get("after") }
}
