//! Signing out at institutions: there as well as here, and here because of there.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths;
use crate::domain::provider::UpstreamSession;
use crate::server::providers::{LogoutTokenClaims, MAX_CLOCK_SKEW, ProviderError};
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::browser_sessions::UpstreamLogout;
use crate::server::storage::{audit_log, browser_sessions, providers};

/// Where somebody who has signed out here may do so as well.
pub struct EndSessionRequest {
    /// What people call the institution.
    pub name: String,
    pub url: String,
    /// What comes back if they do.
    pub state: Secret,
}

/// Why an institution's word that somebody has signed out is not taken.
pub enum LogoutTokenRefused {
    /// There is no such provider, or not any more.
    NoProvider,
    ProviderFailed(ProviderError),
}

impl Services {
    /// Where the person signs out of the institution's session that theirs rests on; `None` when it has no such place, or hangs.
    pub async fn end_session_request(&self, person: &SignedIn, upstream_session: &UpstreamSession) -> Result<Option<EndSessionRequest>, Fault> {
        let stored = providers::find(self.storage().reader(), person.tenant_id(), &upstream_session.provider).await?;
        let Some(provider) = stored.map(|stored| stored.provider) else { return Ok(None) };
        let state = Secret::generate(self.rng());
        let back = self.post_logout_redirect_uri();
        let address = self.shared.providers.end_session_url(&provider, upstream_session, &back, state.reveal(), self.now()).await;
        Ok(address.map(|address| EndSessionRequest { name: provider.display_name, url: address, state }))
    }

    /// Where institutions send people back to who have signed out there: what their operators register for this portal.
    pub fn post_logout_redirect_uri(&self) -> String {
        format!("{}{}", self.public_url(), paths::SIGNED_OUT)
    }

    /// Where an institution says that somebody has signed out there: what its operators register for this portal.
    pub fn backchannel_logout_uri(&self, tenant: &TenantId, provider: &ProviderId) -> String {
        format!("{}{}", self.public_url(), paths::backchannel_logout(tenant, provider))
    }

    /// Ends the sessions here that rest on one that has ended there (OpenID Connect Back-Channel Logout 1.0).
    pub async fn backchannel_logout(&self, tenant: &TenantId, provider: &ProviderId, token: &str) -> Result<(), Error<LogoutTokenRefused>> {
        let stored = providers::find(self.storage().reader(), tenant, provider).await?;
        // One that is switched off as well: sessions may still rest on it.
        let provider = stored.map(|stored| stored.provider).ok_or(Error::Refused(LogoutTokenRefused::NoProvider))?;
        let now = self.now();
        let out = self
            .shared
            .providers
            .verify_logout_token(&provider, token, now)
            .await
            .map_err(|trouble| Error::Refused(LogoutTokenRefused::ProviderFailed(trouble.truncated())))?;
        let tenant = tenant.clone();
        self.write(move |db| {
            async move {
                let LogoutTokenClaims { issuer, subject, sid, issued_at: at } = &out;
                let ended = UpstreamLogout { issuer, subject: subject.as_deref(), sid: sid.as_deref(), before: *at + MAX_CLOCK_SKEW };
                let people = browser_sessions::delete_of_upstream_session(db, &tenant, &ended).await?;
                for user_id in people {
                    let record = AuditEvent::new(tenant.clone(), AuditKind::SessionEnded, now).of(&user_id).subject(&provider.display_name);
                    audit_log::insert(db, &record).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(())
    }
}
