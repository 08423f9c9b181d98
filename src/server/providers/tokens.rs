//! Tokens of providers, checked by the libraries that know how.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{EndpointNotSet, EndpointSet, ExtraTokenFields, RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse};
use openidconnect::core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, CsrfToken, EndSessionUrl, IdToken, IdTokenVerifier, IssuerUrl, LogoutRequest, Nonce,
    PostLogoutRedirectUrl, SignatureVerificationError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Trouble;
use super::known::{Keys, Known};
use crate::domain::provider::{Claims, Provider};
use crate::domain::time::Timestamp;

/// By how much a provider's clock and ours may differ.
pub const SKEW: Duration = Duration::from_secs(60);
/// How long a logout token counts: it is sent as soon as it is made.
const OLDEST_LOGOUT: Duration = Duration::from_secs(3 * 60);
/// Longer ID tokens are not kept to sign out with.
const LONGEST_KEPT: usize = 6_000;

/// What a token endpoint sends beside what OAuth has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct More {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for More {}

type Answer = StandardTokenResponse<More, BasicTokenType>;

/// Before and after its addresses are known.
pub type NewClient = AnyClient<EndpointNotSet, EndpointNotSet>;
pub type Client = AnyClient<EndpointSet, EndpointSet>;

type AnyClient<Auth, Token> = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Auth,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// What a token endpoint sent.
pub struct TokenAnswer(Answer);

impl TokenAnswer {
    pub fn new(answer: Answer) -> Self {
        Self(answer)
    }

    pub fn token(&self) -> &str {
        self.0.access_token().secret()
    }

    /// To sign out with.
    pub fn id_token(&self) -> Option<String> {
        self.0.extra_fields().id_token.clone().filter(|token| token.len() <= LONGEST_KEPT)
    }
}

impl From<RequestTokenError<Trouble, BasicErrorResponse>> for Trouble {
    fn from(error: RequestTokenError<Trouble, BasicErrorResponse>) -> Self {
        match error {
            RequestTokenError::ServerResponse(refused) => match refused.error().as_ref() {
                error @ ("invalid_client" | "unauthorized_client") => {
                    Self::Misconfigured(format!("the provider rejected the client ID or secret: {error}"))
                }
                error => Self::Refused(error.to_owned()),
            },
            RequestTokenError::Request(trouble) => trouble,
            RequestTokenError::Parse(error, _) => Self::Broken(format!("the token response is not valid: {error}")),
            RequestTokenError::Other(why) => Self::Broken(why),
        }
    }
}

/// What a token says, once it has been checked.
#[derive(Debug)]
pub struct Said {
    pub claims: Claims,
    pub authenticated_at: Option<Timestamp>,
}

impl Said {
    /// Of a provider that is not OpenID Connect's and cannot say when: its word of now has to do.
    pub fn of(claims: Claims, now: Timestamp) -> Self {
        Self { claims, authenticated_at: Some(now) }
    }
}

/// Why a token is not taken.
pub enum Unverified {
    /// It is not signed with a key that the provider has shown: perhaps with a new one, which may bear an old name.
    UnknownKey,
    Trouble(Trouble),
}

impl From<Unverified> for Trouble {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::UnknownKey => Self::Untrusted("it is signed with a key that is not in the provider's key set".into()),
            Unverified::Trouble(trouble) => trouble,
        }
    }
}

/// All of an ID token's claims.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct All {
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl AdditionalClaims for All {}

type AnyIdToken = IdToken<All, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Signatures that prove something: with a key that only the provider has. Not `none`, and nothing with the client's own secret.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// OpenID Connect Core §3.1.3.7.
pub fn id_token(answer: &TokenAnswer, provider: &Provider, known: &Known, nonce: &str, now: Timestamp) -> Result<Said, Unverified> {
    let untrusted = |why: String| Unverified::Trouble(Trouble::Untrusted(why));
    let text = answer.0.extra_fields().id_token.clone().ok_or_else(|| untrusted("there is none".into()))?;
    let token = AnyIdToken::from_str(&text).map_err(|error| untrusted(error.to_string()))?;
    let Keys::IdTokens(keys) = &known.keys else { return Err(untrusted("the keys are of a different type".into())) };
    let issuer = IssuerUrl::new(known.issuer.clone()).map_err(|error| untrusted(error.to_string()))?;
    let a_little_ago = in_chrono(now - SKEW);
    let verifier = IdTokenVerifier::new_public_client(ClientId::new(provider.client_id.clone()), issuer, keys.clone())
        .set_allowed_algs(SIGNATURES)
        .set_time_fn(move || a_little_ago);
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(from_claims)?;
    if from_chrono(claims.issue_time()) > now + SKEW {
        return Err(Unverified::Trouble(Trouble::Clock("the token was issued in the future".into())));
    }
    let authenticated_at = claims.auth_time().map(from_chrono);
    if authenticated_at.is_some_and(|at| at > now + SKEW) {
        return Err(Unverified::Trouble(Trouble::Clock("auth_time is in the future".into())));
    }
    let said = serde_json::to_value(claims).map_err(|error| untrusted(error.to_string()))?;
    let claims = self::claims(&said);
    // OpenID Connect Core §3.1.3.7 (5), which the library leaves to us.
    if claims.one("azp").is_some_and(|party| party != provider.client_id) {
        return Err(untrusted("it was made for another party".into()));
    }
    Ok(Said { claims, authenticated_at })
}

