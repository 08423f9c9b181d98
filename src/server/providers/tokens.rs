//! Tokens of providers, verified with the libraries.

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

use super::metadata::{ProviderJwks, ProviderMetadata};
use crate::domain::provider::Provider;
use crate::domain::provider::claims::Claims;
use crate::domain::time::Timestamp;
use crate::server::providers::error::ProviderError;

/// Allowed difference between the provider's clock and ours.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How long a logout token is valid; it is sent as soon as it is issued.
const LOGOUT_TOKEN_LIFETIME: Duration = Duration::from_secs(3 * 60);
/// Longer ID tokens are not stored for signing out, in bytes.
const MAX_STORED_ID_TOKEN: usize = 6_000;

/// Fields of a token response beyond OAuth's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IdTokenField {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

type RawTokenResponse = StandardTokenResponse<IdTokenField, BasicTokenType>;

/// The client before its endpoints are known, and after.
pub type OAuthClientWithoutEndpoints = AnyClient<EndpointNotSet, EndpointNotSet>;
pub type OAuthClient = AnyClient<EndpointSet, EndpointSet>;

type AnyClient<Auth, Token> = oauth2::Client<
    BasicErrorResponse,
    RawTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    Auth,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    Token,
>;

/// A token response.
pub struct TokenEndpointResponse(RawTokenResponse);

impl TokenEndpointResponse {
    pub fn new(answer: RawTokenResponse) -> Self {
        Self(answer)
    }

    pub fn access_token(&self) -> &str {
        self.0.access_token().secret()
    }

    /// Kept for signing out.
    pub fn id_token(&self) -> Option<String> {
        self.0.extra_fields().id_token.clone().filter(|token| token.len() <= MAX_STORED_ID_TOKEN)
    }
}

impl From<RequestTokenError<ProviderError, BasicErrorResponse>> for ProviderError {
    fn from(error: RequestTokenError<ProviderError, BasicErrorResponse>) -> Self {
        match error {
            RequestTokenError::ServerResponse(refused) => match refused.error().as_ref() {
                error @ ("invalid_client" | "unauthorized_client") => {
                    Self::Misconfigured(format!("the provider rejected the client ID or secret: {error}"))
                }
                error => Self::CodeRefused(error.to_owned()),
            },
            RequestTokenError::Request(trouble) => trouble,
            RequestTokenError::Parse(error, _) => Self::InvalidResponse(format!("the token response is not valid: {error}")),
            RequestTokenError::Other(why) => Self::InvalidResponse(why),
        }
    }
}

/// The claims of a verified token.
#[derive(Debug)]
pub struct VerifiedClaims {
    pub claims: Claims,
    pub authenticated_at: Option<Timestamp>,
}

impl VerifiedClaims {
    /// For a provider without `auth_time`, such as one that is not OpenID Connect: the time of the callback is used.
    pub fn authenticated_now(claims: Claims, now: Timestamp) -> Self {
        Self { claims, authenticated_at: Some(now) }
    }
}

/// Why a token was rejected.
pub enum TokenCheckError {
    /// Signed with an unknown key: perhaps a new one, which may reuse an old key id.
    UnknownSigningKey,
    Provider(ProviderError),
}

impl From<TokenCheckError> for ProviderError {
    fn from(unverified: TokenCheckError) -> Self {
        match unverified {
            TokenCheckError::UnknownSigningKey => Self::TokenRefused("it is signed with a key that is not in the provider's key set".into()),
            TokenCheckError::Provider(trouble) => trouble,
        }
    }
}

/// All claims of an ID token.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AllClaims {
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl AdditionalClaims for AllClaims {}

