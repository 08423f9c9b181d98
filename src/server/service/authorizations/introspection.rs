//! Token introspection (RFC 7662): whether a token is valid now, and what it permits, for the client that it was issued to and for the clients
//! of the resource server that it is for. Other clients do not learn whether a token exists.

use futures_util::FutureExt;

use super::access_tokens::IssuedToken;
use super::refresh_token::RefreshToken;
use crate::domain::authorization_request::acr;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::{ClientId, TenantId, TokenFamilyId};
use crate::domain::resource_server::{GrantedResource, ResourceScopeSet};
use crate::domain::scope::ScopeSet;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::domain::token::{AccessTokenClaims, client_subject};
use crate::domain::token_family::Presented;
use crate::server::request_id;
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::resource_servers::{self, TokenQuestion};
use crate::server::storage::token_families::{self, FamilyKey, FamilyStanding};

/// A valid token (RFC 7662 §2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveToken {
    pub kind: ActiveTokenKind,
    /// What it permits now.
    pub scope: String,
    pub client_id: ClientId,
    /// The person; `None` for a token that a client got for itself.
    pub username: Option<String>,
    pub sub: String,
    pub aud: String,
    pub iss: String,
    pub jti: String,
    /// When the person had authenticated, in seconds since 1970, and what they had shown then (RFC 9470 §6.2).
    pub auth_time: Option<i64>,
    pub acr: Option<String>,
    pub issued_at: Timestamp,
    /// As of now: an authorization that was shortened ends its tokens earlier.
    pub expires_at: Timestamp,
}

