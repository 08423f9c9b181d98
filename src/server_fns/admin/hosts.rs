//! The tenant's hosts.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostItem {
    pub host: String,
    pub addresses: Vec<String>,
    /// Whether key lookups require the host's credential; `None`: it has none.
    pub credential_required: Option<bool>,
    /// The host belongs to this tenant if it sends neither tenant nor credential.
    pub answers: bool,
    pub asked_at: Option<Timestamp>,
    pub asked_from: Option<String>,
}

#[server(prefix = "/api", endpoint = "admin/hosts/list")]
pub async fn list_hosts(#[server(default)] query: ListQuery) -> Result<Page<HostItem>, ServerFnError> {
    use crate::server::context;
    let listed = context::services()?.search_hosts(&context::admin()?, &query.params()).await.map_err(context::fault)?;
    Ok(listed.map(HostItem::from))
}

#[server(prefix = "/api", endpoint = "admin/hosts/find")]
pub async fn find_host(#[server(default)] host: String) -> Result<Option<HostItem>, ServerFnError> {
    use crate::server::context;
    Ok(context::services()?.host_detail(&context::admin()?, &host).await.map_err(context::fault)?.map(HostItem::from))
}

/// Registers an address of a host.
#[server(prefix = "/api", endpoint = "admin/hosts/add")]
pub async fn add_host(#[server(default)] host: String, #[server(default)] address: String) -> Result<(), ServerFnError> {
    use crate::domain::display_text::is_valid;
    use crate::domain::ids::HostName;
    use crate::domain::paths::{ADMIN_HOST, ADMIN_HOSTS_ADD};
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_HOSTS_ADD);
    let address = address.trim();
    let (Ok(host), true) = (HostName::parse(host.trim()), is_valid(address)) else {
        return context::flash_error(t.id_refused(&[&host, address])).await;
    };
    match services.add_host(&admin, &host, address).await {
        Ok(added) => {
            context::redirect_to_detail(ADMIN_HOST, "host", added.host.as_str());
            let said = if added.is_default_tenant { t.admin_hosts_added() } else { t.admin_hosts_added_elsewhere() };
            context::flash_success(match added.shared_with {
                Some(other) => format!("{said} {}", t.admin_hosts_added_shared(address, other.as_str())),
                None => said,
            })
            .await
        }
        Err(Error::Refused(_)) => context::flash_error(t.admin_hosts_exists()).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Removes an address of a host; with the last one the host leaves the list.
#[server(prefix = "/api", endpoint = "admin/hosts/remove")]
pub async fn remove_host(#[server(default)] host: String, #[server(default)] address: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::HostName;
    use crate::domain::paths::ADMIN_HOSTS;
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_HOSTS);
    let Ok(host) = HostName::parse(host) else { return Ok(()) };
    if services.remove_host(&admin, &host, &address).await.map_err(context::fault)? {
        context::flash_success(t.admin_deleted(address)).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}

/// Creates or rotates a host's credential. It is shown once; the previous one is valid for another hour.
#[server(prefix = "/api", endpoint = "admin/hosts/credential")]
pub async fn make_credential(#[server(default)] host: String, #[server(default)] required: String) -> Result<(), ServerFnError> {
    use std::time::Duration;

    use crate::domain::ids::HostName;
    use crate::domain::paths::{ADMIN_HOST, ADMIN_HOSTS};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_HOSTS);
    let Ok(host) = HostName::parse(host) else { return Ok(()) };
    if services.host_detail(&admin, host.as_str()).await.map_err(context::fault)?.is_none() {
        return context::flash_error(t.admin_gone()).await;
    }
    context::redirect_to_detail(ADMIN_HOST, "host", host.as_str());
    let made = services.create_host_credential(&admin, &host, !required.is_empty(), Duration::from_secs(3_600)).await.map_err(context::fault)?;
    context::flash_secret(ADMIN_HOST, t.admin_hosts_credential_created(), &made.secret).await
}

/// Sets whether a host must send its credential.
#[server(prefix = "/api", endpoint = "admin/hosts/require")]
pub async fn require_credential(#[server(default)] host: String, #[server(default)] required: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::HostName;
    use crate::domain::paths::{ADMIN_HOST, ADMIN_HOSTS};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_HOSTS);
    let Ok(host) = HostName::parse(host) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_HOST, "host", host.as_str());
    if services.require_host_credential(&admin, &host, !required.is_empty()).await.map_err(context::fault)? {
        context::flash_success(t.admin_saved()).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}

/// Deletes a host's credential.
#[server(prefix = "/api", endpoint = "admin/hosts/remove-credential")]
pub async fn remove_credential(#[server(default)] host: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::HostName;
    use crate::domain::paths::{ADMIN_HOST, ADMIN_HOSTS};
    use crate::server::context;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_HOSTS);
    let Ok(host) = HostName::parse(host) else { return Ok(()) };
    context::redirect_to_detail(ADMIN_HOST, "host", host.as_str());
    if services.remove_host_credential(&admin, &host).await.map_err(context::fault)? {
        context::flash_success(t.admin_saved()).await
    } else {
        context::flash_error(t.admin_gone()).await
    }
}

#[cfg(feature = "ssr")]
impl From<crate::server::service::admin::hosts::HostSummary> for HostItem {
    fn from(host: crate::server::service::admin::hosts::HostSummary) -> Self {
        Self {
            host: host.host,
            addresses: host.addresses,
            credential_required: host.credential_required,
            answers: host.is_default_tenant,
            asked_at: host.last_lookup_at,
            asked_from: host.last_lookup_from,
        }
    }
}
