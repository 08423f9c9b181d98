//! The tokens of a sign-in, and when they end.

use std::time::Duration;

use oauth2::{AccessToken, RefreshToken};
use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// What the token endpoint issued for a sign-in. Files of an earlier `tms` have only the first two.
#[derive(Clone, Serialize, Deserialize)]
pub struct Tokens {
    pub access_token: AccessToken,
    /// When the access token expires; `None` if the server did not state it.
    pub expires_at: Option<Timestamp>,
    /// `None` if the server issued none: then the sign-in ends with the access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshToken>,
    /// When the refresh token ends unless it is used before; `None` if the server did not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_expires_at: Option<Timestamp>,
    /// When the authorization ends: until then the user allowed access. `None` if the server did not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_until: Option<Timestamp>,
}

impl Tokens {
    /// Whether there is a refresh token, and the access token expires within `margin`.
    pub fn need_renewal(&self, margin: Duration, now: Timestamp) -> bool {
        self.refresh_token.is_some() && self.expires_at.is_some_and(|end| end <= now + margin)
    }

    /// When access by this sign-in ends if it is not revoked; `None` if the server did not state it.
    pub fn valid_until(&self) -> Option<Timestamp> {
        if self.refresh_token.is_some() { self.access_until } else { self.expires_at }
    }

    /// The token whose revocation ends the sign-in, and its type (RFC 7009 §2.1).
    pub fn to_revoke(&self) -> (&str, &'static str) {
        match &self.refresh_token {
            Some(token) => (token.secret(), "refresh_token"),
            None => (self.access_token.secret(), "access_token"),
        }
    }

    /// The tokens after a renewal, whose response may have no refresh token: then the present one stays valid (RFC 6749 §6).
    pub fn renewed_by(&self, response: Tokens) -> Tokens {
        let refresh_token = response.refresh_token.or_else(|| self.refresh_token.clone());
        Tokens { refresh_token, ..response }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(refresh: Option<&str>) -> Tokens {
        Tokens {
            access_token: AccessToken::new("a".to_owned()),
            expires_at: Some(Timestamp::from_millis(60_000)),
            refresh_token: refresh.map(|token| RefreshToken::new(token.to_owned())),
            refresh_expires_at: None,
            access_until: Some(Timestamp::from_millis(900_000)),
        }
    }

    #[test]
    fn renewal_is_needed_near_the_end_and_with_a_refresh_token() {
        let needed = |tokens: &Tokens, now: i64| tokens.need_renewal(Duration::from_secs(30), Timestamp::from_millis(now));
        assert!(!needed(&tokens(Some("r")), 29_999) && needed(&tokens(Some("r")), 30_000) && needed(&tokens(Some("r")), 90_000));
        assert!(!needed(&tokens(None), 90_000));
        assert!(!needed(&Tokens { expires_at: None, ..tokens(Some("r")) }, 90_000), "the server says when");
    }

    #[test]
    fn refresh_token_stays_unless_replaced() {
        let secret = |tokens: Tokens| tokens.refresh_token.map(RefreshToken::into_secret);
        for (response, kept) in [(None, "first"), (Some("first"), "first"), (Some("second"), "second")] {
            assert_eq!(secret(tokens(Some("first")).renewed_by(tokens(response))).as_deref(), Some(kept));
        }
    }

    #[test]
    fn refresh_token_is_what_ends_the_sign_in() {
        assert_eq!((tokens(Some("r")).to_revoke(), tokens(None).to_revoke()), (("r", "refresh_token"), ("a", "access_token")));
        assert_eq!(tokens(Some("r")).valid_until(), Some(Timestamp::from_millis(900_000)));
        assert_eq!(tokens(None).valid_until(), Some(Timestamp::from_millis(60_000)));
    }

    #[test]
    fn tokens_of_an_earlier_file_can_be_read() {
        let read: Tokens = serde_json::from_str(r#"{"access_token":"a","expires_at":null}"#).unwrap();
        assert!(read.refresh_token.is_none() && read.access_until.is_none());
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"access_token":"a","expires_at":null}"#, "and is written as before");
    }
}
