//! The signing keys that a portal has in memory: one of each algorithm signs, all verify.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use thiserror::Error;

use super::signing::{KeyPairError, from_pem, id_of, jwt_algorithm};
use crate::domain::ids::SigningKeyId;
use crate::domain::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};
use crate::domain::token::SignedClaims;
use crate::server::service::Fault;
use crate::server::service::platform::rng::Secret;
use crate::server::storage::signing_keys::{KeyStates, SigningKeyRows};

/// Longer tokens are refused without being read: those of the portal have less than 2 KiB.
const MAX_TOKEN_LENGTH: usize = 16 * 1_024;

#[derive(Debug, Error)]
#[error("there is no key that signs {0}, or it cannot be read: see `tms-portal keys status`")]
struct NoSigningKey(SigningAlgorithm);

/// What a signing key is sealed for: its row, and no other.
pub fn sealing_context(id: &str) -> String {
    format!("signing key\n{id}")
}

/// A key of the ring.
struct RingKey {
    key: SigningKey,
    /// `None`: the key is retired.
    private: Option<EncodingKey>,
    verifying: DecodingKey,
    public: Jwk,
}

impl RingKey {
    /// `content`: of a retired key the public half, of others the private key. Refused unless it has the id of the row.
    fn new(key: &SigningKey, content: &Secret) -> Result<Self, KeyPairError> {
        let (private, public) = match key.state {
            SigningKeyState::Active | SigningKeyState::Next => {
                let (private, public) = from_pem(content.reveal().as_bytes(), key.algorithm)?;
                (Some(private), public)
            }
            SigningKeyState::Retired => (None, serde_json::from_str(content.reveal()).map_err(jsonwebtoken::errors::Error::from)?),
        };
        if id_of(&public)? != key.id {
            return Err(jsonwebtoken::errors::Error::from(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat).into());
        }
        Ok(Self { key: key.clone(), private, verifying: DecodingKey::from_jwk(&public)?, public })
    }
}

/// The signing keys.
pub struct KeyRing {
    /// In the order in which they are published: some clients use the first one and ignore the `kid` of a token.
    keys: Vec<RingKey>,
    /// Keys that `secrets.key` does not open: they neither sign nor verify.
    lost: Vec<SigningKey>,
    /// What the database had when they were read.
    states: KeyStates,
    public: JwkSet,
}

impl KeyRing {
    /// `unseal` opens what was sealed for a context; `None` if it cannot.
    pub fn open(rows: &SigningKeyRows, unseal: impl Fn(&str, &[u8]) -> Option<Secret>) -> Self {
        let (mut keys, mut lost) = (Vec::new(), Vec::new());
        for row in &rows.keys {
            let content = unseal(&sealing_context(row.key.id.as_str()), &row.sealed);
            match content.map(|content| RingKey::new(&row.key, &content)) {
                Some(Ok(key)) => keys.push(key),
                _ => lost.push(row.key.clone()),
            }
        }
        keys.sort_by_key(|ring| (ring.key.algorithm, ring.key.state, ring.key.created_at));
        let public = JwkSet { keys: keys.iter().map(|ring| ring.public.clone()).collect() };
        Self { keys, lost, states: rows.states.clone(), public }
    }

    /// A ring without keys, such as before the database was opened.
    pub fn empty() -> Self {
        Self { keys: Vec::new(), lost: Vec::new(), states: KeyStates::new(), public: JwkSet::default() }
    }

    /// Whether the database has the same keys in the same states.
    pub fn is_current(&self, states: &[(String, String)]) -> bool {
        self.states == states
    }

    /// What the database had when the keys were read.
    pub fn states(&self) -> &[(String, String)] {
        &self.states
    }

