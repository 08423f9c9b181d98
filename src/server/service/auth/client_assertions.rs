//! Client assertions: JWTs with which clients authenticate (RFC 7523 §2.2, §3, as updated by draft-ietf-oauth-rfc7523bis).

use std::time::Duration;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Header, Validation};
use serde::Deserialize;

use crate::domain::ids::ClientId;
use crate::domain::refused_request::{RefusedRequest, RefusedRequestReason as Reason};
use crate::domain::time::Timestamp;
use crate::server::providers::client_keys::{ASSERTION_ALGORITHMS, ClientKeys};

/// How far ahead an assertion may expire.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Allowed difference between the client's clock and ours.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);
/// Longest `jti`, in bytes.
const MAX_ID_BYTES: usize = 512;
/// Types of the JWT, if it has one. Others, such as access tokens and logout tokens, are not accepted in its place (RFC 8725 §3.11).
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// The claims of RFC 7523 §3. A claim that occurs twice is refused by the parser.
#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<AssertionAudience>,
    /// Seconds since 1970, which may have a fraction (RFC 7519 §2 `NumericDate`).
    exp: Option<f64>,
    nbf: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AssertionAudience {
    One(String),
    Several(Vec<String>),
}

/// An assertion whose signature and claims were verified.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server::service) struct VerifiedAssertion {
    /// `jti`.
    pub id: String,
    /// When it is no longer accepted.
    pub expires_at: Timestamp,
}

/// The `sub` of an assertion, which is not verified.
pub(in crate::server::service) fn claimed_subject(assertion: &str) -> Option<String> {
    insecure_decode_claims::<AssertionClaims>(assertion).ok()?.sub
}

/// Verifies an assertion of `client`. It is for one of `audiences` and for no other server.
pub(in crate::server::service) fn verify(
    assertion: &str,
    client: &ClientId,
    keys: &ClientKeys,
    audiences: &[String],
    now: Timestamp,
) -> Result<VerifiedAssertion, RefusedRequest> {
    let header = jsonwebtoken::decode_header(assertion).map_err(|error| match error.kind() {
        // `none`, and algorithms that the library does not know.
        ErrorKind::Json(_) => RefusedRequest::new(Reason::AssertionAlgorithm),
        _ => Reason::AssertionMalformed.into(),
    })?;
    check_header(&header)?;
    check_claims(verify_signature(assertion, &header, keys)?, client, audiences, now)
}

/// Keys come from the registration, never from the header (RFC 8725 §3.10).
fn check_header(header: &Header) -> Result<(), RefusedRequest> {
    if !ASSERTION_ALGORITHMS.contains(&header.alg) {
        return Err(RefusedRequest::new(Reason::AssertionAlgorithm).with(&format!("{:?}", header.alg)));
    }
    if header.jku.is_some() || header.x5u.is_some() || header.jwk.is_some() || header.crit.is_some() {
        return Err(Reason::AssertionHeader.into());
    }
    match &header.typ {
        Some(typ) if !TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known)) => Err(Reason::AssertionMalformed.into()),
        _ => Ok(()),
    }
}

fn verify_signature(assertion: &str, header: &Header, keys: &ClientKeys) -> Result<AssertionClaims, RefusedRequest> {
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    // Checked below, with our own clock, which tests can set.
    validation.validate_exp = false;
    validation.validate_aud = false;
    let mut refused = Reason::AssertionKey;
    for key in keys.candidates(header) {
        match decode(assertion, key, &validation) {
            Ok(claims) => return Ok(claims),
            // Without a `kid`, it may be signed with a key that is not known yet.
            Err(ErrorKind::InvalidSignature) if header.kid.is_some() => refused = Reason::AssertionSignature,
            Err(ErrorKind::InvalidSignature) => {}
            Err(_) => refused = Reason::AssertionMalformed,
        }
    }
    Err(match &header.kid {
        Some(kid) if refused == Reason::AssertionKey => RefusedRequest::new(refused).with(kid),
        _ => refused.into(),
    })
}

fn decode(assertion: &str, key: &Jwk, validation: &Validation) -> Result<AssertionClaims, ErrorKind> {
    let key = DecodingKey::from_jwk(key).map_err(|error| error.into_kind())?;
    jsonwebtoken::decode(assertion, &key, validation).map(|token| token.claims).map_err(|error| error.into_kind())
}

