//! Signing out at institutions: there as well as here, and here because of there.

use futures_util::FutureExt;

use super::entropy::Secret;
use super::proofs::SignedIn;
use super::storage::browser_sessions::EndedElsewhere;
use super::storage::{activity, browser_sessions, providers};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths;
use crate::domain::provider::Through;
use crate::server::providers::{SKEW, SignedOut, Trouble};

/// Where somebody who has signed out here may do so as well.
pub struct Elsewhere {
    /// What people call the institution.
    pub name: String,
    pub address: String,
    /// What comes back if they do.
    pub state: Secret,
}

/// Why an institution's word that somebody has signed out is not taken.
pub enum NotEnded {
    /// There is no such provider, or not any more.
    NoProvider,
    Trouble(Trouble),
}

impl Services {
    /// Where the person signs out of the institution's session that theirs rests on; `None` when it has no such place, or hangs.
    pub async fn signs_out_elsewhere(&self, person: &SignedIn, through: &Through) -> Result<Option<Elsewhere>, Fault> {
        let stored = providers::find(self.storage().reader(), person.tenant_id(), &through.provider).await?;
        let Some(provider) = stored.map(|stored| stored.provider) else { return Ok(None) };
        let state = Secret::generate(self.entropy());
        let back = self.signed_out_address();
        let address = self.shared.providers.sign_out_address(&provider, through, &back, state.reveal(), self.now()).await;
        Ok(address.map(|address| Elsewhere { name: provider.display_name, address, state }))
    }

    /// Where institutions send people back to who have signed out there: what their operators register for this portal.
    pub fn signed_out_address(&self) -> String {
        format!("{}{}", self.public_url(), paths::SIGNED_OUT)
    }

    /// Where an institution says that somebody has signed out there: what its operators register for this portal.
    pub fn ended_address(&self, tenant: &TenantId, provider: &ProviderId) -> String {
        format!("{}{}", self.public_url(), paths::sign_in_ended(tenant, provider))
    }

    /// Ends the sessions here that rest on one that has ended there (OpenID Connect Back-Channel Logout 1.0).
    pub async fn end_from_elsewhere(&self, tenant: &TenantId, provider: &ProviderId, token: &str) -> Result<(), Error<NotEnded>> {
        let stored = providers::find(self.storage().reader(), tenant, provider).await?;
        // One that is switched off as well: sessions may still rest on it.
        let provider = stored.map(|stored| stored.provider).ok_or(Error::Refused(NotEnded::NoProvider))?;
        let now = self.now();
        let out = self
            .shared
            .providers
            .signed_out(&provider, token, now)
            .await
            .map_err(|trouble| Error::Refused(NotEnded::Trouble(trouble.shortened())))?;
        let tenant = tenant.clone();
        self.change(move |db| {
            async move {
                let SignedOut { issuer, subject, sid, at } = &out;
                let ended = EndedElsewhere { issuer, subject: subject.as_deref(), sid: sid.as_deref(), before: *at + SKEW };
                let people = browser_sessions::delete_from_elsewhere(db, &tenant, &ended).await?;
                for user_id in people {
                    let record = Activity::new(tenant.clone(), Kind::SessionEnded, now).of(&user_id).subject(&provider.display_name);
                    activity::insert(db, &record).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(())
    }
}