    /// The keys that can be used.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().map(|ring| &ring.key)
    }

    /// Keys that cannot be used, because another `secrets.key` has sealed them.
    pub fn lost(&self) -> &[SigningKey] {
        &self.lost
    }

    /// The published keys (RFC 7517 §5).
    pub fn public(&self) -> &JwkSet {
        &self.public
    }

    /// The public half of a key, as it is sealed when the key is retired. `None` if the key is lost.
    pub fn public_half(&self, id: &SigningKeyId) -> Option<Secret> {
        let ring = self.find(id.as_str())?;
        serde_json::to_string(&ring.public).ok().map(Secret::from_plaintext)
    }

    /// `id` is from a token: it is only compared.
    fn find(&self, id: &str) -> Option<&RingKey> {
        self.keys.iter().find(|ring| ring.key.id.as_str() == id)
    }

    /// Signs with the active key of an algorithm.
    pub fn sign<C: SignedClaims>(&self, claims: &C, algorithm: SigningAlgorithm) -> Result<String, Fault> {
        let is_active = |ring: &&RingKey| ring.key.algorithm == algorithm && ring.key.state == SigningKeyState::Active;
        let active = self.keys.iter().find(is_active).and_then(|ring| Some((ring.key.id.as_str(), ring.private.as_ref()?)));
        let (id, private) = active.ok_or_else(|| Fault::new(NoSigningKey(algorithm)))?;
        let mut header = Header::new(jwt_algorithm(algorithm));
        header.typ = Some(C::TYPE.to_owned());
        header.kid = Some(id.to_owned());
        jsonwebtoken::encode(&header, claims, private).map_err(Fault::new)
    }

    /// The claims of a token that one of the keys signed for `audience`; `None` for any other. The caller checks issuer and times.
    pub fn verify<C: SignedClaims>(&self, token: &str, audience: &str) -> Option<C> {
        if token.len() > MAX_TOKEN_LENGTH {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let ring = self.find(header.kid.as_deref()?)?;
        let algorithm = jwt_algorithm(ring.key.algorithm);
        if header.alg != algorithm || !is_ours(&header, C::TYPE) {
            return None;
        }
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Checked with our own clock, which tests can set.
        validation.validate_exp = false;
        Some(jsonwebtoken::decode::<C>(token, &ring.verifying, &validation).ok()?.claims)
    }
}

