//! The client of identity providers. The crates `oauth2` and `openidconnect` implement the protocols and verify tokens; this module decides
//! what to request, how long to wait, and what to cache.

mod connect_error;
pub mod egress;
mod http;
mod metadata;
pub mod profiles;
mod tokens;
mod upstream_accounts;
mod url;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::{
    AccessToken, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl,
};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::claims::{Claims, ClaimsRefused, VerifiedIdentity};
use crate::domain::provider::profile::{IdentitySource, Profile};
use crate::domain::provider::{Provider, UpstreamSession};
use crate::domain::time::Timestamp;
use crate::proxy::Proxy;
pub use connect_error::ConnectError;
use egress::EgressPolicy;
use http::{HttpClients, TokenHttp};
use metadata::{ProviderJwks, ProviderMetadata};
use profiles::Profiles;
pub use tokens::{LogoutTokenClaims, MAX_CLOCK_SKEW};
use tokens::{OAuthClient, OAuthClientWithoutEndpoints, TokenCheckError, TokenEndpointResponse};
pub use url::check_url;

/// Why a request to a provider failed, or its response was rejected. The details are for the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    #[error("the provider cannot be reached: {0}")]
    Unreachable(ConnectError),
    /// The address is not allowed for providers that administrators add; the operator can add it.
    #[error("the address is on the portal's own network, where only the operator can add providers")]
    AddressBlocked,
    #[error("timed out")]
    Timeout,
    #[error("invalid response from the provider: {0}")]
    InvalidResponse(String),
    /// The provider does not accept the code, or no longer (RFC 6749 §5.2).
    #[error("the provider rejected the code: {0}")]
    CodeRefused(String),
    #[error("the response is from a different issuer: {0}")]
    IssuerMismatch(String),
    /// The metadata names another issuer.
    #[error("the issuer does not match the provider's metadata: {0}")]
    DiscoveryIssuerMismatch(String),
    /// The token has expired, or is not valid yet.
    #[error("the provider's clock and the portal's differ: {0}")]
    ClockSkew(String),
    #[error("the token cannot be trusted: {0}")]
    TokenRefused(String),
    #[error("the provider did not ask the user to sign in again")]
    ReauthenticationMissing,
    /// The list is not available to this person or to this portal.
    #[error("the provider denied access to its list: {0}")]
    Denied(String),
    #[error("the provider's settings are wrong: {0}")]
    Misconfigured(String),
}

impl ProviderError {
    /// Adds the proxy that the request went through, as it may be the cause.
    fn via_proxy(self, proxy: Option<Proxy>) -> Self {
        let why = match self {
            Self::Unreachable(why) => why,
            Self::Timeout => ConnectError::Timeout,
            other => return other,
        };
        match (proxy, why) {
            (None, ConnectError::Timeout) => Self::Timeout,
            (None, why) => Self::Unreachable(why),
            (Some(proxy), why) => Self::Unreachable(ConnectError::Proxied { proxy: proxy.to_string(), why: Box::new(why) }),
        }
    }

    /// Shortens texts from others to what fits into a log line and a page.
    #[must_use]
    pub fn truncated(self) -> Self {
        let short = |text: String| text.chars().take(200).collect();
        match self {
            Self::InvalidResponse(text) => Self::InvalidResponse(short(text)),
            Self::CodeRefused(text) => Self::CodeRefused(short(text)),
            Self::IssuerMismatch(text) => Self::IssuerMismatch(short(text)),
            Self::DiscoveryIssuerMismatch(text) => Self::DiscoveryIssuerMismatch(short(text)),
            Self::ClockSkew(text) => Self::ClockSkew(short(text)),
            Self::TokenRefused(text) => Self::TokenRefused(short(text)),
            Self::Denied(text) => Self::Denied(short(text)),
            Self::Misconfigured(text) => Self::Misconfigured(short(text)),
            Self::Unreachable(_) | Self::AddressBlocked | Self::Timeout | Self::ReauthenticationMissing => self,
        }
    }
}

impl From<ClaimsRefused> for ProviderError {
    fn from(why: ClaimsRefused) -> Self {
        match why {
            ClaimsRefused::NoSubject => Self::TokenRefused("it has no subject".into()),
            ClaimsRefused::RequiredClaim(claim) => Self::TokenRefused(format!("the claim {claim} does not have the required value")),
        }
    }
}

/// The secrets of an authorization request, checked at the callback.
#[derive(Clone, Debug)]
pub struct AuthorizationSecrets<'a> {
    /// RFC 6749 §10.12.
    pub state: &'a str,
    /// OpenID Connect Core §3.1.2.1.
    pub nonce: &'a str,
    /// RFC 7636.
    pub verifier: &'a str,
}

/// What the person is asked to do at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthRequestKind {
    /// Sign in; if second factors of this provider count, with one that is still valid.
    SignIn { max_age: Duration },
    /// Authenticate again, even with a session at the provider.
    Reauthenticate,
}

/// The parameters of a callback (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Debug)]
pub struct AuthorizationResponse<'a> {
    pub code: &'a str,
    pub issuer: Option<&'a str>,
}

