//! Sealing of secrets that must be recoverable in plain text: encrypted under `keys/secrets.key`, each for its own row.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};

use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::{providers, second_factors};

/// The secret was sealed with another key, or for another row.
#[derive(Debug, thiserror::Error)]
#[error("a sealed secret cannot be opened with the key in `keys/secrets.key`")]
struct UnsealError;

impl Services {
    /// Seals a secret for one row of one table, and no other.
    pub(in crate::server::service) fn seal(&self, context: &str, secret: &Secret) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; 12];
        self.rng().fill(&mut nonce);
        let payload = Payload { msg: secret.reveal().as_bytes(), aad: context.as_bytes() };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload).map_err(|_| Fault::new(UnsealError))?;
        Ok([&nonce[..], &sealed].concat())
    }

    pub(in crate::server::service) fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Secret, Fault> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(|| Fault::new(UnsealError))?;
        let payload = Payload { msg: sealed, aad: context.as_bytes() };
        let opened = self.cipher().decrypt(&Nonce::from(*nonce), payload).map_err(|_| Fault::new(UnsealError))?;
        Ok(Secret::from_plaintext(String::from_utf8(opened).map_err(Fault::new)?))
    }

    /// Names of the kinds of secrets that cannot be unsealed, so that operators learn of a lost key at start rather than from users.
    pub async fn lost_secrets(&self) -> Result<Vec<&'static str>, Fault> {
        let db = self.storage().reader();
        let app = second_factors::any_totp(db)
            .await?
            .map(|(tenant, user, sealed)| (crate::server::service::auth::second_factors::sealing_context(&tenant, &user), sealed));
        let client = providers::any_secret(db)
            .await?
            .map(|(tenant, id, sealed)| (crate::server::service::admin::providers::sealing_context(&tenant, &id), sealed));
        let samples = [("authenticator apps", app), ("secrets of identity providers' clients", client)];
        let is_lost = |sample: Option<(String, Vec<u8>)>| sample.is_some_and(|(place, sealed)| self.unseal(&place, &sealed).is_err());
        Ok(samples.into_iter().filter_map(|(what, sample)| is_lost(sample).then_some(what)).collect())
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.signing_keys().sealing()))
    }
}
