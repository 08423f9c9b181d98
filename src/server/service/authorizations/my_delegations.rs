//! A person's delegations in the portal: listed, shortened, extended and revoked.

use futures_util::FutureExt;

pub use super::ending::EndedAccess;
use super::ending::{end_by_person, end_family};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::{Delegation, DelegationChangeRefused, DelegationFilter, DelegationSort};
use crate::domain::ids::{AuthorizationId, ClientId, TokenFamilyId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::time::Timestamp;
use crate::domain::token_family::FamilyEnd;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::clients::ClientName;
pub use crate::server::storage::delegations::{DelegationSummary, DeviceSummary, KeyUse, by_client::ClientDelegations};
use crate::server::storage::delegations::{Selection, by_client};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{self, Connection, audit_log, authorizations, consents, delegations, ssh_keys, token_families};

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
    /// another delegation to the same client remains. `None` if it was revoked before.
    pub async fn revoke_my_delegation(&self, person: &SignedIn, number: i64) -> Result<Option<EndedAccess>, Fault> {
        let Some(found) = self.find_my_delegation(person, &DelegationRef::Number(number)).await? else { return Ok(None) };
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { revoke(db, &person, &found.delegation, now).await }.boxed()).await
    }

    /// Ends one sign-in of a program, with its tokens; what the person allowed stays, with other sign-ins and keys. False if it had ended before.
    pub async fn end_my_sign_in(&self, person: &SignedIn, id: &TokenFamilyId) -> Result<bool, Fault> {
        let (person, id, now) = (person.clone(), id.clone(), self.now());
        self.write(move |db| {
            async move {
                let tenant = person.tenant_id();
                let Some(family) = token_families::find(&mut *db, tenant, &id).await? else { return Ok(false) };
                let found = authorizations::find(&mut *db, tenant, &family.authorization_id).await?;
                let Some(authorization) = found.filter(|authorization| authorization.person == *person.user_id()) else { return Ok(false) };
                let record = AuditEvent::new(tenant.clone(), AuditKind::TokensRevoked, now)
                    .of(person.user_id())
                    .about(&authorization.client_id, &authorization.id)
                    .from(person.session().from);
                end_family(db, family, FamilyEnd::Person, &record).await
            }
            .boxed()
        })
        .await
    }

    /// Revokes all of a person's delegations to a client in one transaction, as [`Self::revoke_my_delegation`] does one.
    pub async fn revoke_my_client(&self, person: &SignedIn, client: &ClientId) -> Result<EndedAccess, Fault> {
        let (person, client, now) = (person.clone(), client.clone(), self.now());
        self.write(move |db| async move { revoke_all(db, &person, Some(&client), now).await }.boxed()).await
    }
}

/// Revokes what is in force of a person's authorizations and delegations, also authorizations without a delegation; `None`: those of all
/// clients.
pub(in crate::server::service) async fn revoke_all(
    db: &mut Connection,
    person: &SignedIn,
    client: Option<&ClientId>,
    now: Timestamp,
) -> Result<EndedAccess, storage::Error> {
    let mut ended = EndedAccess::default();
    consents::delete(db, person.tenant_id(), person.user_id(), client).await?;
    for authorization in authorizations::live_of_person(&mut *db, person.tenant_id(), person.user_id(), client).await? {
        if authorization.is_in_force(now) {
            ended += end_by_person(db, person, authorization, now).await?.unwrap_or_default();
        }
    }
    let standing = delegations::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
    for delegation in standing.into_iter().filter(|one| client.is_none_or(|client| one.client_id == *client) && now < one.expires_at) {
        ended += revoke(db, person, &delegation, now).await?.unwrap_or_default();
    }
    Ok(ended)
}

/// See [`Services::revoke_my_delegation`].
async fn revoke(db: &mut Connection, person: &SignedIn, delegation: &Delegation, now: Timestamp) -> Result<Option<EndedAccess>, storage::Error> {
    match &delegation.authorization_id {
        Some(id) => {
            let Some(authorization) = authorizations::find(&mut *db, person.tenant_id(), id).await? else { return Ok(None) };
            end_by_person(db, person, authorization, now).await
        }
        None => {
            // With automatic provisioning a deleted one would be created again; an expired one is not.
            let ended = match person.tenant().policy.auto_provision {
                true => delegations::set_expiry_of(db, delegation, now, now).await?,
                false => delegations::delete_one(db, delegation).await?,
            };
            if !ended {
                return Ok(None);
            }
            let record = audit_event(person, delegation, AuditKind::DelegationRevoked, now);
            audit_log::insert(db, &record).await?;
            let orphaned = KeySelection::Orphaned(&delegation.client_id, person.user_id());
            let keys = ssh_keys::revoke(db, person.tenant_id(), orphaned, Revoker::of(&record), now).await?;
            Ok(Some(EndedAccess { permissions: 1, keys, ..EndedAccess::default() }))
        }
    }
}

fn audit_event(person: &SignedIn, delegation: &Delegation, kind: AuditKind, now: Timestamp) -> AuditEvent {
    let record = AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.session().from);
    match &delegation.authorization_id {
        Some(authorization) => record.about(&delegation.client_id, authorization),
        None => record.client(&delegation.client_id),
    }
}
