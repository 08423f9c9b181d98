//! HMACs of secrets, each with a mark of its key.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::KEY_FILES;

/// What is hashed with a key for its fingerprint.
const FINGERPRINT: &str = "fingerprint";
/// Length of a hash without a mark.
pub const HASH_LENGTH: usize = 32;
/// Length of a mark: the beginning of the key's fingerprint.
const MARK_LENGTH: usize = 8;

/// A key that hashes secrets.
#[derive(Clone)]
pub struct HashingKey {
    /// Keyed already: most requests of machines have a secret to compare.
    mac: Hmac<Sha256>,
    /// At the end of each hash under this key; the first key of a deployment has none.
    pub mark: Vec<u8>,
}

impl HashingKey {
    /// `is_first`: it is the deployment's first key.
    pub fn new(key: &[u8; 32], fingerprint: &str, is_first: bool) -> Self {
        let fingerprint = hex::decode(fingerprint).unwrap_or_default();
        let mark = if is_first { Vec::new() } else { fingerprint.into_iter().take(MARK_LENGTH).collect() };
        Self { mac: keyed(key), mark }
    }

    /// The HMAC of a secret, without the mark. `kind` separates the kinds of secrets.
    pub fn mac(&self, kind: &str, secret: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(secret.as_bytes());
        mac
    }

    pub fn hash(&self, kind: &str, secret: &str) -> Vec<u8> {
        let mut hash = self.mac(kind, secret).finalize().into_bytes().to_vec();
        hash.extend_from_slice(&self.mark);
        hash
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes any key")
}

/// The fingerprint of a key for the file of this name: an HMAC of a constant.
pub fn fingerprint(name: &str, key: &[u8; 32]) -> String {
    let mut mac = keyed(key);
    mac.update(FINGERPRINT.as_bytes());
    if name == KEY_FILES[0] {
        mac.update(&[0]);
    }
    hex::encode(mac.finalize().into_bytes())
}
