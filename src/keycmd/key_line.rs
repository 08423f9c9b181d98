//! The key that was asked for, as a line that can do nothing but let its owner in.

use ssh_key::{Fingerprint, HashAlg, PublicKey};
use thiserror::Error;

/// An RSA key of 16384 bits has 2.8 kB.
const MAX_LENGTH: usize = 16 * 1024;

/// `type base64 [comment]`: one line of `authorized_keys` without options, whose key has the fingerprint asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine(String);

/// Why what was answered is not such a line.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyLineError {
    #[error("the response is not exactly one line")]
    NotOneLine,
    #[error("the response is not a public key without options")]
    NotAPublicKey,
    #[error("the response is a different key, {0}")]
    FingerprintMismatch(Fingerprint),
    #[error("the response is a key of type {0}, but sshd asked for another type")]
    TypeMismatch(String),
}

impl KeyLine {
    /// The line is written anew from the key that was understood, so that sshd cannot read anything else out of it than we did.
    pub fn verify(line: &str, expected: &Fingerprint, key_type: &str) -> Result<Self, KeyLineError> {
        if line.len() > MAX_LENGTH || line.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(KeyLineError::NotOneLine);
        }
        // Options before the key would be taken for its type, and that must be the one inside the base64.
        let key = PublicKey::from_openssh(line).map_err(|_| KeyLineError::NotAPublicKey)?;
        let fingerprint = key.fingerprint(HashAlg::Sha256);
        if fingerprint != *expected {
            return Err(KeyLineError::FingerprintMismatch(fingerprint));
        }
        if key.algorithm().as_str() != key_type {
            return Err(KeyLineError::TypeMismatch(key.algorithm().to_string()));
        }
        key.to_openssh().map(Self).map_err(|_| KeyLineError::NotAPublicKey)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    fn verify(answered: &str) -> Result<String, KeyLineError> {
        KeyLine::verify(answered, &FINGERPRINT.parse().unwrap(), "ssh-ed25519").map(|line| line.0)
    }

    #[test]
    fn the_key_asked_for_is_taken_with_or_without_a_comment() {
        for comment in ["", " jdoe@laptop", " a comment of words, even command=\"x\"", " zoë"] {
            let line = format!("{ED25519}{comment}");
            assert_eq!(verify(&line), Ok(line));
        }
        assert_eq!(verify(&format!("{ED25519}  ")), Ok(ED25519.to_owned()));
    }

    #[test]
    fn every_kind_of_key_is_taken() {
        // Made by ssh-keygen, as were the fingerprints before them.
        for sample in include_str!("../../tests/keycmd/keys.txt").lines() {
            let (fingerprint, line) = sample.split_once(' ').unwrap();
            let key_type = line.split(' ').next().unwrap();
            assert_eq!(KeyLine::verify(line, &fingerprint.parse().unwrap(), key_type).unwrap().as_str(), line);
        }
    }

    #[test]
    fn more_than_one_line_is_refused() {
        for separator in ["\n", "\r", "\r\n", "\0", "\u{85}", "\u{2028}", "\u{b}"] {
            assert_eq!(verify(&format!("{ED25519}{separator}{ED25519}")), Err(KeyLineError::NotOneLine));
            assert_eq!(verify(&format!("{ED25519} comment{separator}")), Err(KeyLineError::NotOneLine));
        }
        assert_eq!(verify(&format!("{ED25519} {}", "x".repeat(MAX_LENGTH))), Err(KeyLineError::NotOneLine));
    }

    #[test]
    fn options_and_anything_else_before_the_key_are_refused() {
        for before in ["restrict ", "command=\"/bin/sh\" ", "command=\"a b\",restrict ", "cert-authority ", " ", "# ", "ssh-rsa ", "- ", "\u{feff}"] {
            assert_eq!(verify(&format!("{before}{ED25519}")), Err(KeyLineError::NotAPublicKey), "{before}");
        }
        for nonsense in
            ["", " ", "ssh-ed25519", "ssh-ed25519 AAAA", "<html>", &ED25519.replace("ssh-ed25519 ", "ssh-rsa "), ED25519.trim_end_matches("XFSqti")]
        {
            assert_eq!(verify(nonsense), Err(KeyLineError::NotAPublicKey), "{nonsense}");
        }
    }

    #[test]
    fn another_key_is_refused() {
        let other = "SHA256:1UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcI".parse().unwrap();
        assert_eq!(KeyLine::verify(ED25519, &other, "ssh-ed25519"), Err(KeyLineError::FingerprintMismatch(FINGERPRINT.parse().unwrap())));
    }

    #[test]
    fn a_key_of_another_type_than_asked_is_refused() {
        for key_type in ["ssh-rsa", "sk-ssh-ed25519@openssh.com", "ssh-ed25519-cert-v01@openssh.com", ""] {
            let refused = Err(KeyLineError::TypeMismatch("ssh-ed25519".to_owned()));
            assert_eq!(KeyLine::verify(ED25519, &FINGERPRINT.parse().unwrap(), key_type), refused, "{key_type}");
        }
    }
}
