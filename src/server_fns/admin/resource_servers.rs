//! The tenant's resource servers besides the TMS API.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// A resource server, with its settings as texts of the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceServerItem {
    pub indicator: String,
    pub name: String,
    /// The names of its scopes.
    pub scope: String,
    /// One a line, with its descriptions.
    pub scopes: String,
    pub clients: String,
    pub readers: String,
    pub updated_at: Timestamp,
}

#[server(prefix = "/api", endpoint = "admin/resources/list")]
pub async fn list_resource_servers() -> Result<Vec<ResourceServerItem>, ServerFnError> {
    use crate::server::context;
    let listed = context::services()?.list_resource_servers(&context::admin()?).await.map_err(context::fault)?;
    Ok(listed.iter().map(ResourceServerItem::new).collect())
}

#[server(prefix = "/api", endpoint = "admin/resources/find")]
pub async fn find_resource_server(#[server(default)] resource: String) -> Result<Option<ResourceServerItem>, ServerFnError> {
    use crate::domain::resource_server::ResourceIndicator;
    use crate::server::context;
    let Ok(indicator) = ResourceIndicator::parse(&resource) else { return Ok(None) };
    let found = context::services()?.find_resource_server(&context::admin()?, &indicator).await.map_err(context::fault)?;
    Ok(found.as_ref().map(ResourceServerItem::new))
}

#[server(prefix = "/api", endpoint = "admin/resources/add")]
pub async fn add_resource_server(
    #[server(default)] resource: String,
    #[server(default)] name: String,
    #[server(default)] scopes: String,
    #[server(default)] clients: String,
    #[server(default)] readers: String,
) -> Result<(), ServerFnError> {
    use crate::domain::client_uris::UriListRefused;
    use crate::domain::paths::{ADMIN_RESOURCE, ADMIN_RESOURCES_ADD};
    use crate::domain::resource_server::{ResourceIndicator, ResourceServer};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_RESOURCES_ADD);
    let resource = resource.trim();
    let indicator = match ResourceIndicator::parse(resource) {
        Ok(indicator) => indicator,
        Err(why) => return context::flash_error(t.uri_list_refused(&UriListRefused::Uri { uri: resource.to_owned(), why })).await,
    };
    let settings = match Settings::parse(&name, &scopes, &clients, &readers) {
        Ok(settings) => settings,
        Err(sentence) => return context::flash_error(sentence).await,
    };
    let (tenant_id, now) = (admin.tenant_id().clone(), services.now());
    let Settings { name, scopes, clients, readers } = settings;
    let new = ResourceServer { tenant_id, indicator: indicator.clone(), name, scopes, clients, readers, created_at: now, updated_at: now };
    let added = services.add_resource_server(&admin, new).await;
    if added.is_ok() {
        context::redirect_to_detail(ADMIN_RESOURCE, "resource", indicator.as_str());
    }
    told(added, t.admin_saved()).await
}

#[server(prefix = "/api", endpoint = "admin/resources/set-up")]
pub async fn set_up_resource_server(
    #[server(default)] resource: String,
    #[server(default)] seen: i64,
    #[server(default)] name: String,
    #[server(default)] scopes: String,
    #[server(default)] clients: String,
    #[server(default)] readers: String,
) -> Result<(), ServerFnError> {
    use crate::domain::paths::{ADMIN_RESOURCE, ADMIN_RESOURCES};
    use crate::domain::resource_server::ResourceIndicator;
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_RESOURCES);
    let Ok(indicator) = ResourceIndicator::parse(&resource) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_RESOURCE, "resource", indicator.as_str());
    let Settings { name, scopes, clients, readers } = match Settings::parse(&name, &scopes, &clients, &readers) {
        Ok(settings) => settings,
        Err(sentence) => return context::flash_error(sentence).await,
    };
    let edit = move |server: &mut crate::domain::resource_server::ResourceServer| {
        (server.name, server.scopes, server.clients, server.readers) = (name, scopes, clients, readers);
    };
    let seen = Some(Timestamp::from_millis(seen));
    told(services.edit_resource_server(&admin, &indicator, seen, edit).await, t.admin_saved()).await
}

