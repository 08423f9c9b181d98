//! What an access token may be used for (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

/// One permission of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// `hosts:read`: list the selected host accounts.
    HostsRead,
    /// `keys:read`: list the SSH keys of those host accounts.
    KeysRead,
    /// `keys:create`: create SSH keys for those host accounts.
    KeysCreate,
    /// `keys:revoke`: revoke SSH keys of those host accounts.
    KeysRevoke,
    /// `offline_access`: get a refresh token, and stay signed in until the access ends (OpenID Connect Core §11). Permits nothing at the TMS
    /// API, and is in no access token.
    OfflineAccess,
}

impl Scope {
    /// All that a client can be allowed to ask for.
    pub const ALL: [Scope; 5] = [Scope::HostsRead, Scope::KeysRead, Scope::KeysCreate, Scope::KeysRevoke, Scope::OfflineAccess];
    /// The permissions of the TMS API.
    pub const TMS: [Scope; 4] = [Scope::HostsRead, Scope::KeysRead, Scope::KeysCreate, Scope::KeysRevoke];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::HostsRead => "hosts:read",
            Scope::KeysRead => "keys:read",
            Scope::KeysCreate => "keys:create",
            Scope::KeysRevoke => "keys:revoke",
            Scope::OfflineAccess => "offline_access",
        }
    }

    fn parse(word: &str) -> Option<Scope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// A set of scopes, written as words separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Parses a `scope` parameter and ignores unknown words: generic clients add their own (`openid`), and refusing them would exclude those
    /// clients (docs/decisions/0005).
    pub fn parse_known(text: &str) -> Self {
        Self(text.split_ascii_whitespace().filter_map(Scope::parse).collect())
    }

    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn intersection(&self, other: &ScopeSet) -> ScopeSet {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Whether `other` has all of it.
    pub fn is_within(&self, other: &ScopeSet) -> bool {
        self.0.is_subset(&other.0)
    }

    #[must_use]
    pub fn without(mut self, scope: Scope) -> ScopeSet {
        self.0.remove(&scope);
        self
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{}", scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_and_extra_spaces_are_ignored() {
        let asked = ScopeSet::parse_known("  openid keys:create   hosts:read offline_access ");
        assert_eq!(asked.to_string(), "hosts:read keys:create offline_access");
        assert!(ScopeSet::parse_known("openid profile").is_empty());
    }

    #[test]
    fn tms_scopes_are_all_but_offline_access() {
        assert_eq!(Scope::TMS, Scope::ALL[..4]);
        let all: ScopeSet = Scope::ALL.into_iter().collect();
        assert_eq!(all.without(Scope::OfflineAccess), Scope::TMS.into_iter().collect());
    }

    #[test]
    fn intersection_has_only_common_scopes() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        let allowed = ScopeSet::parse_known("hosts:read");
        assert_eq!(asked.intersection(&allowed).to_string(), "hosts:read");
    }
}