/// Whether a header has this type and names no other key, and no extension that would have to be understood (RFC 7515 §4.1.11, RFC 8725 §3.10).
fn is_ours(header: &Header, expected: &str) -> bool {
    let Header { typ, cty, jku, jwk, x5u, x5c, x5t, x5t_s256, crit, enc, zip, .. } = header;
    let is_plain = [cty, jku, x5u, x5t, x5t_s256].into_iter().all(Option::is_none)
        && jwk.is_none()
        && x5c.is_none()
        && crit.is_none()
        && enc.is_none()
        && zip.is_none();
    is_plain && typ.as_ref().is_some_and(|typ| typ.eq_ignore_ascii_case(expected))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde::{Deserialize, Serialize};
    use serde_json::{Value, json};

    use super::super::signing::generate;
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::domain::token::AccessTokenClaims;
    use crate::server::storage::signing_keys::SealedSigningKey;

    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    /// Rows as a database has them, whose contents are not sealed.
    #[derive(Default)]
    struct Rows(SigningKeyRows);

    impl Rows {
        fn add(&mut self, algorithm: SigningAlgorithm, state: SigningKeyState) -> SigningKeyId {
            let pem = generate(algorithm).expect("a key");
            let (_, public) = from_pem(pem.as_bytes(), algorithm).expect("a key");
            let id = id_of(&public).expect("an id");
            let content = if state == SigningKeyState::Retired { serde_json::to_string(&public).expect("JSON") } else { pem.to_string() };
            self.0.states.push((id.to_string(), state.as_str().to_owned()));
            self.0.keys.push(SealedSigningKey { key: SigningKey::new(id.clone(), algorithm, state, NOW), sealed: content.into_bytes() });
            id
        }

        fn ring(&self) -> KeyRing {
            KeyRing::open(&self.0, |context, sealed| {
                assert!(context.starts_with("signing key\n"), "{context}");
                String::from_utf8(sealed.to_vec()).ok().map(Secret::from_plaintext)
            })
        }
    }

    fn claims(audience: &str) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://tms.example/t/test".into(),
            sub: "jdoe".into(),
            aud: audience.into(),
            client_id: "tms-cli".into(),
            scope: "hosts:read".into(),
            jti: "tok_1".into(),
            iat: 1,
            exp: 2,
            auth_time: None,
            acr: None,
        }
    }

    /// Claims of another kind of token.
    #[derive(Serialize, Deserialize)]
    struct OtherClaims(Value);

    impl SignedClaims for OtherClaims {
        const TYPE: &'static str = "logout+jwt";
    }

    fn subject(ring: &KeyRing, token: &str) -> Option<String> {
        ring.verify::<AccessTokenClaims>(token, "api").map(|claims| claims.sub)
    }

    /// A token with its header changed, and its own signature.
    fn with_header(token: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
        let (header, rest) = token.split_once('.').expect("a JWT");
        let mut header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
        change(header.as_object_mut().expect("an object"));
        format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn one_key_of_each_algorithm_signs_and_all_verify() {
        let mut rows = Rows::default();
        for algorithm in SigningAlgorithm::ALL {
            let id = rows.add(algorithm, SigningKeyState::Active);
            let ring = rows.ring();
            let token = ring.sign(&claims("api"), algorithm).expect("a token");
            assert_eq!(jsonwebtoken::decode_header(&token).expect("a header").kid, Some(id.to_string()));
            assert_eq!(subject(&ring, &token), Some("jdoe".into()));
            assert!(ring.verify::<AccessTokenClaims>(&token, "another api").is_none());
            assert!(Rows::default().ring().verify::<AccessTokenClaims>(&token, "api").is_none(), "unknown key");
            // The same key after its retirement.
            let retired = SigningKey { state: SigningKeyState::Retired, ..rows.0.keys.last().expect("a key").key.clone() };
            let public = ring.public_half(&id).expect("its public half");
            let row = SealedSigningKey { key: retired, sealed: public.reveal().as_bytes().to_vec() };
            let retired = Rows(SigningKeyRows { keys: vec![row], states: Vec::new() }).ring();
            assert_eq!(subject(&retired, &token), Some("jdoe".into()), "{algorithm}");
            assert!(retired.sign(&claims("api"), algorithm).is_err());
        }
        let next = rows.add(SigningAlgorithm::Rs256, SigningKeyState::Next);
        let ring = rows.ring();
        let published: Vec<_> = ring.public().keys.iter().map(|key| key.common.key_id.clone()).collect();
        assert_eq!((published.len(), &published[1]), (3, &Some(next.to_string())), "the next key is published after the active one");
    }

    #[test]
    fn token_of_another_kind_or_form_is_refused() {
        let mut rows = Rows::default();
        let id = rows.add(SigningAlgorithm::Rs256, SigningKeyState::Active);
        let ec = rows.add(SigningAlgorithm::Es256, SigningKeyState::Active);
        let ring = rows.ring();
        let token = ring.sign(&claims("api"), SigningAlgorithm::Rs256).expect("a token");
        let other = serde_json::to_value(claims("api")).expect("JSON");
        let logout = ring.sign(&OtherClaims(other), SigningAlgorithm::Rs256).expect("a token");
        assert!(subject(&ring, &logout).is_none() && ring.verify::<OtherClaims>(&token, "api").is_none());
        assert!(ring.verify::<OtherClaims>(&logout, "api").is_some());
        for broken in ["", "a.b.c", "....", token.trim_end_matches(|c| c != '.'), "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(1 << 20)] {
            assert!(subject(&ring, broken).is_none(), "{}", broken.get(..40).unwrap_or(broken));
        }
        // Each would have to be refused before the signature, which is that of another header.
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("ES256")),
            ("alg", json!("RS512")),
            ("alg", json!("PS256")),
            ("kid", json!(ec.as_str())),
            ("kid", json!("../../etc/passwd")),
            ("kid", json!("' OR 1=1 --")),
            ("kid", Value::Null),
            ("typ", json!("JWT")),
            ("crit", json!(["exp"])),
            ("jku", json!("https://attacker.example/jwks")),
            ("x5u", json!("https://attacker.example/cert")),
            ("jwk", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })),
        ] {
            let forged = with_header(&token, |header| drop(header.insert(name.to_owned(), value.clone())));
            assert!(subject(&ring, &forged).is_none(), "{name} {value}");
        }
        let signed_as = |change: &dyn Fn(&mut Header), claims: &Value| {
            let pem = rows.0.keys[0].sealed.clone();
            let mut header = Header::new(jsonwebtoken::Algorithm::RS256);
            (header.typ, header.kid) = (Some("at+jwt".into()), Some(id.to_string()));
            change(&mut header);
            jsonwebtoken::encode(&header, claims, &EncodingKey::from_rsa_pem(&pem).expect("a key")).expect("signed")
        };
        let good = serde_json::to_value(claims("api")).expect("JSON");
        assert_eq!(subject(&ring, &signed_as(&|_: &mut Header| {}, &good)), Some("jdoe".into()), "a copy is as good");
        let changes: [&dyn Fn(&mut Header); 7] = [
            &|header: &mut Header| header.crit = Some(vec!["exp".into()]),
            &|header: &mut Header| header.jku = Some("https://attacker.example/jwks".into()),
            &|header: &mut Header| header.x5u = Some("https://attacker.example/cert".into()),
            &|header: &mut Header| header.jwk = Some(ring.public().keys[0].clone()),
            &|header: &mut Header| header.cty = Some("JWT".into()),
            &|header: &mut Header| header.typ = None,
            &|header: &mut Header| header.kid = Some(ec.to_string()),
        ];
        for (place, change) in changes.into_iter().enumerate() {
            assert!(subject(&ring, &signed_as(change, &good)).is_none(), "header {place}");
        }
        let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
        let header = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"alg\":\"RS256\",\"kid\":\"{id}\",\"x\":{deep}}}"));
        assert!(subject(&ring, &format!("{header}.e30.")).is_none(), "nested too deeply");
        // The public key as a shared secret (RFC 8725 §2.1).
        let mut header = Header::new(jsonwebtoken::Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".into()), Some(id.to_string()));
        let public = serde_json::to_string(&ring.public().keys[0]).expect("JSON");
        let confused = jsonwebtoken::encode(&header, &claims("api"), &EncodingKey::from_secret(public.as_bytes())).expect("signed");
        assert!(subject(&ring, &confused).is_none());
    }

    #[test]
    fn claims_that_are_given_twice_are_refused() {
        let mut rows = Rows::default();
        let id = rows.add(SigningAlgorithm::Es256, SigningKeyState::Active);
        let pem = rows.0.keys[0].sealed.clone();
        let private = EncodingKey::from_ec_pem(&pem).expect("a key");
        let signed = |claims: &str| {
            let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": "ES256", "typ": "at+jwt", "kid": id.as_str() }).to_string());
            let message = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &private, jsonwebtoken::Algorithm::ES256).expect("signed");
            format!("{message}.{signature}")
        };
        let text = serde_json::to_string(&claims("api")).expect("JSON");
        let ring = rows.ring();
        assert_eq!(subject(&ring, &signed(&text)), Some("jdoe".into()));
        let twice = text.replacen('{', "{\"sub\":\"root\",", 1);
        assert!(subject(&ring, &signed(&twice)).is_none());
    }

    #[test]
    fn key_that_is_not_of_its_row_is_not_used() {
        let mut rows = Rows::default();
        rows.add(SigningAlgorithm::Es256, SigningKeyState::Active);
        let other = Rows::default().add(SigningAlgorithm::Es256, SigningKeyState::Active);
        rows.0.keys[0].key.id = other;
        let ring = rows.ring();
        assert_eq!((ring.public().keys.len(), ring.lost().len()), (0, 1));
        assert!(ring.sign(&claims("api"), SigningAlgorithm::Es256).is_err());
        assert!(KeyRing::open(&rows.0, |_, _| None).public().keys.is_empty());
        assert!(ring.is_current(&rows.0.states) && !KeyRing::empty().is_current(&rows.0.states));
    }
}
