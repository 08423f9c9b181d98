//! Generating SSH key pairs, and parsing public keys.

use std::sync::Arc;

use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, LineEnding, PrivateKey, PublicKey};
use tokio::sync::TryAcquireError;

use crate::domain::ssh_key::KeyType;
use crate::server::metrics::{self, Limit};
use crate::server::service::platform::rng::{RngAdapter, Secret};
use crate::server::service::ssh_keys::pasted_key::{self, MIN_RSA_BITS, PublicKeyRefused};
use crate::server::service::{Error, Fault, Services};

/// Maximum number of RSA keys being generated or waiting for it. Each takes seconds of a core.
pub(in crate::server::service) const MAX_QUEUED_RSA_KEYS: usize = 16;

/// A validated public key.
#[derive(Clone, Debug)]
pub struct SshPublicKey {
    /// An `authorized_keys` line without options or comment.
    pub line: String,
    /// Its comment, unchanged.
    pub comment: String,
    pub fingerprint: String,
    pub key_type: KeyType,
    pub bits: u32,
}

/// A newly generated key pair.
pub struct KeyPair {
    /// In OpenSSH's format, not encrypted; shown once and not stored.
    pub private_key: Secret,
    pub public_key: SshPublicKey,
}

/// Too many RSA keys are being generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyGenerationBusy;

impl SshPublicKey {
    /// Parses a public key as people send it (see [`crate::server::service::ssh_keys::pasted_key`]); its comment is separated.
    pub fn parse(text: &str) -> Result<Self, PublicKeyRefused> {
        let mut key = pasted_key::parse(text)?;
        let comment = key.comment().to_owned();
        key.set_comment("");
        Ok(Self { comment, ..Self::from_key(&key)? })
    }

    fn from_key(key: &PublicKey) -> Result<Self, PublicKeyRefused> {
        let (key_type, bits) = type_and_bits(key)?;
        Ok(Self {
            line: key.to_openssh().map_err(|_| PublicKeyRefused::Unreadable)?,
            comment: String::new(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            key_type,
            bits,
        })
    }
}

fn type_and_bits(key: &PublicKey) -> Result<(KeyType, u32), PublicKeyRefused> {
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
            if bits < MIN_RSA_BITS { Err(PublicKeyRefused::TooShort(bits)) } else { Ok((KeyType::Rsa, bits)) }
        }
        other => Err(PublicKeyRefused::Unsupported(other.to_string())),
    }
}

impl Services {
    /// Generates a key pair. Ed25519 takes microseconds and is generated here; the others on separate threads, RSA at most one at a time
    /// per core. Refused if too many RSA keys wait.
    pub(in crate::server::service) async fn make_key_pair(&self, key_type: KeyType) -> Result<KeyPair, Error<KeyGenerationBusy>> {
        if key_type == KeyType::Ed25519 {
            return Ok(generate(self, key_type)?);
        }
        let place = match Arc::clone(&self.shared.rsa_queue).try_acquire_owned() {
            Ok(place) => place,
            Err(TryAcquireError::NoPermits) => {
                metrics::record(|metrics| metrics.count_limited(Limit::RsaKeys));
                return Err(Error::Refused(KeyGenerationBusy));
            }
            Err(TryAcquireError::Closed) => return Err(Error::Internal(Fault::new(TryAcquireError::Closed))),
        };
        let slot = Arc::clone(&self.shared.rsa_slots).acquire_owned().await.map_err(Fault::new)?;
        let services = self.clone();
        let made = tokio::task::spawn_blocking(move || {
            // Held by the thread, which continues if the caller stops waiting.
            let _held = (place, slot);
            generate(&services, key_type)
        });
        Ok(made.await.map_err(Fault::new)??)
    }
}

