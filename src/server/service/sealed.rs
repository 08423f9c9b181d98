//! Secrets that have to be had again in clear, and so cannot be kept as hashes: sealed under `keys/secrets.key`, each for its own row.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

use super::entropy::Secret;
use super::{Fault, Services};

/// The key is another than the one it was sealed with, or the row was put together by somebody else.
#[derive(Debug, thiserror::Error)]
#[error("a sealed secret cannot be opened with the key in `keys/secrets.key`")]
struct Unsealable;

impl Services {
    /// Seals a secret for one row of one table, and no other.
    pub(super) fn seal(&self, place: &str, secret: &Secret) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; 12];
        self.entropy().fill(&mut nonce);
        let payload = Payload { msg: secret.reveal().as_bytes(), aad: place.as_bytes() };
        let sealed = self.sealer().encrypt(&Nonce::from(nonce), payload).map_err(|_| Fault::new(Unsealable))?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(super) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Secret, Fault> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(|| Fault::new(Unsealable))?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let opened = self.sealer().decrypt(&Nonce::from(*nonce), payload).map_err(|_| Fault::new(Unsealable))?;
        Ok(Secret::given(String::from_utf8(opened).map_err(Fault::new)?))
    }

    fn sealer(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.keys().sealing()))
    }
}