type AnyIdToken = IdToken<AllClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Signature algorithms with a key that only the provider has: not `none`, and none that uses the client secret.
const ALLOWED_ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
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
pub fn verify_id_token(
    answer: &TokenEndpointResponse,
    provider: &Provider,
    known: &ProviderMetadata,
    nonce: &str,
    now: Timestamp,
) -> Result<VerifiedClaims, TokenCheckError> {
    let untrusted = |why: String| TokenCheckError::Provider(ProviderError::TokenRefused(why));
    let text = answer.0.extra_fields().id_token.clone().ok_or_else(|| untrusted("there is none".into()))?;
    let token = AnyIdToken::from_str(&text).map_err(|error| untrusted(error.to_string()))?;
    let ProviderJwks::IdTokens(keys) = &known.jwks else { return Err(untrusted("the keys are of a different type".into())) };
    let issuer = IssuerUrl::new(known.issuer.clone()).map_err(|error| untrusted(error.to_string()))?;
    let a_little_ago = to_chrono(now - MAX_CLOCK_SKEW);
    let verifier = IdTokenVerifier::new_public_client(ClientId::new(provider.client_id.clone()), issuer, keys.clone())
        .set_allowed_algs(ALLOWED_ALGORITHMS)
        .set_time_fn(move || a_little_ago);
    let claims = token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(from_verification_error)?;
    if from_chrono(claims.issue_time()) > now + MAX_CLOCK_SKEW {
        return Err(TokenCheckError::Provider(ProviderError::ClockSkew("the token was issued in the future".into())));
    }
    let authenticated_at = claims.auth_time().map(from_chrono);
    if authenticated_at.is_some_and(|at| at > now + MAX_CLOCK_SKEW) {
        return Err(TokenCheckError::Provider(ProviderError::ClockSkew("auth_time is in the future".into())));
    }
    let said = serde_json::to_value(claims).map_err(|error| untrusted(error.to_string()))?;
    let claims = self::parse_claims(&said);
    // OpenID Connect Core §3.1.3.7 (5), which the library does not check.
    if claims.single("azp").is_some_and(|party| party != provider.client_id) {
        return Err(untrusted("it was made for another party".into()));
    }
    Ok(VerifiedClaims { claims, authenticated_at })
}

fn from_verification_error(error: ClaimsVerificationError) -> TokenCheckError {
    match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)) => {
            TokenCheckError::UnknownSigningKey
        }
        ClaimsVerificationError::SignatureVerification(why) => TokenCheckError::Provider(ProviderError::TokenRefused(why.to_string())),
        ClaimsVerificationError::Expired(why) => TokenCheckError::Provider(ProviderError::ClockSkew(why)),
        ClaimsVerificationError::InvalidIssuer(why) => TokenCheckError::Provider(ProviderError::IssuerMismatch(why)),
        other => TokenCheckError::Provider(ProviderError::TokenRefused(other.to_string())),
    }
}

fn to_chrono(at: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.as_millis()).unwrap_or_default()
}

fn from_chrono(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}

/// Verifies an access token that is a JWT and identifies the person. The provider sent it over TLS in exchange for a code; its profile
/// names the claims that bind it to this client.
pub fn verify_access_token(answer: &TokenEndpointResponse, known: &ProviderMetadata, now: Timestamp) -> Result<VerifiedClaims, TokenCheckError> {
    let ProviderJwks::AccessTokens(keys) = &known.jwks else {
        return Err(TokenCheckError::Provider(ProviderError::Misconfigured("the keys are of a different type".into())));
    };
    let said = verify_jwt(answer.access_token(), keys, &known.issuer, None)?;
    let expires = said.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if Timestamp::from_millis(expires.saturating_mul(1_000)) <= now - MAX_CLOCK_SKEW {
        return Err(TokenCheckError::Provider(ProviderError::ClockSkew("the token has expired".into())));
    }
    Ok(VerifiedClaims::authenticated_now(parse_claims(&said), now))
}