fn check_claims(claims: AssertionClaims, client: &ClientId, audiences: &[String], now: Timestamp) -> Result<VerifiedAssertion, RefusedRequest> {
    let is_client = |claim: &Option<String>| claim.as_deref() == Some(client.as_str());
    if !is_client(&claims.iss) || !is_client(&claims.sub) {
        return Err(Reason::AssertionSubject.into());
    }
    let audience = match claims.aud.ok_or(Reason::AssertionMalformed)? {
        AssertionAudience::One(audience) => audience,
        AssertionAudience::Several(several) => match <[String; 1]>::try_from(several) {
            Ok([audience]) => audience,
            Err(several) => return Err(RefusedRequest::new(Reason::AssertionAudience).with(&several.join(" "))),
        },
    };
    if !audiences.contains(&audience) {
        return Err(RefusedRequest::new(Reason::AssertionAudience).with(&audience));
    }
    let expires = seconds(claims.exp.ok_or(Reason::AssertionMalformed)?);
    if expires + MAX_CLOCK_SKEW <= now {
        return Err(Reason::AssertionExpired.into());
    }
    if expires > now + LONGEST_LIFETIME + MAX_CLOCK_SKEW || claims.nbf.is_some_and(|from| seconds(from) > now + MAX_CLOCK_SKEW) {
        return Err(Reason::AssertionLifetime.into());
    }
    match claims.jti.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES) {
        Some(id) => Ok(VerifiedAssertion { id, expires_at: expires + MAX_CLOCK_SKEW }),
        None => Err(Reason::AssertionWithoutId.into()),
    }
}