fn from_claims(error: ClaimsVerificationError) -> Unverified {
    match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)) => {
            Unverified::UnknownKey
        }
        ClaimsVerificationError::SignatureVerification(why) => Unverified::Trouble(Trouble::Untrusted(why.to_string())),
        ClaimsVerificationError::Expired(why) => Unverified::Trouble(Trouble::Clock(why)),
        ClaimsVerificationError::InvalidIssuer(why) => Unverified::Trouble(Trouble::WrongIssuer(why)),
        other => Unverified::Trouble(Trouble::Untrusted(other.to_string())),
    }
}

fn in_chrono(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default()
}

fn from_chrono(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

/// An access token that is a JWT of the provider's, and says who somebody is. It was sent to us over TLS in exchange for a code,
/// by the provider itself; its profile says which claims tell that it is for us.
pub fn access_token(answer: &TokenAnswer, known: &Known, now: Timestamp) -> Result<Said, Unverified> {
    let Keys::AccessTokens(keys) = &known.keys else {
        return Err(Unverified::Trouble(Trouble::Misconfigured("the keys are of a different type".into())));
    };
    let said = signed(answer.token(), keys, &known.issuer, None)?;
    let expires = said.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if Timestamp::from_millis(expires.saturating_mul(1_000)) <= now - SKEW {
        return Err(Unverified::Trouble(Trouble::Clock("the token has expired".into())));
    }
    Ok(Said::of(claims(&said), now))
}

/// A JWT that the provider has signed. What its times mean is left to the caller: our own clock judges, which tests can set.
fn signed(text: &str, keys: &JwkSet, issuer: &str, audience: Option<&str>) -> Result<Value, Unverified> {
    let untrusted = |error: jsonwebtoken::errors::Error| Unverified::Trouble(Trouble::Untrusted(error.to_string()));
    let header = jsonwebtoken::decode_header(text).map_err(untrusted)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA) {
        return Err(Unverified::Trouble(Trouble::Untrusted(format!("it is signed with {:?}", header.alg))));
    }
    let key = match (&header.kid, keys.keys.as_slice()) {
        (Some(kid), _) => keys.find(kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let key = DecodingKey::from_jwk(key.ok_or(Unverified::UnknownKey)?).map_err(untrusted)?;
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[issuer]);
    validation.validate_exp = false;
    match audience {
        Some(audience) => {
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["iss", "aud"]);
        }
        None => {
            validation.validate_aud = false;
            validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        }
    }
    let said = jsonwebtoken::decode::<Value>(text, &key, &validation).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => Unverified::UnknownKey,
        jsonwebtoken::errors::ErrorKind::InvalidIssuer => Unverified::Trouble(Trouble::WrongIssuer("the token was issued by another issuer".into())),
        _ => untrusted(error),
    })?;
    Ok(said.claims)
}

/// Somebody has signed out there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    pub issuer: String,
    /// `None`: whoever had the session.
    pub subject: Option<String>,
    /// `None`: all their sessions.
    pub sid: Option<String>,
    /// When, by its clock.
    pub at: Timestamp,
}

/// OpenID Connect Back-Channel Logout 1.0 §2.6. Its number is not kept: what comes again ends no session that began after it was made.
pub fn logout_token(text: &str, provider: &Provider, known: &Known, now: Timestamp) -> Result<SignedOut, Unverified> {
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let untrusted = |why: &str| Unverified::Trouble(Trouble::Untrusted(why.into()));
    let kind = jsonwebtoken::decode_header(text).map_err(|error| untrusted(&error.to_string()))?.typ;
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("logout+jwt") && !kind.eq_ignore_ascii_case("JWT")) {
        return Err(untrusted("it is a token of a different type"));
    }
    let said = signed(text, &known.keys.of_any_token(), &known.issuer, Some(&provider.client_id))?;
    if !said.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) || said.get("nonce").is_some() {
        return Err(untrusted("it is not a logout token"));
    }
    let time = |name: &str| said.get(name).and_then(Value::as_i64).map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)));
    let made = time("iat").ok_or_else(|| untrusted("it has no iat"))?;
    if made > now + SKEW || now.since(made) > OLDEST_LOGOUT || time("exp").is_some_and(|end| end <= now - SKEW) {
        return Err(Unverified::Trouble(Trouble::Clock("the logout token is too old or was issued in the future".into())));
    }
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    match (text("sub"), text("sid")) {
        (None, None) => Err(untrusted("it has no subject")),
        (subject, sid) => Ok(SignedOut { issuer: known.issuer.clone(), subject, sid, at: made }),
    }
}

/// Where somebody signs out there and comes back from (OpenID Connect RP-Initiated Logout 1.0 §2).
pub fn sign_out_address(end_session: &str, provider: &Provider, id_token: Option<&str>, back: &str, state: &str) -> Option<String> {
    let mut request = LogoutRequest::from(EndSessionUrl::new(end_session.to_owned()).ok()?)
        .set_client_id(ClientId::new(provider.client_id.clone()))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.to_owned()).ok()?)
        .set_state(CsrfToken::new(state.to_owned()));
    if let Some(token) = id_token.and_then(|token| AnyIdToken::from_str(token).ok()) {
        request = request.set_id_token_hint(&token);
    }
    Some(request.http_get_url().to_string())
}

/// Texts, numbers and truth values, alone or in a list.
pub fn claims(said: &Value) -> Claims {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let mut claims = Claims::default();
    for (name, value) in said.as_object().into_iter().flatten() {
        let values: Vec<String> = match value {
            Value::Array(values) => values.iter().filter_map(text).collect(),
            value => text(value).into_iter().collect(),
        };
        claims.insert(name, values);
    }
    claims
}
