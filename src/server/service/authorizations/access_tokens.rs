//! Access tokens after they were issued: verified at every use, and revoked with their family.

use std::net::IpAddr;

use futures_util::FutureExt;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::jwk::JwkSet;

use super::ending::{end_authorization, end_family, revoked};
use super::refresh_token::RefreshToken;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::AuthorizationEnd;
use crate::domain::client::RequestRefused;
use crate::domain::client::registration::GrantType;
use crate::domain::ids::{AuthorizationId, TenantId, TokenFamilyId, TokenId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;
use crate::domain::token_family::FamilyEnd;
use crate::server::request_id;
use crate::server::service::auth::principals::{AuthenticatedClient, TokenHolder};
use crate::server::service::{Error, Services};
use crate::server::storage::token_families::{FamilyKey, FamilyStanding};
use crate::server::storage::{authorizations, token_families};

/// Why a token is refused (RFC 6750 §3.1 `invalid_token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidToken {
    /// Not a token of this portal, expired or revoked.
    NotValid,
    /// The client is disabled, or may not use the grant type of the authorization any more.
    ClientNotAllowed,
    PersonDisabled,
}

impl InvalidToken {
    /// For `error_description` (RFC 6750 §3).
    pub const fn description(self) -> &'static str {
        match self {
            Self::NotValid => "The access token is not valid or has expired.",
            Self::ClientNotAllowed => "This application is no longer allowed to act for users.",
            Self::PersonDisabled => "The access token's user is disabled.",
        }
    }
}

/// The token belongs to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationRefused;

/// An access token that this portal issued. It may have expired.
pub(super) struct IssuedToken {
    pub family: FamilyKey,
    /// That of the refresh token with which it was issued, if there was one.
    pub generation: Option<u32>,
    pub expires_at: Timestamp,
    pub claims: AccessTokenClaims,
}

/// The family of a token that may be used now.
pub(super) struct UsableFamily {
    pub standing: FamilyStanding,
    /// The part of the family's scope that the client's settings allow now; may be empty.
    pub allowed: ScopeSet,
    /// When the token expires; not later than the authorization.
    pub expires_at: Timestamp,
}

/// The use of a token: the family, and whether it is the first one of a token of the family's current generation.
struct FamilyUse {
    tenant_id: TenantId,
    family_id: TokenFamilyId,
    authorization_id: AuthorizationId,
    generation: Option<u32>,
    is_first_of_generation: bool,
}

impl Services {
    /// The audience of tokens: the TMS API (RFC 9068 §3, the default resource).
    pub fn audience(&self) -> String {
        format!("{}/v1/tms", self.public_url())
    }

    /// The public keys to verify tokens with.
    pub fn jwk_set(&self) -> JwkSet {
        self.keys().public().clone()
    }

