//! Making SSH keys, and reading those that others made.

use std::sync::Arc;

use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey};
use thiserror::Error as ThisError;
use tokio::sync::TryAcquireError;

use super::entropy::{Generator, Secret};
use super::{Error, Fault, Services};
use crate::domain::pubkey::{KeyType, label};

/// The longest public key that is taken, in characters: RSA with 16384 bits.
const LONGEST_PUBLIC_KEY: usize = 4_096;
/// Shorter RSA keys are refused, as OpenSSH's own default does since 2048 bits can be had everywhere.
const SHORTEST_RSA: u32 = 2_048;
/// RSA keys that may be made or wait to be made. Each takes seconds of a core.
pub(super) const RSA_WAITING: usize = 16;

/// A public key that has been looked at.
#[derive(Clone, Debug)]
pub struct SshPublicKey {
    /// One line of `authorized_keys` without options or comment.
    pub line: String,
    /// Its comment, as far as it can be shown.
    pub comment: String,
    pub fingerprint: String,
    pub key_type: KeyType,
    pub bits: u32,
}

/// A key pair that was made just now.
pub struct KeyPair {
    /// OpenSSH's format, not encrypted; shown once and stored nowhere.
    pub private_key: Secret,
    pub public_key: SshPublicKey,
}

/// Why a public key is not taken.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum PublicKeyRefused {
    #[error("it is not one line of the form 'ssh-ed25519 AAAA… comment'")]
    Unreadable,
    #[error("it is a private key; send only the line of the .pub file, and make a new key if somebody may have seen this one")]
    Private,
    #[error("{0} keys are not taken; use ed25519, ecdsa or rsa")]
    Unsupported(String),
    #[error("RSA keys need at least {SHORTEST_RSA} bits; this one has {0}")]
    TooShort(u32),
}

/// So many RSA keys are being made that another one would have to wait for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyAtOnce;

impl SshPublicKey {
    /// Reads a line of a `.pub` file; its comment is taken off, options in front of it are refused.
    pub fn parse(text: &str) -> Result<Self, PublicKeyRefused> {
        let text = text.trim();
        // OpenSSH's and PEM's, and PuTTY's.
        if text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File") {
            return Err(PublicKeyRefused::Private);
        }
        if text.len() > LONGEST_PUBLIC_KEY || text.contains(char::is_control) {
            return Err(PublicKeyRefused::Unreadable);
        }
        let mut key = PublicKey::from_openssh(text).map_err(|_| PublicKeyRefused::Unreadable)?;
        let comment = label(key.comment());
        key.set_comment("");
        Ok(Self { comment, ..Self::of(&key)? })
    }

    fn of(key: &PublicKey) -> Result<Self, PublicKeyRefused> {
        let (key_type, bits) = kind(key)?;
        Ok(Self {
            line: key.to_openssh().map_err(|_| PublicKeyRefused::Unreadable)?,
            comment: String::new(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            key_type,
            bits,
        })
    }
}

fn kind(key: &PublicKey) -> Result<(KeyType, u32), PublicKeyRefused> {
    match key.algorithm() {
        Algorithm::Ed25519 => Ok((KeyType::Ed25519, 256)),
        Algorithm::Ecdsa { curve } => Ok((
            KeyType::Ecdsa,
            match curve {
                EcdsaCurve::NistP256 => 256,
                EcdsaCurve::NistP384 => 384,
                EcdsaCurve::NistP521 => 521,
            },
        )),
        Algorithm::Rsa { .. } => {
            let modulus = key.key_data().rsa().and_then(|rsa| rsa.n.as_positive_bytes()).ok_or(PublicKeyRefused::Unreadable)?;
            let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
            let bits = u32::try_from(modulus.len() * 8).unwrap_or(0).saturating_sub(leading);
            if bits < SHORTEST_RSA { Err(PublicKeyRefused::TooShort(bits)) } else { Ok((KeyType::Rsa, bits)) }
        }
        other => Err(PublicKeyRefused::Unsupported(other.to_string())),
    }
}

impl Services {
    /// Makes a key pair. Ed25519 takes microseconds and is made here; the others are made on threads of their own, RSA one at a
    /// time for each core.
    pub(super) async fn make_key_pair(&self, key_type: KeyType) -> Result<KeyPair, Error<TooManyAtOnce>> {
        if key_type == KeyType::Ed25519 {
            return Ok(generate(self, key_type)?);
        }
        let place = match Arc::clone(&self.shared.rsa_line).try_acquire_owned() {
            Ok(place) => place,
            Err(TryAcquireError::NoPermits) => return Err(Error::Refused(TooManyAtOnce)),
            Err(TryAcquireError::Closed) => return Err(Error::Internal(Fault::new(TryAcquireError::Closed))),
        };
        let slot = Arc::clone(&self.shared.rsa_slots).acquire_owned().await.map_err(Fault::new)?;
        let services = self.clone();
        let made = tokio::task::spawn_blocking(move || {
            // Held by the thread, which works on when the caller has gone.
            let _held = (place, slot);
            generate(&services, key_type)
        });
        Ok(made.await.map_err(Fault::new)??)
    }
}

fn generate(services: &Services, key_type: KeyType) -> Result<KeyPair, Fault> {
    let mut generator = Generator(services.entropy());
    let pair = match key_type {
        KeyType::Ed25519 => KeypairData::Ed25519(Ed25519Keypair::random(&mut generator)),
        KeyType::Ecdsa => KeypairData::Ecdsa(EcdsaKeypair::random(&mut generator, EcdsaCurve::NistP521).map_err(Fault::new)?),
        KeyType::Rsa => KeypairData::Rsa(RsaKeypair::random(&mut generator, 4_096).map_err(Fault::new)?),
    };
    let key = PrivateKey::new(pair, "").map_err(Fault::new)?;
    let private_key = key.to_openssh(LineEnding::LF).map_err(Fault::new)?;
    Ok(KeyPair { public_key: SshPublicKey::of(key.public_key()).map_err(Fault::new)?, private_key: Secret::given(private_key.as_str()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA";

    #[test]
    fn a_public_key_loses_its_comment_and_keeps_its_fingerprint() {
        let key = SshPublicKey::parse(&format!("  {ED25519} user@example.com\n")).expect("a key");
        assert_eq!(key.line, ED25519);
        assert_eq!(key.fingerprint, "SHA256:Z/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI");
        assert_eq!((key.key_type, key.bits), (KeyType::Ed25519, 256));
    }

    #[test]
    fn what_is_no_plain_public_key_is_refused_with_a_reason() {
        let refused = |text: &str| SshPublicKey::parse(text).expect_err(text);
        for unreadable in ["", "ssh-ed25519", "ssh-ed25519 AAAA", &format!("command=\"sh\" {ED25519}"), &format!("{ED25519}\n{ED25519}"), "a\0b"] {
            assert_eq!(refused(unreadable), PublicKeyRefused::Unreadable);
        }
        assert_eq!(refused(&"x".repeat(5_000)), PublicKeyRefused::Unreadable);
        assert_eq!(refused("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn"), PublicKeyRefused::Private);
        assert_eq!(refused("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA"), PublicKeyRefused::Private);
    }
}
