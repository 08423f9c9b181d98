//! Refreshing: a program gets new tokens for its refresh token (RFC 6749 §6).

use std::net::IpAddr;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use super::ending::end_authorization;
use super::id_tokens::IdTokenRequest;
use super::issue::IssuedTokens;
use super::refresh_token::RefreshToken;
use super::resources;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd};
use crate::domain::client::registration::GrantType;
use crate::domain::client::{Client, RequestRefused};
use crate::domain::ids::TenantId;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::resource_server::ResourceServer;
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::domain::token_access::{AccessRefused, TargetRefused, TokenAccess, TokenRequest};
use crate::domain::token_family::{FamilyEnd, Presented, TokenFamily};
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, authorizations, clients, notifications, people, tenants, token_families};
use crate::server::user_agent;

/// How often a refresh begins anew because something was changed while the access token was signed.
const MAX_TRIES: usize = 4;

/// Why there are no new tokens (RFC 6749 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRefused {
    /// Not a refresh token of this client.
    NotValid,
    /// It was revoked, its authorization has ended, or it was not used for too long.
    Ended,
    /// It was replaced before, so that there is a copy of it: its authorization has been ended.
    Reused,
    /// It was replaced, and its successor has been sent too often. Nothing ends.
    TooOften,
    /// The database was restored from a backup that is older than it. Nothing ends.
    NotIssuedYet,
    /// Nothing ends: it works again once they are enabled.
    PersonOrTenantDisabled,
    /// The client's settings leave it no refresh tokens, or no access. Nothing ends.
    NotAllowed(RequestRefused),
    /// More was requested than the person allowed. Nothing changes.
    ScopeExceeded,
    /// The access token was requested for a resource server for which there is none. Nothing changes.
    Target(TargetRefused),
}

impl From<AccessRefused> for RefreshRefused {
    fn from(refused: AccessRefused) -> Self {
        match refused {
            AccessRefused::Target(refused) => Self::Target(refused),
            AccessRefused::ScopeExceeded => Self::ScopeExceeded,
            AccessRefused::NoScopeLeft => Self::NotAllowed(RequestRefused::NoScopeLeft),
        }
    }
}

/// What a program asks for with its refresh token (RFC 6749 §6, RFC 8707 §2.2).
#[derive(Clone, Copy)]
pub struct RefreshRequest<'a> {
    pub token: &'a str,
    /// Narrows the scope of the access token.
    pub scope: Option<&'a str>,
    /// The `resource` parameters.
    pub resources: &'a [String],
    pub from: Option<IpAddr>,
}

#[derive(Debug, ThisError)]
#[error("the authorization was changed {MAX_TRIES} times while its tokens were refreshed")]
struct ChangedTooOften;

/// A request with a refresh token whose HMAC is right.
struct Refresh {
    tenant_id: TenantId,
    family: TokenFamily,
    generation: u32,
    /// The mark of the key under which the token was computed.
    key_mark: Vec<u8>,
    scope: Option<String>,
    resources: Vec<String>,
    /// The identifier of the TMS API.
    api: String,
    from: Option<IpAddr>,
    now: Timestamp,
}

/// What the tokens of the response depend on.
struct Answer {
    /// The family after the refresh.
    family: TokenFamily,
    authorization: Authorization,
    access: TokenAccess,
    /// What the client may learn about the person.
    sign_in: ScopeSet,
}

/// The result of the transaction.
enum Outcome {
    Stored,
    /// The tokens that were signed are not those that the family would have now.
    Changed,
    Refused(RefreshRefused),
}

impl Services {
    /// Issues new tokens for a refresh token. A public client's is replaced; others keep theirs. The scope narrows the access token, never the
    /// refresh token.
    ///
    /// Of concurrent requests with the same token all get the same refresh token. One that was replaced before is accepted for a while
    /// ([`TokenFamily::present`]); after that it ends the authorization.
    pub async fn refresh(&self, client: &AuthenticatedClient, sent: RefreshRequest<'_>) -> Result<IssuedTokens, Error<RefreshRefused>> {
        for _ in 0..MAX_TRIES {
            let request = self.verify_refresh_token(client, sent).await?;
            let found = authorizations::find(self.storage().reader(), &request.tenant_id, &request.family.authorization_id).await?;
            let authorization = found.ok_or(Error::Refused(RefreshRefused::Ended))?;
            let servers = self.registered_resources(&request.tenant_id, &request.family.resources).await?;
            let planned = match request.answer(&request.family, authorization, client.client(), &client.tenant.policy, &servers) {
                // Decided in the transaction, as it ends the authorization.
                Err(RefreshRefused::Reused) => None,
                planned => Some(planned.map_err(Error::Refused)?),
            };
            // Signed before the change: if signing fails, the refresh token is as it was.
            let issued = match &planned {
                Some(Answer { family, authorization, access, sign_in }) => {
                    let issued = self.issue_tokens(family, authorization, access.clone(), &client.tenant.policy, request.now)?;
                    let (client, now) = (client.client(), request.now);
                    let id_token = IdTokenRequest { client, family, authorization, scope: sign_in, nonce: None, now };
                    Some(self.with_id_token(issued, id_token).await?)
                }
                None => None,
            };
            match (self.write(move |db| refresh_in_transaction(db, request, planned).boxed()).await?, issued) {
                (Outcome::Stored, Some(issued)) => return Ok(issued),
                (Outcome::Refused(refused), _) => return Err(Error::Refused(refused)),
                (Outcome::Changed, _) | (Outcome::Stored, None) => {}
            }
        }
        Err(Fault::temporary(ChangedTooOften).into())
    }

