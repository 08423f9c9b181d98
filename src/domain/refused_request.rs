//! Requests of registered clients that the authorization server refused, as the audit log has them: for those who configure the client. The
//! caller gets an error code of the protocol only.

use std::fmt;

use super::stored_words::stored_words;

/// Why a request was refused. The words are stable: they are stored, and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusedRequestReason {
    ClientDisabled,
    /// The client did not authenticate.
    CredentialsMissing,
    SecretWrong,
    /// It authenticated in another way than the registered one.
    AuthMethod,
    /// The client assertion is no JWT (RFC 7523), or lacks a claim.
    AssertionMalformed,
    /// It is signed with an algorithm that is not accepted.
    AssertionAlgorithm,
    /// Its header names keys, or has extensions that are to be understood.
    AssertionHeader,
    /// None of the registered keys is the one that it names.
    AssertionKey,
    AssertionSignature,
    /// Its issuer or subject is not the client.
    AssertionSubject,
    /// It is for another server, or for an endpoint of this one.
    AssertionAudience,
    AssertionExpired,
    /// It expires later than ten minutes from now, or is not valid yet.
    AssertionLifetime,
    AssertionWithoutId,
    /// It was used before.
    AssertionReplayed,
    /// The client's keys could not be fetched.
    KeysUnavailable,
    /// The client may not use the grant type.
    GrantType,
    /// None of the scope is allowed.
    Scope,
    RedirectUriMissing,
    /// The redirect URI is none of the registered ones.
    RedirectUri,
    /// A parameter was sent more than once.
    ParameterRepeated,
    /// The request is too large, or no form.
    RequestMalformed,
    StateTooLong,
    NonceTooLong,
    ResponseType,
    ResponseMode,
    /// The parameter `request`.
    RequestObject,
    /// A `request_uri` that is none of a pushed request, or one of another client.
    RequestUri,
    /// The pushed request has expired, or was answered.
    PushedRequestGone,
    /// The client must push its requests.
    NotPushed,
    /// The code challenge is missing.
    ChallengeMissing,
    /// The code challenge, or its method, is not accepted.
    ChallengeInvalid,
    Prompt,
    MaxAge,
    /// The resource server does not exist, or the client may not request access to it.
    Resource,
    /// The code is another client's.
    CodeClient,
    /// The redirect URI is not that of the code's request.
    CodeRedirectUri,
    VerifierMissing,
    /// The code's request had no challenge.
    VerifierUnexpected,
    VerifierWrong,
}

stored_words!(RefusedRequestReason {
    ClientDisabled = "client_disabled",
    CredentialsMissing = "credentials_missing",
    SecretWrong = "secret_wrong",
    AuthMethod = "auth_method_not_registered",
    AssertionMalformed = "assertion_malformed",
    AssertionAlgorithm = "assertion_algorithm",
    AssertionHeader = "assertion_header",
    AssertionKey = "assertion_key_unknown",
    AssertionSignature = "assertion_signature",
    AssertionSubject = "assertion_subject",
    AssertionAudience = "assertion_audience",
    AssertionExpired = "assertion_expired",
    AssertionLifetime = "assertion_lifetime",
    AssertionWithoutId = "assertion_without_jti",
    AssertionReplayed = "assertion_replayed",
    KeysUnavailable = "keys_unavailable",
    GrantType = "grant_type_not_allowed",
    Scope = "scope_not_allowed",
    RedirectUriMissing = "redirect_uri_missing",
    RedirectUri = "redirect_uri_not_registered",
    ParameterRepeated = "parameter_repeated",
    RequestMalformed = "request_malformed",
    StateTooLong = "state_too_long",
    NonceTooLong = "nonce_too_long",
    ResponseType = "response_type_unsupported",
    ResponseMode = "response_mode_unsupported",
    RequestObject = "request_object",
    RequestUri = "request_uri",
    PushedRequestGone = "pushed_request_gone",
    NotPushed = "request_not_pushed",
    ChallengeMissing = "code_challenge_missing",
    ChallengeInvalid = "code_challenge_invalid",
    Prompt = "prompt_contradictory",
    MaxAge = "max_age_malformed",
    Resource = "resource_unknown",
    CodeClient = "code_of_another_client",
    CodeRedirectUri = "code_redirect_uri",
    VerifierMissing = "code_verifier_missing",
    VerifierUnexpected = "code_verifier_unexpected",
    VerifierWrong = "code_verifier_wrong",
});

/// The longest detail, in characters.
const MAX_DETAIL_CHARS: usize = 300;

/// A reason, and what was sent. Its text is the subject of the audit event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    pub reason: RefusedRequestReason,
    /// What was sent, such as an address. Never a secret, a code or a token.
    detail: Option<String>,
}

impl RefusedRequest {
    pub fn new(reason: RefusedRequestReason) -> Self {
        Self { reason, detail: None }
    }

    /// Control characters are left out, and a long text is truncated.
    #[must_use]
    pub fn with(self, detail: &str) -> Self {
        Self { detail: Some(detail.chars().filter(|c| !c.is_control()).take(MAX_DETAIL_CHARS).collect()), ..self }
    }
}

impl From<RefusedRequestReason> for RefusedRequest {
    fn from(reason: RefusedRequestReason) -> Self {
        Self::new(reason)
    }
}

impl fmt::Display for RefusedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.as_str())?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_is_short_and_on_one_line() {
        let refused = RefusedRequest::new(RefusedRequestReason::AssertionAudience).with("https://a.example\n/token");
        assert_eq!(refused.to_string(), "assertion_audience: https://a.example/token");
        assert_eq!(RefusedRequest::from(RefusedRequestReason::Scope).to_string(), "scope_not_allowed");
        let long = RefusedRequest::new(RefusedRequestReason::Scope).with(&"a".repeat(5_000));
        assert_eq!(long.to_string().len(), "scope_not_allowed: ".len() + MAX_DETAIL_CHARS);
    }
}
