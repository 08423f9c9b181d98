//! Identifiers, each of its own type so that they cannot be mixed up.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not a valid identifier.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IdRefused {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {} characters", MAX_ID_LENGTH)]
    TooLong,
    #[error("it has a character other than letters, digits and . _ - @ + ~ /")]
    ForbiddenCharacter,
}

/// Maximum length of an identifier, in bytes.
const MAX_ID_LENGTH: usize = 128;

/// Printable ASCII that needs no quoting: identifiers are used in URLs, logs, terminals and `sshd`'s command lines.
fn check(text: &str) -> Result<(), IdRefused> {
    if text.is_empty() {
        return Err(IdRefused::Empty);
    }
    if text.len() > MAX_ID_LENGTH {
        return Err(IdRefused::TooLong);
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '~' | '/');
    if text.chars().all(allowed) { Ok(()) } else { Err(IdRefused::ForbiddenCharacter) }
}

/// A safe path segment: letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 64 characters.
fn check_segment(text: &str) -> Result<(), IdRefused> {
    check(text)?;
    if text.len() > 64 {
        return Err(IdRefused::TooLong);
    }
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if starts_well && text.chars().all(allowed) { Ok(()) } else { Err(IdRefused::ForbiddenCharacter) }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        identifier! { $(#[$doc])* $name, check }
    };
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        identifier! { #[derive(PartialEq, Eq, Hash, PartialOrd, Ord)] $(#[$doc])* $name, $check, without comparison }
    };
    ($(#[$attribute:meta])* $name:ident, $check:ident, without comparison) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts `text` unchanged, or returns why it is not valid.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdRefused> {
                let text = text.into();
                $check(&text).map(|()| Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdRefused;
            fn try_from(text: String) -> Result<Self, IdRefused> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A client of a tenant (RFC 6749 §2.2).
    ClientId
}
identifier! {
    /// A person of a tenant; `tms_user_id` and `client_user_id` in TMS' API, `sub` in a token.
    UserId
}
identifier! {
    /// A device grant. Not secret: it may be used in forms and URLs.
    DeviceGrantId
}
identifier! {
    /// An authorization; one given on a device grant has the id of that grant. Not secret: it may be used in forms and URLs.
    AuthorizationId
}
identifier! {
    /// A token family. Those of device grants redeemed by earlier releases have the `jti` of their only token.
    TokenFamilyId
}
identifier! {
    /// A user code submitted before sign-in, in the session that stores it. Reveals nothing about the code.
    CodeEntryId
}
identifier! {
    /// A linked host account.
    HostAccountId
}
identifier! {
    /// A link request. Not secret: it may be used in forms and URLs.
    LinkRequestId
}
identifier! {
    /// A host's name in TMS; need not be its DNS name. Compared case-insensitively, as DNS names are (RFC 4343); stored and shown as it was
    /// registered.
    HostName, check, without comparison
}
identifier! {
    /// A login on a host.
    AccountName
}
identifier! {
    /// An administrator of a tenant.
    AdminId
}
identifier! {
    /// An authorization request. Not secret: it appears in the audit log. Pages find the request by its handle, which is.
    AuthorizationRequestId
}
identifier! {
    /// A delegation.
    DelegationId
}
identifier! {
    /// An access token's `jti`.
    TokenId
}
identifier! {
    /// A signing key: its thumbprint (RFC 7638), and `kid` in the headers of tokens.
    SigningKeyId
}
identifier! {
    /// A tenant's short name; a path segment of its issuer URL.
    TenantId, check_segment
}
identifier! {
    /// An identity provider of a tenant; a path segment of its redirect URI.
    ProviderId, check_segment
}
identifier! {
    /// A browser session, as shown on the sessions page; cannot be used to derive the cookie.
    SessionId
}

impl From<&DeviceGrantId> for AuthorizationId {
    fn from(grant: &DeviceGrantId) -> Self {
        Self(grant.0.clone())
    }
}

/// The grant on which an authorization was given in the device flow.
impl From<&AuthorizationId> for DeviceGrantId {
    fn from(id: &AuthorizationId) -> Self {
        Self(id.0.clone())
    }
}

impl From<&AuthorizationId> for AuthorizationId {
    fn from(id: &AuthorizationId) -> Self {
        id.clone()
    }
}

impl TokenFamilyId {
    /// The family that an access token belongs to: its `jti` is the id of the family, alone or followed by `.` and further parts.
    pub fn of_token(token: &TokenId) -> Self {
        Self(token.0.split('.').next().unwrap_or_default().to_owned())
    }
}

impl TokenId {
    /// The generation of the refresh token with which an access token was issued: the second part of its `jti`. `None` if there was none.
    pub fn generation(&self) -> Option<u32> {
        self.0.split('.').nth(1)?.parse().ok()
    }
}

impl HostName {
    fn lowercase(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for HostName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HostName {}

impl Hash for HostName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lowercase().for_each(|byte| byte.hash(state));
        state.write_u8(0xff);
    }
}

impl PartialOrd for HostName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for HostName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lowercase().cmp(other.lowercase())
    }
}

impl AdminId {
    /// The id under which a person with the administrator role appears in the audit log. Contains a colon, so no other administrator can
    /// have it.
    pub fn of_person(person: &UserId) -> Self {
        Self(format!("person:{person}"))
    }

    /// The id under which operators appear in the audit log when they use `tms-portal`.
    pub fn of_operator() -> Self {
        Self(Self::OPERATOR.to_owned())
    }

    pub const OPERATOR: &str = "operator:";
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn identifiers_that_need_quoting_are_refused() {
        assert_eq!(UserId::parse("jdoe@tacc").map(String::from), Ok("jdoe@tacc".into()));
        assert_eq!(UserId::parse(""), Err(IdRefused::Empty));
        assert_eq!(UserId::parse("a".repeat(129)), Err(IdRefused::TooLong));
        for bad in ["a b", "a\0", "a\n", "é", "a'b", "a\"b", "a;b", "<b>"] {
            assert_eq!(UserId::parse(bad), Err(IdRefused::ForbiddenCharacter), "{bad:?}");
        }
    }

    #[test]
    fn host_names_compare_case_insensitively() {
        let host = |name: &str| HostName::parse(name).expect("a name");
        assert_eq!(host("Vista"), host("vISTA"));
        assert_ne!(host("vista"), host("vista2"));
        assert_eq!(host("Vista").as_str(), "Vista");
        assert_eq!(HashSet::from([host("Vista"), host("vista"), host("frontera")]).len(), 2);
        assert_eq!(BTreeSet::from([host("b"), host("A"), host("B")]).into_iter().collect::<Vec<_>>(), [host("a"), host("b")]);
        assert_ne!(AccountName::parse("jdoe"), AccountName::parse("JDoe"), "names of accounts are to the letter");
    }

    #[test]
    fn token_id_names_family_and_generation() {
        for (text, family, generation) in
            [("fam_1", "fam_1", None), ("fam_1.7.aB-_", "fam_1", Some(7)), ("tok_1", "tok_1", None), ("fam_1.x.y", "fam_1", None)]
        {
            let id = TokenId::parse(text).expect("a token id");
            assert_eq!((TokenFamilyId::of_token(&id).as_str(), id.generation()), (family, generation), "{text}");
        }
    }

    #[test]
    fn tenant_id_is_one_safe_path_segment() {
        assert!(TenantId::parse("tacc.prod-1").is_ok());
        for bad in ["..", ".hidden", "-x", "a/b", "a~b", "a@b"] {
            assert_eq!(TenantId::parse(bad), Err(IdRefused::ForbiddenCharacter), "{bad:?}");
        }
    }
}
