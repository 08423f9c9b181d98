//! Key pairs that sign tokens: their creation, and their public halves (RFC 7517).

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
#[expect(clippy::disallowed_types, reason = "the search for primes needs the real generator, in tests too")]
use rsa::rand_core::OsRng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::ids::{IdRefused, SigningKeyId};
use crate::domain::signing_key::SigningAlgorithm;

const RSA_BITS: usize = 2_048;

/// Why a key pair cannot be created or used.
#[derive(Debug, Error)]
pub enum KeyPairError {
    #[error("{0}")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    #[error("{0}")]
    Rsa(#[from] rsa::Error),
    #[error("{0}")]
    Pkcs1(#[from] rsa::pkcs1::Error),
    #[error("{0}")]
    Ec(#[from] rcgen::Error),
    #[error("{0}")]
    Id(#[from] IdRefused),
}

pub fn jwt_algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Es256 => Algorithm::ES256,
    }
}

/// A new private key, in PEM. RSA takes about a second of a core.
pub fn generate(algorithm: SigningAlgorithm) -> Result<Zeroizing<String>, KeyPairError> {
    match algorithm {
        SigningAlgorithm::Rs256 => Ok(RsaPrivateKey::new(&mut OsRng, RSA_BITS)?.to_pkcs1_pem(LineEnding::LF)?),
        SigningAlgorithm::Es256 => Ok(Zeroizing::new(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?.serialize_pem())),
    }
}

/// A private key from PEM, and its public half.
pub fn from_pem(pem: &[u8], algorithm: SigningAlgorithm) -> Result<(EncodingKey, Jwk), KeyPairError> {
    let private = match algorithm {
        SigningAlgorithm::Rs256 => EncodingKey::from_rsa_pem(pem)?,
        SigningAlgorithm::Es256 => EncodingKey::from_ec_pem(pem)?,
    };
    let mut public = Jwk::from_encoding_key(&private, jwt_algorithm(algorithm))?;
    public.common.key_id = Some(id_of(&public)?.into());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public.common.key_algorithm = Some(match algorithm {
        SigningAlgorithm::Rs256 => KeyAlgorithm::RS256,
        SigningAlgorithm::Es256 => KeyAlgorithm::ES256,
    });
    Ok((private, public))
}

/// The thumbprint of a public key (RFC 7638), so that a new key never has an old one's id.
pub fn id_of(public: &Jwk) -> Result<SigningKeyId, KeyPairError> {
    Ok(SigningKeyId::parse(public.thumbprint(ThumbprintHash::SHA256)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_have_their_thumbprint_as_id() {
        for algorithm in SigningAlgorithm::ALL {
            let pem = generate(algorithm).expect("a key");
            let (_, public) = from_pem(pem.as_bytes(), algorithm).expect("a key");
            let (_, again) = from_pem(pem.as_bytes(), algorithm).expect("the same key");
            assert_eq!(public, again);
            assert_eq!(public.common.key_id.as_deref().map(str::len), Some(43), "{algorithm}");
            let text = serde_json::to_string(&public).expect("JSON");
            let stored: Jwk = serde_json::from_str(&text).expect("a key");
            assert_eq!((id_of(&stored).ok().map(String::from), &stored), (public.common.key_id.clone(), &public));
        }
        let ec = generate(SigningAlgorithm::Es256).expect("a key");
        assert!(from_pem(ec.as_bytes(), SigningAlgorithm::Rs256).is_err());
        assert!(from_pem(b"no key", SigningAlgorithm::Es256).is_err());
    }

    /// RFC 7638 §3.1.
    #[test]
    fn thumbprint_is_that_of_the_rfc() {
        let public = serde_json::json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        let public: Jwk = serde_json::from_value(public).expect("a key");
        assert_eq!(id_of(&public).expect("an id").as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }
}
