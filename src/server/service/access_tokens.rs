//! Access tokens after they were issued: checked on every use, and ended early when their grant is.

use futures_util::FutureExt;
use jsonwebtoken::jwk::JwkSet;

use super::decisions::end_access;
use super::proofs::{AuthenticatedClient, TokenHolder};
use super::storage::{self, Connection, device_grants, people};
use super::{Error, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::device_grant::State;
use crate::domain::ids::{TenantId, TokenId};
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;

/// Not one of our tokens, or not any more (RFC 6750 §3.1 `invalid_token`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidToken;

/// The token belongs to another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYourToken;

impl Services {
    /// The TMS API, as tokens name it (RFC 9068 §3: the default resource).
    pub fn audience(&self) -> String {
        format!("{}/v1/tms", self.public_url())
    }

    /// The keys our tokens can be checked with.
    pub fn public_keys(&self) -> &JwkSet {
        self.keys().public()
    }

    /// Checks a token: signature, type, issuer, audience and end; and that its grant, person and tenant still stand.
    pub async fn token_holder(&self, token: &str) -> Result<TokenHolder, Error<InvalidToken>> {
        let invalid = || Error::Refused(InvalidToken);
        let claims = self.keys().verify(token, &self.audience()).ok_or_else(invalid)?;
        let tenant_id = self.tenant_of(&claims).ok_or_else(invalid)?;
        let token_id = TokenId::parse(claims.jti).map_err(|_| invalid())?;
        let reader = self.storage().reader();
        let grant = device_grants::find_by_token(reader, &tenant_id, &token_id).await?.ok_or_else(invalid)?;
        let State::Redeemed { approval, .. } = grant.state else { return Err(invalid()) };
        let person = people::find(reader, &tenant_id, &approval.person).await?;
        let stands = person.is_some_and(|person| person.enabled) && self.enabled_tenant(&tenant_id).await?.is_some();
        if !stands || self.now().as_seconds() >= claims.exp {
            return Err(invalid());
        }
        Ok(TokenHolder {
            tenant_id,
            user_id: approval.person,
            client_id: grant.client_id,
            grant_id: grant.id,
            token_id,
            scope: approval.scope,
            expires_at: approval.until,
        })
    }

    /// Ends a token at its client's wish (RFC 7009 §2.1). One that is unknown or already ended is fine; one that another
    /// client holds is refused.
    pub async fn revoke_token(&self, client: &AuthenticatedClient, token: &str) -> Result<(), Error<NotYourToken>> {
        let holder = match self.token_holder(token).await {
            Ok(holder) => holder,
            Err(Error::Refused(InvalidToken)) => return Ok(()),
            Err(Error::Internal(fault)) => return Err(fault.into()),
        };
        let client = client.client();
        if holder.client_id != client.id || holder.tenant_id != client.tenant_id {
            return Err(Error::Refused(NotYourToken));
        }
        let now = self.now();
        self.change(move |db| withdraw_by_holder(db, holder, now).boxed()).await?;
        Ok(())
    }

    /// The tenant whose issuer this is, compared to the letter.
    fn tenant_of(&self, claims: &AccessTokenClaims) -> Option<TenantId> {
        let (_, name) = claims.iss.rsplit_once('/')?;
        let tenant = TenantId::parse(name).ok()?;
        (self.issuer(&tenant) == claims.iss).then_some(tenant)
    }
}

async fn withdraw_by_holder(db: &mut Connection, holder: TokenHolder, now: Timestamp) -> Result<(), storage::Fault> {
    let Some(grant) = device_grants::find(&mut *db, &holder.tenant_id, &holder.grant_id).await? else { return Ok(()) };
    let before = grant.state.clone();
    // Refused only when somebody else ended it in the meantime, which is what was asked for.
    let Ok(ended) = grant.withdraw(&holder.user_id, now) else { return Ok(()) };
    let withdrawn = Activity::new(ended.tenant_id.clone(), Kind::DeviceWithdrawn, now).of(&holder.user_id).about(&ended.client_id, &ended.id);
    end_access(db, before, ended, withdrawn).await?;
    Ok(())
}
