//! Sign-out at the provider: OpenID Connect RP-Initiated Logout 1.0 and Back-Channel Logout 1.0.

use std::time::Duration;

use super::{Providers, RequestQueue};
use crate::domain::provider::{Provider, UpstreamSession};
use crate::domain::time::Timestamp;
use crate::server::providers::error::ProviderError;
use crate::server::providers::tokens::{self, LogoutTokenClaims};

const SIGN_OUT_TIMEOUT: Duration = Duration::from_secs(2);

impl Providers {
    /// The URL for signing out at the provider, if it has one; it redirects to `back` afterwards.
    pub async fn end_session_url(&self, provider: &Provider, through: &UpstreamSession, back: &str, state: &str, now: Timestamp) -> Option<String> {
        // Signing out must not wait for the provider's server.
        let known = tokio::time::timeout(SIGN_OUT_TIMEOUT, self.metadata_queued(provider, now)).await.ok()?.ok()?;
        let by_us = known.end_session_endpoint.as_deref();
        by_us
            .and_then(|address| tokens::end_session_url(address, provider, through.id_token.as_deref(), back, state))
            .or_else(|| known.sign_out_page.clone())
    }

    /// Verifies a logout token; returns who has signed out at the provider.
    pub async fn verify_logout_token(&self, provider: &Provider, token: &str, now: Timestamp) -> Result<LogoutTokenClaims, ProviderError> {
        let _slot = self.request_slot(provider, RequestQueue::BackChannel).await?;
        let known = match self.cached_metadata(provider, now) {
            Some(known) => known,
            // Limited, so that invalid tokens do not cause a request each.
            None => self.refresh_metadata(provider, None, now).await?,
        };
        self.verify_with_refresh(provider, &known, now, |known| tokens::verify_logout_token(token, provider, known, now)).await
    }
}
