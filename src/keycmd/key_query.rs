//! The query of sshd: may the key with this fingerprint log in as this user?

use std::fmt;

use ssh_key::{Algorithm, Fingerprint};
use thiserror::Error;

/// Longer than any user name (Linux: 32).
const MAX_USER_LENGTH: usize = 256;
const MAX_KEY_TYPE_LENGTH: usize = 64;
/// How much of an argument is repeated in the log.
const MAX_LOGGED_CHARS: usize = 100;

/// The four arguments of the command line, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawArgs {
    user: String,
    uid: String,
    fingerprint: String,
    key_type: String,
}

/// The same four arguments, validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    pub user: String,
    pub uid: u32,
    pub fingerprint: Fingerprint,
    pub key_type: String,
}

/// Why arguments were refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyQueryRefused {
    #[error("the user name (%u) is empty or too long, starts with a dash, or contains control characters")]
    User,
    #[error("the UID (%U) is not a number")]
    Uid,
    #[error("the fingerprint (%f) does not have the form SHA256:...; sshd_config must not set another FingerprintHash")]
    Fingerprint,
    #[error("the key type (%t) contains invalid characters")]
    KeyType,
}

impl RawArgs {
    pub fn new(user: &str, uid: &str, fingerprint: &str, key_type: &str) -> Self {
        Self { user: user.to_owned(), uid: uid.to_owned(), fingerprint: fingerprint.to_owned(), key_type: key_type.to_owned() }
    }
}

/// For the log: quoted, escaped and truncated.
impl fmt::Display for RawArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(MAX_LOGGED_CHARS).collect::<String>();
        write!(f, "user={:?} uid={:?} fingerprint={:?}", short(&self.user), short(&self.uid), short(&self.fingerprint))
    }
}

impl KeyQuery {
    pub fn parse(args: &RawArgs) -> Result<Self, KeyQueryRefused> {
        let user = &args.user;
        if user.is_empty() || user.len() > MAX_USER_LENGTH || user.starts_with('-') || user.chars().any(char::is_control) {
            return Err(KeyQueryRefused::User);
        }
        // `parse` would accept a plus sign.
        if !args.uid.bytes().all(|b| b.is_ascii_digit()) {
            return Err(KeyQueryRefused::Uid);
        }
        let uid = args.uid.parse().map_err(|_| KeyQueryRefused::Uid)?;
        let fingerprint = args.fingerprint.parse().ok().filter(|fingerprint: &Fingerprint| fingerprint.is_sha256());
        let fingerprint = fingerprint.ok_or(KeyQueryRefused::Fingerprint)?;
        let is_key_type_char = |c: char| c.is_ascii_alphanumeric() || "-.@_".contains(c);
        if args.key_type.is_empty() || args.key_type.len() > MAX_KEY_TYPE_LENGTH || !args.key_type.chars().all(is_key_type_char) {
            return Err(KeyQueryRefused::KeyType);
        }
        Ok(Self { user: user.clone(), uid, fingerprint, key_type: args.key_type.clone() })
    }

    /// Whether a line of `authorized_keys` can authorize such a key. Not for certificates (`...-cert-v01@openssh.com`), for which
    /// sshd runs the same command with the fingerprint of the contained key and rejects any line; nor for names of signature
    /// algorithms.
    pub fn is_plain_key(&self) -> bool {
        match Algorithm::new(&self.key_type) {
            Ok(Algorithm::Other(_)) | Err(_) => false,
            Ok(algorithm) => !matches!(algorithm, Algorithm::Rsa { hash: Some(_) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    #[test]
    fn arguments_of_sshd_are_parsed() {
        for (user, uid, key_type) in
            [("jdoe", "1000", "ssh-ed25519"), ("DOMAIN\\j doe", "4294967295", "sk-ssh-ed25519@openssh.com"), ("zoë", "0", "ssh-rsa")]
        {
            let query = KeyQuery::parse(&RawArgs::new(user, uid, FINGERPRINT, key_type)).unwrap();
            assert_eq!((query.user.as_str(), query.uid.to_string().as_str()), (user, uid));
            assert_eq!(query.fingerprint.to_string(), FINGERPRINT);
        }
    }

    #[test]
    fn invalid_arguments_are_refused() {
        let long = "x".repeat(257);
        for (user, uid, fingerprint, key_type, refused) in [
            ("", "1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::User),
            ("-x", "1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::User),
            ("a\nb", "1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::User),
            (&long, "1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::User),
            ("a", "-1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::Uid),
            ("a", "+1", FINGERPRINT, "ssh-rsa", KeyQueryRefused::Uid),
            ("a", "", FINGERPRINT, "ssh-rsa", KeyQueryRefused::Uid),
            ("a", "4294967296", FINGERPRINT, "ssh-rsa", KeyQueryRefused::Uid),
            ("a", "1", "MD5:d4:1d:8c", "ssh-rsa", KeyQueryRefused::Fingerprint),
            ("a", "1", "SHA256:short", "ssh-rsa", KeyQueryRefused::Fingerprint),
            ("a", "1", "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ=", "ssh-rsa", KeyQueryRefused::Fingerprint),
            ("a", "1", FINGERPRINT, "", KeyQueryRefused::KeyType),
            ("a", "1", FINGERPRINT, "ssh rsa", KeyQueryRefused::KeyType),
        ] {
            assert_eq!(KeyQuery::parse(&RawArgs::new(user, uid, fingerprint, key_type)), Err(refused), "{user:?} {uid} {fingerprint} {key_type}");
        }
    }

    #[test]
    fn certificates_and_unknown_types_are_not_plain_keys() {
        let plain = |key_type: &str| KeyQuery::parse(&RawArgs::new("a", "1", FINGERPRINT, key_type)).unwrap().is_plain_key();
        for key_type in ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com", "ssh-dss"] {
            assert!(plain(key_type), "{key_type}");
        }
        for key_type in [
            "ssh-ed25519-cert-v01@openssh.com",
            "ssh-rsa-cert-v01@openssh.com",
            "rsa-sha2-512-cert-v01@openssh.com",
            "ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "sk-ssh-ed25519-cert-v01@openssh.com",
            "ssh-rsa-cert-v00@openssh.com",
            "rsa-sha2-512",
            "x509v3-ssh-rsa",
            "unknown",
        ] {
            assert!(!plain(key_type), "{key_type}");
        }
    }

    #[test]
    fn arguments_are_one_escaped_line_in_the_log() {
        let logged = RawArgs::new("a\nb\u{1b}[2J\u{202e}\"", "1", &"f".repeat(1000), "t").to_string();
        assert!(logged.starts_with(r#"user="a\nb\u{1b}[2J\u{202e}\"" uid="1""#), "{logged}");
        assert!(logged.len() < 300 && !logged.contains(char::is_control));
    }
}
