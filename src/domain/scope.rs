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
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::HostsRead, Scope::KeysRead, Scope::KeysCreate, Scope::KeysRevoke];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::HostsRead => "hosts:read",
            Scope::KeysRead => "keys:read",
            Scope::KeysCreate => "keys:create",
            Scope::KeysRevoke => "keys:revoke",
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
    /// Parses a `scope` parameter and ignores unknown words: generic clients add their own (`openid`, `offline_access`), and refusing them
    /// would exclude those clients (docs/decisions/0005).
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
        assert_eq!(asked.to_string(), "hosts:read keys:create");
        assert!(ScopeSet::parse_known("openid profile").is_empty());
    }

    #[test]
    fn intersection_has_only_common_scopes() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        let allowed = ScopeSet::parse_known("hosts:read");
        assert_eq!(asked.intersection(&allowed).to_string(), "hosts:read");
    }
}
