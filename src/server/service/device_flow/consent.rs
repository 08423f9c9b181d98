//! The consent page, and the result page after the decision.

use crate::domain::client::RequestRefused;
use crate::domain::device_grant::{DeviceGrant, DeviceGrantState};
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{AuthorizationId, DeviceGrantId};
use crate::domain::resource_server::ResourceServer;
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::{Fault, Services};
use crate::server::storage::clients::{self, ClientName};
use crate::server::storage::{authorizations, device_grants, host_accounts};

/// A device grant that waits for this person's decision.
pub struct PendingConsent {
    /// With the scope restricted to what the client may have now.
    pub grant: DeviceGrant,
    /// The user code, as the device shows it.
    pub code: String,
    pub client: ClientName,
    /// The person's active host accounts; none if nothing of the TMS API is requested.
    pub host_accounts: Vec<HostAccount>,
    pub policy: Policy,
    /// The resource servers that the grant names, as they are registered now.
    pub servers: Vec<ResourceServer>,
}

/// A device grant that this person has decided.
pub struct DecidedConsent {
    pub grant: DeviceGrant,
    /// Why the client gets no access with its current settings.
    pub refused: Option<RequestRefused>,
    pub client: ClientName,
    /// The host accounts it may be used on; empty once the access has ended.
    pub host_accounts: Vec<HostAccount>,
    /// When the access ends; `None` if nothing was allowed.
    pub access_until: Option<Timestamp>,
}

impl Services {
    /// The pending grant, if this person claimed it in this session, or in one that has ended, and its client may have any of its scope;
    /// otherwise see [`decided_consent`](Self::decided_consent).
    pub async fn pending_consent(&self, person: &SignedIn, id: &DeviceGrantId) -> Result<Option<PendingConsent>, Fault> {
        let (reader, now) = (self.storage().reader(), self.now());
        let found = device_grants::find(reader, person.tenant_id(), id).await?;
        let held = |grant: &DeviceGrant| grant.is_pending(now) && grant.is_held_by(&person.claimant(), now);
        let Some(grant) = found.filter(held) else { return Ok(None) };
        let Some(code) = self.unseal_code(device_grants::claimed_code(reader, &grant).await?) else { return Ok(None) };
        let Some(tenant) = self.enabled_tenant(person.tenant_id()).await? else { return Ok(None) };
        let Some(found) = clients::find(reader, &grant.tenant_id, &grant.client_id).await? else { return Ok(None) };
        let Some(client) = clients::name(reader, &grant.tenant_id, &grant.client_id).await? else { return Ok(None) };
        let Ok(grant) = grant.restrict_to_client(&found.client) else { return Ok(None) };
        let mut host_accounts = host_accounts::of_person(reader, person.tenant_id(), person.user_id()).await?;
        let is_for_api = !grant.scope.delegated().is_empty();
        host_accounts.retain(|account| is_for_api && account.is_active(now));
        let servers = self.registered_resources(&grant.tenant_id, &grant.resources).await?;
        Ok(Some(PendingConsent { grant, code, client, host_accounts, policy: tenant.policy, servers }))
    }

    /// All grants that wait for this person, newest first.
    pub async fn pending_consents(&self, person: &SignedIn) -> Result<Vec<PendingConsent>, Fault> {
        let mut waiting = Vec::new();
        for grant in device_grants::claimed_by(self.storage().reader(), person.tenant_id(), person.user_id(), self.now()).await? {
            waiting.extend(self.pending_consent(person, &grant.id).await?);
        }
        Ok(waiting)
    }

    /// The person's grant after its decision or expiry, or after its client was refused the requested scope.
    pub async fn decided_consent(&self, person: &SignedIn, id: &DeviceGrantId) -> Result<Option<DecidedConsent>, Fault> {
        let (reader, now) = (self.storage().reader(), self.now());
        let found = device_grants::find(reader, person.tenant_id(), id).await?;
        let theirs = |grant: &DeviceGrant| grant.claim.as_ref().is_some_and(|claim| claim.by.person.as_ref() == Some(person.user_id()));
        let Some(grant) = found.filter(theirs) else { return Ok(None) };
        let Some(found) = clients::find(reader, &grant.tenant_id, &grant.client_id).await? else { return Ok(None) };
        let Some(client) = clients::name(reader, &grant.tenant_id, &grant.client_id).await? else { return Ok(None) };
        let open = match grant.state {
            DeviceGrantState::Pending | DeviceGrantState::Approved(_) => !grant.is_expired(now),
            DeviceGrantState::Redeemed { .. } => true,
            _ => false,
        };
        let (grant, refused) = match grant.clone().restrict_to_client(&found.client) {
            Ok(_) if grant.is_pending(now) => return Ok(None),
            Ok(narrowed) => (narrowed, None),
            Err(refused) => (grant, Some(refused).filter(|_| open)),
        };
        let host_accounts = host_accounts::of_authorization(reader, person.tenant_id(), &AuthorizationId::from(id)).await?;
        let authorization = authorizations::find(reader, person.tenant_id(), &AuthorizationId::from(id)).await?;
        let access_until = authorization.map(|authorization| authorization.access_until);
        Ok(Some(DecidedConsent { grant, refused, client, host_accounts, access_until }))
    }
}
