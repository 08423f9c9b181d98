//! The token endpoint's side of the flow: an authorization code is redeemed for tokens (RFC 6749 §4.1.3).

use std::net::IpAddr;

use futures_util::FutureExt;

use super::codes::{AUTHORIZATION_CODE, challenge_of};
use super::requests::source_of;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd};
use crate::domain::authorization_code::{AuthorizationCode, AuthorizationCodeState, CODE_LIFETIME, CodeRedemption, Mismatch, RedemptionOutcome};
use crate::domain::client::RequestRefused;
use crate::domain::client::registration::GrantType;
use crate::domain::code_challenge;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::token_access::{AccessRefused, TargetRefused, TokenRequest};
use crate::domain::token_family::{FamilyEnd, TokenFamily};
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::authorizations::ending::{end_authorization, end_family};
use crate::server::service::authorizations::id_tokens::IdTokenRequest;
use crate::server::service::authorizations::issue::{IssuedTokens, NewFamily};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{
    self, Connection, audit_log, authorization_codes, authorizations, browser_sessions, clients, people, tenants, token_families,
};

/// The parameters of a token request (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub struct CodeRequest<'a> {
    pub code: &'a str,
    pub redirect_uri: Option<&'a str>,
    pub verifier: Option<&'a str>,
    /// The `resource` parameters (RFC 8707 §2.2).
    pub resources: &'a [String],
    pub from: Option<IpAddr>,
    pub agent: &'a str,
}

/// Why a code gets no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRefused {
    /// Unknown, expired, redeemed before, of another client, or it does not match the request.
    InvalidGrant,
    /// Its person or tenant is disabled, or what they allowed or the browser session of the sign-in has ended.
    Ended,
    /// The client's settings leave it no access.
    NotAllowed(RequestRefused),
    /// There is no token for the requested resource server. The code stays valid.
    Target(TargetRefused),
}

impl From<AccessRefused> for CodeRefused {
    fn from(refused: AccessRefused) -> Self {
        match refused {
            AccessRefused::Target(refused) => Self::Target(refused),
            AccessRefused::ScopeExceeded | AccessRefused::NoScopeLeft => Self::NotAllowed(RequestRefused::NoScopeLeft),
        }
    }
}

