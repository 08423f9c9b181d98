//! Access tokens after they were issued: verified at every use, and revoked with their grant.

use std::net::IpAddr;

use futures_util::FutureExt;
use jsonwebtoken::jwk::JwkSet;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::RequestRefused;
use crate::domain::device_grant::{Approval, DeviceGrant, DeviceGrantState};
use crate::domain::ids::{TenantId, TokenId, UserId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;
use crate::server::request_id;
use crate::server::service::auth::principals::{AuthenticatedClient, TokenHolder};
use crate::server::service::device_flow::decisions::revoke_access;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, clients, device_grants, people};

/// Why a token is refused (RFC 6750 §3.1 `invalid_token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidToken {
    /// Not a token of this portal, expired or revoked.
    NotValid,
    /// The client is disabled, or may not use the device grant any more.
    ClientNotAllowed,
    PersonDisabled,
}

/// The token belongs to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationRefused;

impl Services {
    /// The audience of tokens: the TMS API (RFC 9068 §3, the default resource).
    pub fn audience(&self) -> String {
        format!("{}/v1/tms", self.public_url())
    }

    /// The public keys to verify tokens with.
    pub fn jwk_set(&self) -> JwkSet {
        self.keys().public().clone()
    }

    /// Verifies a token: signature, type, issuer, audience and expiry; and that its grant, person, client and tenant are still valid. The
    /// scope is the consented one, restricted to what the client's settings allow now.
    pub async fn authenticate_token(&self, token: &str, from: Option<IpAddr>) -> Result<TokenHolder, Error<InvalidToken>> {
        let checked = self.check_token(token, from).await;
        if let Err(Error::Refused(refused)) = &checked {
            self.log_refused_token(*refused, from);
        }
        checked
    }

    /// Logs a token that is refused.
    pub fn log_refused_token(&self, refused: InvalidToken, from: Option<IpAddr>) {
        let failure = match refused {
            InvalidToken::NotValid => AuthenticationFailure::Wrong,
            InvalidToken::ClientNotAllowed => AuthenticationFailure::NotAllowed,
            InvalidToken::PersonDisabled => AuthenticationFailure::Disabled,
        };
        let (tenant, name) = (ClaimedName::None, ClaimedName::None);
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::AccessToken, tenant, name, from, failure });
    }

    async fn check_token(&self, token: &str, from: Option<IpAddr>) -> Result<TokenHolder, Error<InvalidToken>> {
        let invalid = Error::Refused;
        let TokenGrant { grant, approval, expires_at: ends } = self.find_issued(token).await?.ok_or(invalid(InvalidToken::NotValid))?;
        // The consent may have been shortened since; if it was extended, the token still expires as issued.
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
            // Such a token identifies the person, and permits nothing else.
            Err(RequestRefused::NoScopeLeft) => ScopeSet::default(),
            Err(RequestRefused::Disabled | RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                return Err(invalid(InvalidToken::ClientNotAllowed));
            }
        };
        self.record_use_later(&grant, from);
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

    /// Records when and from where a grant's token was used, in the background and at most once a minute.
    fn record_use_later(&self, grant: &DeviceGrant, from: Option<IpAddr>) {
        let (services, tenant, id, now) = (self.clone(), grant.tenant_id.clone(), grant.id.clone(), self.now());
        if !self.shared.token_use_throttle.is_due((tenant.clone(), id.clone()), now) {
            return;
        }
        request_id::spawn(async move {
            let noted = services.write(move |db| async move { device_grants::set_used(db, &tenant, &id, from, now).await }.boxed()).await;
            if let Err(fault) = noted
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "The use of a token could not be written down");
            }
        });
    }

    /// Revokes a token for its client (RFC 7009 §2.1). Succeeds for one that is unknown or has ended; refused for one of another client.
    pub async fn revoke_token(&self, client: &AuthenticatedClient, token: &str) -> Result<(), Error<RevocationRefused>> {
        // Also a token that is refused now, such as while its person is disabled.
        let Some(TokenGrant { grant, approval, .. }) = self.find_issued(token).await? else { return Ok(()) };
        let client = client.client();
        if grant.client_id != client.id || grant.tenant_id != client.tenant_id {
            return Err(Error::Refused(RevocationRefused));
        }
        let now = self.now();
        self.write(move |db| revoke_by_client(db, grant, approval.person, now).boxed()).await?;
        Ok(())
    }

    /// The grant a token was issued for, unless it was revoked. Does not tell whether the token may be used.
    async fn find_issued(&self, token: &str) -> Result<Option<TokenGrant>, Fault> {
        let Some(claims) = self.keys().verify(token, &self.audience()) else { return Ok(None) };
        let (Some(tenant_id), Ok(token_id)) = (self.tenant_of(&claims), TokenId::parse(claims.jti)) else { return Ok(None) };
        let grant = device_grants::find_by_token(self.storage().reader(), &tenant_id, &token_id).await?;
        Ok(grant.and_then(|grant| match grant.state.clone() {
            DeviceGrantState::Redeemed { approval, .. } => Some(TokenGrant { grant, approval, expires_at: claims.exp }),
            _ => None,
        }))
    }

    /// The tenant whose issuer URL this is, compared exactly.
    fn tenant_of(&self, claims: &AccessTokenClaims) -> Option<TenantId> {
        let (_, name) = claims.iss.rsplit_once('/')?;
        let tenant = TenantId::parse(name).ok()?;
        (self.issuer(&tenant) == claims.iss).then_some(tenant)
    }
}

/// An issued token: its grant, the approval, and its expiry in seconds since 1970.
struct TokenGrant {
    grant: DeviceGrant,
    approval: Approval,
    expires_at: i64,
}

async fn revoke_by_client(db: &mut Connection, grant: DeviceGrant, person: UserId, now: Timestamp) -> Result<(), storage::Error> {
    let before = grant.state.clone();
    // Refused, or too late below, only if it was revoked concurrently, which has the same result.
    let Ok(ended) = grant.revoke(&person, now) else { return Ok(()) };
    let event = AuditEvent::new(ended.tenant_id.clone(), AuditKind::DeviceRevoked, now).of(&person).about(&ended.client_id, &ended.id);
    revoke_access(db, before, ended, event).await?;
    Ok(())
}
