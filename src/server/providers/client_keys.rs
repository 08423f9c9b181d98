//! Public keys of clients (RFC 7517), registered or fetched from where the client publishes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, Header};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::error::ProviderError;
use super::{MAX_CONCURRENT_REQUESTS, Providers, QUEUE_TIMEOUT};
use crate::domain::client::registration::JwksRefused;
use crate::domain::client_uris::ClientEndpoint;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::time::Timestamp;

/// The algorithms with which clients may sign (RFC 7518 §3.1, RFC 8037 §3.1): none with a shared key.
pub const ASSERTION_ALGORITHMS: [Algorithm; 4] = [Algorithm::ES256, Algorithm::PS256, Algorithm::RS256, Algorithm::EdDSA];

/// Largest JSON Web Key Set, in bytes.
pub const MAX_JWKS_BYTES: usize = 64 * 1024;
/// The largest number of keys in a set; each may have to be tried.
const MAX_KEYS: usize = 20;
/// Length of an RSA modulus, in bytes: 2,048 to 4,096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
/// Members of private and of symmetric keys (RFC 7518 §6).
const SECRET_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// How long fetched keys are used.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// Shortest time between two fetches for a client, whether successful or not.
const FETCH_INTERVAL: Duration = Duration::from_secs(60);

/// The keys of a client that can verify its signatures; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeys(Vec<Jwk>);

impl ClientKeys {
    /// Refuses a set with a secret key, which is no longer secret once it is sent here, and one without a key that can be used. Others that
    /// cannot be used are ignored.
    pub fn parse(text: &str) -> Result<Self, JwksRefused> {
        if text.len() > MAX_JWKS_BYTES {
            return Err(JwksRefused::TooLarge);
        }
        Self::from_json(serde_json::from_str(text).map_err(|_| JwksRefused::NotAKeySet)?)
    }

    fn from_json(json: Value) -> Result<Self, JwksRefused> {
        let keys = json.get("keys").and_then(Value::as_array).ok_or(JwksRefused::NotAKeySet)?;
        if keys.iter().any(|key| SECRET_MEMBERS.iter().any(|member| key.get(member).is_some())) {
            return Err(JwksRefused::SecretKey);
        }
        let JwkSet { keys } = serde_json::from_value(json).map_err(|_| JwksRefused::NotAKeySet)?;
        let usable: Vec<Jwk> = keys.into_iter().filter(|key| ASSERTION_ALGORITHMS.iter().any(|algorithm| fits(key, *algorithm))).collect();
        match usable.len() {
            0 => Err(JwksRefused::NoUsableKey),
            1..=MAX_KEYS => Ok(Self(usable)),
            _ => Err(JwksRefused::TooMany),
        }
    }

    /// The keys with which a JWT of this header may be signed: the one that it names, or all of its algorithm if it names none.
    pub fn candidates<'k>(&'k self, header: &'k Header) -> impl Iterator<Item = &'k Jwk> {
        let is_named = move |key: &&Jwk| header.kid.is_none() || key.common.key_id == header.kid;
        self.0.iter().filter(is_named).filter(move |key| fits(key, header.alg))
    }

    /// Whether all of these keys are among `others` too.
    pub fn are_within(&self, others: &Self) -> bool {
        self.0.iter().all(|key| others.0.iter().any(|other| other.algorithm == key.algorithm))
    }

    /// What people call the keys: their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.common.key_id.as_deref().unwrap_or("-"))
    }
}

/// Whether a key is for signatures of this algorithm, and strong enough.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_for_signatures = key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let is_for_algorithm = key.common.key_algorithm.is_none_or(|of| of == KeyAlgorithm::from(algorithm));
    let is_of_type = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::EllipticCurve(parameters), Algorithm::ES256) => parameters.curve == EllipticCurve::P256,
        (AlgorithmParameters::RSA(parameters), Algorithm::RS256 | Algorithm::PS256) => {
            BASE64_URL_SAFE_NO_PAD.decode(&parameters.n).is_ok_and(|modulus| RSA_BYTES.contains(&modulus.len()))
        }
        (AlgorithmParameters::OctetKeyPair(parameters), Algorithm::EdDSA) => parameters.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    is_for_signatures && is_for_algorithm && is_of_type
}

