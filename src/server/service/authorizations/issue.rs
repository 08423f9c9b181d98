//! Issues the tokens of a family: an access token (RFC 9068) and, if the family has them, the current refresh token.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::refresh_token::{self, FAMILY_PREFIX};
use crate::domain::authorization::{Authorization, AuthorizationOrigin, RequestSource};
use crate::domain::authorization_request::acr;
use crate::domain::client::Client;
use crate::domain::ids::{HostAccountId, SessionId, TokenFamilyId};
use crate::domain::resource_server::{GrantedResource, ResourceScopeSet};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::signing_key::SigningAlgorithm;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;
use crate::domain::token_access::TokenAccess;
use crate::domain::token_family::{SALT_BYTES, TokenFamily, TokenFamilyState};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};

/// A successful response of the token endpoint (RFC 6749 §5.1).
pub struct IssuedTokens {
    pub access_token: String,
    pub expires_in: Duration,
    /// That of the access token at the TMS API, and `offline_access`.
    pub scope: ScopeSet,
    /// That of an access token for another resource server.
    pub resource_scope: ResourceScopeSet,
    pub refresh: Option<IssuedRefreshToken>,
    /// With the scope `openid`.
    pub id_token: Option<String>,
    /// Until the authorization ends. `None` if the access token lasts as long.
    pub authorization_expires_in: Option<Duration>,
}

pub struct IssuedRefreshToken {
    pub token: Secret,
    /// After this time it expires unless it is used; not longer than `authorization_expires_in`.
    pub timeout: Duration,
}

/// What a family begins with.
pub(in crate::server::service) struct NewFamily<'a> {
    pub authorization: &'a Authorization,
    pub client: &'a Client,
    pub policy: &'a Policy,
    pub scope: ScopeSet,
    /// Access to other resource servers: that of the authorization, or a part of it.
    pub resources: Vec<GrantedResource>,
    /// The browser session in which it begins, and when the person had authenticated in it. `None`: device flow.
    pub session: Option<(SessionId, AuthenticationTimes)>,
    /// Whether it outlives that session.
    pub offline: bool,
    /// The account whose name the client is told, if the person selected one.
    pub username_account: Option<HostAccountId>,
    /// Of the program's request.
    pub begun: RequestSource,
}

impl Services {
    /// A new family. It has refresh tokens if the client may use them with this scope.
    pub(in crate::server::service) fn new_family(&self, new: NewFamily<'_>) -> Result<TokenFamily, Fault> {
        let NewFamily { authorization, client, policy, scope, resources, session, offline, username_account, begun } = new;
        let now = begun.at;
        let (session, authenticated) = session.unzip();
        let mut salt = [0; SALT_BYTES];
        self.rng().fill(&mut salt);
        Ok(TokenFamily {
            tenant_id: authorization.tenant_id.clone(),
            id: TokenFamilyId::parse(self.new_id(FAMILY_PREFIX)).map_err(Fault::new)?,
            authorization_id: authorization.id.clone(),
            client_id: authorization.client_id.clone(),
            resources,
            salt,
            generation: 0,
            rotated_at: now,
            successor_seen: false,
            retries: 0,
            offline,
            session,
            authenticated,
            username_account,
            begun,
            refreshed: None,
            idle_until: client.gets_refresh_token(&scope).then(|| now + policy.refresh_idle_time),
            scope,
            state: TokenFamilyState::Live,
        })
    }

    /// Signs an access token of a family, and adds the refresh token of its current generation. `access`: what the token permits; `scope` that
    /// of the response.
    pub(in crate::server::service) fn issue_tokens(
        &self,
        family: &TokenFamily,
        authorization: &Authorization,
        access: impl Into<TokenAccess>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<IssuedTokens, Fault> {
        let authorized_until = authorization.access_until;
        let TokenAccess { scope, other } = access.into();
        // Those of the device flow without refresh tokens last as long as the authorization (docs/decisions/0004), but not at other resource
        // servers, which may verify them without asking the portal.
        let is_short = family.idle_until.is_some() || authorization.origin == AuthorizationOrigin::Code || other.is_some();
        let expires_at = if is_short { authorized_until.min(now + policy.access_token_lifetime) } else { authorized_until };
        let claims = AccessTokenClaims {
            iss: self.issuer(&family.tenant_id),
            sub: authorization.person.to_string(),
            aud: other.as_ref().map_or_else(|| self.audience(), |other| other.indicator.to_string()),
            client_id: family.client_id.to_string(),
            scope: other.as_ref().map_or_else(|| scope.clone().without(Scope::OfflineAccess).to_string(), |other| other.scope.to_string()),
            jti: if is_short { self.token_id(family) } else { family.id.to_string() },
            iat: now.as_seconds(),
            exp: expires_at.as_seconds(),
            auth_time: family.authenticated.and_then(AuthenticationTimes::auth_time),
            acr: family.authenticated.map(|times| acr(times).to_owned()),
        };
        let refresh = family.idle_until.and_then(|until| {
            Some(IssuedRefreshToken { token: refresh_token::current(&self.keys(), family)?, timeout: until.min(authorized_until).since(now) })
        });
        let expires_in = Duration::from_secs(u64::try_from(claims.exp.saturating_sub(claims.iat)).unwrap_or(0));
        let authorization_expires_in = is_short.then(|| authorized_until.since(now));
        let resource_scope = other.map(|other| other.scope).unwrap_or_default();
        let access_token = self.keys().sign(&claims, SigningAlgorithm::default())?;
        Ok(IssuedTokens { access_token, expires_in, scope, resource_scope, refresh, id_token: None, authorization_expires_in })
    }

    /// The `jti` of one of several access tokens of a family: its id, the generation of the refresh token, and a random part.
    fn token_id(&self, family: &TokenFamily) -> String {
        let mut random = [0; 12];
        self.rng().fill(&mut random);
        format!("{}.{}.{}", family.id, family.generation, BASE64_URL_SAFE_NO_PAD.encode(random))
    }
}
