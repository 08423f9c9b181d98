//! The tenant's clients.

use leptos::prelude::*;

use crate::domain::client::{Client, ClientDetail};
use crate::domain::pagination::{ListQuery, Page};

/// A page of the list. `show`: `enabled`, `disabled`, `public`.
#[server(prefix = "/api", endpoint = "admin/clients/list")]
pub async fn list_clients(#[server(default)] query: ListQuery) -> Result<Page<Client>, ServerFnError> {
    use crate::server::context;
    context::services()?.search_clients(&context::admin()?, &query.params()).await.map_err(context::fault)
}

#[server(prefix = "/api", endpoint = "admin/clients/find")]
pub async fn find_client(#[server(default)] client: String) -> Result<Option<ClientDetail>, ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::server::context;
    let Ok(id) = ClientId::parse(client) else { return Ok(None) };
    context::services()?.client_detail(&context::admin()?, &id).await.map_err(context::fault)
}

/// Registers a client; its page shows the secret once.
#[server(prefix = "/api", endpoint = "admin/clients/add")]
pub async fn add_client(
    #[server(default)] client: String,
    #[server(default)] app_name: String,
    #[server(default)] app_version: String,
    #[server(default)] device_grant: String,
    #[server(default)] scope: Vec<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::display_text;
    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS_ADD};
    use crate::domain::scope::ScopeSet;
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS_ADD);
    let Ok(id) = ClientId::parse(client.trim()) else { return context::flash_error(t.id_refused(&[&client])).await };
    let (app_name, app_version) = match (display_text::parse_name(&app_name), display_text::parse_name(&app_version)) {
        (Ok(name), Ok(version)) => (name, version),
        (Err(why), _) | (_, Err(why)) => return context::flash_error(t.client_name_refused(why)).await,
    };
    let new = Client {
        device_grant: !device_grant.is_empty(),
        scope: ScopeSet::parse_known(&scope.join(" ")),
        ..Client::new(admin.tenant_id().clone(), id.clone(), app_name, app_version, services.now())
    };
    match services.register_client(Some(&admin), new, admin.from()).await {
        Ok(secret) => {
            context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
            context::flash_secret(ADMIN_CLIENT, t.admin_clients_added(), &secret).await
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_clients_exists()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Sets a client's permissions.
#[server(prefix = "/api", endpoint = "admin/clients/set-up")]
pub async fn set_up_client(
    #[server(default)] client: String,
    #[server(default)] seen: i64,
    #[server(default)] enabled: String,
    #[server(default)] verified: String,
    #[server(default)] device_grant: String,
    #[server(default)] scope: Vec<String>,
) -> Result<(), ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS};
    use crate::domain::scope::ScopeSet;
    use crate::domain::time::Timestamp;
    use crate::server::context;
    let (services, admin) = (context::services()?, context::admin()?);
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
    let edit = move |client: &mut Client| {
        client.enabled = !enabled.is_empty();
        client.verified = !verified.is_empty() && !client.public;
        client.device_grant = !device_grant.is_empty();
        client.scope = ScopeSet::parse_known(&scope.join(" "));
    };
    context::flash_edit_result(services.edit_client(&admin, &id, Some(Timestamp::from_millis(seen)), edit).await).await
}

/// Rotates a client's secret; the new one is shown once, and the old one is valid for `overlap` more hours.
#[server(prefix = "/api", endpoint = "admin/clients/rotate")]
pub async fn rotate_client(#[server(default)] client: String, #[server(default)] overlap: u32) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::ids::ClientId;
    use crate::domain::paths::{ADMIN_CLIENT, ADMIN_CLIENTS};
    use crate::server::context;
    use crate::server::service::{Error, Principal};
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_CLIENT, "client", id.as_str());
    let Some(access) = Principal::Admin(admin).client_access(id) else { return Ok(()) };
    match services.rotate_client_secret(&access, Duration::from_secs(u64::from(overlap.min(24 * 30)) * 3_600)).await {
        Ok(rotated) => {
            let sentence = context::naming(rotated.old_until, |until| t.admin_rotated(until));
            context::flash_secret(ADMIN_CLIENT, sentence, &rotated.secret).await
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_gone()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Deletes a client with its delegations, keys and reservations.
#[server(prefix = "/api", endpoint = "admin/clients/delete")]
pub async fn delete_client(#[server(default)] client: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::ClientId;
    use crate::domain::paths::ADMIN_CLIENTS;
    use crate::server::context;
    use crate::server::service::Principal;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_CLIENTS);
    let Ok(id) = ClientId::parse(client) else { return Ok(()) };
    let name = id.to_string();
    let Some(access) = Principal::Admin(admin).client_access(id) else { return Ok(()) };
    if services.delete_client(&access).await.map_err(context::fault)? {
        context::flash_success(t.admin_deleted(name)).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}