    /// Finds the family of a refresh token of this client. One lookup and one HMAC (for each key, during a rotation), also for one that is not valid.
    async fn verify_refresh_token(&self, client: &AuthenticatedClient, sent: RefreshRequest<'_>) -> Result<Refresh, Error<RefreshRefused>> {
        let (client, now) = (client.client(), self.now());
        let RefreshRequest { token, scope, resources, from } = sent;
        let failure = match RefreshToken::parse(token) {
            None => AuthenticationFailure::Malformed,
            Some(token) => match self.family_of(&client.tenant_id, &token).await? {
                Some((family, key_mark)) if family.client_id == client.id => {
                    return Ok(Refresh {
                        tenant_id: client.tenant_id.clone(),
                        family,
                        generation: token.generation,
                        key_mark,
                        scope: scope.map(str::to_owned),
                        resources: resources.to_vec(),
                        api: self.audience(),
                        from,
                        now,
                    });
                }
                _ => AuthenticationFailure::Unknown,
            },
        };
        let (tenant, name) = (ClaimedName::Registered(client.tenant_id.as_str()), ClaimedName::Registered(client.id.as_str()));
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::RefreshToken, tenant, name, from, failure });
        Err(Error::Refused(RefreshRefused::NotValid))
    }

    /// The family for which a refresh token was computed, whether or not it has ended, and the mark of the key. `None` if the token is none.
    pub(in crate::server::service) async fn family_of(
        &self,
        tenant: &TenantId,
        token: &RefreshToken,
    ) -> Result<Option<(TokenFamily, Vec<u8>)>, Fault> {
        let family = token_families::find(self.storage().reader(), tenant, &token.family).await?;
        let keys = self.keys();
        let mark = token.verify(&keys, tenant, family.as_ref()).map(<[u8]>::to_vec);
        Ok(family.zip(mark))
    }
}

impl Refresh {
    /// What this request gets, as far as family, authorization, client, tenant and the resource servers of the family allow.
    fn answer(
        &self,
        family: &TokenFamily,
        authorization: Authorization,
        client: &Client,
        policy: &Policy,
        servers: &[ResourceServer],
    ) -> Result<Answer, RefreshRefused> {
        let now = self.now;
        let presented = family.present(self.generation, now);
        if presented == Presented::Ended || !authorization.is_in_force(now) {
            return Err(RefreshRefused::Ended);
        }
        let allowed = client.allowed_scope_with(GrantType::from(authorization.origin), &family.scope, &family.resources);
        let no_refresh_tokens = RefreshRefused::NotAllowed(RequestRefused::GrantNotAllowed);
        let allowed = match allowed {
            Err(refused @ (RequestRefused::Disabled | RequestRefused::GrantNotAllowed | RequestRefused::NoSignIn)) => {
                return Err(RefreshRefused::NotAllowed(refused));
            }
            _ if !client.allows(GrantType::RefreshToken) => return Err(no_refresh_tokens),
            allowed => allowed,
        };
        match presented {
            Presented::Reused => return Err(RefreshRefused::Reused),
            Presented::TooOften => return Err(RefreshRefused::TooOften),
            Presented::Ahead => return Err(RefreshRefused::NotIssuedYet),
            Presented::Current | Presented::Previous | Presented::Ended => {}
        }
        let allowed = allowed.map_err(RefreshRefused::NotAllowed)?;
        if !client.gets_refresh_token(&allowed) {
            return Err(no_refresh_tokens);
        }
        let requested = TokenRequest { resources: &self.resources, scope: self.scope.as_deref(), api: &self.api };
        // A narrower scope narrows the ID token too, but not one for another resource server, whose scope has no such words.
        let access = requested.access(&family.scope, &family.resources, &allowed, &client.id, servers)?;
        // The authorization may end before, and the person may prolong it.
        let idle_until = now + policy.refresh_idle_time;
        let family = family.refresh(presented, client.rotates_refresh_tokens(), idle_until, self.from, now).ok_or(RefreshRefused::Ended)?;
        let sign_in = if access.other.is_some() { allowed.sign_in() } else { access.scope.sign_in() };
        Ok(Answer { family, authorization, access, sign_in })
    }

