//! PKCE: the challenge of an authorization request, and the verifier of the token request (RFC 7636).

use serde::{Deserialize, Serialize};

/// Length of a SHA-256 in base64url without padding.
const CHALLENGE_LENGTH: usize = 43;
/// RFC 7636 §4.1.
const MIN_VERIFIER_LENGTH: usize = 43;
const MAX_VERIFIER_LENGTH: usize = 128;

/// The only method (RFC 7636 §4.2). `plain` would reveal the verifier in the request.
pub const METHOD: &str = "S256";

/// BASE64URL(SHA256(verifier)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge(String);

/// It is not the base64url form, without padding, of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a SHA-256 in base64url")]
pub struct InvalidChallenge;

impl CodeChallenge {
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidChallenge> {
        let text = text.into();
        // The last character has two bits that are not of the hash; an encoder sets them to 0.
        let last_is_canonical = text.ends_with(|last| "AEIMQUYcgkosw048".contains(last));
        let valid = text.len() == CHALLENGE_LENGTH && text.bytes().all(is_base64url) && last_is_canonical;
        if valid { Ok(Self(text)) } else { Err(InvalidChallenge) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = InvalidChallenge;

    fn try_from(text: String) -> Result<Self, InvalidChallenge> {
        Self::parse(text)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.0
    }
}

/// Whether a text can be a code verifier (RFC 7636 §4.1): 43 to 128 unreserved characters.
pub fn is_verifier(text: &str) -> bool {
    (MIN_VERIFIER_LENGTH..=MAX_VERIFIER_LENGTH).contains(&text.len()) && text.bytes().all(|byte| is_base64url(byte) || matches!(byte, b'.' | b'~'))
}

pub(super) fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn challenge_is_a_sha_256_in_base64url() {
        assert_eq!(CodeChallenge::parse(CHALLENGE).map(String::from), Ok(CHALLENGE.to_owned()));
        let short: String = CHALLENGE.chars().skip(1).collect();
        let (long, padded) = (format!("{CHALLENGE}A"), format!("{short}="));
        for wrong in ["", short.as_str(), long.as_str(), padded.as_str(), &CHALLENGE.replace('-', "+"), &CHALLENGE.replace("cM", "cN")] {
            assert_eq!(CodeChallenge::parse(wrong), Err(InvalidChallenge), "{wrong}");
        }
    }

    #[test]
    fn verifier_has_43_to_128_unreserved_characters() {
        for (text, valid) in [("a".repeat(43), true), ("a".repeat(128), true), ("-._~".repeat(11), true), ("a".repeat(42), false)] {
            assert_eq!(is_verifier(&text), valid, "{text}");
        }
        assert!(!is_verifier(&"a".repeat(129)) && !is_verifier(&" ".repeat(43)) && !is_verifier(&"é".repeat(43)));
    }
}
