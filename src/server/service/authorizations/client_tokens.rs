//! Access tokens that clients get for themselves (RFC 6749 §4.4). No authorization or family is behind them: the client's row says whether they
//! are still valid.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use super::access_tokens::{InvalidToken, RevocationRefused};
use super::issue::IssuedTokens;
use crate::domain::client::Client;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::ClientId;
use crate::domain::requested_access::distinct;
use crate::domain::resource_server::ResourceScopeSet;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::signing_key::SigningAlgorithm;
use crate::domain::time::Timestamp;
use crate::domain::token::{AccessTokenClaims, client_subject};
use crate::server::service::auth::client_authentication::token_id_hash;
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::{Error, Services};
use crate::server::storage::clients::{ClientKey, ClientLookup};
use crate::server::storage::used_assertions;

/// The longest lifetime of a client's token.
const LONGEST_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Why a client gets no token for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTokenRefused {
    /// Any program could claim to be a public client.
    Public,
    /// It may not use this grant type.
    NotAllowed,
    /// None of the scope is allowed.
    NoScopeLeft,
    /// A client gets no tokens for itself at other resource servers: no person allows it anything there.
    OtherResource,
}

/// What a client's token says about itself.
struct ClientToken {
    client: ClientKey,
    scope: ScopeSet,
    /// `jti`.
    id: String,
    /// The client's `tokens_since` when the token was issued.
    mark: Timestamp,
    expires_at: Timestamp,
}

impl Services {
    /// Issues a token for the client itself, for the TMS API: with the requested scope, or without a `scope` parameter with all that is
    /// allowed. `resources`: the `resource` parameters.
    pub fn issue_client_token(
        &self,
        client: &AuthenticatedClient,
        scope: Option<&str>,
        resources: &[String],
    ) -> Result<IssuedTokens, Error<ClientTokenRefused>> {
        let (tenant, now) = (&client.tenant, self.now());
        let allowed = client_scope(&client.client, scope.map(ScopeSet::parse_known).as_ref());
        let is_for_api = distinct(resources).iter().all(|resource| *resource == self.audience());
        let allowed = allowed.and_then(|allowed| if is_for_api { Ok(allowed) } else { Err(ClientTokenRefused::OtherResource) });
        let allowed = allowed.map_err(Error::Refused)?;
        let lifetime = LONGEST_LIFETIME.min(tenant.policy.access_token_lifetime);
        let claims = AccessTokenClaims {
            iss: self.issuer(&tenant.id),
            sub: client_subject(&client.client.id),
            aud: self.audience(),
            client_id: client.client.id.to_string(),
            scope: allowed.to_string(),
            // The mark is as of when the client authenticated: if its credentials are replaced meanwhile, the token is not valid.
            jti: format!("{}.{}", self.new_id("ctk"), client.client.tokens_since.as_millis()),
            iat: now.as_seconds(),
            exp: (now + lifetime).as_seconds(),
            auth_time: None,
            acr: None,
        };
        let expires_in = Duration::from_secs(u64::try_from(claims.exp.saturating_sub(claims.iat)).unwrap_or(0));
        Ok(IssuedTokens {
            access_token: self.keys().sign(&claims, SigningAlgorithm::default())?,
            expires_in,
            scope: allowed,
            resource_scope: ResourceScopeSet::default(),
            refresh: None,
            id_token: None,
            authorization_expires_in: None,
        })
    }

    /// Verifies a client's token: signature, type, issuer, audience and expiry; and that the client is enabled, may still use the grant type,
    /// and has had the same credentials since. The scope is restricted to what its settings allow now. A person's token is not valid.
    pub async fn authenticate_client_token(&self, token: &str, from: Option<IpAddr>) -> Result<AuthenticatedClient, Error<InvalidToken>> {
        let checked = self.check_client_token(token, from).await;
        if let Err(Error::Refused(refused)) = &checked {
            self.log_refused_token(*refused, from);
        }
        checked
    }

    pub(super) async fn check_client_token(&self, token: &str, from: Option<IpAddr>) -> Result<AuthenticatedClient, Error<InvalidToken>> {
        let invalid = || Error::Refused(InvalidToken::NotValid);
        let token = self.verify_client_token(token).ok_or_else(invalid)?;
        if self.now() >= token.expires_at {
            return Err(invalid());
        }
        let hash = token.hash();
        let ClientLookup { tenant, client } = self.storage().find_client(token.client).await?;
        let (tenant, client) = tenant.filter(|tenant| tenant.enabled).zip(client).ok_or_else(invalid)?;
        let client = client.client;
        let scope = match client_scope(&client, Some(&token.scope)) {
            Ok(scope) => scope,
            Err(ClientTokenRefused::NoScopeLeft) => ScopeSet::default(),
            Err(ClientTokenRefused::Public | ClientTokenRefused::NotAllowed | ClientTokenRefused::OtherResource) => return Err(invalid()),
        };
        if !client.enabled || client.tokens_since != token.mark || used_assertions::exists(self.storage().reader(), &hash).await? {
            return Err(invalid());
        }
        Ok(AuthenticatedClient { client, tenant, token_scope: Some(scope), from })
    }

    /// Revokes a token that a client got for itself. `None` if it is none, or another tenant's; refused for one of another client.
    pub(super) async fn revoke_client_token(&self, client: &AuthenticatedClient, token: &str) -> Result<Option<()>, Error<RevocationRefused>> {
        let token = self.verify_client_token(token).filter(|token| token.client.tenant_id == client.client.tenant_id);
        let Some(token) = token else { return Ok(None) };
        if token.client.client_id != client.client.id {
            return Err(Error::Refused(RevocationRefused));
        }
        let (hash, expires_at) = (token.hash(), token.expires_at);
        if self.now() < expires_at {
            self.write(move |db| async move { used_assertions::insert(db, &hash, expires_at).await }.boxed()).await?;
        }
        Ok(Some(()))
    }

    /// Verifies what a token alone tells: signature, type, issuer and audience; not its expiry.
    fn verify_client_token(&self, token: &str) -> Option<ClientToken> {
        let claims = self.keys().verify::<AccessTokenClaims>(token, &self.audience())?;
        let client_id = ClientId::parse(claims.client_id.as_str()).ok().filter(|id| claims.sub == client_subject(id))?;
        let (_, mark) = claims.jti.rsplit_once('.')?;
        Some(ClientToken {
            client: ClientKey { tenant_id: self.tenant_of(&claims)?, client_id },
            scope: ScopeSet::parse_known(&claims.scope),
            mark: Timestamp::from_millis(mark.parse().ok()?),
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1_000)),
            id: claims.jti,
        })
    }
}

impl ClientToken {
    fn hash(&self) -> Vec<u8> {
        let ClientKey { tenant_id, client_id } = &self.client;
        token_id_hash("client token", tenant_id, client_id, &self.id)
    }
}

/// The part of a scope, or of all that the client may have, that a token for the client itself can have: permissions of the TMS API.
fn client_scope(client: &Client, requested: Option<&ScopeSet>) -> Result<ScopeSet, ClientTokenRefused> {
    if client.is_public() {
        return Err(ClientTokenRefused::Public);
    }
    if !client.allows(GrantType::ClientCredentials) {
        return Err(ClientTokenRefused::NotAllowed);
    }
    let tms: ScopeSet = Scope::TMS.into_iter().collect();
    let allowed = client.scope.intersection(requested.unwrap_or(&client.scope)).intersection(&tms);
    if allowed.is_empty() { Err(ClientTokenRefused::NoScopeLeft) } else { Ok(allowed) }
}
