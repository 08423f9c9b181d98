//! Secrets of clients, administrators and hosts: a new one is shown once and stored as its HMAC, and the old one stays valid for a while.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::domain::time::Timestamp;
use crate::server::service::Services;
use crate::server::service::platform::rng::Secret;
use crate::server::storage::admins::SecretHashes;
use crate::server::storage::{self, Connection};

/// Default time for which the old secret stays valid after a rotation.
pub const DEFAULT_ROTATION_OVERLAP: Duration = Duration::from_secs(60 * 60);

/// Whether a secret is one of those that are stored.
pub(in crate::server::service) enum SecretMatch {
    None,
    Stored,
    /// One that is stored as this hash, of a key that a rotation replaced.
    Outdated(Vec<u8>),
    /// The imported one, of which this is stored.
    Imported(Vec<u8>),
}

/// What a TMS server stores of a secret: its SHA-512, as 128 hexadecimal digits.
pub(in crate::server::service) fn tms_hash(secret: &str) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(Sha512::digest(secret)))
}

/// A new secret, and until when the old one is valid.
pub struct RotatedSecret {
    /// Shown once.
    pub secret: Secret,
    pub old_until: Timestamp,
}

/// What is stored of a new secret.
pub(in crate::server::service) struct NewSecretHash {
    pub hash: Vec<u8>,
    /// Until when the secret before it is accepted.
    pub old_until: Timestamp,
    pub now: Timestamp,
}

impl Services {
    /// A new secret and what it is stored as; `kind` separates the hashes of clients, administrators and hosts.
    pub(in crate::server::service) fn new_secret(&self, kind: &str) -> (Secret, Vec<u8>) {
        let secret = Secret::hexadecimal(self.rng());
        let hash = self.keys().hash(kind, secret.reveal());
        (secret, hash)
    }

    /// Draws a new secret and passes its hash to `store`, in one transaction; the old secret stays valid for `overlap`.
    pub(in crate::server::service) async fn rotate_secret<E, F>(&self, kind: &str, overlap: Duration, store: F) -> Result<RotatedSecret, E>
    where
        E: From<storage::Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection, NewSecretHash) -> BoxFuture<'c, Result<(), E>> + Send + 'static,
    {
        let (secret, hash) = self.new_secret(kind);
        let now = self.now();
        let old_until = now + overlap;
        self.shared.storage.write(move |db| store(db, NewSecretHash { hash, old_until, now })).await?;
        Ok(RotatedSecret { secret, old_until })
    }

    /// Whether `secret` is the current one, the old one while that is valid, or one that was imported.
    pub(in crate::server::service) fn match_secret(&self, kind: &str, secret: &str, hashes: &SecretHashes) -> SecretMatch {
        let (keys, now) = (self.keys(), self.now());
        let valid = |(_, until): &&(Vec<u8>, Timestamp)| now < *until;
        let mut stored = std::iter::once(&hashes.current).chain(hashes.old.as_ref().filter(valid).map(|(hash, _)| hash));
        if let Some(hash) = stored.find(|hash| keys.matches(kind, secret, hash)) {
            return if keys.is_outdated(hash) { SecretMatch::Outdated(hash.clone()) } else { SecretMatch::Stored };
        }
        let imported = hashes.imported.as_ref().filter(valid);
        match imported.filter(|(hash, _)| keys.matches(kind, &tms_hash(secret), hash)) {
            Some((hash, _)) => SecretMatch::Imported(hash.clone()),
            None => SecretMatch::None,
        }
    }
}
