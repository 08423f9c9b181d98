//! Why requests to providers fail.

use thiserror::Error;

use crate::domain::provider::claims::ClaimsRefused;
use crate::proxy::Proxy;
use crate::server::providers::connect_error::ConnectError;

/// Why a request to a provider failed, or its response was rejected. `Display` is for the log; people and operators
/// read the translations (`server/messages.rs`).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    #[error("unreachable: {0}")]
    Unreachable(ConnectError),
    /// The address is not allowed for providers that administrators add; the operator can add it.
    #[error("blocked address")]
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
    #[error("issuer mismatch in the metadata: {0}")]
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
    #[error("misconfigured: {0}")]
    Misconfigured(String),
}

impl ProviderError {
    /// Adds the proxy that the request went through, as it may be the cause.
    pub(super) fn via_proxy(self, proxy: Option<Proxy>) -> Self {
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
