//! Tenants, as administrators create, enable, disable and delete them.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::TenantId;
use crate::domain::pagination::PageRequest;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;
use crate::server::service::admin::edit_refused::EditRefused;
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::setup::CreatedTenant;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::audit_log::{self, retention};
use crate::server::storage::{delegations, tenants};

/// Why a tenant is not created, changed or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantRefused {
    /// Only administrators of the `default` tenant may.
    NotAllowed,
    Exists,
    /// The `default` tenant cannot be disabled or deleted: its administrators run the deployment.
    Default,
    /// It still has rows in this table.
    InUse(&'static str),
    /// It keeps audit events until they are archived, and some are not.
    NotArchived,
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
        self.ensure_tenant(tenant, admin).await?.ok_or(Error::Refused(TenantRefused::Exists))
    }

    /// Finds a tenant, enabled or not.
    pub async fn find_tenant(&self, id: &TenantId) -> Result<Option<Tenant>, Fault> {
        Ok(tenants::find(self.storage().reader(), id).await?)
    }

    pub async fn list_tenants(&self, page: PageRequest) -> Result<Vec<Tenant>, Fault> {
        Ok(tenants::page(self.storage().reader(), page).await?)
    }

    /// Enables or disables a tenant. False if there is no such tenant.
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

    /// Deletes a tenant. Refused if it is not empty, unless `wipe` is set, and while it has audit events that it keeps until they are archived.
    /// Returns the number of rows deleted, administrators included.
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
                if retention::must_be_archived(&mut *db, &id).await? {
                    return Err(Error::Refused(TenantRefused::NotArchived));
                }
                let deleted = tenants::delete(db, &id).await?;
                if deleted > 0 {
                    // In the audit log of the default tenant, which remains.
                    let record = AuditEvent::new(default, AuditKind::TenantDeleted, now).subject(id.as_str()).admin(Some(&admin_id)).from(from);
                    audit_log::insert(db, &record).await?;
                }
                Ok(deleted)
            }
            .boxed()
        })
        .await
    }

    /// Changes the tenant's name or policy; the audit event names the changed settings. `seen`: the state that the form showed; refused as
    /// stale if it differs from the current one.
    pub async fn edit_tenant(
        &self,
        admin: &TenantAdmin,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Tenant) + Send + 'static,
    ) -> Result<(), Error<EditRefused>> {
        let (admin, now) = (admin.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let before = tenants::find(&mut *db, admin.tenant_id()).await?.ok_or(Error::Refused(EditRefused::NotFound))?;
                EditRefused::check_version(seen, before.updated_at)?;
                let mut tenant = before.clone();
                edit(&mut tenant);
                let changed = tenant.differences(&before).join(" ");
                if !changed.is_empty() {
                    tenants::update(db, &tenant, now).await?;
                    delegations::cap_expiry(db, &tenant.id, tenant.policy.longest_access).await?;
                    let record = AuditEvent::new(tenant.id, AuditKind::TenantChanged, now).subject(changed);
                    audit_log::insert(db, &record.admin(Some(admin.admin_id())).from(admin.from)).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// All tenants for administrators of the deployment; empty for others.
    pub async fn all_tenants(&self, admin: &TenantAdmin) -> Result<Vec<Tenant>, Fault> {
        if !admin.is_deployment_admin() {
            return Ok(Vec::new());
        }
        Ok(tenants::list(self.storage().reader()).await?)
    }
}

/// Refuses an administrator of another tenant, except of the `default` one.
fn require_tenant_access(admin: &TenantAdmin, id: &TenantId) -> Result<(), Error<TenantRefused>> {
    if admin.tenant_id() == id || admin.is_deployment_admin() { Ok(()) } else { Err(Error::Refused(TenantRefused::NotAllowed)) }
}
