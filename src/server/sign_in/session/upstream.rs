//! Logins and sign-outs at providers, and what they return for the person to confirm.

use serde::{Deserialize, Serialize};

use super::{PortalSession, SESSION_LIFETIME, session_fault};
use crate::domain::paths::ReturnTo;
use crate::domain::provider::UpstreamSession;
use crate::domain::provider::claims::VerifiedIdentity;
use crate::domain::time::Timestamp;
use crate::server::service::Fault;
use crate::server::service::auth::second_factors::pending_mfa::PENDING_MFA_LIFETIME;
use crate::server::service::auth::upstream_login::UpstreamAuthorization;
use crate::server::service::host_accounts::upstream_accounts::AccountProposal;
use crate::server::sign_in::session::slots::{Slot, SlotEntry};

pub(in crate::server::sign_in) const UPSTREAM_SESSION: &str = "through";
const UPSTREAM_LOGOUT: &str = "signed_out";
pub(super) const UPSTREAM_LOGINS: Slot = Slot { name: "trips_away", lifetime: SESSION_LIFETIME };
const PENDING_IDENTITY_LINKS: Slot = Slot { name: "linkings", lifetime: PENDING_MFA_LIFETIME };
const ACCOUNT_PROPOSALS: Slot = Slot { name: "offers", lifetime: PENDING_MFA_LIFETIME };

/// The person has signed out here, and may still be signed in at the institution.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogout {
    /// Its display name.
    pub institution: String,
    /// Where to sign out there; `None` after the redirect.
    pub end_session_url: Option<String>,
    /// The value that the provider returns after sign-out.
    pub state: String,
}

/// A login at a provider that is in progress.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingUpstreamLogin {
    pub authorization: UpstreamAuthorization,
    pub return_to: ReturnTo,
    /// The id of the invitation to use.
    #[serde(default)]
    pub invitation: String,
    /// The callback has been received.
    #[serde(default)]
    pub spent: bool,
}

impl PortalSession {
    /// Stores a login that starts at a provider.
    pub async fn add_upstream_login(&self, login: &PendingUpstreamLogin, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&UPSTREAM_LOGINS, &login.authorization.state, login, now).await
    }

    /// Takes the login with this state: a callback is accepted once. It stays recorded as spent.
    pub async fn take_upstream_login(&self, state: &str, now: Timestamp) -> Result<Option<PendingUpstreamLogin>, Fault> {
        if state.is_empty() {
            return Ok(None);
        }
        let kept: Option<SlotEntry<PendingUpstreamLogin>> = self.entry(&UPSTREAM_LOGINS, state, now).await?;
        if let Some(kept) = &kept {
            self.insert_entry(&UPSTREAM_LOGINS, state, &PendingUpstreamLogin { spent: true, ..kept.value.clone() }, kept.since).await?;
        }
        Ok(kept.map(|kept| kept.value))
    }

    /// Stores an identity until its person confirms that it is to be linked.
    pub async fn add_identity_link(&self, id: &str, identity: &VerifiedIdentity, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&PENDING_IDENTITY_LINKS, id, identity, now).await
    }

    pub async fn identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        Ok(self.entry(&PENDING_IDENTITY_LINKS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn take_identity_link(&self, id: &str, now: Timestamp) -> Result<Option<VerifiedIdentity>, Fault> {
        self.take_entry(&PENDING_IDENTITY_LINKS, id, now).await
    }

    /// Stores the accounts that a provider asserts until the person selects those to link.
    pub async fn add_account_proposal(&self, id: &str, proposal: &AccountProposal, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&ACCOUNT_PROPOSALS, id, proposal, now).await
    }

    pub async fn account_proposal(&self, id: &str, now: Timestamp) -> Result<Option<AccountProposal>, Fault> {
        Ok(self.entry(&ACCOUNT_PROPOSALS, id, now).await?.map(|kept| kept.value))
    }

    pub async fn forget_account_proposal(&self, id: &str, now: Timestamp) -> Result<(), Fault> {
        self.take_entry::<AccountProposal>(&ACCOUNT_PROPOSALS, id, now).await.map(drop)
    }

    /// The provider's session that this one depends on.
    pub async fn upstream_session(&self) -> Result<Option<UpstreamSession>, Fault> {
        self.get(UPSTREAM_SESSION).await
    }

    /// Ends the session; what remains knows where to sign out at the institution, and nothing about the person.
    pub async fn end_with_upstream_logout(&self, elsewhere: &PendingUpstreamLogout) -> Result<(), Fault> {
        self.0.clear().await;
        self.0.cycle_id().await.map_err(session_fault)?;
        self.set(UPSTREAM_LOGOUT, elsewhere).await
    }

    pub async fn upstream_logout(&self) -> Result<Option<PendingUpstreamLogout>, Fault> {
        self.get(UPSTREAM_LOGOUT).await
    }

    /// Takes the URL for signing out at the institution, if it was not used yet.
    pub async fn take_end_session_url(&self) -> Result<Option<String>, Fault> {
        let Some(mut here) = self.upstream_logout().await? else { return Ok(None) };
        let address = here.end_session_url.take();
        self.set(UPSTREAM_LOGOUT, &here).await?;
        Ok(address)
    }

    /// The person has signed out there too, or signs in again.
    pub async fn forget_upstream_logout(&self) -> Result<(), Fault> {
        self.take::<PendingUpstreamLogout>(UPSTREAM_LOGOUT).await.map(drop)
    }
}
