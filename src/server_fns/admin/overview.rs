//! The tenant at a glance.

use leptos::prelude::*;

use crate::domain::tenant_overview::TenantOverview;

#[server(prefix = "/api", endpoint = "admin/overview")]
pub async fn get_tenant_overview() -> Result<TenantOverview, ServerFnError> {
    use crate::server::context;
    context::services()?.tenant_overview(&context::admin()?).await.map_err(context::fault)
}
