//! Clients' requests to sign a person out (OpenID Connect RP-Initiated Logout 1.0). Nothing is stored: anyone can send one, so that the checked
//! request is sealed, and goes through the browser to the page that has its session.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::dangerous::insecure_decode_claims;

use crate::domain::id_token::IdTokenClaims;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::logout::{MAX_STATE, SignOutHint, SignOutRequest, return_address};
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::authorizations::id_tokens::session_name;
use crate::server::service::platform::rng::Secret;
use crate::server::service::platform::sealing::unseal_with;
use crate::server::service::{Fault, Services};
use crate::server::storage::{client_uris, clients};

/// What the sealed requests are sealed for.
const SEALING_CONTEXT: &str = "sign-out request";

/// The parameters of a request (RP-Initiated Logout §2).
#[derive(Clone, Copy, Default)]
pub struct SignOutParameters<'a> {
    pub id_token_hint: Option<&'a str>,
    pub client_id: Option<&'a str>,
    pub post_logout_redirect_uri: Option<&'a str>,
    pub state: Option<&'a str>,
}

/// A checked request, as a page shows it.
#[derive(Clone, Debug)]
pub struct OpenSignOutRequest {
    request: SignOutRequest,
    /// Display name of the client that asks, if it is known.
    pub client_name: Option<String>,
}

impl OpenSignOutRequest {
    /// Where the person goes afterwards; an address that is registered for the client.
    pub fn return_to(&self) -> Option<&str> {
        self.request.return_to.as_deref()
    }
}

impl Services {
    /// Checks a request, and seals what is left of it. What is not valid is left out: then the person is asked, or stays here.
    pub async fn start_sign_out(&self, tenant: &TenantId, parameters: SignOutParameters<'_>) -> Result<String, Fault> {
        let hinted = parameters.id_token_hint.and_then(|hint| self.hinted_session(tenant, hint));
        let named = parameters.client_id.map(|id| ClientId::parse(id).ok());
        // Both must name the same client.
        let client_id = match (&hinted, named) {
            (Some((hinted, _)), None) => Some(hinted.clone()),
            (Some((hinted, _)), Some(named)) => named.filter(|named| named == hinted),
            (None, named) => named.flatten(),
        };
        let found = match &client_id {
            Some(id) => clients::find(self.storage().reader(), tenant, id).await?.filter(|found| found.client.enabled),
            None => None,
        };
        let client_id = client_id.filter(|_| found.is_some());
        let request = SignOutRequest {
            tenant_id: tenant.clone(),
            return_to: match &client_id {
                Some(client_id) => self.sign_out_return(tenant, client_id, parameters).await?,
                None => None,
            },
            hint: hinted.filter(|_| client_id.is_some()).map(|(_, hint)| hint),
            client_id,
            asked_at: self.now(),
        };
        let text = serde_json::to_string(&request).map_err(Fault::new)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(self.seal(SEALING_CONTEXT, &Secret::from_plaintext(text))?))
    }

    /// What an ID token that a client got from this tenant says about client and session; it may have expired. `None` for any other text.
    fn hinted_session(&self, tenant: &TenantId, hint: &str) -> Option<(ClientId, SignOutHint)> {
        // The audience is needed to verify the token, and is verified with it.
        let claimed = insecure_decode_claims::<IdTokenClaims>(hint).ok()?.aud;
        let claims = self.keys().verify::<IdTokenClaims>(hint, &claimed)?;
        let client_id = ClientId::parse(claims.aud).ok().filter(|_| claims.iss == self.issuer(tenant))?;
        Some((client_id, SignOutHint { sub: claims.sub, sid: claims.sid? }))
    }

    /// Where the person goes afterwards, if the address is registered for the client.
    async fn sign_out_return(&self, tenant: &TenantId, client_id: &ClientId, parameters: SignOutParameters<'_>) -> Result<Option<String>, Fault> {
        let Some(requested) = parameters.post_logout_redirect_uri else { return Ok(None) };
        let uris = client_uris::find(self.storage().reader(), tenant, client_id).await?;
        let state = parameters.state.filter(|state| state.len() <= MAX_STATE);
        Ok(uris.allows_return_to(requested).then(|| return_address(requested, state)))
    }

    /// The request that was sealed by [`Self::start_sign_out`]; `None` for any other text, and when its time is over.
    pub async fn open_sign_out(&self, sealed: &str) -> Result<Option<OpenSignOutRequest>, Fault> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok();
        let opened = bytes.and_then(|bytes| unseal_with(&self.keys(), SEALING_CONTEXT, &bytes));
        let request = opened.and_then(|text| serde_json::from_str::<SignOutRequest>(text.reveal()).ok());
        let Some(request) = request.filter(|request| request.is_open(self.now())) else { return Ok(None) };
        let client_name = match &request.client_id {
            Some(id) => clients::find(self.storage().reader(), &request.tenant_id, id).await?.map(|found| found.client.app_name),
            None => None,
        };
        Ok(Some(OpenSignOutRequest { request, client_name }))
    }

    /// Whether the client showed an ID token of this session, so that it signs the person out without a question.
    pub fn is_of_session(&self, request: &OpenSignOutRequest, person: &SignedIn) -> bool {
        let SignOutRequest { tenant_id, client_id, hint, .. } = &request.request;
        let (Some(client_id), Some(hint)) = (client_id, hint) else { return false };
        let sid = session_name(tenant_id, client_id, person.user_id(), person.session().session_id().as_str());
        person.tenant_id() == tenant_id && person.user_id().as_str() == hint.sub && sid == hint.sid
    }
}
