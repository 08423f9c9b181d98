//! Profiles: what one kind of provider is like.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Properties of one kind of provider, from `server/providers/profiles.toml`: no provider has code of its own.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// Name of this kind of provider, for administrators.
    pub about: String,
    /// The base URL, if there is only one.
    #[serde(default)]
    pub base: Option<String>,
    /// Endpoint URLs with `{base}`. `None`: they are discovered from metadata (OpenID Connect Discovery 1.0).
    #[serde(default)]
    pub endpoints: Option<Endpoints>,
    pub identity: IdentitySource,
    pub scope: String,
    /// Claim that identifies a person; constant, and never reassigned.
    #[serde(default = "default_subject_claim")]
    pub subject: String,
    /// Claims to derive a user id from, best first.
    #[serde(default)]
    pub user_name: Vec<String>,
    /// Claims with a display name, best first.
    #[serde(default)]
    pub display_name: Vec<String>,
    /// Claims with the person's organization, best first.
    #[serde(default)]
    pub organization: Vec<String>,
    /// Claims that must have these values; `{client_id}` is replaced.
    #[serde(default)]
    pub require: BTreeMap<String, String>,
    /// URL to sign out at, if the metadata have none.
    #[serde(default)]
    pub sign_out: Option<String>,
    /// Too weak to create accounts; only for people who already exist.
    #[serde(default)]
    pub known_people_only: bool,
    /// Help page of the provider, shown after repeated failures.
    #[serde(default)]
    pub help: Option<String>,
    /// Whether its ID tokens carry `auth_time` on request. If not, the time of the callback is used.
    #[serde(default = "default_true")]
    #[serde(rename = "says-when")]
    pub sends_auth_time: bool,
}

impl Profile {
    /// The issuer that identities are stored under, without a trailing slash.
    pub fn issuer(&self, base: &str) -> String {
        let base = self.base.as_deref().unwrap_or(base).trim_end_matches('/');
        self.endpoints.as_ref().map_or(base.to_owned(), |endpoints| endpoints.issuer.replace("{base}", base))
    }

    /// All claims with names of people or organizations.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.user_name, &self.display_name, &self.organization].into_iter().flatten().map(String::as_str)
    }
}

fn default_subject_claim() -> String {
    "sub".to_owned()
}

fn default_true() -> bool {
    true
}

/// The endpoints of a provider without discovery.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoints {
    pub issuer: String,
    pub authorization: String,
    pub token: String,
    /// JWKS URL, where tokens identify the person.
    #[serde(default)]
    pub keys: Option<String>,
    /// Userinfo endpoint.
    #[serde(default)]
    pub user: Option<String>,
}

/// Which token or endpoint identifies the person.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum IdentitySource {
    /// An ID token (OpenID Connect Core §2).
    IdToken,
    /// An access token that is a signed JWT.
    AccessToken,
    /// The userinfo endpoint.
    User,
}
