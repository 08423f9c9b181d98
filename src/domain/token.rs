//! The claims of an access token (RFC 9068 §2.2).

use serde::{Deserialize, Serialize};

/// The header's `typ`, which keeps an access token from being taken for another kind of JWT.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The tenant's issuer, `{public_url}/t/{tenant}`.
    pub iss: String,
    /// The person, unique within the issuer.
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
}
