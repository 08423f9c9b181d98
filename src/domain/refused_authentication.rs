//! Refused authentications as they are logged: what was presented, by whom and from where. Never the secret itself.

use std::net::IpAddr;

use super::second_factor::SecondFactorCode;
use super::user_code::UserCode;

/// What was presented. The words are stable: operators' log filters use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    ClientSecret,
    /// A JWT with which a client authenticates.
    ClientAssertion,
    AdminSecret,
    HostCredential,
    AccessToken,
    DeviceCode,
    AuthorizationCode,
    RefreshToken,
    /// A user code of a device or of a host's link request.
    UserCode,
    Password,
    SecondFactor,
    RecoveryCode,
    Passkey,
    Invitation,
}

impl CredentialKind {
    /// In the order of their declaration.
    pub const ALL: &'static [Self] = &[
        Self::ClientSecret,
        Self::ClientAssertion,
        Self::AdminSecret,
        Self::HostCredential,
        Self::AccessToken,
        Self::DeviceCode,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::UserCode,
        Self::Password,
        Self::SecondFactor,
        Self::RecoveryCode,
        Self::Passkey,
        Self::Invitation,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::ClientAssertion => "client_assertion",
            Self::AdminSecret => "admin_secret",
            Self::HostCredential => "host_credential",
            Self::AccessToken => "access_token",
            Self::DeviceCode => "device_code",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::UserCode => "user_code",
            Self::Password => "password",
            Self::SecondFactor => "second_factor",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
            Self::Invitation => "invitation",
        }
    }
}

/// Why it was refused. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationFailure {
    /// There is no such name, code or token.
    Unknown,
    /// The secret of a known name is wrong.
    Wrong,
    Missing,
    Malformed,
    /// The name's owner is disabled.
    Disabled,
    /// Such a credential is not accepted here.
    NotAllowed,
    /// Refused without a check.
    TooManyAttempts,
}

impl AuthenticationFailure {
    /// In the order of their declaration.
    pub const ALL: &'static [Self] =
        &[Self::Unknown, Self::Wrong, Self::Missing, Self::Malformed, Self::Disabled, Self::NotAllowed, Self::TooManyAttempts];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Wrong => "wrong",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Disabled => "disabled",
            Self::NotAllowed => "not_allowed",
            Self::TooManyAttempts => "too_many_attempts",
        }
    }
}

/// A name in a request, such as a client id.
#[derive(Clone, Copy, Debug, Default)]
pub enum ClaimedName<'a> {
    #[default]
    None,
    /// The name of something that is registered.
    Registered(&'a str),
    /// Any text: it may be a secret that was sent in the wrong field.
    Unverified(&'a str),
}

/// Longest logged name, in characters.
const MAX_LOGGED: usize = 64;
/// Secrets that the portal generates or accepts as a new password have at least so many characters.
pub const MIN_SECRET_CHARS: usize = 15;
/// What is logged in place of a name that is not.
const NOT_LOGGED: &str = "-";

impl<'a> ClaimedName<'a> {
    /// The name as it may be logged: characters of identifiers only, which need no quoting; an unverified one only if it is shorter than any
    /// secret, and not such a code as people type.
    pub fn loggable(self) -> &'a str {
        let (name, max) = match self {
            Self::None => return NOT_LOGGED,
            Self::Registered(name) => (name, usize::MAX),
            Self::Unverified(name) => (name, MIN_SECRET_CHARS - 1),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '~' | '/');
        if name.is_empty() || name.len() > max || !name.chars().all(allowed) {
            return NOT_LOGGED;
        }
        let is_code = || UserCode::parse(name).is_ok() || SecondFactorCode::parse(name).is_some();
        if matches!(self, Self::Unverified(_)) && is_code() {
            return NOT_LOGGED;
        }
        name.get(..MAX_LOGGED).unwrap_or(name)
    }
}

/// A refused authentication.
#[derive(Clone, Copy, Debug)]
pub struct RefusedAuthentication<'a> {
    pub kind: CredentialKind,
    pub tenant: ClaimedName<'a>,
    /// Of the client, administrator or person.
    pub name: ClaimedName<'a>,
    pub from: Option<IpAddr>,
    pub failure: AuthenticationFailure,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(name: &str) -> &str {
        ClaimedName::Registered(name).loggable()
    }

    fn unverified(name: &str) -> &str {
        ClaimedName::Unverified(name).loggable()
    }

    #[test]
    fn logged_names_need_no_quoting_and_contain_no_secrets() {
        assert_eq!((registered("~~admin"), unverified("jdoe@example"), ClaimedName::None.loggable()), ("~~admin", "jdoe@example", "-"));
        assert_eq!(registered(&"a".repeat(128)).len(), 64);
        assert_eq!((unverified("abcdefghijklmn"), unverified("abcdefghijklmno")), ("abcdefghijklmn", "-"));
        for injected in ["", "a b", "a\nWARN", "a\"", "a=b", "a\u{1b}[31m", "\u{202e}a", "é"] {
            assert_eq!((registered(injected), unverified(injected)), ("-", "-"), "{injected:?}");
        }
        let secrets = ["5f3c".repeat(12), "A-_z".repeat(10) + "abc", "bcdf-ghjk-lmnp-qrst".to_owned()];
        assert!(secrets.iter().all(|secret| unverified(secret) == "-"), "of clients, of hosts, and a generated password");
        for code in ["WDJB-MJHT", "wdjbmjht", "123456", "ABCDEFGHJKLM"] {
            assert_eq!(unverified(code), "-", "{code}");
        }
    }
}
