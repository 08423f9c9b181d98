//! Delegations, as administrators create them; people create theirs by consenting ([`crate::server::service::device_flow::decisions`]).

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::{Creator, Delegation, DelegationFilter, DelegationSort};
use crate::domain::ids::{ClientId, DelegationId, UserId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::ssh_key::expiry_of;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::authorizations::ending::{EndedAccess, end_authorizations_of};
use crate::server::service::platform::housekeeping::BATCH;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::delegations::{DelegationSummary, NewDelegation, Selection};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, authorizations, clients, consents, delegations, people, ssh_keys};

/// Why a delegation is not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationRefused {
    NoClient,
    NoPerson,
    Exists,
}

impl Services {
    /// Creates a delegation for a client, on all host accounts of a person. Returns its expiry.
    pub async fn create_delegation(
        &self,
        admin: &TenantAdmin,
        client_id: &ClientId,
        user_id: &UserId,
        ttl_minutes: i32,
    ) -> Result<Timestamp, Error<DelegationRefused>> {
        let (now, id) = (self.now(), DelegationId::parse(self.new_id("dlg")).map_err(Fault::new)?);
        let until = expiry_of(ttl_minutes, now);
        let record = audit_event(admin, AuditKind::DelegationCreated, client_id, user_id, now);
        let (tenant, client_id, user_id) = (admin.tenant_id().clone(), client_id.clone(), user_id.clone());
        self.try_write(move |db| {
            async move {
                clients::find(&mut *db, &tenant, &client_id).await?.ok_or(Error::Refused(DelegationRefused::NoClient))?;
                people::find(&mut *db, &tenant, &user_id).await?.ok_or(Error::Refused(DelegationRefused::NoPerson))?;
                let scope: ScopeSet = Scope::TMS.into_iter().collect();
                let new = NewDelegation {
                    tenant_id: &tenant,
                    id,
                    client_id: &client_id,
                    user_id: &user_id,
                    authorization_id: None,
                    made_by: Creator::Admin,
                    scope: &scope,
                    expires_at: until,
                };
                if !delegations::insert_for_every_host(db, &new, now).await? {
                    return Err(Error::Refused(DelegationRefused::Exists));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(until)
    }

    pub async fn find_delegation(&self, admin: &TenantAdmin, number: i64) -> Result<Option<Delegation>, Fault> {
        Ok(delegations::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    /// A page of the tenant's delegations, created by administrators and by people.
    pub async fn list_delegations(&self, admin: &TenantAdmin, page: PageRequest) -> Result<Vec<Delegation>, Fault> {
        Ok(delegations::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Sets the expiry of an administrator's delegation; people's own are theirs to change. `None` if there is none.
    pub async fn set_delegation_expiry(
        &self,
        admin: &TenantAdmin,
        client_id: &ClientId,
        user_id: &UserId,
        ttl_minutes: i32,
    ) -> Result<Option<Timestamp>, Fault> {
        let now = self.now();
        let until = expiry_of(ttl_minutes, now);
        let record = audit_event(admin, AuditKind::DelegationChanged, client_id, user_id, now);
        let (tenant, client_id, user_id) = (admin.tenant_id().clone(), client_id.clone(), user_id.clone());
        let changed = self
            .write_audited(record, move |db| async move { delegations::set_expiry(db, &tenant, &client_id, &user_id, until, now).await }.boxed())
            .await?;
        Ok(changed.then_some(until))
    }

    /// Revokes all delegations of a person to a client, of any origin, and the keys it created for the person, who is asked again before the
    /// client gets anything.
    pub async fn revoke_delegation(&self, admin: &TenantAdmin, client_id: &ClientId, user_id: &UserId) -> Result<EndedAccess, Fault> {
        let now = self.now();
        let record = audit_event(admin, AuditKind::DelegationRevoked, client_id, user_id, now);
        let (admin, client_id, user_id) = (admin.clone(), client_id.clone(), user_id.clone());
        self.write(move |db| {
            async move {
                let tenant = admin.tenant_id();
                let mut ended = end_authorizations_of(db, &admin, &user_id, Some(&client_id), now).await?;
                // Also one that outlives the authorizations: that of a sign-in ends with its session, and is then deleted.
                consents::delete(db, tenant, &user_id, Some(&client_id)).await?;
                ended.permissions += delegations::delete(db, tenant, &user_id, Some(&client_id)).await?;
                if ended.permissions > 0 {
                    ended.keys +=
                        ssh_keys::revoke(db, tenant, KeySelection::ClientForPerson(&client_id, &user_id), Revoker::of(&record), now).await?;
                    audit_log::insert(db, &record).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }

    /// Revokes all access of a client, a person at a time, so that other changes get their turn. Access that is allowed meanwhile may stay.
    pub async fn revoke_client_access(&self, admin: &TenantAdmin, client_id: &ClientId) -> Result<EndedAccess, Fault> {
        let (mut ended, mut after) = (EndedAccess::default(), String::new());
        loop {
            let reader = self.storage().reader();
            let people = authorizations::people_of_client(reader, admin.tenant_id(), client_id, &after, BATCH).await?;
            let Some(last) = people.last() else { return Ok(ended) };
            after = last.to_string();
            for person in &people {
                ended += self.revoke_delegation(admin, client_id, person).await?;
            }
        }
    }

    pub async fn search_delegations(
        &self,
        admin: &TenantAdmin,
        params: &ListParams<DelegationFilter, DelegationSort>,
    ) -> Result<Page<DelegationSummary>, Fault> {
        Ok(delegations::list(self.storage().reader(), admin.tenant_id(), Selection::default(), params, self.now()).await?)
    }
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, client_id: &ClientId, user_id: &UserId, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).of(user_id).client(client_id).admin(Some(admin.admin_id())).from(admin.from)
}
