//! Tenants, as administrators make, switch and remove them.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::TenantId;
use crate::domain::pagination::PageRequest;
use crate::domain::tenant::{Policy, Tenant};
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::setup::CreatedTenant;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{audit_log, tenants};

/// Why a tenant is not made, changed or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRefused {
    /// Only administrators of the `default` tenant may.
    NotAllowed,
    Exists,
    /// The `default` tenant stays, and stays on: without it nobody could run the deployment.
    Default,
    /// It still has something, in this table.
    InUse(&'static str),
}

impl Services {
    pub async fn create_tenant(&self, admin: &TenantAdmin, id: &TenantId) -> Result<CreatedTenant, Error<TenantRefused>> {
        if !admin.is_deployment_admin() {
            return Err(Error::Refused(TenantRefused::NotAllowed));
        }
        let now = self.now();
        let tenant = Tenant {
            row_id: 0,
            id: id.clone(),
            display_name: id.to_string(),
            enabled: true,
            policy: Policy::default(),
            created_at: now,
            updated_at: now,
        };
        self.ensure_tenant(tenant, Some(admin)).await?.ok_or(Error::Refused(TenantRefused::Exists))
    }

    /// Switched off or on.
    pub async fn find_tenant(&self, id: &TenantId) -> Result<Option<Tenant>, Fault> {
        Ok(tenants::find(self.storage().reader(), id).await?)
    }

    pub async fn list_tenants(&self, page: PageRequest) -> Result<Vec<Tenant>, Fault> {
        Ok(tenants::page(self.storage().reader(), page).await?)
    }

    /// Switches a tenant on or off. False when there is no such tenant.
    pub async fn set_tenant_enabled(&self, admin: &TenantAdmin, id: &TenantId, enabled: bool) -> Result<bool, Error<TenantRefused>> {
        require_tenant_access(admin, id)?;
        if id.as_str() == DEFAULT_TENANT && !enabled {
            return Err(Error::Refused(TenantRefused::Default));
        }
        let (id, admin_id, from, now) = (id.clone(), admin.admin_id().clone(), admin.from, self.now());
        Ok(self
            .write(move |db| {
                async move {
                    let Some(mut tenant) = tenants::find(&mut *db, &id).await? else { return Ok(false) };
                    tenant.enabled = enabled;
                    tenants::update(db, &tenant, now).await?;
                    audit_log::insert(db, &AuditEvent::new(id, AuditKind::TenantChanged, now).admin(Some(&admin_id)).from(from)).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?)
    }

    /// Removes a tenant: an empty one, or whatever it has if `wipe`. Says how many rows of it and its administrators there were.
    pub async fn delete_tenant(&self, admin: &TenantAdmin, id: &TenantId, wipe: bool) -> Result<u64, Error<TenantRefused>> {
        require_tenant_access(admin, id)?;
        if id.as_str() == DEFAULT_TENANT {
            return Err(Error::Refused(TenantRefused::Default));
        }
        let (id, admin_id, from, now) = (id.clone(), admin.admin_id().clone(), admin.from, self.now());
        let default = TenantId::parse(DEFAULT_TENANT).map_err(Fault::new)?;
        self.try_write(move |db| {
            async move {
                if !wipe && let Some(table) = tenants::first_table_in_use(db, &id).await? {
                    return Err(Error::Refused(TenantRefused::InUse(table)));
                }
                let deleted = tenants::delete(db, &id).await?;
                if deleted > 0 {
                    // In the record of the tenant that stays.
                    let record = AuditEvent::new(default, AuditKind::TenantDeleted, now).subject(id.as_str()).admin(Some(&admin_id)).from(from);
                    audit_log::insert(db, &record).await?;
                }
                Ok(deleted)
            }
            .boxed()
        })
        .await
    }
}

/// An administrator's own tenant, or any for those who run the deployment.
fn require_tenant_access(admin: &TenantAdmin, id: &TenantId) -> Result<(), Error<TenantRefused>> {
    if admin.tenant_id() == id || admin.is_deployment_admin() { Ok(()) } else { Err(Error::Refused(TenantRefused::NotAllowed)) }
}
