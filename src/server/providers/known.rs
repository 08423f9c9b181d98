//! What a provider says of itself: its addresses and its keys.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, DiscoveryError, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};

use super::Trouble;
use super::http::{Http, To};
use crate::domain::loopback::is_loopback;
use crate::domain::provider::{Endpoints, IdentityFrom, Profile, Provider};
use crate::domain::time::Timestamp;

/// How long it is believed.
const FRESH: Duration = Duration::from_secs(60 * 60);

pub struct Known {
    /// The provider as it was set up when this was asked.
    of: Provider,
    pub asked_at: Timestamp,
    /// It is on this machine, as in development; then so may its addresses be, and nobody else's.
    pub local: bool,
    pub issuer: String,
    pub authorization: String,
    pub token: String,
    pub user: Option<String>,
    /// Where one signs out there: for programs that say for whom (RP-Initiated Logout 1.0), else for people alone.
    pub end_session: Option<String>,
    pub sign_out: Option<String>,
    /// It names itself in what it sends back (RFC 9207).
    names_itself: bool,
    pub keys: Keys,
}

/// The same keys, for the library that checks the tokens of this profile.
pub enum Keys {
    IdTokens(CoreJsonWebKeySet),
    AccessTokens(JwkSet),
    None,
}

/// What OpenID Connect's metadata may hold beyond its core.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct More {
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
    #[serde(default)]
    end_session_endpoint: Option<String>,
}

impl AdditionalProviderMetadata for More {}

type Metadata = ProviderMetadata<
    More,
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

impl Keys {
    /// In the form of the library that checks tokens of other kinds than ID tokens.
    pub fn of_any_token(&self) -> JwkSet {
        let keys = match self {
            Self::AccessTokens(keys) => return keys.clone(),
            Self::IdTokens(keys) => keys.keys().iter().filter_map(|key| serde_json::from_value(serde_json::to_value(key).ok()?).ok()).collect(),
            Self::None => Vec::new(),
        };
        JwkSet { keys }
    }
}

impl Known {
    pub async fn ask(http: &Http, provider: &Provider, profile: &Profile, now: Timestamp) -> Result<Self, Trouble> {
        let base = profile.base.as_deref().unwrap_or(&provider.base).trim_end_matches('/');
        check_base(base)?;
        let local = check_address(base, false).is_err();
        match &profile.endpoints {
            Some(endpoints) => Self::from_profile(&http.to(provider, local), provider, profile, endpoints, base, now).await,
            None => Self::by_discovery(&http.to(provider, local), provider, profile, now).await,
        }
    }

    /// OpenID Connect Discovery 1.0 §4; the library refuses metadata of another issuer.
    async fn by_discovery(http: &To<'_>, provider: &Provider, profile: &Profile, now: Timestamp) -> Result<Self, Trouble> {
        let issuer = profile.base.as_ref().unwrap_or(&provider.base).clone();
        let issuer = IssuerUrl::new(issuer).map_err(|error| Trouble::Misconfigured(error.to_string()))?;
        let metadata = Metadata::discover_async(issuer, http).await.map_err(from_discovery)?;
        let token = metadata.token_endpoint().ok_or_else(|| Trouble::Broken("the metadata has no token endpoint".into()))?;
        let more = metadata.additional_metadata();
        let known = Self {
            of: provider.clone(),
            asked_at: now,
            local: http.local,
            issuer: metadata.issuer().to_string(),
            authorization: metadata.authorization_endpoint().to_string(),
            token: token.to_string(),
            user: metadata.userinfo_endpoint().map(ToString::to_string),
            end_session: more.end_session_endpoint.clone(),
            sign_out: profile.sign_out.clone(),
            names_itself: more.authorization_response_iss_parameter_supported.unwrap_or_default(),
            keys: Keys::IdTokens(metadata.jwks().clone()),
        };
        for address in [Some(&known.authorization), Some(&known.token), known.user.as_ref(), known.end_session.as_ref()].into_iter().flatten() {
            check_address(address, http.local)?;
        }
        Ok(known)
    }

