//! Second factors: authenticator app (RFC 6238), passkeys (WebAuthn), and recovery codes for when both are lost.

use super::time::Timestamp;

/// Number of recovery codes generated at once.
pub const RECOVERY_CODE_COUNT: usize = 10;
/// Maximum number of passkeys per person.
pub const MAX_PASSKEYS: usize = 10;

/// A person's second factors.
#[derive(Clone, Debug, Default)]
pub struct SecondFactors {
    pub app: Option<FactorUsage>,
    pub passkeys: Vec<PasskeySummary>,
    pub recovery_codes_left: i64,
}

impl SecondFactors {
    /// Whether neither app nor passkey is enrolled; recovery codes alone do not count.
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

/// An enrolled second factor; a passkey is identified by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    App,
    Passkey(i64),
}

impl Factor {
    /// Parses the value in URLs and forms: `app`, or a passkey's number.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "app" => Some(Self::App),
            number => number.parse().ok().map(Self::Passkey),
        }
    }
}

/// The kind of code that was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorCode {
    /// Six digits of an authenticator app.
    App(String),
    /// A recovery code, normalized: upper case, without separators.
    Recovery(String),
}

impl SecondFactorCode {
    /// Ignores spaces, hyphens and case. `None` if it is neither kind of code.
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
/// Characters that cannot be confused with each other; 32, so that random bytes map evenly.
const RECOVERY_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Formats random bytes as a recovery code of 60 bits, `ABCD-EFGH-JKLM`.
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
    fn codes_are_parsed_as_people_type_them() {
        assert_eq!(SecondFactorCode::parse(" 123 456 "), Some(SecondFactorCode::App("123456".into())));
        let code = format_recovery_code(*b"\x00\x01\x02\x03\x1f\x20\x21\xff\x07\x08\x09\x0a");
        assert_eq!(code, "ABCD-9AB9-HJKL");
        assert_eq!(SecondFactorCode::parse("abcd 9ab9hjkl"), Some(SecondFactorCode::Recovery("ABCD9AB9HJKL".into())));
        for neither in ["", "12345", "1234567", "12345a", "ABCD-9AB9-HJK0", "ABCD-9AB9-HJKLM", "\u{661}\u{662}\u{663}456"] {
            assert_eq!(SecondFactorCode::parse(neither), None, "{neither:?}");
        }
    }

    #[test]
    fn factors_are_parsed_from_urls() {
        assert_eq!((Factor::parse("app"), Factor::parse("7"), Factor::parse("x")), (Some(Factor::App), Some(Factor::Passkey(7)), None));
    }
}