    /// Verifies a token: signature, type, issuer, audience and expiry; and that its family, authorization, person, client and tenant still allow
    /// it. The scope is the token's, restricted to what the client's settings allow now.
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
        let issued = self.verify_token(token, &self.audience()).ok_or(Error::Refused(InvalidToken::NotValid))?;
        let (generation, scope) = (issued.generation, ScopeSet::parse_known(&issued.claims.scope));
        let UsableFamily { standing, allowed, expires_at } = self.usable_family(issued.family, issued.expires_at).await?;
        let (consented, scope) = (standing.scope.intersection(&scope), allowed.intersection(&scope));
        let FamilyStanding { family_id, authorization_id, person, client, tenant, access_until, .. } = standing;
        let is_first_of_generation = generation == Some(standing.generation) && !standing.successor_seen;
        let (tenant_id, family, authorization) = (tenant.id.clone(), family_id.clone(), authorization_id.clone());
        let used = FamilyUse { tenant_id, family_id: family, authorization_id: authorization, generation, is_first_of_generation };
        self.record_use_later(used, from);
        Ok(TokenHolder {
            tenant_id: tenant.id,
            user_id: person,
            client_id: client.id,
            username_of_host: client.username_of_host,
            authorization_id,
            family_id,
            scope,
            consented,
            expires_at,
            access_until,
            from,
        })
    }

    /// The family of a token, if the token has not expired, and authorization, person, client and tenant still allow it.
    pub(super) async fn usable_family(&self, family: FamilyKey, expires_at: Timestamp) -> Result<UsableFamily, Error<InvalidToken>> {
        let found = self.storage().find_family_standing(family).await?;
        let not_valid = || Error::Refused(InvalidToken::NotValid);
        let standing = found.filter(|standing| standing.live && standing.tenant.enabled).ok_or_else(not_valid)?;
        // The authorization may have been shortened since; if it was extended, the token still expires as issued.
        let expires_at = standing.access_until.min(expires_at);
        if self.now() >= expires_at {
            return Err(not_valid());
        }
        if !standing.person_enabled {
            return Err(Error::Refused(InvalidToken::PersonDisabled));
        }
        let grant_type = GrantType::from(standing.origin);
        let allowed = match standing.client.allowed_scope_with(grant_type, &standing.scope, &standing.resources) {
            Ok(scope) => scope,
            // Such a token identifies the person, and permits nothing else.
            Err(RequestRefused::NoScopeLeft) => ScopeSet::default(),
            Err(RequestRefused::Disabled | RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn) => {
                return Err(Error::Refused(InvalidToken::ClientNotAllowed));
            }
        };
        Ok(UsableFamily { standing, allowed, expires_at })
    }

    /// Records when and from where a token was used, in the background: the first use after each refresh at once, others once a minute.
    fn record_use_later(&self, used: FamilyUse, from: Option<IpAddr>) {
        let (services, now) = (self.clone(), self.now());
        if !self.shared.token_use_throttle.is_due((used.tenant_id.clone(), used.family_id.clone(), used.generation), now) {
            return;
        }
        request_id::spawn(async move {
            let record = services.write(move |db| {
                async move {
                    if let Some(generation) = used.generation.filter(|_| used.is_first_of_generation) {
                        token_families::mark_seen(db, &used.tenant_id, &used.family_id, generation).await?;
                    }
                    authorizations::set_used(db, &used.tenant_id, &used.authorization_id, from, now).await
                }
                .boxed()
            });
            let noted = record.await;
            if let Err(fault) = noted
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "The use of a token could not be written down");
            }
        });
    }

    /// Revokes a token for its client (RFC 7009 §2.1), with all tokens of its family; for a public client the authorization as well, because
    /// nothing else could end what the program leaves behind. Succeeds for one that is unknown, has ended or is another tenant's; refused for one
    /// of another client.
    pub async fn revoke_token(&self, client: &AuthenticatedClient, token: &str) -> Result<(), Error<RevocationRefused>> {
        if self.revoke_client_token(client, token).await?.is_some() {
            return Ok(());
        }
        let (client, from, now) = (client.client().clone(), client.from, self.now());
        // Also a token that is refused now, such as while its person is disabled, or that was replaced.
        let family = match RefreshToken::parse(token) {
            Some(token) => self.family_of(&client.tenant_id, &token).await?.map(|(family, _)| FamilyKey::of(&family)),
            None => self.verify_any_token(token).map(|issued| issued.family),
        };
        // One of another tenant is one that never was.
        let Some(family) = family.filter(|family| family.tenant_id == client.tenant_id) else { return Ok(()) };
        self.try_write(move |db| {
            async move {
                let Some(family) = token_families::find(&mut *db, &family.tenant_id, &family.family_id).await? else { return Ok(()) };
                let found = authorizations::find(&mut *db, &family.tenant_id, &family.authorization_id).await?;
                let Some(authorization) = found.filter(|_| family.is_live()) else { return Ok(()) };
                if family.client_id != client.id {
                    return Err(Error::Refused(RevocationRefused));
                }
                if client.is_public() {
                    let record = revoked(&authorization, now).from(from);
                    end_authorization(db, authorization, AuthorizationEnd::Client, &record).await?;
                } else {
                    let record = AuditEvent::new(client.tenant_id, AuditKind::TokensRevoked, now);
                    let record = record.of(&authorization.person).about(&client.id, &authorization.id).from(from);
                    end_family(db, family, FamilyEnd::Client, &record).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Verifies what a token alone tells: signature, type, issuer and audience. Not its expiry: an expired one can be revoked.
    fn verify_token(&self, token: &str, audience: &str) -> Option<IssuedToken> {
        let claims = self.keys().verify::<AccessTokenClaims>(token, audience)?;
        let (tenant_id, token_id) = (self.tenant_of(&claims)?, TokenId::parse(claims.jti.as_str()).ok()?);
        Some(IssuedToken {
            family: FamilyKey { tenant_id, family_id: TokenFamilyId::of_token(&token_id) },
            generation: token_id.generation(),
            expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1_000)),
            claims,
        })
    }

    /// The same, for any resource server.
    pub(super) fn verify_any_token(&self, token: &str) -> Option<IssuedToken> {
        self.verify_token(token, &claimed_audience(token)?)
    }

    /// The tenant whose issuer URL this is, compared exactly.
    pub(super) fn tenant_of(&self, claims: &AccessTokenClaims) -> Option<TenantId> {
        let (_, name) = claims.iss.rsplit_once('/')?;
        let tenant = TenantId::parse(name).ok()?;
        (self.issuer(&tenant) == claims.iss).then_some(tenant)
    }
}

/// The audience that a token claims to have. Nothing is verified.
fn claimed_audience(token: &str) -> Option<String> {
    Some(insecure_decode_claims::<AccessTokenClaims>(token).ok()?.aud)
}