fn generate(services: &Services, key_type: KeyType) -> Result<KeyPair, Fault> {
    let mut generator = RngAdapter(services.rng());
    let pair = match key_type {
        KeyType::Ed25519 => KeypairData::Ed25519(Ed25519Keypair::random(&mut generator)),
        KeyType::Ecdsa => KeypairData::Ecdsa(EcdsaKeypair::random(&mut generator, EcdsaCurve::NistP521).map_err(Fault::new)?),
        KeyType::Rsa => KeypairData::Rsa(RsaKeypair::random(&mut generator, 4_096).map_err(Fault::new)?),
    };
    let key = PrivateKey::new(pair, "").map_err(Fault::new)?;
    let private_key = key.to_openssh(LineEnding::LF).map_err(Fault::new)?;
    Ok(KeyPair {
        public_key: SshPublicKey::from_key(key.public_key()).map_err(Fault::new)?,
        private_key: Secret::from_plaintext(private_key.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIErqSGC5Fd9/VWqg20dtfAYEmp4uPDSwenE5VfeMKJvA";

    #[test]
    fn parsing_separates_the_comment_and_keeps_the_fingerprint() {
        let key = SshPublicKey::parse(&format!("  {ED25519} user@example.com\n")).expect("a key");
        assert_eq!(key.line, ED25519);
        assert_eq!(key.fingerprint, "SHA256:Z/Fn8ioe1ARfZ2DK7IhiMfPhs4E8WPyk3yJfI3BRjEI");
        assert_eq!((key.key_type, key.bits), (KeyType::Ed25519, 256));
    }

    const SAMPLES: &str = include_str!("../../../../tests/keycmd/keys.txt");

    /// The line of a sample key.
    fn sample(key_type: &str) -> &'static str {
        let mut lines = SAMPLES.lines().filter_map(|line| line.split_once(' ')).map(|(_, line)| line);
        lines.find(|line| line.starts_with(key_type)).expect("a sample")
    }

    fn wrapped(text: &str, columns: usize, end: &str) -> String {
        text.as_bytes().chunks(columns).map(|line| std::str::from_utf8(line).expect("ASCII")).collect::<Vec<_>>().join(end)
    }

    fn rfc4716(line: &str, headers: &str) -> String {
        let encoded = line.split(' ').nth(1).expect("a key");
        format!("---- BEGIN SSH2 PUBLIC KEY ----\n{headers}{}\n---- END SSH2 PUBLIC KEY ----\n", wrapped(encoded, 70, "\n"))
    }

    #[test]
    fn public_keys_are_parsed_as_people_paste_them() {
        let rsa = sample("ssh-rsa");
        for (text, line, comment) in [
            (format!("\u{feff}{ED25519} jdoe@laptop"), ED25519, "jdoe@laptop"),
            (format!("{ED25519}\r\n"), ED25519, ""),
            (ED25519.replace(' ', "  "), ED25519, ""),
            (ED25519.replace(' ', "\t") + "\tjdoe", ED25519, "jdoe"),
            (ED25519.replace(' ', "\u{a0}"), ED25519, ""),
            (ED25519.replace(' ', "\n"), ED25519, ""),
            (format!("$ cat ~/.ssh/id_ed25519.pub\n{ED25519} jdoe@laptop\n$ "), ED25519, "jdoe@laptop"),
            (format!("jdoe@laptop:~$ cat .ssh/id_ed25519.pub\r\n{ED25519}\r\n"), ED25519, ""),
            (format!("# my key\n\n{ED25519}"), ED25519, ""),
            (format!("\"{ED25519}\""), ED25519, ""),
            (wrapped(&format!("{ED25519} jdoe"), 60, "\n"), ED25519, "jdoe"),
            (wrapped(&format!("{ED25519} jdoe"), 80, "\n"), ED25519, ""),
            (wrapped(rsa, 80, "\n"), rsa, ""),
            (wrapped(rsa, 80, "\r\n    "), rsa, ""),
            (wrapped(rsa, 72, " \n"), rsa, ""),
            (rfc4716(ED25519, ""), ED25519, ""),
            (rfc4716(rsa, "Comment: \"jdoe at work\"\nSubject: jdoe\nx-long: a\\\nb\\\nc\n"), rsa, "jdoe at work"),
            (rfc4716(rsa, "").replace('\n', "\r\n"), rsa, ""),
        ] {
            let key = SshPublicKey::parse(&text).unwrap_or_else(|refused| panic!("{refused}: {text}"));
            let without_comment: Vec<&str> = line.split(' ').take(2).collect();
            assert_eq!((key.line.as_str(), key.comment.as_str()), (without_comment.join(" ").as_str(), comment), "{text}");
        }
    }

    #[test]
    fn other_contents_are_identified() {
        use PublicKeyRefused as R;
        let cert = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAA comment";
        let rsa = sample("ssh-rsa");
        let cut = rsa.get(..200).expect("long enough");
        for (text, expected) in [
            ("", R::Unreadable),
            ("ssh-ed25519", R::Unreadable),
            ("a\0b", R::Unreadable),
            (&"x".repeat(20_000), R::Unreadable),
            ("~/.ssh/id_ed25519.pub", R::Unreadable),
            ("ssh-ed25519 AAAA", R::Damaged),
            (cut, R::Damaged),
            ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3NzaC1lZDI1\n", R::Damaged),
            (&format!("command=\"sh\" {ED25519}"), R::TextBefore),
            (&format!("restrict,pty {ED25519}"), R::TextBefore),
            (&format!("from=\"10.0.0.0/8\",no-pty\n{ED25519}"), R::TextBefore),
            (&format!("frontera {ED25519}"), R::TextBefore),
            (&format!("{ED25519}\n{ED25519}"), R::Several),
            (&format!("{ED25519}\n{rsa}"), R::Several),
            (&format!("{ED25519} {ED25519}"), R::Several),
            (&(rfc4716(ED25519, "") + ED25519), R::Several),
            (&rfc4716(ED25519, "").repeat(2), R::Several),
            (cert, R::Certificate),
            ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", R::Certificate),
            ("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----", R::Pem),
            ("-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----", R::Pem),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", R::Private),
            (&format!("{ED25519}\n-----BEGIN PRIVATE KEY-----\nMC4C"), R::Private),
            ("-----BEGIN OPENSSH PRIVATE\nKEY-----", R::Private),
            ("b3BlbnNzaC1rZXkt\ndjEAAAAABG5vbmUAAAAEbm9uZQ", R::Private),
            ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA", R::Private),
            ("PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA", R::PuttyFile),
            ("Private-Lines: 1\nAAAA\nPrivate-MAC: 00", R::PuttyFile),
        ] {
            assert_eq!(SshPublicKey::parse(text).expect_err(text), expected, "{text}");
        }
        let kinds = sample("sk-ssh-ed25519@openssh.com");
        assert!(matches!(SshPublicKey::parse(kinds), Err(R::Unsupported(_))));
    }
}
