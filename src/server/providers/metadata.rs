//! Provider metadata: endpoints and keys.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl};
use serde::{Deserialize, Serialize};

use super::http::{HttpClients, ProviderHttp};
use super::url::{check_base_url, check_url};
use crate::domain::provider::Provider;
use crate::domain::provider::profile::{Endpoints, IdentitySource, Profile};
use crate::domain::time::Timestamp;
use crate::server::providers::error::ProviderError;

/// How long metadata is cached.
const METADATA_LIFETIME: Duration = Duration::from_secs(60 * 60);

pub struct ProviderMetadata {
    /// The provider's configuration when the metadata was fetched.
    provider: Provider,
    pub fetched_at: Timestamp,
    /// The provider is on this machine, as in development; only then may its endpoints be, too.
    pub local: bool,
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    /// Where people sign out: for clients that name the session (RP-Initiated Logout 1.0), else a page for people.
    pub end_session_endpoint: Option<String>,
    pub sign_out_page: Option<String>,
    /// Its callbacks contain `iss` (RFC 9207).
    sends_iss: bool,
    pub jwks: ProviderJwks,
}

/// The same keys in the form of the library that verifies this profile's tokens.
pub enum ProviderJwks {
    IdTokens(CoreJsonWebKeySet),
    AccessTokens(JwkSet),
    None,
}

/// Metadata beyond the library's core type.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ExtraMetadata {
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
    #[serde(default)]
    end_session_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for ExtraMetadata {}

type DiscoveryMetadata = openidconnect::ProviderMetadata<
    ExtraMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

impl ProviderJwks {
    /// In the form of the library that verifies tokens other than ID tokens.
    pub fn to_jwk_set(&self) -> JwkSet {
        let keys = match self {
            Self::AccessTokens(keys) => return keys.clone(),
            Self::IdTokens(keys) => keys.keys().iter().filter_map(|key| serde_json::from_value(serde_json::to_value(key).ok()?).ok()).collect(),
            Self::None => Vec::new(),
        };
        JwkSet { keys }
    }
}

impl ProviderMetadata {
    pub async fn fetch(http: &HttpClients, provider: &Provider, profile: &Profile, now: Timestamp) -> Result<Self, ProviderError> {
        let base = profile.base.as_deref().unwrap_or(&provider.base_url).trim_end_matches('/');
        check_base_url(base)?;
        let local = check_url(base, false).is_err();
        match &profile.endpoints {
            Some(endpoints) => Self::from_profile(&http.for_provider(provider, local), provider, profile, endpoints, base, now).await,
            None => Self::discover(&http.for_provider(provider, local), provider, profile, now).await,
        }
    }

    /// OpenID Connect Discovery 1.0 §4; the library refuses metadata of another issuer.
    async fn discover(http: &ProviderHttp<'_>, provider: &Provider, profile: &Profile, now: Timestamp) -> Result<Self, ProviderError> {
        let issuer = profile.base.as_ref().unwrap_or(&provider.base_url).clone();
        let issuer = IssuerUrl::new(issuer).map_err(|error| ProviderError::Misconfigured(error.to_string()))?;
        let metadata = DiscoveryMetadata::discover_async(issuer, http).await.map_err(from_discovery)?;
        let token = metadata.token_endpoint().ok_or_else(|| ProviderError::InvalidResponse("the metadata has no token endpoint".into()))?;
        let more = metadata.additional_metadata();
        let known = Self {
            provider: provider.clone(),
            fetched_at: now,
            local: http.local,
            issuer: metadata.issuer().to_string(),
            authorization_endpoint: metadata.authorization_endpoint().to_string(),
            token_endpoint: token.to_string(),
            userinfo_endpoint: metadata.userinfo_endpoint().map(ToString::to_string),
            end_session_endpoint: more.end_session_endpoint.clone(),
            sign_out_page: profile.sign_out.clone(),
            sends_iss: more.authorization_response_iss_parameter_supported.unwrap_or_default(),
            jwks: ProviderJwks::IdTokens(metadata.jwks().clone()),
        };
        for address in
            [Some(&known.authorization_endpoint), Some(&known.token_endpoint), known.userinfo_endpoint.as_ref(), known.end_session_endpoint.as_ref()]
                .into_iter()
                .flatten()
        {
            check_url(address, http.local)?;
        }
        Ok(known)
    }

    async fn from_profile(
        http: &ProviderHttp<'_>,
        provider: &Provider,
        profile: &Profile,
        endpoints: &Endpoints,
        base: &str,
        now: Timestamp,
    ) -> Result<Self, ProviderError> {
        let at = |template: &str| template.replace("{base}", base);
        let keys = match (&endpoints.keys, profile.identity) {
            (Some(keys), IdentitySource::IdToken | IdentitySource::AccessToken) => {
                let keys = http.get_json(&at(keys), None).await?;
                let unreadable = |error: serde_json::Error| ProviderError::InvalidResponse(format!("the key set is not valid: {error}"));
                if profile.identity == IdentitySource::IdToken {
                    ProviderJwks::IdTokens(serde_json::from_value(keys).map_err(unreadable)?)
                } else {
                    ProviderJwks::AccessTokens(serde_json::from_value(keys).map_err(unreadable)?)
                }
            }
            (None, IdentitySource::IdToken | IdentitySource::AccessToken) => {
                return Err(ProviderError::Misconfigured("the profile has no key set URL".into()));
            }
            (_, IdentitySource::User) => ProviderJwks::None,
        };
        let known = Self {
            provider: provider.clone(),
            fetched_at: now,
            local: http.local,
            issuer: at(&endpoints.issuer),
            authorization_endpoint: at(&endpoints.authorization),
            token_endpoint: at(&endpoints.token),
            userinfo_endpoint: endpoints.user.as_deref().map(at),
            end_session_endpoint: None,
            sign_out_page: profile.sign_out.as_deref().map(at),
            sends_iss: false,
            jwks: keys,
        };
        check_url(&known.authorization_endpoint, http.local)?;
        Ok(known)
    }

    pub fn is_for(self: &Arc<Self>, provider: &Provider) -> bool {
        self.provider == *provider
    }

    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched_at.is_within(METADATA_LIFETIME, now)
    }

    /// Checks that a callback is from this provider, against mix-up attacks (RFC 9207 §2.4).
    pub fn check_issuer(&self, named: Option<&str>) -> Result<(), ProviderError> {
        match named {
            Some(issuer) if issuer == self.issuer => Ok(()),
            None if !self.sends_iss => Ok(()),
            Some(other) => Err(ProviderError::IssuerMismatch(other.chars().take(200).collect())),
            None => Err(ProviderError::IssuerMismatch("no issuer is given".into())),
        }
    }
}

fn from_discovery(error: DiscoveryError<ProviderError>) -> ProviderError {
    match error {
        DiscoveryError::Request(trouble) => trouble,
        // The library's error for metadata of another issuer.
        DiscoveryError::Validation(why) => ProviderError::DiscoveryIssuerMismatch(why),
        other => ProviderError::InvalidResponse(format!("the metadata is not valid: {other}")),
    }
}
