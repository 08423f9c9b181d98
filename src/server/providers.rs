//! Requests to other servers: identity providers, and clients (their published keys, logout tokens). The crates `oauth2` and `openidconnect`
//! implement the protocols and verify tokens; this module decides what to request, how long to wait, and what to cache.

pub mod authorize;
pub mod callback;
pub mod client_keys;
mod client_logout;
mod connect_error;
pub mod egress;
pub mod error;
mod http;
mod logout;
mod metadata;
mod metadata_cache;
pub mod profiles;
mod tokens;
mod upstream_accounts;
mod url;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::PkceCodeChallenge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::Provider;
use crate::domain::provider::profile::Profile;
use crate::domain::time::Timestamp;
use client_keys::ClientKeysCache;
pub use connect_error::ConnectError;
use egress::EgressPolicy;
use error::ProviderError;
use http::HttpClients;
use metadata::{ProviderJwks, ProviderMetadata};
use profiles::Profiles;
pub use tokens::{LogoutTokenClaims, MAX_CLOCK_SKEW};
pub use url::check_url;

/// A provider of a tenant.
type ProviderKey = (TenantId, ProviderId);

/// When a provider's metadata was last refreshed; locked during a refresh.
type RefreshLock = Arc<tokio::sync::Mutex<Option<Timestamp>>>;

/// Sends requests to providers and caches their metadata.
pub struct Providers {
    http: HttpClients,
    profiles: Profiles,
    metadata_cache: Mutex<HashMap<ProviderKey, Arc<ProviderMetadata>>>,
    /// Limits the concurrent requests per provider, so that one that hangs does not delay requests to others.
    request_slots: Mutex<HashMap<(ProviderKey, RequestQueue), Arc<Semaphore>>>,
    /// Serializes refreshes per provider, with the time of the last one.
    refresh_locks: Mutex<HashMap<ProviderKey, RefreshLock>>,
    client_keys: ClientKeysCache,
}

/// The queues per provider. Requests that anyone can cause do not delay the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum RequestQueue {
    SignIn,
    BackChannel,
}

/// Largest number of concurrent requests per provider and queue.
const MAX_CONCURRENT_REQUESTS: usize = 16;

/// How long a request waits in a queue.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(4);

impl Providers {
    pub fn new(profiles: Profiles, egress: &EgressPolicy) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: HttpClients::new(egress)?,
            profiles,
            metadata_cache: Mutex::default(),
            request_slots: Mutex::default(),
            refresh_locks: Mutex::default(),
            client_keys: ClientKeysCache::default(),
        })
    }

    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    pub fn profile(&self, provider: &Provider) -> Result<&Profile, ProviderError> {
        self.profiles.find(&provider.profile).ok_or_else(|| ProviderError::Misconfigured(format!("profile {} does not exist", provider.profile)))
    }

    /// Fetches the provider's metadata without the cache, for those who configure it. Also checks the client secret, with an invalid code.
    pub async fn test(&self, provider: &Provider, client_secret: Option<&str>, now: Timestamp) -> Result<String, ProviderError> {
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        self.invalidate(&provider.tenant_id, &provider.id);
        let known = self.metadata(provider, now).await?;
        // A provider without metadata is only probed.
        if let (ProviderJwks::None, Some(user)) = (&known.jwks, &known.userinfo_endpoint) {
            self.http.for_provider(provider, known.local).probe(user).await?;
        }
        if let Some(list) = provider.upstream_hosts.as_ref().and_then(|resources| resources.list.as_deref()) {
            self.http.for_provider(provider, known.local).probe(list).await?;
        }
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        if let Err(trouble @ ProviderError::Misconfigured(_)) =
            self.request_token(provider, client_secret, &known, verifier, "https://localhost/", "test").await
        {
            return Err(trouble);
        }
        Ok(known.issuer.clone())
    }

    async fn request_slot(&self, provider: &Provider, queue: RequestQueue) -> Result<OwnedSemaphorePermit, ProviderError> {
        let slots = {
            let mut slots = self.request_slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry((provider_key(provider), queue)).or_insert_with(|| Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS))))
        };
        let slot = tokio::time::timeout(QUEUE_TIMEOUT, slots.acquire_owned()).await;
        slot.ok().and_then(Result::ok).ok_or(ProviderError::Timeout)
    }
}

fn provider_key(provider: &Provider) -> ProviderKey {
    (provider.tenant_id.clone(), provider.id.clone())
}
