//! The state that all handlers share.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;

use super::metrics::Limit;
use super::middleware::client_ip::TrustedProxies;
use super::middleware::rate_limit::{Limiter, network};
use super::middleware::security_headers::Https;
use super::service::admin::clients::AuthenticationRefused;
use super::service::auth::refusals::SecretOwner;
use super::service::{Error, Fault, Services};
use crate::domain::ids::TenantId;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, RefusedAuthentication};
use crate::domain::time::Timestamp;
use crate::i18n::Languages;

/// Cheap to clone, which happens several times per request.
#[derive(Clone)]
pub struct AppState(Arc<AppStateInner>);

pub struct AppStateInner {
    pub services: Services,
    pub leptos: LeptosOptions,
    pub languages: Languages,
    pub https: Https,
    /// When the certificate of the portal's own TLS expires; `None` if TLS is terminated elsewhere.
    pub certificate_expiry: Reloadable<Option<Timestamp>>,
    pub trusted_proxies: Reloadable<TrustedProxies>,
    pub limits: Limits,
}

/// A value that a reload of the settings can change.
pub struct Reloadable<T>(RwLock<T>);

impl<T: Clone> Reloadable<T> {
    pub fn get(&self) -> T {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl<T> From<T> for Reloadable<T> {
    fn from(value: T) -> Self {
        Self(RwLock::new(value))
    }
}

impl AppState {
    pub fn new(shared: AppStateInner) -> Self {
        Self(Arc::new(shared))
    }
}

/// Why a secret of a client or an administrator is refused.
#[derive(Debug)]
pub enum SecretRefused {
    NoTenant,
    Wrong,
    /// Over the limit on wrong secrets, with the time to wait.
    TooMany(Duration),
    Internal(Fault),
}

impl AppStateInner {
    /// The result of checking a secret, with the limit on wrong ones: over it the caller has to wait, and does not learn whether the next one
    /// is right.
    pub async fn limit_wrong_secrets<T>(
        &self,
        tenant: &TenantId,
        owner: &SecretOwner,
        from: Option<IpAddr>,
        checked: Result<T, Error<AuthenticationRefused>>,
    ) -> Result<T, SecretRefused> {
        let caller = match owner {
            SecretOwner::Client(id) => format!("{tenant}/{id} {}", network(from)),
            SecretOwner::Admin(id) => format!("{tenant}/admin {id} {}", network(from)),
        };
        if let Err(wait) = self.limits.wrong_secrets.check_blocked(&caller) {
            if checked.is_ok() {
                let (tenant, name) = (ClaimedName::Registered(tenant.as_str()), ClaimedName::Registered(owner.name()));
                let failure = AuthenticationFailure::TooManyAttempts;
                self.services.log_refusal(&RefusedAuthentication { kind: owner.kind(), tenant, name, from, failure });
            }
            return Err(SecretRefused::TooMany(wait));
        }
        match checked {
            Ok(principal) => Ok(principal),
            Err(Error::Refused(AuthenticationRefused::NoTenant)) => Err(SecretRefused::NoTenant),
            Err(Error::Refused(AuthenticationRefused::InvalidCredentials)) => {
                let Err(wait) = self.limits.wrong_secrets.check(&caller) else { return Err(SecretRefused::Wrong) };
                if let Err(fault) = self.services.record_secret_guessing(tenant, owner, from).await {
                    tracing::warn!(error = %fault, "The audit event about a guessed secret could not be written");
                }
                Err(SecretRefused::TooMany(wait))
            }
            Err(Error::Internal(fault)) => Err(SecretRefused::Internal(fault)),
        }
    }
}

impl Deref for AppState {
    type Target = AppStateInner;

    fn deref(&self) -> &AppStateInner {
        &self.0
    }
}

impl FromRef<AppState> for Services {
    fn from_ref(state: &AppState) -> Self {
        state.services.clone()
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

impl FromRef<AppState> for Https {
    fn from_ref(state: &AppState) -> Self {
        state.https
    }
}

impl FromRef<AppState> for TrustedProxies {
    fn from_ref(state: &AppState) -> Self {
        state.trusted_proxies.get()
    }
}

/// The limits against floods, with a counter for each kind of request.
pub struct Limits {
    /// Device authorization requests and authorization requests, by network address: each is stored.
    pub device_requests: Limiter,
    /// All OAuth requests, by network address.
    pub oauth_requests: Limiter,
    /// Wrong client secrets, by client and network address.
    pub wrong_secrets: Limiter,
    /// Refresh tokens that are none, by network address.
    pub wrong_refresh_tokens: Limiter,
    /// Registrations of clients in tenants with open registration, by network address.
    pub registrations: Limiter,
    /// Pages and forms, by network address.
    pub pages: Limiter,
    /// Callbacks from providers, by network address: each causes a request to the provider.
    pub upstream_callbacks: Limiter,
    /// Log lines about logout tokens, by provider.
    pub refused_logouts: Limiter,
    /// Log lines about proxies that do not pass on addresses, by proxy.
    pub unknown_addresses: Limiter,
}

/// The number of requests per minute and caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct RequestLimits {
    pub device_requests: NonZeroU32,
    pub oauth_requests: NonZeroU32,
    pub wrong_secrets: NonZeroU32,
    pub wrong_refresh_tokens: NonZeroU32,
    pub registrations: NonZeroU32,
    pub pages: NonZeroU32,
    #[serde(rename = "arrivals")]
    pub upstream_callbacks: NonZeroU32,
}

impl Default for RequestLimits {
    fn default() -> Self {
        let per_minute = |most| NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
        Self {
            // 500 terminals behind one address start within a minute, and poll every 5 seconds.
            device_requests: per_minute(600),
            oauth_requests: per_minute(12_000),
            wrong_secrets: per_minute(20),
            // Behind one address there may be many programs whose sign-in was deleted, and which try again; a token cannot be guessed.
            wrong_refresh_tokens: per_minute(600),
            registrations: per_minute(10),
            // As many people respond: pages, forms, and a page that polls for its device every 2 seconds.
            pages: per_minute(6_000),
            upstream_callbacks: per_minute(60),
        }
    }
}

impl Limits {
    /// Changes the limits. Counters whose limit stays the same continue.
    pub fn set(&self, limits: RequestLimits) {
        let RequestLimits { device_requests, oauth_requests, wrong_secrets, wrong_refresh_tokens, registrations, pages, upstream_callbacks } = limits;
        self.device_requests.set_per_minute(device_requests);
        self.oauth_requests.set_per_minute(oauth_requests);
        self.wrong_secrets.set_per_minute(wrong_secrets);
        self.wrong_refresh_tokens.set_per_minute(wrong_refresh_tokens);
        self.registrations.set_per_minute(registrations);
        self.pages.set_per_minute(pages);
        self.upstream_callbacks.set_per_minute(upstream_callbacks);
    }
}

impl From<RequestLimits> for Limits {
    fn from(limits: RequestLimits) -> Self {
        Self {
            device_requests: Limiter::per_minute(limits.device_requests).counted_as(Limit::DeviceRequests),
            oauth_requests: Limiter::per_minute(limits.oauth_requests).counted_as(Limit::OAuthRequests),
            wrong_secrets: Limiter::per_minute(limits.wrong_secrets).counted_as(Limit::WrongSecrets),
            wrong_refresh_tokens: Limiter::per_minute(limits.wrong_refresh_tokens).counted_as(Limit::WrongRefreshTokens),
            registrations: Limiter::per_minute(limits.registrations).counted_as(Limit::Registrations),
            pages: Limiter::per_minute(limits.pages).counted_as(Limit::Pages),
            upstream_callbacks: Limiter::per_minute(limits.upstream_callbacks).counted_as(Limit::UpstreamCallbacks),
            refused_logouts: Limiter::per_minute(NonZeroU32::MIN),
            unknown_addresses: Limiter::per_minute(NonZeroU32::MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_allow_500_terminals_behind_one_address() {
        let limits = Limits::from(RequestLimits::default());
        let each = |times: u32, limiter: &Limiter| (0..500 * times).all(|_| limiter.check("network 192.0.2.1").is_ok());
        assert!(each(1, &limits.device_requests), "each asks for a code");
        // A code, polls for a minute, and the first poll twice, as Go's x/oauth2 sends it.
        assert!(each(1 + 12 + 1, &limits.oauth_requests), "and for its token");
    }
}
