//! Access tokens after they were issued: checked on every use, and ended early when their grant is.

use std::net::IpAddr;

use futures_util::FutureExt;
use jsonwebtoken::jwk::JwkSet;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::RequestRefused;
use crate::domain::device_grant::{Approval, DeviceGrant, DeviceGrantState};
use crate::domain::ids::{TenantId, TokenId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;
use crate::server::service::auth::principals::{AuthenticatedClient, TokenHolder};
use crate::server::service::device_flow::decisions::revoke_access;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, clients, device_grants, people};

/// Why a token opens nothing (RFC 6750 §3.1 `invalid_token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidToken {
    /// Not one of our tokens, or not any more.
    NotValid,
    /// The client is switched off, or may not act for people any more.
    ClientNotAllowed,
    PersonDisabled,
}

/// The token belongs to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationRefused;

impl Services {
    /// The TMS API, as tokens name it (RFC 9068 §3: the default resource).
    pub fn audience(&self) -> String {
        format!("{}/v1/tms", self.public_url())
    }

    /// The keys our tokens can be checked with.
    pub fn jwk_set(&self) -> &JwkSet {
        self.signing_keys().public()
    }

    /// Checks a token: signature, type, issuer, audience and end; and that its grant, person, client and tenant still stand. Its
    /// scope is what was consented to, cut down to what the client may have now.
    pub async fn authenticate_token(&self, token: &str, from: Option<IpAddr>) -> Result<TokenHolder, Error<InvalidToken>> {
        let invalid = Error::Refused;
        let TokenGrant { grant, approval, expires_at: ends } = self.find_issued(token).await?.ok_or(invalid(InvalidToken::NotValid))?;
        // The consent may have been made shorter since, which the token cannot know; or longer, which does not make it last longer.
        let expires_at = approval.until.min(Timestamp::from_millis(ends.saturating_mul(1_000)));
        if self.now() >= expires_at || self.enabled_tenant(&grant.tenant_id).await?.is_none() {
            return Err(invalid(InvalidToken::NotValid));
        }
        let reader = self.storage().reader();
        if !people::find(reader, &grant.tenant_id, &approval.person).await?.is_some_and(|person| person.enabled) {
            return Err(invalid(InvalidToken::PersonDisabled));
        }
        let client = clients::find(reader, &grant.tenant_id, &grant.client_id).await?.ok_or(invalid(InvalidToken::ClientNotAllowed))?.client;
        let scope = match client.allowed_scope(&approval.scope) {
            Ok(scope) => scope,
            // Says whose token it is, and opens nothing else.
            Err(RequestRefused::NoScopeLeft) => ScopeSet::default(),
            Err(RequestRefused::Disabled | RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                return Err(invalid(InvalidToken::ClientNotAllowed));
            }
        };
        self.record_use_later(&grant);
        Ok(TokenHolder {
            tenant_id: grant.tenant_id,
            user_id: approval.person,
            client_id: grant.client_id,
            grant_id: grant.id,
            scope,
            consented: approval.scope,
            expires_at,
            from,
        })
    }

    /// Writes down that a grant's token was used; at most once a minute, and nobody waits for it.
    fn record_use_later(&self, grant: &DeviceGrant) {
        let (services, tenant, id, now) = (self.clone(), grant.tenant_id.clone(), grant.id.clone(), self.now());
        if !self.shared.token_use_throttle.is_due((tenant.clone(), id.clone()), now) {
            return;
        }
        tokio::spawn(async move {
            let noted = services.write(move |db| async move { device_grants::set_used(db, &tenant, &id, now).await }.boxed()).await;
            if let Err(fault) = noted {
                tracing::warn!(error = %fault, "The use of a token could not be written down");
            }
        });
    }

    /// Ends a token at its client's wish (RFC 7009 §2.1). One that is unknown or already ended is fine; one that another
    /// client holds is refused.
    pub async fn revoke_token(&self, client: &AuthenticatedClient, token: &str) -> Result<(), Error<RevocationRefused>> {
        // Also when it opens nothing just now, such as while its person is switched off.
        let Some(TokenGrant { grant, approval, .. }) = self.find_issued(token).await? else { return Ok(()) };
        let client = client.client();
        if grant.client_id != client.id || grant.tenant_id != client.tenant_id {
            return Err(Error::Refused(RevocationRefused));
        }
        let now = self.now();
        self.write(move |db| revoke_by_client(db, grant, approval.person, now).boxed()).await?;
        Ok(())
    }

    /// What a token of ours was issued for, unless that has been taken back. Does not say that the token may be used.
    async fn find_issued(&self, token: &str) -> Result<Option<TokenGrant>, Fault> {
        let Some(claims) = self.signing_keys().verify(token, &self.audience()) else { return Ok(None) };
        let (Some(tenant_id), Ok(token_id)) = (self.tenant_of(&claims), TokenId::parse(claims.jti)) else { return Ok(None) };
        let grant = device_grants::find_by_token(self.storage().reader(), &tenant_id, &token_id).await?;
        Ok(grant.and_then(|grant| match grant.state.clone() {
            DeviceGrantState::Redeemed { approval, .. } => Some(TokenGrant { grant, approval, expires_at: claims.exp }),
            _ => None,
        }))
    }

    /// The tenant whose issuer this is, compared to the letter.
    fn tenant_of(&self, claims: &AccessTokenClaims) -> Option<TenantId> {
        let (_, name) = claims.iss.rsplit_once('/')?;
        let tenant = TenantId::parse(name).ok()?;
        (self.issuer(&tenant) == claims.iss).then_some(tenant)
    }
}

/// A token of ours: the grant that gave it, what was allowed, and when it ends, in seconds since 1970.
struct TokenGrant {
    grant: DeviceGrant,
    approval: Approval,
    expires_at: i64,
}

async fn revoke_by_client(db: &mut Connection, grant: DeviceGrant, person: UserId, now: Timestamp) -> Result<(), storage::Error> {
    let before = grant.state.clone();
    // Refused, or too late below, only when somebody else ended it in the meantime, which is what was asked for.
    let Ok(ended) = grant.revoke(&person, now) else { return Ok(()) };
    let withdrawn = AuditEvent::new(ended.tenant_id.clone(), AuditKind::DeviceRevoked, now).of(&person).about(&ended.client_id, &ended.id);
    revoke_access(db, before, ended, withdrawn).await?;
    Ok(())
}
