//! ID tokens (OpenID Connect Core §2).

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::issue::IssuedTokens;
use crate::domain::authorization::Authorization;
use crate::domain::authorization_request::acr;
use crate::domain::client::Client;
use crate::domain::host_account::HostUsername;
use crate::domain::id_token::IdTokenClaims;
use crate::domain::ids::{ClientId, SessionId, TenantId, UserId};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::domain::token_family::TokenFamily;
use crate::server::service::{Fault, Services};

/// Lifetime of ID tokens: some clients use them as bearer tokens until they expire.
const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// `amr` of a sign-in with two factors (RFC 8176 §2).
const TWO_FACTORS: &str = "mfa";

/// What an ID token is issued for.
pub(in crate::server::service) struct IdTokenRequest<'a> {
    pub client: &'a Client,
    pub family: &'a TokenFamily,
    pub authorization: &'a Authorization,
    /// What the client may learn; without `openid` there is no ID token.
    pub scope: &'a ScopeSet,
    /// That of the authorization request.
    pub nonce: Option<String>,
    pub now: Timestamp,
}

impl Services {
    /// The response with an ID token, if its client asked for one.
    pub(in crate::server::service) async fn with_id_token(&self, issued: IssuedTokens, request: IdTokenRequest<'_>) -> Result<IssuedTokens, Fault> {
        let IdTokenRequest { client, family, authorization, scope, nonce, now } = request;
        if !scope.contains(Scope::OpenId) {
            return Ok(issued);
        }
        let (authenticated, person) = (family.authenticated, &authorization.person);
        let username = client.username_of_host.as_ref().map(|host| HostUsername { host, selected: family.username_account.as_ref() });
        let claims = IdTokenClaims {
            iss: self.issuer(&family.tenant_id),
            sub: person.to_string(),
            aud: client.id.to_string(),
            exp: authorization.access_until.min(now + ID_TOKEN_LIFETIME).as_seconds(),
            iat: now.as_seconds(),
            auth_time: authenticated.and_then(AuthenticationTimes::auth_time),
            nonce,
            acr: authenticated.map(|times| acr(times).to_owned()),
            amr: authenticated.and_then(|times| times.second_at).map(|_| TWO_FACTORS.to_owned()).into_iter().collect(),
            at_hash: Some(access_token_hash(&issued.access_token)),
            // A sign-in of the device flow has no browser session.
            sid: Some(session_name(&family.tenant_id, &client.id, person, family.session.as_ref().map_or(family.id.as_str(), SessionId::as_str))),
            person: self.person_claims(&family.tenant_id, person, scope, username).await?,
        };
        Ok(IssuedTokens { id_token: Some(self.keys().sign(&claims, client.id_token_algorithm)?), ..issued })
    }

    /// The person of an ID token that the client got from this tenant, for a hint: it may have expired. `None` for any other text.
    pub(in crate::server::service) fn hinted_person(&self, tenant: &TenantId, client: &ClientId, hint: &str) -> Option<UserId> {
        let claims = self.keys().verify::<IdTokenClaims>(hint, client.as_str())?;
        let is_own = claims.iss == self.issuer(tenant);
        UserId::parse(claims.sub).ok().filter(|_| is_own)
    }
}

/// `sid` (OpenID Connect Back-Channel Logout §2.1): the same for one client, one person and one browser session, by its id; different for other
/// clients, so that two of them cannot tell by it that they have the same person. The id stays when the person is changed: the sign-out of one must
/// not end the session of the next.
pub(in crate::server::service) fn session_name(tenant: &TenantId, client: &ClientId, person: &UserId, session: &str) -> String {
    let digest = Sha256::digest(format!("sid\n{tenant}\n{client}\n{person}\n{session}"));
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}

/// `at_hash` (OpenID Connect Core §3.1.3.6), for an ID token signed with RS256 or ES256: both use SHA-256.
fn access_token_hash(access_token: &str) -> String {
    let digest = Sha256::digest(access_token);
    BASE64_URL_SAFE_NO_PAD.encode(digest.get(..digest.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id_token::PersonClaims;

    #[test]
    fn access_token_hash_is_that_of_the_specification() {
        // OpenID Connect Core §A.3.
        assert_eq!(access_token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn session_has_another_name_for_each_client() {
        let tenant = |id: &str| TenantId::parse(id).expect("a tenant id");
        let client = |id: &str| ClientId::parse(id).expect("a client id");
        let user = |id: &str| UserId::parse(id).expect("a user id");
        let name = session_name(&tenant("test"), &client("hub"), &user("jdoe"), "ses_1");
        assert_eq!(name, session_name(&tenant("test"), &client("hub"), &user("jdoe"), "ses_1"));
        for (tenant_id, client_id, person, session) in [
            ("test", "hub", "jdoe", "ses_2"),
            ("test", "hub", "ann", "ses_1"),
            ("test", "other", "jdoe", "ses_1"),
            ("default", "hub", "jdoe", "ses_1"),
        ] {
            let other = session_name(&tenant(tenant_id), &client(client_id), &user(person), session);
            assert_ne!(name, other, "{tenant_id} {client_id} {person} {session}");
        }
    }

    #[test]
    fn claims_without_a_value_are_left_out() {
        let claims = IdTokenClaims {
            iss: "https://portal.example/t/test".into(),
            sub: "jdoe".into(),
            aud: "hub".into(),
            exp: 3_600,
            iat: 0,
            auth_time: None,
            nonce: None,
            acr: None,
            amr: Vec::new(),
            at_hash: None,
            sid: None,
            person: PersonClaims::default(),
        };
        let text = serde_json::to_string(&claims).expect("JSON");
        assert_eq!(text, r#"{"iss":"https://portal.example/t/test","sub":"jdoe","aud":"hub","exp":3600,"iat":0}"#);
        assert_eq!(serde_json::from_str::<IdTokenClaims>(&text).expect("claims"), claims);
    }
}
