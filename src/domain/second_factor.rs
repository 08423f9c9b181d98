//! Second factors kept here: an authenticator app (RFC 6238), passkeys (WebAuthn), and codes for the day both are lost.

use super::time::Timestamp;

/// How many recovery codes a person is given at once.
pub const RECOVERY_CODE_COUNT: usize = 10;
/// How many passkeys a person may have.
pub const MAX_PASSKEYS: usize = 10;

/// A person's second factors, as they see them.
#[derive(Clone, Debug, Default)]
pub struct SecondFactors {
    pub app: Option<FactorUsage>,
    pub passkeys: Vec<PasskeySummary>,
    pub recovery_codes_left: i64,
}

impl SecondFactors {
    /// Recovery codes alone are none.
    pub fn is_empty(&self) -> bool {
        self.app.is_none() && self.passkeys.is_empty()
    }
}

#[derive(Clone, Copy, Debug)]
pub struct FactorUsage {
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct PasskeySummary {
    pub number: i64,
    pub name: String,
    pub usage: FactorUsage,
}

/// A second factor of a person's; a passkey by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    App,
    Passkey(i64),
}

impl Factor {
    /// As addresses and forms name it: `app`, or a passkey's number.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "app" => Some(Self::App),
            number => number.parse().ok().map(Self::Passkey),
        }
    }
}

/// What somebody typed where a code is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorCode {
    /// Six digits.
    App(String),
    /// A recovery code, as it is kept: capital letters, without what only serves the eye.
    Recovery(String),
}

impl SecondFactorCode {
    /// People type spaces and hyphens where they see some, and small letters; neither matters. `None`: neither kind looks like that.
    pub fn parse(typed: &str) -> Option<Self> {
        let letters: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).take(20).collect();
        match letters.len() {
            6 if letters.bytes().all(|byte| byte.is_ascii_digit()) => Some(Self::App(letters)),
            RECOVERY_LENGTH if letters.bytes().all(|byte| RECOVERY_ALPHABET.contains(&byte)) => Some(Self::Recovery(letters)),
            _ => None,
        }
    }
}

const RECOVERY_LENGTH: usize = 12;
/// Nothing that can be mistaken for another; 32 of them, so that a random byte picks evenly.
const RECOVERY_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A recovery code of random bytes: 60 bits, as `ABCD-EFGH-JKLM`.
pub fn format_recovery_code(random: [u8; RECOVERY_LENGTH]) -> String {
    #[expect(clippy::indexing_slicing, reason = "there are 32 of them")]
    let letters = random.map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte % 32)]));
    let parts: Vec<String> = letters.chunks(4).map(|part| part.iter().collect()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(SecondFactorCode::parse(" 123 456 "), Some(SecondFactorCode::App("123456".into())));
        let code = format_recovery_code(*b"\x00\x01\x02\x03\x1f\x20\x21\xff\x07\x08\x09\x0a");
        assert_eq!(code, "ABCD-9AB9-HJKL");
        assert_eq!(SecondFactorCode::parse("abcd 9ab9hjkl"), Some(SecondFactorCode::Recovery("ABCD9AB9HJKL".into())));
        for neither in ["", "12345", "1234567", "12345a", "ABCD-9AB9-HJK0", "ABCD-9AB9-HJKLM", "\u{661}\u{662}\u{663}456"] {
            assert_eq!(SecondFactorCode::parse(neither), None, "{neither:?}");
        }
    }

    #[test]
    fn factors_are_named_in_addresses() {
        assert_eq!((Factor::parse("app"), Factor::parse("7"), Factor::parse("x")), (Some(Factor::App), Some(Factor::Passkey(7)), None));
    }
}