/// Removes a resource server; access to it that people allowed has no effect any more.
#[server(prefix = "/api", endpoint = "admin/resources/remove")]
pub async fn remove_resource_server(#[server(default)] resource: String) -> Result<(), ServerFnError> {
    use crate::domain::paths::ADMIN_RESOURCES;
    use crate::domain::resource_server::ResourceIndicator;
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_RESOURCES);
    let Ok(indicator) = ResourceIndicator::parse(&resource) else { return Ok(()) };
    told(services.remove_resource_server(&admin, &indicator).await, t.admin_deleted(indicator.as_str())).await
}

#[cfg(feature = "ssr")]
use received::{Settings, told};

#[cfg(feature = "ssr")]
mod received {
    use leptos::prelude::ServerFnError;

    use super::ResourceServerItem;
    use crate::domain::display_text::{self, NameRefused};
    use crate::domain::ids::ClientId;
    use crate::domain::resource_server::text::{SettingTextRefused, clients_text, parse_clients};
    use crate::domain::resource_server::{RegisteredScope, RequestingClients, ResourceServer};
    use crate::server::context;
    use crate::server::service::Error;
    use crate::server::service::admin::edit_refused::EditRefused;
    use crate::server::service::admin::resource_servers::ResourceServerRefused;

    /// The fields of a form.
    pub struct Settings {
        pub name: String,
        pub scopes: Vec<RegisteredScope>,
        pub clients: RequestingClients,
        pub readers: Vec<ClientId>,
    }

    impl Settings {
        /// Refused with a sentence about the first field that is not valid.
        pub fn parse(name: &str, scopes: &str, clients: &str, readers: &str) -> Result<Self, String> {
            let t = context::translations();
            let refused = |refused: SettingTextRefused| match refused {
                SettingTextRefused::Form(text) | SettingTextRefused::Scope { text, .. } => t.admin_resources_refused_scope(text),
                SettingTextRefused::Client(id) => t.admin_resources_refused_client(id),
            };
            Ok(Self {
                name: display_text::parse_name(name).map_err(|why| match why {
                    NameRefused::Empty => t.admin_resources_refused_no_name(),
                    why => t.name_refused(why),
                })?,
                scopes: RegisteredScope::parse_lines(scopes).map_err(refused)?,
                clients: RequestingClients::parse(clients).map_err(refused)?,
                readers: parse_clients(readers).map_err(refused)?,
            })
        }
    }

    impl ResourceServerItem {
        pub fn new(server: &ResourceServer) -> Self {
            Self {
                indicator: server.indicator.to_string(),
                name: server.name.clone(),
                scope: server.scope().to_string(),
                scopes: server.scopes.iter().map(RegisteredScope::text).collect::<Vec<_>>().join("\n"),
                clients: server.clients.text(),
                readers: clients_text(&server.readers),
                updated_at: server.updated_at,
            }
        }
    }

    /// Leaves the result of a change for the next page.
    pub async fn told(result: Result<(), Error<ResourceServerRefused>>, done: String) -> Result<(), ServerFnError> {
        let t = context::translations();
        match result {
            Ok(()) => context::flash_success(done).await,
            Err(Error::Refused(ResourceServerRefused::NotFound)) => context::flash_edit_result(Err(Error::Refused(EditRefused::NotFound))).await,
            Err(Error::Refused(ResourceServerRefused::Stale)) => context::flash_edit_result(Err(Error::Refused(EditRefused::Stale))).await,
            Err(Error::Refused(refused)) => context::flash_error(t.resource_server_refused(&refused)).await,
            Err(Error::Internal(fault)) => Err(context::fault(fault)),
        }
    }
}
