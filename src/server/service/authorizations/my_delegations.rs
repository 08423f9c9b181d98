//! A person's delegations in the portal: listed, shortened, extended and revoked.

use futures_util::FutureExt;

use super::ending::end_by_person;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::{Delegation, DelegationChangeRefused, DelegationFilter, DelegationSort};
use crate::domain::ids::{AuthorizationId, ClientId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::clients::ClientName;
pub use crate::server::storage::delegations::{DelegationSummary, DeviceSummary, KeyUse, by_client::ClientDelegations};
use crate::server::storage::delegations::{Selection, by_client};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{self, Connection, audit_log, authorizations, consents, delegations, ssh_keys};

/// How a page names a delegation.
pub enum DelegationRef {
    Number(i64),
    Authorization(AuthorizationId),
}

impl Services {
    /// A page of the clients that a person has delegations to, each with the newest ones.
    pub async fn list_my_clients(
        &self,
        person: &SignedIn,
        params: &ListParams<DelegationFilter, DelegationSort>,
    ) -> Result<Page<ClientDelegations>, Fault> {
        Ok(by_client::list(self.storage().reader(), person.tenant_id(), person.user_id(), None, params, self.now()).await?)
    }

    /// A client that a person has or had delegations to.
    pub async fn find_my_client(&self, person: &SignedIn, client: &ClientId) -> Result<Option<ClientDelegations>, Fault> {
        let all = ListParams { show: DelegationFilter::All, ..ListParams::default() };
        let found = by_client::list(self.storage().reader(), person.tenant_id(), person.user_id(), Some(client), &all, self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// A page of a person's delegations to one client.
    pub async fn list_my_delegations(
        &self,
        person: &SignedIn,
        client: &ClientId,
        params: &ListParams<DelegationFilter, DelegationSort>,
    ) -> Result<Page<DelegationSummary>, Fault> {
        let selection = Selection { user_id: Some(person.user_id()), client_id: Some(client), ..Selection::default() };
        Ok(delegations::list(self.storage().reader(), person.tenant_id(), selection, params, self.now()).await?)
    }

    /// One of a person's active delegations.
    pub async fn find_my_delegation(&self, person: &SignedIn, which: &DelegationRef) -> Result<Option<DelegationSummary>, Fault> {
        let selection = match which {
            DelegationRef::Number(number) => Selection { number: Some(*number), ..Selection::default() },
            DelegationRef::Authorization(id) => Selection { authorization_id: Some(id), ..Selection::default() },
        };
        let selection = Selection { user_id: Some(person.user_id()), ..selection };
        let found = delegations::list(self.storage().reader(), person.tenant_id(), selection, &ListParams::default(), self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// Sets the expiry of a delegation and its authorization, which tokens and keys follow; extending it requires the same authentication as a
    /// consent.
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

    /// Revokes a delegation and its authorization: its tokens are refused, and the keys the client created for the person are deleted, unless
    /// another delegation to the same client remains. False if it was revoked before.
    pub async fn revoke_my_delegation(&self, person: &SignedIn, number: i64) -> Result<bool, Fault> {
        let Some(found) = self.find_my_delegation(person, &DelegationRef::Number(number)).await? else { return Ok(false) };
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { revoke(db, &person, &found.delegation, now).await }.boxed()).await
    }

    /// Revokes all of a person's delegations to a client in one transaction, as [`Self::revoke_my_delegation`] does one. Returns their number.
    pub async fn revoke_my_client(&self, person: &SignedIn, client: &ClientId) -> Result<u64, Fault> {
        let (person, client, now) = (person.clone(), client.clone(), self.now());
        self.write(move |db| async move { revoke_all(db, &person, Some(&client), now).await }.boxed()).await
    }
}

/// Revokes what is in force of a person's authorizations and delegations, also authorizations without a delegation; `None`: those of all
/// clients. Returns how many there were, a delegation with its authorization counted once.
pub(in crate::server::service) async fn revoke_all(
    db: &mut Connection,
    person: &SignedIn,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<u64, storage::Error> {
    let mut count = 0;
    consents::delete(db, person.tenant_id(), person.user_id(), client).await?;
    for authorization in authorizations::live_of_person(&mut *db, person.tenant_id(), person.user_id(), client).await? {
        if authorization.is_in_force(now) {
            count += u64::from(end_by_person(db, person, authorization, now).await?);
        }
    }
    let standing = delegations::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
    for delegation in standing.into_iter().filter(|one| client.is_none_or(|client| one.client_id == *client) && now < one.expires_at) {
        count += u64::from(revoke(db, person, &delegation, now).await?);
    }
    Ok(count)
}

/// See [`Services::revoke_my_delegation`].
async fn revoke(db: &mut Connection, person: &SignedIn, delegation: &Delegation, now: Timestamp) -> Result<bool, storage::Error> {
    let ended = match &delegation.authorization_id {
        Some(id) => {
            let Some(authorization) = authorizations::find(&mut *db, person.tenant_id(), id).await? else { return Ok(false) };
            end_by_person(db, person, authorization, now).await?
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
    match &delegation.authorization_id {
        Some(authorization) => record.about(&delegation.client_id, authorization),
        None => record.client(&delegation.client_id),
    }
}
