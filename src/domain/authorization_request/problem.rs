//! Why an authorization request is refused: to the visitor, or to the client.

use serde::{Deserialize, Serialize};

use crate::domain::refused_request::RefusedRequestReason;

/// A request that cannot be answered to its client, because it is not known where the answer may go (RFC 6749 §4.1.2.1): the visitor gets a
/// page that neither redirects nor links there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswerable {
    ClientMissing,
    ClientUnknown,
    ClientDisabled,
    /// The client may not use the authorization code grant.
    GrantNotAllowed,
    RedirectUriMissing,
    /// Also one that is longer than any that can be registered.
    RedirectUriNotRegistered,
    /// `client_id`, `redirect_uri` or `request_uri` was sent more than once.
    Repeated,
    /// It could not be returned as it was sent.
    StateTooLong,
    TooLarge,
    /// The parameters are not form-encoded UTF-8.
    Malformed,
    /// A pushed request that is unknown, has expired or has been answered (RFC 9126 §4).
    PushedRequestGone,
    /// A pushed request of another client.
    PushedByOther,
}

impl Unanswerable {
    /// The reason, for the audit log. `None` if the request names no client of the tenant.
    pub fn reason(self) -> Option<RefusedRequestReason> {
        use RefusedRequestReason as Reason;
        Some(match self {
            Self::ClientMissing | Self::ClientUnknown => return None,
            Self::ClientDisabled => Reason::ClientDisabled,
            Self::GrantNotAllowed => Reason::GrantType,
            Self::RedirectUriMissing => Reason::RedirectUriMissing,
            Self::RedirectUriNotRegistered => Reason::RedirectUri,
            Self::Repeated => Reason::ParameterRepeated,
            Self::StateTooLong => Reason::StateTooLong,
            Self::TooLarge | Self::Malformed => Reason::RequestMalformed,
            Self::PushedRequestGone => Reason::PushedRequestGone,
            Self::PushedByOther => Reason::RequestUri,
        })
    }
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:ident, $description:literal;)*) => {
        /// What is wrong with a request whose client can be told (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum RequestProblem { $($(#[$doc])* $name,)* }

        impl RequestProblem {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The `error` parameter.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The `error_description`, for the client's developers.
            pub fn description(self) -> &'static str {
                match self { $(Self::$name => $description,)* }
            }

            /// The reason, for the audit log.
            pub fn reason(self) -> RefusedRequestReason {
                match self { $(Self::$name => RefusedRequestReason::$reason,)* }
            }
        }
    };
}

problems! {
    Repeated = "invalid_request", ParameterRepeated, "A parameter was included more than once.";
    ResponseTypeMissing = "invalid_request", ResponseType, "response_type is missing.";
    ResponseTypeUnsupported = "unsupported_response_type", ResponseType, "The only supported response_type is code.";
    ResponseModeUnsupported = "invalid_request", ResponseMode, "The only supported response_mode is query.";
    /// OpenID Connect Core §6.
    RequestObject = "request_not_supported", RequestObject, "The request parameter is not supported.";
    RequestUri = "request_uri_not_supported", RequestUri, "Only a request_uri of the pushed authorization request endpoint is supported.";
    /// RFC 9126 §5.
    NotPushed = "invalid_request", NotPushed, "This client must push its authorization requests.";
    ChallengeMissing = "invalid_request", ChallengeMissing, "code_challenge is missing: PKCE with S256 is required.";
    ChallengeMethod = "invalid_request", ChallengeInvalid, "code_challenge_method must be S256.";
    ChallengeMalformed = "invalid_request", ChallengeInvalid, "code_challenge is not the base64url form of a SHA-256.";
    /// The client may send a nonce in place of a challenge, if it gets an ID token (OAuth 2.1 §7.5.1).
    ChallengeOrNonceMissing = "invalid_request", ChallengeMissing, "code_challenge is missing, or else a nonce with the scope openid.";
    NonceTooLong = "invalid_request", NonceTooLong, "nonce is longer than 1 KiB.";
    PromptContradictory = "invalid_request", Prompt, "prompt has none beside another value.";
    MaxAgeMalformed = "invalid_request", MaxAge, "max_age is not a number of seconds.";
    ResourceUnknown = "invalid_target", Resource, "The resource is not known, or the client may not ask for it.";
    NoScopeLeft = "invalid_scope", Scope, "None of the requested scopes is allowed for this client.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_characters_of_rfc_6749() {
        // RFC 6749 §4.1.2.1.
        for problem in RequestProblem::ALL {
            for text in [problem.code(), problem.description()] {
                assert!(!text.is_empty() && text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{text}");
            }
        }
    }
}
