//! The deployment's tenants, for administrators of `default`.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantItem {
    pub id: String,
    pub display_name: String,
    pub enabled: bool,
    pub created_at: Timestamp,
}

/// `None`: the caller is not an administrator of `default`.
#[server(prefix = "/api", endpoint = "admin/tenants/list")]
pub async fn list_tenants() -> Result<Option<Vec<TenantItem>>, ServerFnError> {
    use crate::domain::tenant::Tenant;
    use crate::server::context;
    let admin = context::admin()?;
    if !admin.is_deployment_admin() {
        return Ok(None);
    }
    let tenants = context::services()?.all_tenants(&admin).await.map_err(context::fault)?;
    let item = |tenant: Tenant| TenantItem {
        id: tenant.id.to_string(),
        display_name: tenant.display_name,
        enabled: tenant.enabled,
        created_at: tenant.created_at,
    };
    Ok(Some(tenants.into_iter().map(item).collect()))
}

/// Creates a tenant; its first administrator's secret is shown once.
#[server(prefix = "/api", endpoint = "admin/tenants/add")]
pub async fn add_tenant(#[server(default)] tenant: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TenantId;
    use crate::domain::paths::ADMIN_TENANTS;
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_TENANTS);
    if !admin.is_deployment_admin() {
        return Ok(());
    }
    let Ok(id) = TenantId::parse(tenant.trim()) else { return context::flash_error(t.id_refused(&[&tenant])).await };
    match services.create_tenant(&admin, &id).await {
        Ok(made) => context::flash_secret(ADMIN_TENANTS, t.admin_tenants_added(id.as_str()), &made.admin_secret).await,
        Err(Error::Refused(refused)) => context::flash_error(t.tenant_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Enables or disables a tenant.
#[server(prefix = "/api", endpoint = "admin/tenants/switch")]
pub async fn switch_tenant(#[server(default)] tenant: String, #[server(default)] enabled: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TenantId;
    use crate::domain::paths::ADMIN_TENANTS;
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_TENANTS);
    let Ok(id) = TenantId::parse(tenant) else { return Ok(()) };
    // The page says who may.
    if !admin.is_deployment_admin() {
        return Ok(());
    }
    match services.set_tenant_enabled(&admin, &id, !enabled.is_empty()).await {
        Ok(true) => context::flash_success(t.admin_saved()).await,
        Ok(false) => context::flash_error(t.admin_gone()).await,
        Err(Error::Refused(refused)) => context::flash_error(t.tenant_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}

/// Deletes a tenant with all its data, if its name was typed to confirm.
#[server(prefix = "/api", endpoint = "admin/tenants/delete")]
pub async fn delete_tenant(#[server(default)] tenant: String, #[server(default)] typed: String) -> Result<(), ServerFnError> {
    use crate::domain::ids::TenantId;
    use crate::domain::paths::ADMIN_TENANTS;
    use crate::server::context;
    use crate::server::service::Error;
    let (services, admin, t) = (context::services()?, context::admin()?, context::translations());
    context::see_other(ADMIN_TENANTS);
    let Ok(id) = TenantId::parse(tenant) else { return Ok(()) };
    if !admin.is_deployment_admin() {
        return Ok(());
    }
    if typed.trim() != id.as_str() {
        return context::flash_error(t.admin_tenants_not_typed()).await;
    }
    match services.delete_tenant(&admin, &id, true).await {
        Ok(0) => context::flash_error(t.admin_gone()).await,
        Ok(_) => context::flash_success(t.admin_deleted(id.as_str())).await,
        Err(Error::Refused(refused)) => context::flash_error(t.tenant_refused(refused)).await,
        Err(Error::Internal(fault)) => Err(context::fault(fault)),
    }
}