/// The result of a code exchange.
#[derive(Clone, Debug)]
pub struct UpstreamLogin {
    pub identity: VerifiedIdentity,
    /// When the person authenticated; `None`: the provider should send `auth_time` and does not.
    pub authenticated_at: Option<Timestamp>,
    /// The provider's session, as far as its tokens identify it.
    pub upstream_session: UpstreamSession,
    /// The person's name at the provider, unchanged: the first claim that the profile lists, and no other.
    pub upstream_user_name: Option<String>,
    /// For further requests on the person's behalf.
    pub access_token: AccessToken,
}

/// Claims that are taken from the ID token only.
const AUTHENTICATION_CLAIMS: [&str; 4] = ["acr", "amr", "auth_time", "sub"];

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
const SIGN_OUT_TIMEOUT: Duration = Duration::from_secs(2);
/// Shortest time between refreshes of a provider's keys, whether successful or not.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);
/// Long enough that the person need not sign in again; sent because a provider has to return `auth_time` only on request (OpenID Connect
/// Core §3.1.2.1).
const UNLIMITED_MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Providers {
    pub fn new(profiles: Profiles, egress: &EgressPolicy) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: HttpClients::new(egress)?,
            profiles,
            metadata_cache: Mutex::default(),
            request_slots: Mutex::default(),
            refresh_locks: Mutex::default(),
        })
    }

    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    pub fn profile(&self, provider: &Provider) -> Result<&Profile, ProviderError> {
        self.profiles.find(&provider.profile).ok_or_else(|| ProviderError::Misconfigured(format!("profile {} does not exist", provider.profile)))
    }

    /// The URL to redirect the browser to.
    pub async fn authorization_url(
        &self,
        provider: &Provider,
        secrets: &AuthorizationSecrets<'_>,
        redirect: &str,
        kind: AuthRequestKind,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let profile = self.profile(provider)?;
        let known = self.metadata_queued(provider, now).await?;
        let client = oauth_client(provider, None, &known, redirect)?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(secrets.verifier.to_owned()));
        let state = secrets.state.to_owned();
        let scopes = provider.scope.as_deref().unwrap_or(&profile.scope).split_ascii_whitespace().map(|scope| Scope::new(scope.to_owned()));
        let mut request = client.authorize_url(|| CsrfToken::new(state)).add_scopes(scopes).set_pkce_challenge(challenge);
        if profile.identity == IdentitySource::IdToken {
            request = request.add_extra_param("nonce", secrets.nonce);
            if !provider.mfa.acr.is_empty() {
                request = request.add_extra_param("acr_values", provider.mfa.acr.join(" "));
            }
        }
        request = match kind {
            AuthRequestKind::SignIn { max_age: no_longer_ago_than } => {
                let max_age = if provider.mfa.is_required() { no_longer_ago_than } else { UNLIMITED_MAX_AGE };
                request.add_extra_param("max_age", max_age.as_secs().to_string())
            }
            AuthRequestKind::Reauthenticate => request.add_extra_param("prompt", "login").add_extra_param("max_age", "0"),
        };
        Ok(request.url().0.into())
    }

    /// Exchanges a code and verifies the tokens.
    pub async fn exchange_code(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        secrets: &AuthorizationSecrets<'_>,
        redirect: &str,
        returned: &AuthorizationResponse<'_>,
        now: Timestamp,
    ) -> Result<UpstreamLogin, ProviderError> {
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        let profile = self.profile(provider)?;
        let known = self.metadata(provider, now).await?;
        known.check_issuer(returned.issuer)?;
        let verifier = PkceCodeVerifier::new(secrets.verifier.to_owned());
        let answer = self.request_token(provider, client_secret, &known, verifier, redirect, returned.code).await?;
        let said = match profile.identity {
            IdentitySource::IdToken => {
                self.verify_with_refresh(provider, &known, now, |known| tokens::verify_id_token(&answer, provider, known, secrets.nonce, now)).await?
            }
            IdentitySource::AccessToken => {
                self.verify_with_refresh(provider, &known, now, |known| tokens::verify_access_token(&answer, known, now)).await?
            }
            IdentitySource::User => {
                let address =
                    known.userinfo_endpoint.as_deref().ok_or_else(|| ProviderError::Misconfigured("the profile has no user endpoint".into()))?;
                let user = self.http.for_provider(provider, known.local).get_json(address, Some(answer.access_token())).await?;
                tokens::VerifiedClaims::authenticated_now(tokens::parse_claims(&user), now)
            }
        };
        let sid = said.claims.single("sid").filter(|_| profile.identity == IdentitySource::IdToken).map(str::to_owned);
        let claims = self.with_userinfo_claims(said.claims, profile, provider, &known, &answer).await?;
        let identity = provider.verify_identity(profile, &known.issuer, &claims)?;
        let (issuer, subject) = (identity.issuer.clone(), identity.subject.clone());
        let through = UpstreamSession { provider: provider.id.clone(), issuer, subject, sid, id_token: answer.id_token() };
        let own_name = profile.user_name.first().and_then(|name| claims.single(name)).map(str::to_owned);
        let token = AccessToken::new(answer.access_token().to_owned());
        let authenticated_at = said.authenticated_at.or_else(|| (!profile.sends_auth_time).then_some(now));
        Ok(UpstreamLogin { identity, authenticated_at, upstream_session: through, upstream_user_name: own_name, access_token: token })
    }

    /// Many providers return names only from the UserInfo endpoint and not in the ID token (OpenID Connect Core §5.3). They are used only
    /// for the same subject; claims about the authentication are never taken from there.
    async fn with_userinfo_claims(
        &self,
        mut claims: Claims,
        profile: &Profile,
        provider: &Provider,
        known: &ProviderMetadata,
        answer: &TokenEndpointResponse,
    ) -> Result<Claims, ProviderError> {
        let required = profile.names().chain(provider.provisioning.claim());
        let missing: Vec<&str> = required.filter(|name| claims.all(name).is_empty() && !AUTHENTICATION_CLAIMS.contains(name)).collect();
        let Some(address) = known.userinfo_endpoint.as_deref().filter(|_| profile.identity == IdentitySource::IdToken && !missing.is_empty()) else {
            return Ok(claims);
        };
        let user = tokens::parse_claims(&self.http.for_provider(provider, known.local).get_json(address, Some(answer.access_token())).await?);
        if user.single("sub").is_none() || user.single("sub") != claims.single("sub") {
            return Err(ProviderError::TokenRefused("the user endpoint returned a different subject".into()));
        }
        for name in missing {
            claims.insert(name, user.all(name).to_vec());
        }
        Ok(claims)
    }

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

    /// Discards cached metadata, so that it is fetched again.
    pub fn invalidate(&self, tenant: &TenantId, provider: &ProviderId) {
        self.lock_cache().remove(&(tenant.clone(), provider.clone()));
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

    async fn request_token(
        &self,
        provider: &Provider,
        client_secret: Option<&str>,
        known: &ProviderMetadata,
        verifier: PkceCodeVerifier,
        redirect: &str,
        code: &str,
    ) -> Result<TokenEndpointResponse, ProviderError> {
        let client = oauth_client(provider, client_secret, known, redirect)?;
        let request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(verifier);
        Ok(TokenEndpointResponse::new(request.request_async(&TokenHttp(self.http.for_provider(provider, known.local))).await?))
    }

    fn cached_metadata(&self, provider: &Provider, now: Timestamp) -> Option<Arc<ProviderMetadata>> {
        self.lock_cache().get(&provider_key(provider)).filter(|known| known.is_for(provider) && known.is_fresh(now)).cloned()
    }

    async fn metadata(&self, provider: &Provider, now: Timestamp) -> Result<Arc<ProviderMetadata>, ProviderError> {
        match self.cached_metadata(provider, now) {
            Some(known) => Ok(known),
            None => self.fetch_metadata(provider, now).await,
        }
    }

    /// The same for callers that send no other request, and so take a place in the queue only for a fetch.
    async fn metadata_queued(&self, provider: &Provider, now: Timestamp) -> Result<Arc<ProviderMetadata>, ProviderError> {
        if let Some(known) = self.cached_metadata(provider, now) {
            return Ok(known);
        }
        let _slot = self.request_slot(provider, RequestQueue::SignIn).await?;
        self.metadata(provider, now).await
    }

    /// Verifies a token; again with refreshed keys if it is signed with an unknown one.
    async fn verify_with_refresh<T>(
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
    async fn refresh_metadata(
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
        let too_soon = |at: Timestamp| now.since(at) < REFRESH_INTERVAL;
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

    async fn request_slot(&self, provider: &Provider, queue: RequestQueue) -> Result<OwnedSemaphorePermit, ProviderError> {
        let slots = {
            let mut slots = self.request_slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry((provider_key(provider), queue)).or_insert_with(|| Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS))))
        };
        let slot = tokio::time::timeout(QUEUE_TIMEOUT, slots.acquire_owned()).await;
        slot.ok().and_then(Result::ok).ok_or(ProviderError::Timeout)
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, HashMap<ProviderKey, Arc<ProviderMetadata>>> {
        self.metadata_cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn provider_key(provider: &Provider) -> ProviderKey {
    (provider.tenant_id.clone(), provider.id.clone())
}

fn oauth_client(provider: &Provider, secret: Option<&str>, known: &ProviderMetadata, redirect: &str) -> Result<OAuthClient, ProviderError> {
    let bad = |error: oauth2::url::ParseError| ProviderError::Misconfigured(error.to_string());
    let mut client = OAuthClientWithoutEndpoints::new(ClientId::new(provider.client_id.clone()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    Ok(client
        .set_auth_uri(AuthUrl::new(known.authorization_endpoint.clone()).map_err(bad)?)
        .set_token_uri(TokenUrl::new(known.token_endpoint.clone()).map_err(bad)?)
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(bad)?))
}