    /// The event that the token was used after it had been replaced. Its subject describes the program that the family began with.
    fn reused(&self, authorization: &Authorization) -> AuditEvent {
        let begun = &self.family.begun;
        let event = self.event(AuditKind::RefreshTokenReused, authorization);
        match user_agent::program_at(&begun.agent, begun.from) {
            Some(program) => event.subject(program),
            None => event,
        }
    }

    fn event(&self, kind: AuditKind, authorization: &Authorization) -> AuditEvent {
        let event = AuditEvent::new(self.tenant_id.clone(), kind, self.now).of(&authorization.person);
        event.about(&authorization.client_id, &authorization.id).from(self.from)
    }
}

/// Stores the refresh if everything that the signed tokens depend on is as it was. Reads it again: only changes of this transaction's queue are
/// in order.
async fn refresh_in_transaction(db: &mut Connection, request: Refresh, planned: Option<Answer>) -> Result<Outcome, storage::Error> {
    let tenant_id = &request.tenant_id;
    let family = token_families::find(&mut *db, tenant_id, &request.family.id).await?;
    let authorization = authorizations::find(&mut *db, tenant_id, &request.family.authorization_id).await?;
    let client = clients::find(&mut *db, tenant_id, &request.family.client_id).await?;
    let tenant = tenants::find(&mut *db, tenant_id).await?.filter(|tenant| tenant.enabled);
    let (Some(family), Some(authorization), Some(client)) = (family, authorization, client) else {
        return Ok(Outcome::Refused(RefreshRefused::Ended));
    };
    let person = people::find(&mut *db, tenant_id, &authorization.person).await?;
    let Some((tenant, _)) = tenant.zip(person.filter(|person| person.enabled)) else {
        return Ok(Outcome::Refused(RefreshRefused::PersonOrTenantDisabled));
    };
    let servers = resources::registered(&mut *db, tenant_id, &family.resources).await?;
    let answer = match request.answer(&family, authorization.clone(), &client.client, &tenant.policy, &servers) {
        Ok(answer) => answer,
        Err(RefreshRefused::Reused) => {
            end_reused(db, &request, family, authorization).await?;
            return Ok(Outcome::Refused(RefreshRefused::Reused));
        }
        Err(refused) => return Ok(Outcome::Refused(refused)),
    };
    if !planned.is_some_and(|planned| planned.has_same_tokens(&answer)) {
        return Ok(Outcome::Changed);
    }
    if !token_families::store_refresh(db, &family, &answer.family, &request.key_mark).await? {
        return Ok(Outcome::Changed);
    }
    if is_from_new_network(db, &request, &family, &authorization).await? {
        audit_log::insert(db, &request.event(AuditKind::RefreshedFromNewNetwork, &authorization)).await?;
    }
    Ok(Outcome::Stored)
}

impl Answer {
    /// Whether the tokens that were signed for one are those of the other. Concurrent refreshes differ in what was counted.
    fn has_same_tokens(&self, other: &Self) -> bool {
        self.family.generation == other.family.generation
            && self.family.idle_until == other.family.idle_until
            && self.authorization.access_until == other.authorization.access_until
            && self.access == other.access
            && self.sign_in == other.sign_in
    }
}

/// Ends family and authorization, because one of two holders of the family's tokens is not the program that got them.
async fn end_reused(db: &mut Connection, request: &Refresh, family: TokenFamily, authorization: Authorization) -> Result<(), storage::Error> {
    let event = request.reused(&authorization);
    if let Ok(ended) = family.end(FamilyEnd::TokenReuse, request.now) {
        token_families::end(db, &ended).await?;
    }
    end_authorization(db, authorization, AuthorizationEnd::TokenReuse, &event).await?;
    Ok(())
}

/// Whether the request came from a network that is neither that of the family's beginning or last refresh, nor one from which the person
/// signs in.
async fn is_from_new_network(
    db: &mut Connection,
    request: &Refresh,
    family: &TokenFamily,
    authorization: &Authorization,
) -> Result<bool, storage::Error> {
    let Some(network) = family.new_network(request.from) else { return Ok(false) };
    Ok(!notifications::signs_in_from(db, &request.tenant_id, &authorization.person, &network).await?)
}
