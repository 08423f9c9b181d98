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
    /// `openid`: learn who the person is (OpenID Connect Core §3.1.2.1).
    OpenId,
    /// `profile`: learn their name (§5.4).
    Profile,
    /// `email`: learn their e-mail address (§5.4).
    Email,
    /// `groups`: learn the groups of the tenant that they are in.
    Groups,
}

impl Scope {
    /// All that a client can be allowed to ask for.
    pub const ALL: [Scope; 9] = [
        Scope::HostsRead,
        Scope::KeysRead,
        Scope::KeysCreate,
        Scope::KeysRevoke,
        Scope::OfflineAccess,
        Scope::OpenId,
        Scope::Profile,
        Scope::Email,
        Scope::Groups,
    ];
    /// The permissions of the TMS API.
    pub const TMS: [Scope; 4] = [Scope::HostsRead, Scope::KeysRead, Scope::KeysCreate, Scope::KeysRevoke];
    /// The permissions to learn who the person is.
    pub const SIGN_IN: [Scope; 4] = [Scope::OpenId, Scope::Profile, Scope::Email, Scope::Groups];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::HostsRead => "hosts:read",
            Scope::KeysRead => "keys:read",
            Scope::KeysCreate => "keys:create",
            Scope::KeysRevoke => "keys:revoke",
            Scope::OfflineAccess => "offline_access",
            Scope::OpenId => "openid",
            Scope::Profile => "profile",
            Scope::Email => "email",
            Scope::Groups => "groups",
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
    /// Parses a `scope` parameter and ignores unknown words: generic clients add their own (`phone`), and refusing them would exclude those
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

    /// The permissions of the TMS API, for which a delegation is made.
    pub fn delegated(&self) -> ScopeSet {
        self.intersection(&Scope::TMS.into_iter().collect())
    }

    /// The permissions to learn who the person is.
    pub fn sign_in(&self) -> ScopeSet {
        self.intersection(&Scope::SIGN_IN.into_iter().collect())
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

    /// Whether it has more than `offline_access`, which permits nothing.
    pub fn permits_something(&self) -> bool {
        self.0.iter().any(|scope| *scope != Scope::OfflineAccess)
    }

    /// What `other` does not have.
    #[must_use]
    pub fn without_all(&self, other: &ScopeSet) -> ScopeSet {
        Self(self.0.difference(&other.0).copied().collect())
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
        let asked = ScopeSet::parse_known("  phone keys:create   hosts:read offline_access ");
        assert_eq!(asked.to_string(), "hosts:read keys:create offline_access");
        assert!(ScopeSet::parse_known("phone address").is_empty());
    }

    #[test]
    fn scopes_are_for_the_api_or_for_the_sign_in() {
        let all: ScopeSet = Scope::ALL.into_iter().collect();
        assert_eq!(all.delegated(), Scope::TMS.into_iter().collect());
        assert_eq!(all.sign_in().to_string(), "openid profile email groups");
        let rest = all.without_all(&all.delegated()).without_all(&all.sign_in());
        assert_eq!(rest, [Scope::OfflineAccess].into_iter().collect());
    }

    #[test]
    fn intersection_has_only_common_scopes() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        let allowed = ScopeSet::parse_known("hosts:read");
        assert_eq!(asked.intersection(&allowed).to_string(), "hosts:read");
    }
}
