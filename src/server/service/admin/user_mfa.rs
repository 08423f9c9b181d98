//! MFA records, as administrators create and change them.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::UserId;
use crate::domain::pagination::PageRequest;
use crate::domain::ssh_key::expiry_of;
use crate::domain::time::Timestamp;
use crate::domain::user_mfa::UserMfa;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::authorizations::ending::end_authorizations_of;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::people::Person;
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, delegations, host_accounts, people, ssh_keys, user_mfa};

/// The person has an MFA record already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenMfaRefused;

impl Services {
    /// Creates a person's MFA record, and the person if they do not exist. Returns its expiry: `ttl_minutes` from now, never if that
    /// is negative. Refused if there is one.
    pub async fn open_mfa(&self, admin: &TenantAdmin, user_id: &UserId, ttl_minutes: i32) -> Result<Timestamp, Error<OpenMfaRefused>> {
        let now = self.now();
        let until = expiry_of(ttl_minutes, now);
        let record = audit_event(admin, AuditKind::MfaOpened, user_id, now);
        let person = Person {
            tenant_id: admin.tenant_id().clone(),
            user_id: user_id.clone(),
            display_name: user_id.to_string(),
            enabled: true,
            admin: false,
            password_hash: None,
        };
        self.try_write(move |db| {
            async move {
                people::insert(db, &person, now).await?;
                if !user_mfa::insert(db, &person.tenant_id, &person.user_id, until, now).await? {
                    return Err(Error::Refused(OpenMfaRefused));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(until)
    }

    /// Creates or renews a person's MFA record; for the portal, where both are one button. `ttl_minutes` as in
    /// [`Self::open_mfa`]. False if there is no such person.
    pub async fn reopen_mfa(&self, admin: &TenantAdmin, user_id: &UserId, ttl_minutes: i32) -> Result<bool, Fault> {
        let now = self.now();
        let until = expiry_of(ttl_minutes, now);
        let record = audit_event(admin, AuditKind::MfaOpened, user_id, now);
        let (tenant, user_id) = (admin.tenant_id().clone(), user_id.clone());
        self.write_audited(record, move |db| {
            async move {
                if people::find(&mut *db, &tenant, &user_id).await?.is_none() {
                    return Ok(false);
                }
                if !user_mfa::insert(db, &tenant, &user_id, until, now).await? {
                    user_mfa::reopen(db, &tenant, &user_id, until, now).await?;
                }
                Ok(true)
            }
            .boxed()
        })
        .await
    }

    pub async fn find_mfa(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<UserMfa>, Fault> {
        Ok(user_mfa::find(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    pub async fn list_mfa(&self, admin: &TenantAdmin, page: PageRequest) -> Result<Vec<UserMfa>, Fault> {
        Ok(user_mfa::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Enables or disables an MFA record. False if the person has none.
    pub async fn set_mfa_enabled(&self, admin: &TenantAdmin, user_id: &UserId, enabled: bool) -> Result<bool, Fault> {
        let now = self.now();
        let (tenant, user_id, record) = (admin.tenant_id().clone(), user_id.clone(), audit_event(admin, AuditKind::MfaChanged, user_id, now));
        self.write_audited(record, move |db| async move { user_mfa::set_enabled(db, &tenant, &user_id, enabled, now).await }.boxed()).await
    }

    /// Deletes a person's MFA record and all that depends on it: links, delegations, device grants and keys. The account remains. False if
    /// there is none.
    pub async fn delete_mfa(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let now = self.now();
        let (admin, user_id, record) = (admin.clone(), user_id.clone(), audit_event(admin, AuditKind::MfaClosed, user_id, now));
        let by_whom = record.clone();
        self.write_audited(record, move |db| {
            async move {
                let tenant = admin.tenant_id();
                let deleted = user_mfa::delete(db, tenant, &user_id).await?;
                if deleted {
                    end_authorizations_of(db, &admin, &user_id, None, now).await?;
                    delegations::delete(db, tenant, &user_id, None).await?;
                    ssh_keys::revoke(db, tenant, KeySelection::Person(&user_id), Revoker::of(&by_whom), now).await?;
                    host_accounts::delete_of_person(db, tenant, &user_id).await?;
                }
                Ok(deleted)
            }
            .boxed()
        })
        .await
    }
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, user_id: &UserId, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from)
}
