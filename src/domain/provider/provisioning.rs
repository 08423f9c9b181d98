//! Provisioning: which unknown users get an account at first sign-in, and under which user id.

use serde::{Deserialize, Serialize};

use super::Provider;
use crate::domain::ids::UserId;
use crate::domain::provider::claims::{Claims, VerifiedIdentity};

/// Which unknown users get an account at first sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisioningPolicy {
    /// All users of the provider.
    Open,
    /// Users with an invitation, which links their identity to an existing person.
    Invited,
    /// Users who have one of these values in a claim.
    Rule { claim: String, values: Vec<String> },
}

impl ProvisioningPolicy {
    /// Parses the operators' notation: `open`, `invited`, or `CLAIM=VALUE,VALUE`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "open" => Some(Self::Open),
            "invited" => Some(Self::Invited),
            rule => {
                let (claim, values) = rule.split_once('=')?;
                let values: Vec<String> = values.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
                (!claim.trim().is_empty() && !values.is_empty()).then(|| Self::Rule { claim: claim.trim().to_owned(), values })
            }
        }
    }

    /// The claim that decides, in [`Self::Rule`].
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::Rule { claim, .. } => Some(claim),
            Self::Open | Self::Invited => None,
        }
    }

    pub(super) fn admits(&self, claims: &Claims) -> bool {
        match self {
            Self::Open => true,
            Self::Invited => false,
            // An unverified email address proves nothing.
            Self::Rule { claim, .. } if claim == "email" && claims.single("email_verified") != Some("true") => false,
            Self::Rule { claim, values } => claims.all(claim).iter().any(|value| values.contains(value)),
        }
    }
}

impl Provider {
    /// Candidates for a new person's user id, best first; the last one contains `unique_suffix` and is unused. A user id does not identify
    /// the person at the provider: issuer and subject do. Letters outside ASCII are transliterated: `josé@…` gives `jose@…`. Only the unmodified
    /// name has no `~`: a person has neither accounts nor a mailbox of the centre under another one.
    pub fn user_id_candidates(&self, identity: &VerifiedIdentity, unique_suffix: &str) -> Vec<UserId> {
        const MAX_SUFFIX: usize = 5;
        let preferred = identity.user_name.as_deref().unwrap_or_default();
        let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        let name: String = deunicode::deunicode(preferred).chars().filter(allowed).skip_while(|c| !c.is_ascii_alphanumeric()).take(64).collect();
        // A sanitized name is not the owner's name at the provider and could collide with another's.
        let own = self.own_names && name == preferred;
        let base = format!("{}~{}", if name.is_empty() { "user" } else { name.as_str() }, self.id);
        let more = (2..=MAX_SUFFIX).map(|n| format!("{base}-{n}")).chain([format!("{base}-{unique_suffix}")]);
        let unmodified = (own && !name.is_empty()).then_some(name);
        unmodified.into_iter().chain([base.clone()]).chain(more).filter_map(|name| UserId::parse(name).ok()).collect()
    }
}