impl ActiveToken {
    /// An access token; of no person.
    fn access(claims: AccessTokenClaims, client_id: ClientId, scope: String, expires_at: Timestamp) -> Self {
        Self {
            kind: ActiveTokenKind::Access,
            scope,
            client_id,
            username: None,
            sub: claims.sub,
            aud: claims.aud,
            iss: claims.iss,
            jti: claims.jti,
            auth_time: claims.auth_time,
            acr: claims.acr,
            issued_at: Timestamp::from_millis(claims.iat.saturating_mul(1_000)),
            expires_at,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActiveTokenKind {
    Access,
    Refresh,
}

/// The client cannot prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicClient;

impl Services {
    /// A token, if it is valid and the client may know about it: `None` is all that others are told. Nothing is written that the caller waits
    /// for. Refused for a public client (§2.1).
    pub async fn introspect(&self, client: &AuthenticatedClient, token: &str) -> Result<Option<ActiveToken>, Error<PublicClient>> {
        if client.client.is_public() {
            return Err(Error::Refused(PublicClient));
        }
        Ok(match RefreshToken::parse(token) {
            Some(token) => self.introspect_refresh_token(client, &token).await?,
            None => self.introspect_access_token(client, token).await?,
        })
    }

    async fn introspect_access_token(&self, client: &AuthenticatedClient, token: &str) -> Result<Option<ActiveToken>, Fault> {
        let Some(issued) = self.verify_any_token(token).filter(|issued| issued.family.tenant_id == client.tenant.id) else { return Ok(None) };
        let Ok(issued_to) = ClientId::parse(issued.claims.client_id.as_str()) else { return Ok(None) };
        let is_own = issued_to == client.client.id;
        if issued.claims.sub == client_subject(&issued_to) {
            return if is_own { self.introspect_client_token(token, issued, issued_to).await } else { Ok(None) };
        }
        // Whether the client may ask is decided before the token is looked up: strangers cannot tell a live token from one that has ended.
        let is_of_api = issued.claims.aud == self.audience();
        let readable = if is_of_api {
            ResourceScopeSet::default()
        } else {
            let (audience, asked_by) = (issued.claims.aud.as_str(), &client.client.id);
            let question = TokenQuestion { tenant_id: &client.tenant.id, audience, issued_to: &issued_to, asked_by };
            resource_servers::readable_scope(self.storage().reader(), &question).await?
        };
        let may_ask = if is_of_api { is_own } else { !readable.is_empty() };
        if !may_ask {
            return Ok(None);
        }
        let IssuedToken { family, generation, expires_at, claims } = issued;
        let Some(usable) = unless_refused(self.usable_family(family, expires_at).await)? else { return Ok(None) };
        let scope = if is_of_api {
            usable.allowed.intersection(&ScopeSet::parse_known(&claims.scope)).to_string()
        } else {
            let granted = granted_scope(&usable.standing.resources, &claims.aud);
            let scope = ResourceScopeSet::parse(&claims.scope).intersection(&granted).intersection(&readable);
            if scope.is_empty() {
                return Ok(None);
            }
            scope.to_string()
        };
        self.mark_seen_later(&usable.standing, generation);
        let username = Some(usable.standing.person.to_string());
        Ok(Some(ActiveToken { username, ..ActiveToken::access(claims, issued_to, scope, usable.expires_at) }))
    }

    /// A token that the client got for itself.
    async fn introspect_client_token(&self, token: &str, issued: IssuedToken, client_id: ClientId) -> Result<Option<ActiveToken>, Fault> {
        let Some(holder) = unless_refused(self.check_client_token(token, None).await)? else { return Ok(None) };
        let scope = holder.token_scope.unwrap_or_default().to_string();
        let IssuedToken { expires_at, claims, .. } = issued;
        Ok(Some(ActiveToken::access(claims, client_id, scope, expires_at)))
    }

    /// A refresh token, which its own client alone may ask about (§4).
    async fn introspect_refresh_token(&self, client: &AuthenticatedClient, token: &RefreshToken) -> Result<Option<ActiveToken>, Fault> {
        let (tenant_id, client_id) = (&client.tenant.id, &client.client.id);
        let found = self.family_of(tenant_id, token).await?;
        let Some((family, _)) = found.filter(|(family, _)| family.client_id == *client_id) else { return Ok(None) };
        let accepted = matches!(family.present(token.generation, self.now()), Presented::Current | Presented::Previous);
        let Some(idle_until) = family.idle_until.filter(|_| accepted && client.client.allows(GrantType::RefreshToken)) else { return Ok(None) };
        let Some(usable) = unless_refused(self.usable_family(FamilyKey::of(&family), idle_until).await)? else { return Ok(None) };
        self.mark_seen_later(&usable.standing, Some(token.generation));
        let issuer = self.issuer(tenant_id);
        Ok(Some(ActiveToken {
            kind: ActiveTokenKind::Refresh,
            scope: scope_of_family(&usable.allowed, &usable.standing.resources),
            client_id: client_id.clone(),
            username: Some(usable.standing.person.to_string()),
            sub: usable.standing.person.to_string(),
            // It is accepted by the authorization server only.
            aud: issuer.clone(),
            iss: issuer,
            jti: format!("{}.{}", family.id, token.generation),
            auth_time: family.authenticated.and_then(AuthenticationTimes::auth_time),
            acr: family.authenticated.map(|times| acr(times).to_owned()),
            issued_at: family.rotated_at,
            expires_at: usable.expires_at,
        }))
    }

    /// Records in the background that a token of the family's current generation was used, unless that is recorded.
    fn mark_seen_later(&self, standing: &FamilyStanding, generation: Option<u32>) {
        let Some(generation) = generation.filter(|generation| *generation == standing.generation && !standing.successor_seen) else { return };
        let key: (TenantId, TokenFamilyId, u32) = (standing.tenant.id.clone(), standing.family_id.clone(), generation);
        if !self.shared.seen_throttle.is_due(key.clone(), self.now()) {
            return;
        }
        let services = self.clone();
        request_id::spawn(async move {
            let (tenant_id, family_id, generation) = key;
            let mark = services.write(move |db| async move { token_families::mark_seen(db, &tenant_id, &family_id, generation).await }.boxed());
            if let Err(fault) = mark.await
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "The use of a token could not be written down");
            }
        });
    }
}

/// `None` if it was refused.
fn unless_refused<T, R>(result: Result<T, Error<R>>) -> Result<Option<T>, Fault> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused(_)) => Ok(None),
        Err(Error::Internal(fault)) => Err(fault),
    }
}

/// The scope that the person allowed at a resource server.
fn granted_scope(resources: &[GrantedResource], audience: &str) -> ResourceScopeSet {
    let granted = resources.iter().find(|granted| granted.indicator.as_str() == audience);
    granted.map(|granted| granted.scope.clone()).unwrap_or_default()
}

/// All that the tokens of a family may permit.
fn scope_of_family(allowed: &ScopeSet, resources: &[GrantedResource]) -> String {
    let parts = std::iter::once(allowed.to_string()).chain(resources.iter().map(|granted| granted.scope.to_string()));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
