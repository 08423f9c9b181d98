//! Administrators who use the TMS API with an id and a secret.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AdminId, TenantId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::time::Timestamp;
use crate::server::service::admin::clients::AuthenticationRefused;
use crate::server::service::admin::secret_rotation::{NewSecretHash, RotatedSecret};
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::secret_hashes::OutdatedSecretOwner;
use crate::server::storage::{admins, audit_log, tenants};

/// Kind under which administrators' secrets are hashed.
pub(in crate::server::service) const ADMIN_SECRET: &str = "admin secret";

/// Why an administrator is not added or changed. The messages are for operators.
#[derive(Clone, Copy, Debug, ThisError, PartialEq, Eq)]
pub enum AdminRefused {
    #[error("there is no such tenant")]
    NoTenant,
    #[error("the tenant has an administrator of that name already")]
    Exists,
    #[error("the tenant has no administrator of that name")]
    NoAdmin,
    #[error("this is the tenant's only administrator; add another one first")]
    LastAdmin,
}

/// An administrator as listed for operators.
pub struct AdminSummary {
    pub admin_id: AdminId,
    pub created_at: Timestamp,
    /// Until when the old secret is valid, during a rotation.
    pub old_secret_until: Option<Timestamp>,
}

impl Services {
    /// Authenticates an administrator of the tenant. Refused if the tenant, the id or the secret is wrong.
    pub async fn authenticate_admin(
        &self,
        tenant: &TenantId,
        admin_id: &AdminId,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<TenantAdmin, Error<AuthenticationRefused>> {
        let tenant = self.enabled_tenant(tenant).await?.ok_or(Error::Refused(AuthenticationRefused::NoTenant))?;
        let admin = admins::find(self.storage().reader(), &tenant.id, admin_id).await?;
        let (name, failure) = match admin {
            Some(admin)
                if self.accepts_secret(|| OutdatedSecretOwner::Admin(tenant.id.clone(), admin_id.clone()), ADMIN_SECRET, secret, &admin.secrets) =>
            {
                return Ok(TenantAdmin { tenant, admin_id: admin_id.clone(), from, session: None });
            }
            Some(_) => (ClaimedName::Registered(admin_id.as_str()), AuthenticationFailure::Wrong),
            None => (ClaimedName::Unverified(admin_id.as_str()), AuthenticationFailure::Unknown),
        };
        let tenant = ClaimedName::Registered(tenant.id.as_str());
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::AdminSecret, tenant, name, from, failure });
        Err(Error::Refused(AuthenticationRefused::InvalidCredentials))
    }

    /// The operator of this machine as an administrator of a tenant, which may be disabled. `None` if there is no such tenant.
    pub async fn operator(&self, tenant: &TenantId) -> Result<Option<TenantAdmin>, Fault> {
        let tenant = tenants::find(self.storage().reader(), tenant).await?;
        Ok(tenant.map(|tenant| TenantAdmin { tenant, admin_id: AdminId::of_operator(), from: None, session: None }))
    }

    pub async fn list_admins(&self, tenant: &TenantId) -> Result<Vec<AdminSummary>, Fault> {
        let now = self.now();
        let listed = |admin: admins::Admin| AdminSummary {
            admin_id: admin.admin_id,
            created_at: admin.created_at,
            old_secret_until: admin.secrets.old.map(|(_, until)| until).filter(|until| now < *until),
        };
        Ok(admins::list(self.storage().reader(), tenant).await?.into_iter().map(listed).collect())
    }

    /// Adds an administrator. Returns the secret, which is shown once.
    pub async fn add_admin(&self, tenant: &TenantId, admin_id: &AdminId) -> Result<Secret, Error<AdminRefused>> {
        let (secret, hash) = self.new_secret(ADMIN_SECRET);
        let now = self.now();
        let (tenant, admin_id) = (tenant.clone(), admin_id.clone());
        self.try_write(move |db| {
            async move {
                tenants::find(&mut *db, &tenant).await?.ok_or(Error::Refused(AdminRefused::NoTenant))?;
                if !admins::insert(db, &tenant, &admin_id, &hash, now).await? {
                    return Err(Error::Refused(AdminRefused::Exists));
                }
                audit_log::insert(db, &AuditEvent::new(tenant, AuditKind::AdminAdded, now).subject(admin_id.as_str())).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(secret)
    }

    /// Sets a new secret for an administrator; the old one stays valid for `overlap`. The new one is shown once.
    pub async fn rotate_admin_secret(&self, tenant: &TenantId, admin_id: &AdminId, overlap: Duration) -> Result<RotatedSecret, Error<AdminRefused>> {
        let (tenant, admin_id) = (tenant.clone(), admin_id.clone());
        self.rotate_secret(ADMIN_SECRET, overlap, move |db, NewSecretHash { hash, old_until, now }| {
            async move {
                if !admins::set_secret(db, &tenant, &admin_id, &hash, old_until).await? {
                    return Err(Error::Refused(AdminRefused::NoAdmin));
                }
                audit_log::insert(db, &AuditEvent::new(tenant, AuditKind::AdminSecretChanged, now).subject(admin_id.as_str())).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    pub async fn remove_admin(&self, tenant: &TenantId, admin_id: &AdminId) -> Result<(), Error<AdminRefused>> {
        let now = self.now();
        let (tenant, admin_id) = (tenant.clone(), admin_id.clone());
        self.try_write(move |db| {
            async move {
                let admins = admins::list(&mut *db, &tenant).await?;
                if !admins.iter().any(|admin| admin.admin_id == admin_id) {
                    return Err(Error::Refused(AdminRefused::NoAdmin));
                }
                // Only administrators of the default tenant can help a tenant without one, and no one could help the default tenant.
                if admins.len() == 1 && tenant.as_str() == DEFAULT_TENANT {
                    return Err(Error::Refused(AdminRefused::LastAdmin));
                }
                admins::delete(db, &tenant, &admin_id).await?;
                audit_log::insert(db, &AuditEvent::new(tenant, AuditKind::AdminRemoved, now).subject(admin_id.as_str())).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}