impl Services {
    /// Redeems a code. Of any number of concurrent requests exactly one gets tokens.
    pub async fn redeem_code(&self, client: &AuthenticatedClient, request: CodeRequest<'_>) -> Result<IssuedTokens, Error<CodeRefused>> {
        let (registered, tenant, now) = (client.client(), &client.tenant, self.now());
        if !registered.allows(GrantType::AuthorizationCode) {
            return Err(Error::Refused(CodeRefused::NotAllowed(RequestRefused::GrantNotAllowed)));
        }
        let Some(code) = self.find_code(client, request.code).await? else {
            self.log_refused_code_of(client, AuthenticationFailure::Unknown, request.from);
            return Err(Error::Refused(CodeRefused::InvalidGrant));
        };
        // A verifier that cannot be one matches no challenge.
        let verifier = request.verifier.map(|verifier| if code_challenge::is_verifier(verifier) { verifier } else { "" });
        let challenge = verifier.map(challenge_of).transpose()?;
        let redemption = CodeRedemption { client_id: &registered.id, redirect_uri: request.redirect_uri, challenge };
        match code.judge(&redemption, now) {
            RedemptionOutcome::Ready => {}
            RedemptionOutcome::WrongTry(mismatch) => {
                self.count_wrong_try(client, code, mismatch, request.from).await?;
                return Err(Error::Refused(CodeRefused::InvalidGrant));
            }
            RedemptionOutcome::Replay => {
                self.end_replayed(code, request.from, now).await?;
                return Err(Error::Refused(CodeRefused::InvalidGrant));
            }
            RedemptionOutcome::Refused | RedemptionOutcome::Duplicate => {
                self.log_refused_code_of(client, AuthenticationFailure::Unknown, request.from);
                return Err(Error::Refused(CodeRefused::InvalidGrant));
            }
        }
        let found = authorizations::find(self.storage().reader(), &code.tenant_id, &code.authorization_id).await?;
        let authorization = found.filter(|authorization| authorization.is_in_force(now)).ok_or(Error::Refused(CodeRefused::Ended))?;
        let scope = registered.allowed_scope_with(GrantType::AuthorizationCode, &code.scope, &code.resources);
        let scope = scope.map_err(|refused| Error::Refused(CodeRefused::NotAllowed(refused)))?;
        let (session, offline) = (Some((code.session.clone(), code.authenticated)), scope.contains(Scope::OfflineAccess));
        let begun = source_of(now, request.from, request.agent);
        let servers = self.registered_resources(&code.tenant_id, &code.resources).await?;
        let requested = TokenRequest { resources: request.resources, scope: None, api: &self.audience() };
        let access = requested.access(&code.scope, &code.resources, &scope, &registered.id, &servers);
        let access = access.map_err(|refused| Error::Refused(refused.into()))?;
        let (policy, resources, username_account) = (&tenant.policy, code.resources.clone(), code.username_account.clone());
        let new =
            NewFamily { authorization: &authorization, client: registered, policy, scope, resources, session, offline, username_account, begun };
        let family = self.new_family(new)?;
        // Signed before the change: if signing fails, the code can be redeemed later.
        let issued = self.issue_tokens(&family, &authorization, access, policy, now)?;
        let (scope, nonce) = (&family.scope, code.nonce.clone());
        let id_token = IdTokenRequest { client: registered, family: &family, authorization: &authorization, scope, nonce, now };
        let issued = self.with_id_token(issued, id_token).await?;
        let key_mark = self.keys().mark().to_vec();
        self.try_write(move |db| redeem_in_transaction(db, code, authorization, family, key_mark).boxed()).await?;
        Ok(issued)
    }

    async fn find_code(&self, client: &AuthenticatedClient, code: &str) -> Result<Option<AuthorizationCode>, Fault> {
        for hash in self.keys().hashes(AUTHORIZATION_CODE, code) {
            if let Some(found) = authorization_codes::find(self.storage().reader(), &client.tenant.id, &hash).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn count_wrong_try(
        &self,
        client: &AuthenticatedClient,
        code: AuthorizationCode,
        mismatch: Mismatch,
        from: Option<IpAddr>,
    ) -> Result<(), Fault> {
        self.log_refused_code_of(client, AuthenticationFailure::Wrong, from);
        self.record_refused_request(&client.tenant.id, &client.client().id, &mismatch.reason().into(), from);
        self.write(move |db| async move { authorization_codes::count_wrong_try(db, &code).await }.boxed()).await
    }

    /// Ends what a code gave that was redeemed before: there is a copy of it (RFC 6749 §10.5).
    async fn end_replayed(&self, code: AuthorizationCode, from: Option<IpAddr>, now: Timestamp) -> Result<(), Fault> {
        self.write(move |db| end_replayed(db, code, from, now).boxed()).await
    }

    fn log_refused_code_of(&self, client: &AuthenticatedClient, failure: AuthenticationFailure, from: Option<IpAddr>) {
        let (tenant, name) = (ClaimedName::Registered(client.tenant.id.as_str()), ClaimedName::Registered(client.client().id.as_str()));
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::AuthorizationCode, tenant, name, from, failure });
    }

    /// Ends the authorizations that were given with a code which was not redeemed in time.
    pub(in crate::server::service) async fn expire_unredeemed_codes(&self) -> Result<(), Fault> {
        /// Each takes several statements.
        const BATCH: u32 = 50;
        let now = self.now();
        self.in_batches(BATCH, move |db, limit| expire_unredeemed(db, now, limit).boxed()).await
    }
}

