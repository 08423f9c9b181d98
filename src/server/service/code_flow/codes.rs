//! Authorization codes as texts.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::domain::authorization_request::AuthorizationRequest;
use crate::domain::code_challenge::CodeChallenge;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::authorization_codes;

/// Kind under which authorization codes are hashed.
pub(super) const AUTHORIZATION_CODE: &str = "authorization code";
/// Kind under which the code of a request is computed from the request's handle. So the page that returns to the client can be loaded again, and
/// the code is nowhere in the database.
const CODE_OF_HANDLE: &str = "authorization code of a request";
/// Length of an HMAC without the mark of its key.
const MAC_LENGTH: usize = 32;

impl Services {
    /// The code of the request with this handle.
    pub(super) fn code_of(&self, handle: &str) -> Secret {
        code_from(&self.keys().hash(CODE_OF_HANDLE, handle))
    }

    /// The code of an answered request, if it can still be redeemed.
    pub(super) async fn issued_code(&self, handle: &str, request: &AuthorizationRequest) -> Result<Option<Secret>, Fault> {
        let found = authorization_codes::of_request(self.storage().reader(), &request.tenant_id, &request.id).await?;
        let Some((_, hash)) = found.filter(|(code, _)| code.is_redeemable(self.now())) else { return Ok(None) };
        // A rotation may have changed the key since.
        let candidates = self.keys().hashes(CODE_OF_HANDLE, handle).into_iter().map(|computed| code_from(&computed));
        Ok(candidates.into_iter().find(|code| self.keys().matches(AUTHORIZATION_CODE, code.reveal(), &hash)))
    }
}

fn code_from(computed: &[u8]) -> Secret {
    Secret::from_plaintext(BASE64_URL_SAFE_NO_PAD.encode(computed.get(..MAC_LENGTH).unwrap_or_default()))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub(super) fn challenge_of(verifier: &str) -> Result<CodeChallenge, Fault> {
    CodeChallenge::parse(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))).map_err(Fault::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_that_of_rfc_7636() {
        let challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").expect("a challenge");
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
