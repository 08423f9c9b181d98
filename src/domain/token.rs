//! The claims of an access token (RFC 9068 §2.2).

use serde::{Deserialize, Serialize};

/// The header's `typ`, so that other JWTs are not accepted as access tokens.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The tenant's issuer URL, `{public_url}/t/{tenant}`.
    pub iss: String,
    /// The person's user id, unique within the issuer.
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
