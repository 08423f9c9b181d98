//! ID tokens (OpenID Connect Core §2): what a client is told about the person who signed in.

use serde::{Deserialize, Serialize};

use super::token::SignedClaims;

/// The claims that clients are told, in ID token and userinfo (OpenID Connect Discovery 1.0 §3).
pub const CLAIMS: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "at_hash",
    "sid",
    "name",
    "preferred_username",
    "email",
    "email_verified",
    "groups",
];

/// The claims of an ID token. A claim without a value is left out (OpenID Connect Core §5.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The tenant's issuer URL, `{public_url}/t/{tenant}`.
    pub iss: String,
    /// The person's user id.
    pub sub: String,
    /// The client's id.
    pub aud: String,
    /// Seconds since 1970.
    pub exp: i64,
    /// Seconds since 1970.
    pub iat: i64,
    /// When the person last signed in, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// That of the authorization request, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// What they showed to sign in: `ACR_MFA` or `ACR_SFA` of `authorization_request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How they signed in (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Of the access token that came with it (§3.1.3.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// The client's name for the browser session (OpenID Connect Back-Channel Logout §2.1); other clients have other names for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    #[serde(flatten)]
    pub person: PersonClaims,
}

impl SignedClaims for IdTokenClaims {
    const TYPE: &'static str = "JWT";
}

/// What a client is told about a person (OpenID Connect Core §5.1), in ID token and userinfo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonClaims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The user id; for a client of a host, the account there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// A verified address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `true`, if there is an address: others are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The groups of the tenant that the person is in; `None` if the client may not learn them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}