/// A JWT with a verified signature. The caller checks its times with the portal's clock, which tests can set.
fn verify_jwt(text: &str, keys: &JwkSet, issuer: &str, audience: Option<&str>) -> Result<Value, TokenCheckError> {
    let untrusted = |error: jsonwebtoken::errors::Error| TokenCheckError::Provider(ProviderError::TokenRefused(error.to_string()));
    let header = jsonwebtoken::decode_header(text).map_err(untrusted)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512 | Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA) {
        return Err(TokenCheckError::Provider(ProviderError::TokenRefused(format!("it is signed with {:?}", header.alg))));
    }
    let key = match (&header.kid, keys.keys.as_slice()) {
        (Some(kid), _) => keys.find(kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let key = DecodingKey::from_jwk(key.ok_or(TokenCheckError::UnknownSigningKey)?).map_err(untrusted)?;
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
        jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenCheckError::UnknownSigningKey,
        jsonwebtoken::errors::ErrorKind::InvalidIssuer => {
            TokenCheckError::Provider(ProviderError::IssuerMismatch("the token was issued by another issuer".into()))
        }
        _ => untrusted(error),
    })?;
    Ok(said.claims)
}

/// The claims of a logout token: who has signed out at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutTokenClaims {
    pub issuer: String,
    /// `None`: the person who had the session `sid`.
    pub subject: Option<String>,
    /// `None`: all of their sessions.
    pub sid: Option<String>,
    /// By the provider's clock.
    pub issued_at: Timestamp,
}

/// OpenID Connect Back-Channel Logout 1.0 §2.6. `jti` is not stored: a repeated token does not end sessions that began after it was issued.
pub fn verify_logout_token(text: &str, provider: &Provider, known: &ProviderMetadata, now: Timestamp) -> Result<LogoutTokenClaims, TokenCheckError> {
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let untrusted = |why: &str| TokenCheckError::Provider(ProviderError::TokenRefused(why.into()));
    let kind = jsonwebtoken::decode_header(text).map_err(|error| untrusted(&error.to_string()))?.typ;
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("logout+jwt") && !kind.eq_ignore_ascii_case("JWT")) {
        return Err(untrusted("it is a token of a different type"));
    }
    let said = verify_jwt(text, &known.jwks.to_jwk_set(), &known.issuer, Some(&provider.client_id))?;
    if !said.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) || said.get("nonce").is_some() {
        return Err(untrusted("it is not a logout token"));
    }
    let time = |name: &str| said.get(name).and_then(Value::as_i64).map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)));
    let made = time("iat").ok_or_else(|| untrusted("it has no iat"))?;
    if made > now + MAX_CLOCK_SKEW || now.since(made) > LOGOUT_TOKEN_LIFETIME || time("exp").is_some_and(|end| end <= now - MAX_CLOCK_SKEW) {
        return Err(TokenCheckError::Provider(ProviderError::ClockSkew("the logout token is too old or was issued in the future".into())));
    }
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    match (text("sub"), text("sid")) {
        (None, None) => Err(untrusted("it has no subject")),
        (subject, sid) => Ok(LogoutTokenClaims { issuer: known.issuer.clone(), subject, sid, issued_at: made }),
    }
}

/// The URL for signing out at the provider and returning (OpenID Connect RP-Initiated Logout 1.0 §2).
pub fn end_session_url(end_session: &str, provider: &Provider, id_token: Option<&str>, back: &str, state: &str) -> Option<String> {
    let mut request = LogoutRequest::from(EndSessionUrl::new(end_session.to_owned()).ok()?)
        .set_client_id(ClientId::new(provider.client_id.clone()))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(back.to_owned()).ok()?)
        .set_state(CsrfToken::new(state.to_owned()));
    if let Some(token) = id_token.and_then(|token| AnyIdToken::from_str(token).ok()) {
        request = request.set_id_token_hint(&token);
    }
    Some(request.http_get_url().to_string())
}

/// Strings, numbers and booleans, single or in a list.
pub fn parse_claims(said: &Value) -> Claims {
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
