//! Sign-out across providers: at the provider after signing out here, and here after a logout at the provider.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::paths;
use crate::domain::provider::UpstreamSession;
use crate::server::providers::error::ProviderError;
use crate::server::providers::{LogoutTokenClaims, MAX_CLOCK_SKEW};
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::browser_sessions::UpstreamLogout;
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{audit_log, browser_sessions, logout_notices, providers};

/// The provider's sign-out page, for a person who has signed out here.
pub struct EndSessionRequest {
    /// Display name of the provider.
    pub name: String,
    pub url: String,
    /// The `state` that the provider returns.
    pub state: Secret,
}

/// Why a back-channel logout token was rejected.
pub enum LogoutTokenRefused {
    /// The provider does not exist or was removed.
    NoProvider,
    ProviderFailed(ProviderError),
}

impl Services {
    /// The URL that ends the provider's session on which this one depends; `None` if it has none, or does not respond in time.
    pub async fn end_session_request(&self, person: &SignedIn, upstream_session: &UpstreamSession) -> Result<Option<EndSessionRequest>, Fault> {
        let stored = providers::find(self.storage().reader(), person.tenant_id(), &upstream_session.provider).await?;
        let Some(provider) = stored.map(|stored| stored.provider) else { return Ok(None) };
        let state = Secret::generate(self.rng());
        let back = self.post_logout_redirect_uri();
        let address = self.shared.providers.end_session_url(&provider, upstream_session, &back, state.reveal(), self.now()).await;
        Ok(address.map(|address| EndSessionRequest { name: provider.display_name, url: address, state }))
    }

    /// The post-logout redirect URI to register at providers.
    pub fn post_logout_redirect_uri(&self) -> String {
        format!("{}{}", self.public_url(), paths::SIGNED_OUT)
    }

    /// The back-channel logout URI to register at a provider.
    pub fn backchannel_logout_uri(&self, tenant: &TenantId, provider: &ProviderId) -> String {
        format!("{}{}", self.public_url(), paths::backchannel_logout(tenant, provider))
    }

    /// Ends the sessions that depend on a session that ended at the provider (OpenID Connect Back-Channel Logout 1.0).
    pub async fn backchannel_logout(&self, tenant: &TenantId, provider: &ProviderId, token: &str) -> Result<(), Error<LogoutTokenRefused>> {
        let stored = providers::find(self.storage().reader(), tenant, provider).await?;
        // Also of a disabled provider: sessions may still depend on it.
        let provider = stored.map(|stored| stored.provider).ok_or(Error::Refused(LogoutTokenRefused::NoProvider))?;
        let now = self.now();
        let out = self
            .shared
            .providers
            .verify_logout_token(&provider, token, now)
            .await
            .map_err(|error| Error::Refused(LogoutTokenRefused::ProviderFailed(error.truncated())))?;
        let tenant = tenant.clone();
        self.write(move |db| {
            async move {
                let LogoutTokenClaims { issuer, subject, sid, issued_at: at } = &out;
                let ended = UpstreamLogout { issuer, subject: subject.as_deref(), sid: sid.as_deref(), before: *at + MAX_CLOCK_SKEW };
                let people = browser_sessions::delete_of_upstream_session(db, &tenant, &ended).await?;
                for user_id in people {
                    logout_notices::sessions_ended(db, &tenant, &user_id, EndedSessions::Deleted, now).await?;
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