/// A time beyond the range becomes the first or the last one.
fn seconds(number: f64) -> Timestamp {
    Timestamp::from_millis((number * 1_000.0) as i64)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey};
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);
    const ISSUER: &str = "https://tms.example/t/test";

    /// A key pair on the curve P-256, made with rcgen.
    fn key_pair(kid: &str) -> (EncodingKey, Value) {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key pair");
        let encoding = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).expect("a key");
        let public = Jwk::from_encoding_key(&encoding, Algorithm::ES256).expect("a public key");
        let mut public = serde_json::to_value(public).expect("JSON");
        public["kid"] = kid.into();
        (encoding, public)
    }

    fn claims() -> Value {
        json!({ "iss": "gateway", "sub": "gateway", "aud": ISSUER, "exp": NOW.as_seconds() + 60, "jti": "1" })
    }

    fn header(kid: &str) -> Header {
        Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) }
    }

    struct Fixture {
        private: EncodingKey,
        keys: ClientKeys,
    }

    impl Fixture {
        fn new() -> Self {
            let (private, public) = key_pair("k1");
            Self { private, keys: ClientKeys::parse(&json!({ "keys": [public] }).to_string()).expect("keys") }
        }

        fn verify(&self, assertion: &str, audiences: &[&str]) -> Result<VerifiedAssertion, Reason> {
            let audiences: Vec<String> = audiences.iter().map(|&audience| audience.to_owned()).collect();
            let client = ClientId::parse("gateway").expect("a client id");
            verify(assertion, &client, &self.keys, &audiences, NOW).map_err(|refused| refused.reason)
        }

        fn sign(&self, header: &Header, claims: &Value) -> String {
            jsonwebtoken::encode(header, claims, &self.private).expect("an assertion")
        }

        fn with(&self, changes: Value) -> Result<VerifiedAssertion, Reason> {
            let mut claims = claims();
            for (name, value) in changes.as_object().expect("claims") {
                match value {
                    Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
                    value => claims[name] = value.clone(),
                }
            }
            self.verify(&self.sign(&header("k1"), &claims), &[ISSUER])
        }
    }

    #[test]
    fn claims_must_be_those_of_the_client_for_this_server() {
        let fixture = Fixture::new();
        let good = fixture.with(json!({})).expect("valid");
        assert_eq!(good, VerifiedAssertion { id: "1".into(), expires_at: NOW + Duration::from_secs(90) });
        let seconds = NOW.as_seconds();
        assert!(fixture.with(json!({ "aud": [ISSUER], "iat": seconds, "nbf": seconds })).is_ok());
        assert!(fixture.with(json!({ "exp": seconds as f64 + 599.5 })).is_ok());
        for (changes, refused) in [
            (json!({ "aud": "https://tms.example/t/test/oauth/token" }), Reason::AssertionAudience),
            (json!({ "aud": [ISSUER, "https://other.example"] }), Reason::AssertionAudience),
            (json!({ "aud": [] }), Reason::AssertionAudience),
            (json!({ "aud": "https://tms.example/t/test/" }), Reason::AssertionAudience),
            (json!({ "aud": "https://tms.example/t/other" }), Reason::AssertionAudience),
            (json!({ "aud": null }), Reason::AssertionMalformed),
            (json!({ "iss": "other" }), Reason::AssertionSubject),
            (json!({ "sub": "other" }), Reason::AssertionSubject),
            (json!({ "iss": null }), Reason::AssertionSubject),
            (json!({ "sub": null }), Reason::AssertionSubject),
            (json!({ "exp": null }), Reason::AssertionMalformed),
            (json!({ "exp": "soon" }), Reason::AssertionMalformed),
            (json!({ "exp": seconds - 31 }), Reason::AssertionExpired),
            (json!({ "exp": seconds + 660 }), Reason::AssertionLifetime),
            (json!({ "exp": 1e300 }), Reason::AssertionLifetime),
            (json!({ "exp": -1e300 }), Reason::AssertionExpired),
            (json!({ "nbf": seconds + 60 }), Reason::AssertionLifetime),
            (json!({ "jti": null }), Reason::AssertionWithoutId),
            (json!({ "jti": "" }), Reason::AssertionWithoutId),
            (json!({ "jti": "1".repeat(513) }), Reason::AssertionWithoutId),
        ] {
            assert_eq!(fixture.with(changes.clone()), Err(refused), "{changes}");
        }
        let endpoint = format!("{ISSUER}/oauth/token");
        let mut old = claims();
        old["aud"] = endpoint.clone().into();
        assert!(fixture.verify(&fixture.sign(&header("k1"), &old), &[ISSUER, &endpoint]).is_ok(), "an old library");
    }

    #[test]
    fn keys_come_from_the_registration_only() {
        let fixture = Fixture::new();
        let (other, other_public) = key_pair("k2");
        let with = |header: Header| fixture.verify(&fixture.sign(&header, &claims()), &[ISSUER]);
        assert!(with(Header { kid: None, ..header("k1") }).is_ok(), "the only key");
        assert!(with(Header { typ: None, ..header("k1") }).is_ok());
        assert!(with(Header { typ: Some("client-authentication+JWT".into()), ..header("k1") }).is_ok());
        assert_eq!(with(header("k2")), Err(Reason::AssertionKey));
        for typ in ["at+jwt", "logout+jwt", "dpop+jwt", ""] {
            assert_eq!(with(Header { typ: Some(typ.into()), ..header("k1") }), Err(Reason::AssertionMalformed), "{typ}");
        }
        let jwk: Jwk = serde_json::from_value(other_public).expect("a key");
        for bad in [
            Header { jku: Some("https://evil.example/jwks".into()), ..header("k1") },
            Header { x5u: Some("https://evil.example/x5u".into()), ..header("k1") },
            Header { jwk: Some(jwk), ..header("k1") },
            Header { crit: Some(vec!["b64".into()]), ..header("k1") },
        ] {
            assert_eq!(with(bad.clone()), Err(Reason::AssertionHeader), "{bad:?}");
        }
        let foreign = |kid: Option<&str>| {
            let header = Header { kid: kid.map(str::to_owned), ..header("k1") };
            fixture.verify(&jsonwebtoken::encode(&header, &claims(), &other).expect("an assertion"), &[ISSUER])
        };
        assert_eq!(foreign(Some("k1")), Err(Reason::AssertionSignature));
        assert_eq!(foreign(None), Err(Reason::AssertionKey), "it may be a new one");
    }

    #[test]
    fn other_algorithms_and_broken_texts_are_refused() {
        use base64::Engine as _;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD;
        let fixture = Fixture::new();
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let hmac = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"secret")).expect("an assertion");
        assert_eq!(fixture.verify(&hmac, &[ISSUER]), Err(Reason::AssertionAlgorithm));
        let body = encode(&claims().to_string());
        for alg in ["none", "None", "HS256", "ES384", "RS512", "ES256K", "x"] {
            let forged = format!("{}.{body}.", encode(&format!(r#"{{"alg":"{alg}"}}"#)));
            assert_eq!(fixture.verify(&forged, &[ISSUER]), Err(Reason::AssertionAlgorithm), "{alg}");
        }
        assert_eq!(fixture.verify(&format!("{}.{body}.AAAA", encode(r#"{"alg":"RS256"}"#)), &[ISSUER]), Err(Reason::AssertionKey));
        let good = fixture.sign(&header("k1"), &claims());
        for broken in ["", "a", "a.b", "a.b.c", "....", &good.replace('.', ""), good.trim_end_matches(|c| c != '.')] {
            assert!(fixture.verify(broken, &[ISSUER]).is_err(), "{broken}");
        }
        let twice = format!("{}.{}.{}", encode(r#"{"alg":"ES256"}"#), encode(r#"{"iss":"gateway","iss":"x"}"#), "AAAA");
        assert!(fixture.verify(&twice, &[ISSUER]).is_err());
        assert_eq!(claimed_subject(&good).as_deref(), Some("gateway"));
        assert_eq!(claimed_subject("a.b.c"), None);
    }
}
