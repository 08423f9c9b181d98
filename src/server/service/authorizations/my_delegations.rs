//! A person's delegations in the portal: listed, shortened, extended and revoked.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::{Delegation, DelegationChangeRefused, DelegationFilter, DelegationSort};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::device_flow::decisions::revoke_access;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::delegations::{ClientName, DelegationSummary};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{Connection, audit_log, delegations, device_grants, ssh_keys};

impl Services {
    /// A page of a person's delegations.
    pub async fn list_my_delegations(
        &self,
        person: &SignedIn,
        params: &ListParams<DelegationFilter, DelegationSort>,
    ) -> Result<Page<DelegationSummary>, Fault> {
        Ok(delegations::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), None, params, self.now()).await?)
    }

    /// One of a person's active delegations.
    pub async fn find_my_delegation(&self, person: &SignedIn, number: i64) -> Result<Option<DelegationSummary>, Fault> {
        let (in_force, reader) = (ListParams::default(), self.storage().reader());
        let found = delegations::list(reader, person.tenant_id(), Some(person.user_id()), Some(number), &in_force, self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// Sets the expiry of a delegation; extending it requires the same authentication as a consent.
    pub async fn set_my_delegation_expiry(&self, person: &SignedIn, number: i64, until: Timestamp) -> Result<(), Error<DelegationChangeRefused>> {
        let may_prolong = self.authorize_consent(person);
        let (person, now) = (person.clone(), self.now());
        self.try_write(move |db| {
            async move {
                if !still_signed_in(db, &person, now).await? {
                    return Err(Error::Refused(DelegationChangeRefused::NotFound));
                }
                let standing = delegations::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
                let found = standing.into_iter().find(|one| one.number == number && now < one.expires_at);
                let delegation = found.ok_or(Error::Refused(DelegationChangeRefused::NotFound))?;
                delegation.check_new_expiry(until, person.tenant().policy.longest_access, now).map_err(Error::Refused)?;
                if let (true, Err(missing)) = (until > delegation.expires_at, may_prolong) {
                    return Err(Error::Refused(DelegationChangeRefused::StepUpRequired(missing)));
                }
                delegations::set_expiry_of(db, &delegation, until, now).await?;
                audit_log::insert(db, &audit_event(&person, &delegation, AuditKind::DelegationChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Revokes a delegation: the device's token is refused, and the keys the client created for the person are deleted, unless another
    /// delegation to the same client remains. False if it was revoked before.
    pub async fn revoke_my_delegation(&self, person: &SignedIn, number: i64) -> Result<bool, Fault> {
        let Some(found) = self.find_my_delegation(person, number).await? else { return Ok(false) };
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { revoke(db, &person, &found.delegation, now).await }.boxed()).await
    }
}

/// See [`Services::revoke_my_delegation`].
pub(in crate::server::service) async fn revoke(
    db: &mut Connection,
    person: &SignedIn,
    delegation: &Delegation,
    now: Timestamp,
) -> Result<bool, crate::server::storage::Error> {
    let ended = match &delegation.device_grant_id {
        Some(id) => {
            let Some(grant) = device_grants::find(&mut *db, person.tenant_id(), id).await? else { return Ok(false) };
            let before = grant.state.clone();
            let Ok(revoked) = grant.revoke(person.user_id(), now) else { return Ok(false) };
            revoke_access(db, before, revoked, audit_event(person, delegation, AuditKind::DeviceRevoked, now)).await?
        }
        None => {
            // With automatic provisioning a deleted one would be created again; an expired one is not.
            let ended = match person.tenant().policy.auto_provision {
                true => delegations::set_expiry_of(db, delegation, now, now).await?,
                false => delegations::delete_one(db, delegation).await?,
            };
            if ended {
                let record = audit_event(person, delegation, AuditKind::DelegationRevoked, now);
                audit_log::insert(db, &record).await?;
                let orphaned = KeySelection::Orphaned(&delegation.client_id, person.user_id());
                ssh_keys::revoke(db, person.tenant_id(), orphaned, Revoker::of(&record), now).await?;
            }
            ended
        }
    };
    Ok(ended)
}

fn audit_event(person: &SignedIn, delegation: &Delegation, kind: AuditKind, now: Timestamp) -> AuditEvent {
    let record = AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.session().from);
    match &delegation.device_grant_id {
        Some(grant) => record.about(&delegation.client_id, grant),
        None => record.client(&delegation.client_id),
    }
}