/// Redeems the code, if person, client, tenant and authorization still allow it, and are as they were when the token was signed.
async fn redeem_in_transaction(
    db: &mut Connection,
    code: AuthorizationCode,
    planned: Authorization,
    family: TokenFamily,
    key_mark: Vec<u8>,
) -> Result<(), Error<CodeRefused>> {
    let now = family.begun.at;
    let (tenant_id, ended) = (&code.tenant_id, || Error::Refused(CodeRefused::Ended));
    let tenant = tenants::find(&mut *db, tenant_id).await?.filter(|tenant| tenant.enabled);
    let person = people::find(&mut *db, tenant_id, &code.person).await?.filter(|person| person.enabled);
    let authorization = authorizations::find(&mut *db, tenant_id, &code.authorization_id).await?;
    let unchanged = |found: &Authorization| found.access_until == planned.access_until && found.is_in_force(now);
    let authorization = authorization.filter(unchanged).ok_or_else(ended)?;
    let client = clients::find(&mut *db, tenant_id, &code.client_id).await?;
    let (client, _) = client.zip(tenant.zip(person)).ok_or_else(ended)?;
    let allowed = client.client.allowed_scope_with(GrantType::AuthorizationCode, &code.scope, &code.resources);
    if allowed.map_err(|refused| Error::Refused(CodeRefused::NotAllowed(refused)))? != family.scope {
        return Err(ended());
    }
    // What ends with the browser session does not begin after it.
    if !family.offline && !browser_sessions::is_live(&mut *db, tenant_id, &code.person, &code.session, now).await? {
        return Err(ended());
    }
    let event = AuditEvent::new(tenant_id.clone(), AuditKind::SignedInAtClient, now)
        .of(&code.person)
        .about(&code.client_id, &authorization.id)
        .from(family.begun.from);
    let redeemed = code.clone().redeem(family.id.clone(), now).ok_or(Error::Refused(CodeRefused::InvalidGrant))?;
    if !authorization_codes::redeem(db, &redeemed).await? {
        return Err(Error::Refused(CodeRefused::InvalidGrant));
    }
    token_families::insert(db, &family, &key_mark).await?;
    audit_log::insert(db, &event).await?;
    Ok(())
}

/// Ends the authorization that was made with the code, or else the family of its tokens.
async fn end_replayed(db: &mut Connection, code: AuthorizationCode, from: Option<IpAddr>, now: Timestamp) -> Result<(), storage::Error> {
    let AuthorizationCodeState::Redeemed { family, .. } = &code.state else { return Ok(()) };
    let event = AuditEvent::new(code.tenant_id.clone(), AuditKind::AuthorizationCodeReplayed, now)
        .of(&code.person)
        .about(&code.client_id, &code.authorization_id)
        .from(from);
    if code.made_authorization {
        let Some(authorization) = authorizations::find(&mut *db, &code.tenant_id, &code.authorization_id).await? else { return Ok(()) };
        end_authorization(db, authorization, AuthorizationEnd::CodeReplay, &event).await?;
    } else if let Some(family) = token_families::find(&mut *db, &code.tenant_id, family).await? {
        end_family(db, family, FamilyEnd::CodeReplay, &event).await?;
    }
    Ok(())
}

/// Ends at most `limit` authorizations. Returns how many there were.
async fn expire_unredeemed(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, storage::Error> {
    let mut ended = 0;
    for code in authorization_codes::unredeemed(&mut *db, now - CODE_LIFETIME, limit).await? {
        let Some(authorization) = authorizations::find(&mut *db, &code.tenant_id, &code.authorization_id).await? else { continue };
        let event = AuditEvent::new(code.tenant_id.clone(), AuditKind::AuthorizationLapsed, now)
            .of(&code.person)
            .about(&code.client_id, &code.authorization_id);
        ended += u64::from(end_authorization(db, authorization, AuthorizationEnd::Unredeemed, &event).await?.is_some());
    }
    Ok(ended)
}
