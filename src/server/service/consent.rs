//! What a person is shown before and after they decide.

use super::proofs::SignedIn;
use super::storage::{clients, device_grants, host_accounts};
use super::{Fault, Services};
use crate::domain::client::{Client, RequestRefused};
use crate::domain::device_grant::{Claim, DeviceGrant, State};
use crate::domain::host_account::HostAccount;
use crate::domain::ids::DeviceGrantId;
use crate::domain::tenant::Policy;

/// A request that waits for this person's decision in this browser.
pub struct Waiting {
    /// Its scope is what the client may have now.
    pub grant: DeviceGrant,
    pub client: Client,
    /// The person's linked host accounts that count today.
    pub host_accounts: Vec<HostAccount>,
    pub policy: Policy,
}

/// A request that this person has decided.
pub struct Decided {
    pub grant: DeviceGrant,
    /// Why the client gets nothing of it as things stand.
    pub refused: Option<RequestRefused>,
    pub client: Client,
    /// Those it may be used on; empty once the access has ended.
    pub host_accounts: Vec<HostAccount>,
}

impl Services {
    /// The request, if it waits for this session, has not expired, and its client may still have any of it; otherwise
    /// [`decided_device`](Self::decided_device) says what became of it.
    pub async fn waiting_device(&self, person: &SignedIn, id: &DeviceGrantId) -> Result<Option<Waiting>, Fault> {
        let now = self.now();
        let Some((grant, client)) = self.claimed_device(person, id).await? else { return Ok(None) };
        let Some(tenant) = self.enabled_tenant(person.tenant_id()).await? else { return Ok(None) };
        if grant.state != State::Pending || grant.is_expired(now) {
            return Ok(None);
        }
        let Ok(grant) = grant.narrowed(&client) else { return Ok(None) };
        let mut host_accounts = host_accounts::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?;
        host_accounts.retain(|account| account.is_active(now));
        Ok(Some(Waiting { grant, client, host_accounts, policy: tenant.policy }))
    }

    /// The request as it stands after its decision, or its expiry; or after its client was refused what it asked for.
    pub async fn decided_device(&self, person: &SignedIn, id: &DeviceGrantId) -> Result<Option<Decided>, Fault> {
        let Some((grant, client)) = self.claimed_device(person, id).await? else { return Ok(None) };
        let open = match grant.state {
            State::Pending | State::Approved(_) => !grant.is_expired(self.now()),
            State::Redeemed { .. } => true,
            _ => false,
        };
        let (grant, refused) = match grant.clone().narrowed(&client) {
            Ok(_) if open && grant.state == State::Pending => return Ok(None),
            Ok(narrowed) => (narrowed, None),
            Err(refused) => (grant, Some(refused).filter(|_| open)),
        };
        let host_accounts = host_accounts::of_grant(self.storage().reader(), person.tenant_id(), id).await?;
        Ok(Some(Decided { grant, refused, client, host_accounts }))
    }

    /// All that may act for a person at the moment, the newest first.
    pub async fn list_devices(&self, person: &SignedIn) -> Result<Vec<(DeviceGrant, Client)>, Fault> {
        let reader = self.storage().reader();
        let mut devices = Vec::new();
        for grant in device_grants::live_of_person(reader, person.tenant_id(), person.user_id(), self.now()).await? {
            if let Some(found) = clients::find(reader, &grant.tenant_id, &grant.client_id).await? {
                devices.push((grant, found.client));
            }
        }
        Ok(devices)
    }

    async fn claimed_device(&self, person: &SignedIn, id: &DeviceGrantId) -> Result<Option<(DeviceGrant, Client)>, Fault> {
        let ours = Claim { presenter: person.visit().presenter.clone(), person: Some(person.user_id().clone()) };
        let reader = self.storage().reader();
        let found = device_grants::find(reader, person.tenant_id(), id).await?;
        let Some(grant) = found.filter(|grant| grant.claim.as_ref() == Some(&ours)) else { return Ok(None) };
        let client = clients::find(reader, &grant.tenant_id, &grant.client_id).await?;
        Ok(client.map(|found| (grant, found.client)))
    }
}
