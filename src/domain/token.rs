//! Tokens that the portal signs, and the claims of an access token (RFC 9068 §2.2).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ids::ClientId;

/// Claims of a kind of JWT that the portal signs. A token of one kind is never accepted as one of another (RFC 8725 §3.11).
pub trait SignedClaims: Serialize + DeserializeOwned {
    /// `typ` of the header.
    const TYPE: &'static str;
}

impl SignedClaims for AccessTokenClaims {
    const TYPE: &'static str = "at+jwt";
}

/// The subject of a token that a client got for itself: no person can be called so, because names of people have no colon (RFC 9700 §4.15).
pub fn client_subject(id: &ClientId) -> String {
    format!("client:{id}")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The tenant's issuer URL, `{public_url}/t/{tenant}`.
    pub iss: String,
    /// The person's user id, unique within the issuer; or [`client_subject`].
    pub sub: String,
    /// The TMS API of this deployment.
    pub aud: String,
    pub client_id: String,
    pub scope: String,
    pub jti: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
    /// When the person had authenticated, in seconds since 1970 (RFC 9068 §2.2.1). `None`: device flow, or a client's own token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// What they had shown then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    #[test]
    fn no_person_has_the_subject_of_a_client() {
        let subject = client_subject(&ClientId::parse("jdoe").expect("a client id"));
        assert_eq!(subject, "client:jdoe");
        assert!(UserId::parse(subject).is_err());
    }
}