/// Whose keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientKeysOwner {
    pub tenant_id: TenantId,
    pub client_id: ClientId,
}

/// Keys that a client publishes.
pub struct FetchedKeys {
    pub keys: ClientKeys,
    url: String,
    fetched_at: Timestamp,
}

/// The last attempt to fetch a client's keys.
struct Attempt {
    url: String,
    at: Timestamp,
    error: Option<ProviderError>,
}

/// The keys that clients publish. Each client has one fetch at a time, so that one whose server hangs delays only itself.
pub(super) struct ClientKeysCache {
    fetched: Mutex<HashMap<ClientKeysOwner, Arc<FetchedKeys>>>,
    attempts: Mutex<HashMap<ClientKeysOwner, Arc<tokio::sync::Mutex<Option<Attempt>>>>>,
    /// Limits the fetches of all clients.
    slots: Semaphore,
}

impl Default for ClientKeysCache {
    fn default() -> Self {
        Self { fetched: Mutex::default(), attempts: Mutex::default(), slots: Semaphore::new(MAX_CONCURRENT_REQUESTS) }
    }
}

impl ClientKeysCache {
    /// Those that were fetched within the last hour, unless they are `unsuitable`.
    fn cached(&self, owner: &ClientKeysOwner, url: &str, unsuitable: Option<&Arc<FetchedKeys>>, now: Timestamp) -> Option<Arc<FetchedKeys>> {
        let is_usable = |found: &&Arc<FetchedKeys>| {
            let is_unsuitable = unsuitable.is_some_and(|unsuitable| Arc::ptr_eq(unsuitable, found));
            found.url == url && found.fetched_at.is_within(LIFETIME, now) && !is_unsuitable
        };
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(owner).filter(is_usable).cloned()
    }

    fn attempt(&self, owner: &ClientKeysOwner) -> Arc<tokio::sync::Mutex<Option<Attempt>>> {
        Arc::clone(self.attempts.lock().unwrap_or_else(PoisonError::into_inner).entry(owner.clone()).or_default())
    }
}

impl Providers {
    /// The keys that a client publishes, at most an hour old. With `unsuitable`, which did not verify a signature, they are fetched again; once a
    /// minute, so that signatures with made-up keys do not cause requests.
    pub async fn client_keys(
        &self,
        owner: ClientKeysOwner,
        endpoint: &ClientEndpoint,
        unsuitable: Option<&Arc<FetchedKeys>>,
        now: Timestamp,
    ) -> Result<Arc<FetchedKeys>, ProviderError> {
        let cache = &self.client_keys;
        if let Some(cached) = cache.cached(&owner, &endpoint.url, unsuitable, now) {
            return Ok(cached);
        }
        let attempt = cache.attempt(&owner);
        let mut last = attempt.lock().await;
        // Another request may have fetched them while this one waited.
        if let Some(cached) = cache.cached(&owner, &endpoint.url, unsuitable, now) {
            return Ok(cached);
        }
        if let Some(last) = last.as_ref().filter(|last| last.url == endpoint.url && last.at.is_within(FETCH_INTERVAL, now)) {
            return match (unsuitable, &last.error) {
                (Some(unsuitable), _) => Ok(Arc::clone(unsuitable)),
                (None, error) => Err(error.clone().unwrap_or(ProviderError::Timeout)),
            };
        }
        let keys = self.fetch_client_keys(endpoint).await;
        *last = Some(Attempt { url: endpoint.url.clone(), at: now, error: keys.as_ref().err().cloned() });
        let fetched = Arc::new(FetchedKeys { keys: keys?, url: endpoint.url.clone(), fetched_at: now });
        cache.fetched.lock().unwrap_or_else(PoisonError::into_inner).insert(owner, Arc::clone(&fetched));
        Ok(fetched)
    }

