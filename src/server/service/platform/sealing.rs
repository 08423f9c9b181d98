//! Sealing of secrets that must be recoverable in plain text: encrypted under `keys/secrets.key`, each for its own row; or under a key derived
//! from a secret that only its holder has.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::server::service::platform::keystore::Keystore;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Rng, Services};
use crate::server::storage::{providers, second_factors};

/// The secret was sealed with another key, or for another row.
#[derive(Debug, thiserror::Error)]
#[error("a sealed secret cannot be opened with the key in `keys/secrets.key`, nor with another one of a rotation")]
struct UnsealError;

/// Seals a secret for one row of one table, and no other.
pub(in crate::server::service) fn seal_with(keys: &Keystore, entropy: &dyn Rng, context: &str, secret: &Secret) -> Result<Vec<u8>, Fault> {
    let mut nonce = [0; 12];
    entropy.fill(&mut nonce);
    let payload = Payload { msg: secret.reveal().as_bytes(), aad: context.as_bytes() };
    let sealed = cipher(keys.sealing()).encrypt(&Nonce::from(nonce), payload).map_err(|_| Fault::new(UnsealError))?;
    Ok([&nonce[..], &sealed].concat())
}

/// Opens what was sealed for this context; `None` if it was not, or under another key.
pub(in crate::server::service) fn unseal_with(keys: &Keystore, context: &str, sealed: &[u8]) -> Option<Secret> {
    std::iter::once(keys.sealing()).chain(keys.other_sealing()).find_map(|key| open_with(key, context, sealed))
}

impl Services {
    /// Seals a secret for one row of one table, and no other.
    pub(in crate::server::service) fn seal(&self, context: &str, secret: &Secret) -> Result<Vec<u8>, Fault> {
        seal_with(&self.keys(), self.rng(), context, secret)
    }

    pub(in crate::server::service) fn unseal(&self, context: &str, sealed: &[u8]) -> Result<Secret, Fault> {
        unseal_with(&self.keys(), context, sealed).ok_or_else(|| Fault::new(UnsealError))
    }

    /// Seals what only the holder of `secret` can open: the secret has 256 random bits and is not stored.
    pub(in crate::server::service) fn seal_under(&self, context: &str, secret: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; 12];
        self.rng().fill(&mut nonce);
        let sealed = derived_cipher(context, secret)?.encrypt(&Nonce::from(nonce), plain).map_err(|_| Fault::new(UnsealError))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// The secret sealed again, if the key that it is sealed with is not the one in use. Fails if it cannot be opened.
    pub(in crate::server::service) fn reseal(&self, context: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if open_with(self.keys().sealing(), context, sealed).is_some() {
            return Ok(None);
        }
        self.seal(context, &self.unseal(context, sealed)?).map(Some)
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
        let lost_keys = (!self.keys().ring().lost().is_empty()).then_some("signing keys");
        Ok(samples.into_iter().filter_map(|(what, sample)| is_lost(sample).then_some(what)).chain(lost_keys).collect())
    }
}

/// Opens what was sealed with [`Services::seal_under`].
pub(in crate::server::service) fn open_under(context: &str, secret: &str, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(|| Fault::new(UnsealError))?;
    derived_cipher(context, secret)?.decrypt(&Nonce::from(*nonce), sealed).map_err(|_| Fault::new(UnsealError))
}

fn derived_cipher(context: &str, secret: &str) -> Result<ChaCha20Poly1305, Fault> {
    let mut key = Key::default();
    Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(context.as_bytes(), &mut key).map_err(|_| Fault::new(UnsealError))?;
    Ok(ChaCha20Poly1305::new(&key))
}

/// `None` if it was sealed with another key, or for another row.
fn open_with(key: &[u8; 32], context: &str, sealed: &[u8]) -> Option<Secret> {
    let (nonce, sealed) = sealed.split_first_chunk::<12>()?;
    let opened = cipher(key).decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()?;
    String::from_utf8(opened).ok().map(Secret::from_plaintext)
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}
