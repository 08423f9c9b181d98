//! Claims of a Tapis token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::cli::printable::Printable;
use crate::domain::time::Timestamp;

use super::secret::TapisSecret;

/// For display only: the signature is not verified, so nothing may depend on them.
#[derive(Default, Deserialize)]
pub struct UnverifiedClaims {
    #[serde(rename = "tapis/tenant_id")]
    pub tenant: Option<Printable>,
    #[serde(rename = "tapis/account_type")]
    pub account_type: Option<Printable>,
    exp: Option<i64>,
}

impl UnverifiedClaims {
    /// Empty if the token is not a JWT.
    pub fn decode(token: &TapisSecret) -> Self {
        decode_payload(token.reveal()).unwrap_or_default()
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        self.exp.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1_000)))
    }
}

fn decode_payload(token: &str) -> Option<UnverifiedClaims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> UnverifiedClaims {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
        UnverifiedClaims::decode(&TapisSecret::try_from(token).unwrap())
    }

    #[test]
    fn claims_are_sanitized_for_display() {
        let claims = claims(r#"{"sub":"jdoe@tacc","tapis/tenant_id":"ta\u001b[2Jcc","tapis/account_type":"user","exp":1795237200}"#);
        assert_eq!(claims.expires_at(), Some(Timestamp::from_millis(1_795_237_200_000)));
        assert_eq!(claims.tenant.unwrap().as_str(), "ta[2Jcc");
    }

    #[test]
    fn invalid_token_has_no_claims() {
        for token in ["opaque", "a.b.c", "..", "e30.bm90IGpzb24.c2ln"] {
            let claims = UnverifiedClaims::decode(&TapisSecret::try_from(token.to_owned()).unwrap());
            assert!(claims.tenant.is_none() && claims.expires_at().is_none(), "{token}");
        }
        assert!(claims(r#"{"exp":"never"}"#).expires_at().is_none());
    }
}
