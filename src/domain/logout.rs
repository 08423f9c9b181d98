//! Sign-out and clients: OpenID Connect RP-Initiated Logout 1.0, by which a client signs a person out here, and Back-Channel Logout 1.0, by
//! which the portal tells clients that a person has signed out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{ClientId, TenantId};
use super::paths::encode;
use super::time::Timestamp;
use super::token::SignedClaims;

/// Lifetime of a logout token (Back-Channel Logout §4).
pub const LOGOUT_TOKEN_LIFETIME: Duration = Duration::from_secs(2 * 60);

/// When a logout token that was not delivered is sent again, after the attempt before: within 40 minutes.
const RETRIES: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(8 * 60), LONGEST_RETRY];
/// The longest time until the next attempt.
pub const LONGEST_RETRY: Duration = Duration::from_secs(30 * 60);

/// When to try again after a number of failed attempts; `None`: not any more.
pub fn next_attempt(attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let failed = usize::try_from(attempts).unwrap_or(0).max(1);
    RETRIES.get(failed - 1).map(|wait| now + *wait)
}

/// The claims of a logout token for a client (Back-Channel Logout §2.4). Without `nonce`, so that it is no ID token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLogoutClaims {
    /// The tenant's issuer URL.
    pub iss: String,
    /// The person, as in ID tokens.
    pub sub: String,
    /// The client's id.
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
    pub jti: String,
    pub events: LogoutEvents,
    /// The session that has ended, as in the client's ID tokens.
    pub sid: String,
}

impl SignedClaims for ClientLogoutClaims {
    const TYPE: &'static str = "logout+jwt";
}

/// The member that says what the token is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    pub backchannel_logout: NoMembers,
}

/// An empty JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoMembers {}

/// How long a person may take to answer whether to sign out.
pub const SIGN_OUT_REQUEST_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Longest `state` that goes back to a client, in bytes.
pub const MAX_STATE: usize = 2 * 1024;

/// A client's request to sign a person out (RP-Initiated Logout §2), after it was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOutRequest {
    #[serde(rename = "t")]
    pub tenant_id: TenantId,
    /// `None`: the request names no client of the tenant.
    #[serde(rename = "c")]
    pub client_id: Option<ClientId>,
    /// What the ID token of the request says, if that is valid.
    #[serde(rename = "h")]
    pub hint: Option<SignOutHint>,
    /// Where the person goes afterwards, with `state`. Registered for the client.
    #[serde(rename = "r")]
    pub return_to: Option<String>,
    #[serde(rename = "a")]
    pub asked_at: Timestamp,
}

/// Whom and which session a client means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOutHint {
    pub sub: String,
    pub sid: String,
}

impl SignOutRequest {
    /// Whether the person can still be asked.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.asked_at.is_within(SIGN_OUT_REQUEST_LIFETIME, now)
    }
}

/// A registered post-logout redirect URI with the request's `state` (RP-Initiated Logout §3).
pub fn return_address(registered: &str, state: Option<&str>) -> String {
    match state {
        None => registered.to_owned(),
        Some(state) => format!("{registered}{}state={}", if registered.contains('?') { '&' } else { '?' }, encode(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_more_attempts_within_forty_minutes() {
        let begun = Timestamp::from_millis(1_795_176_000_000);
        let mut now = begun;
        for attempts in 1..=3 {
            now = next_attempt(attempts, now).expect("another attempt");
        }
        assert!(now.since(begun) <= Duration::from_secs(40 * 60));
        assert_eq!(next_attempt(4, now), None);
        assert_eq!(next_attempt(0, begun), next_attempt(1, begun), "what was never counted");
    }

    #[test]
    fn claims_are_those_of_the_specification() {
        let claims = ClientLogoutClaims {
            iss: "https://tms.example/t/test".into(),
            sub: "jdoe".into(),
            aud: "hub".into(),
            iat: 1,
            exp: 121,
            jti: "x".into(),
            events: LogoutEvents::default(),
            sid: "s".into(),
        };
        assert_eq!(
            serde_json::to_string(&claims).expect("JSON"),
            r#"{"iss":"https://tms.example/t/test","sub":"jdoe","aud":"hub","iat":1,"exp":121,"jti":"x","events":{"http://schemas.openid.net/event/backchannel-logout":{}},"sid":"s"}"#
        );
    }

    #[test]
    fn state_goes_along_unchanged() {
        let uri = "https://hub.example.org/bye";
        assert_eq!(return_address(uri, None), uri);
        assert_eq!(return_address(uri, Some("a b&c=\"<")), format!("{uri}?state=a%20b%26c%3D%22%3C"));
        assert_eq!(return_address(&format!("{uri}?x=1"), Some("y")), format!("{uri}?x=1&state=y"));
        assert_eq!(return_address(uri, Some("")), format!("{uri}?state="));
    }
}