    /// Fetches keys without the cache.
    pub async fn fetch_client_keys(&self, endpoint: &ClientEndpoint) -> Result<ClientKeys, ProviderError> {
        let slot = tokio::time::timeout(QUEUE_TIMEOUT, self.client_keys.slots.acquire()).await;
        let _slot = slot.ok().and_then(Result::ok).ok_or(ProviderError::Timeout)?;
        let http = self.http.for_client(endpoint.unrestricted_egress, MAX_JWKS_BYTES);
        let json = http.get_json_uncounted(&endpoint.url).await?;
        ClientKeys::from_json(json).map_err(|why| ProviderError::InvalidResponse(format!("{}: {why}", endpoint.url)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(keys: &Value) -> Result<ClientKeys, JwksRefused> {
        ClientKeys::parse(&json!({ "keys": keys }).to_string())
    }

    fn rsa(bytes: usize) -> Value {
        json!({ "kty": "RSA", "kid": format!("rsa-{bytes}"), "n": BASE64_URL_SAFE_NO_PAD.encode(vec![0xA5; bytes]), "e": "AQAB" })
    }

    fn ec(curve: &str) -> Value {
        json!({ "kty": "EC", "kid": curve, "crv": curve, "x": "AA", "y": "AA" })
    }

    #[test]
    fn keys_for_other_purposes_are_ignored() {
        let ed25519 = json!({ "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": "AA" });
        let mixed = json!([rsa(256), rsa(128), rsa(1_024), ec("P-256"), ec("P-384"), ed25519, { "kty": "OKP", "crv": "X25519", "x": "AA" }]);
        let keys = parse(&mixed).expect("some can be used");
        assert_eq!(keys.ids().collect::<Vec<_>>(), ["rsa-256", "P-256", "ed"]);
        for of_another_use in [json!({ "use": "enc" }), json!({ "alg": "RS512" }), json!({ "alg": "RSA-OAEP" })] {
            let mut key = rsa(256);
            key.as_object_mut().expect("a key").extend(of_another_use.as_object().expect("members").clone());
            assert_eq!(parse(&json!([key])), Err(JwksRefused::NoUsableKey), "{of_another_use}");
        }
        let candidates = |alg: Algorithm, kid: Option<&str>| {
            let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
            keys.candidates(&header).filter_map(|key| key.common.key_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(candidates(Algorithm::PS256, None), ["rsa-256"]);
        assert_eq!(candidates(Algorithm::ES256, Some("P-256")), ["P-256"]);
        assert!(candidates(Algorithm::ES256, Some("rsa-256")).is_empty(), "a key is for its own algorithms");
        assert!(candidates(Algorithm::HS256, None).is_empty());
    }

    #[test]
    fn secret_keys_and_other_documents_are_refused() {
        for member in SECRET_MEMBERS {
            let mut key = rsa(256);
            key[member] = "AA".into();
            assert_eq!(parse(&json!([key])), Err(JwksRefused::SecretKey), "{member}");
        }
        assert_eq!(parse(&json!([{ "kty": "oct", "k": "c2VjcmV0" }])), Err(JwksRefused::SecretKey));
        assert_eq!(parse(&json!([])), Err(JwksRefused::NoUsableKey));
        assert_eq!(parse(&Value::from(vec![rsa(256); MAX_KEYS + 1])), Err(JwksRefused::TooMany));
        for other in ["", "{}", "[]", "null", "{\"keys\":{}}", "-----BEGIN PUBLIC KEY-----", &rsa(256).to_string()] {
            assert_eq!(ClientKeys::parse(other), Err(JwksRefused::NotAKeySet), "{other}");
        }
        assert_eq!(ClientKeys::parse(&" ".repeat(MAX_JWKS_BYTES + 1)), Err(JwksRefused::TooLarge));
    }

    #[test]
    fn an_addition_keeps_all_keys() {
        let (one, two) = (parse(&json!([rsa(256)])).expect("keys"), parse(&json!([ec("P-256"), rsa(256)])).expect("keys"));
        assert!(one.are_within(&two) && !two.are_within(&one));
    }
}
