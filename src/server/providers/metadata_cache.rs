//! The cache of providers' metadata, and its refresh for unknown keys.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{ProviderKey, Providers, RequestQueue, provider_key};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::server::providers::error::ProviderError;
use crate::server::providers::metadata::ProviderMetadata;
use crate::server::providers::tokens::TokenCheckError;

/// Shortest time between refreshes of a provider's keys, whether successful or not.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

impl Providers {
    /// Discards cached metadata, so that it is fetched again.
    pub fn invalidate(&self, tenant: &TenantId, provider: &ProviderId) {
        self.lock_cache().remove(&(tenant.clone(), provider.clone()));
    }

    pub(super) fn cached_metadata(&self, provider: &Provider, now: Timestamp) -> Option<Arc<ProviderMetadata>> {
        self.lock_cache().get(&provider_key(provider)).filter(|known| known.is_for(provider) && known.is_fresh(now)).cloned()
    }

    pub(super) async fn metadata(&self, provider: &Provider, now: Timestamp) -> Result<Arc<ProviderMetadata>, ProviderError> {
        match self.cached_metadata(provider, now) {
            Some(known) => Ok(known),
            None => self.fetch_metadata(provider, now).await,
        }
    }

    /// The same for callers that send no other request, and so take a place in the queue only for a fetch.
    pub(super) async fn metadata_queued(&self, provider: &Provider, now: Timestamp) -> Result<Arc<ProviderMetadata>, ProviderError> {
        if let Some(known) = self.cached_metadata(provider, now) {
            return Ok(known);
        }
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        self.metadata(provider, now).await
    }

    /// Verifies a token; again with refreshed keys if it is signed with an unknown one.
    pub(super) async fn verify_with_refresh<T>(
        &self,
        provider: &Provider,
        known: &Arc<ProviderMetadata>,
        now: Timestamp,
        check: impl Fn(&ProviderMetadata) -> Result<T, TokenCheckError>,
    ) -> Result<T, ProviderError> {
        match check(known) {
            Err(TokenCheckError::UnknownSigningKey) => Ok(check(self.refresh_metadata(provider, Some(known), now).await?.as_ref())?),
            said => Ok(said?),
        }
    }

    /// Fetches metadata again, because keys may have changed since `known`. At most one refresh at a time and per interval, so that tokens
    /// with made-up keys do not cause requests.
    pub(super) async fn refresh_metadata(
        &self,
        provider: &Provider,
        known: Option<&Arc<ProviderMetadata>>,
        now: Timestamp,
    ) -> Result<Arc<ProviderMetadata>, ProviderError> {
        let turn = {
            let mut turns = self.refresh_locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(provider_key(provider)).or_default())
        };
        let mut asked_at = turn.lock().await;
        // Another request may have refreshed it while this one waited.
        let newer = self.cached_metadata(provider, now).filter(|newer| known.is_none_or(|known| !Arc::ptr_eq(newer, known)));
        if let Some(newer) = newer {
            return Ok(newer);
        }
        let too_soon = |at: Timestamp| at.is_within(REFRESH_INTERVAL, now);
        if asked_at.is_some_and(too_soon) || known.is_some_and(|known| too_soon(known.fetched_at)) {
            return known.cloned().ok_or(ProviderError::Timeout);
        }
        *asked_at = Some(now);
        self.fetch_metadata(provider, now).await
    }

    async fn fetch_metadata(&self, provider: &Provider, now: Timestamp) -> Result<Arc<ProviderMetadata>, ProviderError> {
        let known = Arc::new(ProviderMetadata::fetch(&self.http, provider, self.profile(provider)?, now).await?);
        self.lock_cache().insert(provider_key(provider), Arc::clone(&known));
        Ok(known)
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderKey, Arc<ProviderMetadata>>> {
        self.metadata_cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