    async fn from_profile(
        http: &To<'_>,
        provider: &Provider,
        profile: &Profile,
        endpoints: &Endpoints,
        base: &str,
        now: Timestamp,
    ) -> Result<Self, Trouble> {
        let at = |template: &str| template.replace("{base}", base);
        let keys = match (&endpoints.keys, profile.identity) {
            (Some(keys), IdentityFrom::IdToken | IdentityFrom::AccessToken) => {
                let keys = http.get_json(&at(keys), None).await?;
                let unreadable = |error: serde_json::Error| Trouble::Broken(format!("the key set is not valid: {error}"));
                if profile.identity == IdentityFrom::IdToken {
                    Keys::IdTokens(serde_json::from_value(keys).map_err(unreadable)?)
                } else {
                    Keys::AccessTokens(serde_json::from_value(keys).map_err(unreadable)?)
                }
            }
            (None, IdentityFrom::IdToken | IdentityFrom::AccessToken) => return Err(Trouble::Misconfigured("the profile has no key set URL".into())),
            (_, IdentityFrom::User) => Keys::None,
        };
        let known = Self {
            of: provider.clone(),
            asked_at: now,
            local: http.local,
            issuer: at(&endpoints.issuer),
            authorization: at(&endpoints.authorization),
            token: at(&endpoints.token),
            user: endpoints.user.as_deref().map(at),
            end_session: None,
            sign_out: profile.sign_out.as_deref().map(at),
            names_itself: false,
            keys,
        };
        check_address(&known.authorization, http.local)?;
        Ok(known)
    }

    pub fn is_of(self: &Arc<Self>, provider: &Provider) -> bool {
        self.of == *provider
    }

    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.asked_at) < FRESH
    }

    /// Whether what came back is from this provider, and not another's answer mixed in (RFC 9207 §2.4).
    pub fn check_issuer(&self, named: Option<&str>) -> Result<(), Trouble> {
        match named {
            Some(issuer) if issuer == self.issuer => Ok(()),
            None if !self.names_itself => Ok(()),
            Some(other) => Err(Trouble::WrongIssuer(other.chars().take(200).collect())),
            None => Err(Trouble::WrongIssuer("no issuer is given".into())),
        }
    }
}

/// An address that paths are put behind, as a person wrote it: spelt as it should be, and without a query.
fn check_base(address: &str) -> Result<(), Trouble> {
    check_address(address, true)?;
    let violation = std::cell::Cell::new(None);
    let note = |found| violation.set(Some(found));
    let url = url::Url::options().syntax_violation_callback(Some(&note)).parse(address);
    let misspelt = violation.get().map(|violation: url::SyntaxViolation| violation.description());
    let query = url.is_ok_and(|url| url.query().is_some()).then_some("the URL has a query");
    match misspelt.or(query) {
        Some(why) => Err(Trouble::Misconfigured(format!("{address}: {why}"))),
        None => Ok(()),
    }
}

/// Secrets and keys go over TLS, or stay on this machine if the provider is there too.
pub fn check_address(address: &str, local: bool) -> Result<(), Trouble> {
    let url = oauth2::url::Url::parse(address).map_err(|error| Trouble::Misconfigured(format!("{address}: {error}")))?;
    // The address goes into the log and onto pages; and a fragment is not sent (RFC 6749 §3.1).
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Trouble::Misconfigured("a URL contains a user name, a password or a fragment".into()));
    }
    let here = url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => Ok(()),
        "http" if here && local => Ok(()),
        _ => Err(Trouble::Misconfigured(format!("{address} is not https"))),
    }
}

fn from_discovery(error: DiscoveryError<Trouble>) -> Trouble {
    match error {
        DiscoveryError::Request(trouble) => trouble,
        // What the library says of an issuer that names another.
        DiscoveryError::Validation(why) => Trouble::OtherName(why),
        other => Trouble::Broken(format!("the metadata is not valid: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine() {
        for good in [
            "https://idp.example/realms/x",
            "http://127.0.0.1:8080",
            "http://localhost/x",
            "http://localhost.:8080",
            "http://idp.localhost",
            "http://[::1]:1",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert_eq!(check_address(good, true), Ok(()), "{good}");
        }
        assert!(check_address("http://127.0.0.1:1", false).is_err(), "not what a provider elsewhere names");
        for bad in [
            "http://idp.example",
            "http://localhost.example",
            "ftp://127.0.0.1",
            "idp.example",
            "",
            "javascript:alert(1)",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(check_address(bad, true).is_err(), "{bad}");
        }
        for bad in ["https://u:p@idp.example", "https://u@idp.example/x", "https://idp.example/#x", "https://idp.example:abc", "https://[::1"] {
            assert!(check_address(bad, true).is_err() && check_base(bad).is_err(), "{bad}");
        }
        for bad in ["https:\\\\idp.example", "https:/idp.example", "https://idp.example\\x", " https://idp.example", "https://idp.example?x"] {
            assert!(check_base(bad).is_err(), "{bad}");
        }
        assert_eq!(check_base("https://idp.example:8443/realms/x"), Ok(()));
    }
}
