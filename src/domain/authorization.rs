//! Authorizations: what a person allowed a client once, until a date.
//!
//! ```text
//!            end
//!   Live ───────────► Ended(reason)
//! ```
//!
//! The device flow and the authorization code flow are two ways to get one. The delegation, the token families and the SSH keys made with
//! their tokens depend on it. Its date is not a state: each rule compares it with the time that it is given.

use std::net::IpAddr;

use super::ids::{AuthorizationId, ClientId, TenantId, UserId};
use super::resource_server::GrantedResource;
use super::scope::ScopeSet;
use super::stored_words::stored_words;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub tenant_id: TenantId,
    pub id: AuthorizationId,
    pub client_id: ClientId,
    pub person: UserId,
    pub origin: AuthorizationOrigin,
    /// The consented scope; the client's settings may allow less of it now.
    pub scope: ScopeSet,
    /// Access to other resource servers (RFC 8707).
    pub resources: Vec<GrantedResource>,
    pub given: RequestSource,
    /// When the access ends. The person may change it.
    pub access_until: Timestamp,
    /// The last use of one of its access tokens, accurate to a minute.
    pub last_used: Option<TokenUse>,
    pub state: AuthorizationState,
}

/// The flow in which a person gave an authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum AuthorizationOrigin {
    /// Device flow (RFC 8628).
    Device,
    /// Authorization code flow (RFC 6749 §4.1).
    Code,
}

/// When something was given or begun, and the address and user agent of the program's request behind it. For the device flow, that is the
/// device's request, not the browser in which the person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSource {
    pub at: Timestamp,
    /// The IP address, if known.
    pub from: Option<IpAddr>,
    /// The `User-Agent` header; unverified.
    pub agent: String,
}

/// When and from where a token was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUse {
    pub at: Timestamp,
    pub from: Option<IpAddr>,
}

/// The state of what can end, for good and for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndState<Reason> {
    Live,
    Ended { at: Timestamp, reason: Reason },
}

pub type AuthorizationState = EndState<AuthorizationEnd>;

/// Why an authorization ended before its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationEnd {
    /// The person revoked it.
    Person,
    /// An administrator revoked it.
    Administrator,
    /// Its public client revoked one of its tokens (RFC 7009).
    Client,
    /// A refresh token was used again after its successor (RFC 9700 §4.14.2).
    TokenReuse,
    /// The device code or authorization code that it was given on was redeemed again (RFC 6749 §10.5).
    CodeReplay,
    /// Its device code or authorization code was not redeemed in time.
    Unredeemed,
    /// Ended by a release that did not record the reason.
    Unrecorded,
}

/// It had ended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyEnded;

impl<Reason> EndState<Reason> {
    /// Refused if it has ended.
    pub fn end(self, reason: Reason, at: Timestamp) -> Result<Self, AlreadyEnded> {
        match self {
            Self::Live => Ok(Self::Ended { at, reason }),
            Self::Ended { .. } => Err(AlreadyEnded),
        }
    }
}

impl Authorization {
    /// Whether it has not ended and its date has not passed.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.state == AuthorizationState::Live && now < self.access_until
    }

    /// Ends it for good. Refused if it had ended before; one whose date has passed can still be ended.
    pub fn end(self, reason: AuthorizationEnd, now: Timestamp) -> Result<Self, AlreadyEnded> {
        Ok(Self { state: self.state.end(reason, now)?, ..self })
    }
}

stored_words!(AuthorizationOrigin {
    Device = "device",
    Code = "code",
});

stored_words!(AuthorizationEnd {
    Person = "person",
    Administrator = "administrator",
    Client = "client",
    TokenReuse = "token_reuse",
    CodeReplay = "code_replay",
    Unredeemed = "unredeemed",
    Unrecorded = "unrecorded",
});

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const GIVEN: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        GIVEN + Duration::from_secs(seconds)
    }

    fn live() -> Authorization {
        Authorization {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            id: AuthorizationId::parse("dgr_1").expect("an authorization id"),
            client_id: ClientId::parse("tms-cli").expect("a client id"),
            person: UserId::parse("jdoe").expect("a user id"),
            origin: AuthorizationOrigin::Device,
            scope: ScopeSet::parse_known("hosts:read"),
            resources: Vec::new(),
            given: RequestSource { at: GIVEN, from: None, agent: String::new() },
            access_until: at(3_600),
            last_used: None,
            state: AuthorizationState::Live,
        }
    }

    #[test]
    fn authorization_is_in_force_until_its_date() {
        assert!(live().is_in_force(at(3_599)));
        assert!(!live().is_in_force(at(3_600)));
    }

    #[test]
    fn first_end_is_final() {
        let ended = live().end(AuthorizationEnd::Client, at(1)).expect("ended");
        assert_eq!(ended.state, AuthorizationState::Ended { at: at(1), reason: AuthorizationEnd::Client });
        assert!(!ended.is_in_force(at(2)));
        assert_eq!(ended.end(AuthorizationEnd::Person, at(2)), Err(AlreadyEnded));
        assert!(live().end(AuthorizationEnd::Administrator, at(3_601)).is_ok(), "its date has passed");
    }

    #[test]
    fn stored_words_are_read_back() {
        for end in [
            AuthorizationEnd::Person,
            AuthorizationEnd::Administrator,
            AuthorizationEnd::Client,
            AuthorizationEnd::TokenReuse,
            AuthorizationEnd::CodeReplay,
            AuthorizationEnd::Unredeemed,
            AuthorizationEnd::Unrecorded,
        ] {
            assert_eq!(AuthorizationEnd::parse(end.as_str()), Some(end));
        }
        assert_eq!(AuthorizationOrigin::parse("code"), Some(AuthorizationOrigin::Code));
        assert_eq!(AuthorizationOrigin::parse("implicit"), None);
    }
}
