//! The device's side of a grant: device authorization request and polling (RFC 8628 §3.1, §3.4).

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd, RequestSource};
use crate::domain::client::RequestRefused;
use crate::domain::device_grant::{DeviceGrant, DeviceGrantState, DeviceRequest, INTERVAL, Pickup, PollOutcome, PollPace};
use crate::domain::ids::{AuthorizationId, DeviceGrantId, TokenFamilyId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token::AccessTokenClaims;
use crate::domain::token_family::{SALT_BYTES, TokenFamily, TokenFamilyState};
use crate::domain::user_code::UserCode;
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::authorizations::ending::end_authorization;
use crate::server::service::platform::rng::{self, Secret};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{Connection, audit_log, authorizations, clients, device_grants, people, token_families};

/// Kind under which device codes are hashed.
pub(in crate::server::service) const DEVICE_CODE: &str = "device code";
/// Kind under which user codes are hashed.
pub(in crate::server::service) const USER_CODE: &str = "user code";
/// Attempts to draw a free code; with 34 bits, two collisions in a row indicate a defect.
const MAX_DRAWS: usize = 5;
/// Maximum length of a stored user agent, which is shown on the consent page.
const MAX_AGENT_CHARS: usize = 200;

/// The device authorization response (RFC 8628 §3.2).
pub struct StartedGrant {
    pub device_code: Secret,
    pub user_code: UserCode,
    pub expires_in: Duration,
    pub interval: Duration,
    /// Whether to send `verification_uri_complete`, as the tenant's policy decides.
    pub complete_uri: bool,
}

/// The successful token response (RFC 6749 §5.1).
pub struct IssuedToken {
    pub access_token: String,
    pub expires_in: Duration,
    pub scope: ScopeSet,
}

/// Why a poll gets no token (RFC 8628 §3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollRefused {
    Pending,
    SlowDown {
        wait: Duration,
    },
    Denied,
    /// The approval was revoked before the redemption.
    Revoked,
    /// The person is disabled.
    PersonDisabled,
    /// The client's settings, changed since the request, leave it no access.
    NotAllowed(RequestRefused),
    /// The access has expired, or administrators shortened it.
    AccessEnded,
    Expired,
    /// Unknown, another client's, or redeemed before.
    InvalidGrant,
}

#[derive(Debug, ThisError)]
#[error("no free user code in {MAX_DRAWS} draws")]
struct UserCodeDrawError;

impl Services {
    /// Starts a grant and returns its two codes. Refused if the client may not use the device grant or may have nothing of the scope.
    pub async fn start_device_grant(
        &self,
        client: &AuthenticatedClient,
        scope: Option<&str>,
        from: Option<IpAddr>,
        agent: &str,
    ) -> Result<StartedGrant, Error<RequestRefused>> {
        let (client, tenant) = (&client.client, &client.tenant);
        let scope = client.grantable_scope(scope).map_err(Error::Refused)?;
        if !self.has_sign_in(tenant).await? {
            return Err(Error::Refused(RequestRefused::NoSignIn));
        }
        let now = self.now();
        let expires_in = tenant.policy.code_lifetime;
        let requested = DeviceRequest { at: now, from, agent: agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT_CHARS).collect() };
        for _ in 0..MAX_DRAWS {
            let grant = DeviceGrant {
                tenant_id: client.tenant_id.clone(),
                id: DeviceGrantId::parse(self.new_id("dgr")).map_err(Fault::new)?,
                client_id: client.id.clone(),
                scope: scope.clone(),
                requested: requested.clone(),
                expires_at: now + expires_in,
                claim: None,
                state: DeviceGrantState::Pending,
            };
            let (device_code, user_code) = (Secret::generate(self.rng()), rng::user_code(self.rng()));
            if self.store_grant(grant, &device_code, &user_code).await? {
                return Ok(StartedGrant { device_code, user_code, expires_in, interval: INTERVAL, complete_uri: tenant.policy.prefill_user_code });
            }
        }
        Err(Fault::new(UserCodeDrawError).into())
    }

    /// Answers a poll. Of any number of concurrent polls, exactly one redeems an approved grant.
    pub async fn poll_device_grant(
        &self,
        client: &AuthenticatedClient,
        device_code: &str,
        from: Option<IpAddr>,
    ) -> Result<IssuedToken, Error<PollRefused>> {
        let client = client.client();
        let mut found = None;
        for hash in self.keys().hashes(DEVICE_CODE, device_code) {
            found = device_grants::find_by_device_code(self.storage().reader(), &client.tenant_id, &hash).await?;
            if found.is_some() {
                break;
            }
        }
        let Some(grant) = found.filter(|grant| grant.client_id == client.id) else {
            let (tenant, name) = (ClaimedName::Registered(client.tenant_id.as_str()), ClaimedName::Registered(client.id.as_str()));
            let failure = AuthenticationFailure::Unknown;
            self.log_refusal(&RefusedAuthentication { kind: CredentialKind::DeviceCode, tenant, name, from, failure });
            return Err(Error::Refused(PollRefused::InvalidGrant));
        };
        let now = self.now();
        let not_allowed = |refused| Error::Refused(PollRefused::NotAllowed(refused));
        let refused = match grant.poll_outcome(now) {
            PollOutcome::Ready => return self.redeem(grant.restrict_to_client(client).map_err(not_allowed)?, from, now).await,
            PollOutcome::Pending => {
                let grant = grant.restrict_to_client(client).map_err(not_allowed)?;
                match self.shared.poll_pacing.pace(&grant.id, grant.expires_at, now) {
                    PollPace::InTime | PollPace::Duplicate => PollRefused::Pending,
                    PollPace::TooEarly(wait) => PollRefused::SlowDown { wait },
                }
            }
            PollOutcome::Denied if matches!(grant.state, DeviceGrantState::Revoked { .. }) => PollRefused::Revoked,
            PollOutcome::Denied => PollRefused::Denied,
            PollOutcome::Expired => PollRefused::Expired,
            PollOutcome::Redeemed => {
                self.revoke_if_replayed(grant, from, now).await?;
                PollRefused::InvalidGrant
            }
        };
        Err(Error::Refused(refused))
    }

    async fn store_grant(&self, grant: DeviceGrant, device_code: &Secret, user_code: &UserCode) -> Result<bool, Fault> {
        let device_code_hash = self.keys().hash(DEVICE_CODE, device_code.reveal());
        let user_code_hash = self.keys().hash(USER_CODE, user_code.letters());
        self.write(move |db| async move { device_grants::insert(db, &grant, &device_code_hash, &user_code_hash).await }.boxed()).await
    }

    /// `grant`: restricted to what its client may have.
    async fn redeem(&self, grant: DeviceGrant, from: Option<IpAddr>, now: Timestamp) -> Result<IssuedToken, Error<PollRefused>> {
        let found = authorizations::find(self.storage().reader(), &grant.tenant_id, &AuthorizationId::from(&grant.id)).await?;
        let authorization = found.ok_or(Error::Refused(PollRefused::InvalidGrant))?;
        let family = self.new_family(&grant, &authorization, from, now)?;
        // Signed before the redemption: if signing fails, the grant can be redeemed later.
        let issued = self.issue(&authorization, &family)?;
        self.try_write(move |db| redeem_in_transaction(db, grant, authorization, family).boxed()).await?;
        Ok(issued)
    }

    /// The family of the token that a grant is redeemed for.
    fn new_family(&self, grant: &DeviceGrant, authorization: &Authorization, from: Option<IpAddr>, now: Timestamp) -> Result<TokenFamily, Fault> {
        let mut salt = [0; SALT_BYTES];
        self.rng().fill(&mut salt);
        Ok(TokenFamily {
            tenant_id: grant.tenant_id.clone(),
            id: TokenFamilyId::parse(self.new_id("fam")).map_err(Fault::new)?,
            authorization_id: authorization.id.clone(),
            client_id: grant.client_id.clone(),
            scope: grant.allowed_scope().clone(),
            resources: Vec::new(),
            salt,
            generation: 0,
            rotated_at: now,
            successor_seen: false,
            retries: 0,
            offline: true,
            session: None,
            begun: RequestSource { at: now, from, agent: grant.requested.agent.clone() },
            refreshed: None,
            idle_until: None,
            state: TokenFamilyState::Live,
        })
    }

    /// Signs the only token of a family. Its `jti` is the family's id.
    fn issue(&self, authorization: &Authorization, family: &TokenFamily) -> Result<IssuedToken, Fault> {
        let claims = AccessTokenClaims {
            iss: self.issuer(&family.tenant_id),
            sub: authorization.person.to_string(),
            aud: self.audience(),
            client_id: family.client_id.to_string(),
            scope: family.scope.to_string(),
            jti: family.id.to_string(),
            iat: family.begun.at.as_seconds(),
            exp: authorization.access_until.as_seconds(),
        };
        let expires_in = Duration::from_secs(u64::try_from(claims.exp.saturating_sub(claims.iat)).unwrap_or(0));
        Ok(IssuedToken { access_token: self.keys().sign(&claims)?, expires_in, scope: family.scope.clone() })
    }

    /// Ends the authorization of a grant whose device code was replayed (cf. RFC 6749 §10.5 on authorization codes).
    async fn revoke_if_replayed(&self, grant: DeviceGrant, from: Option<IpAddr>, now: Timestamp) -> Result<(), Fault> {
        if !grant.is_replayed(now) {
            return Ok(());
        }
        self.write(move |db| {
            async move {
                let found = authorizations::find(&mut *db, &grant.tenant_id, &AuthorizationId::from(&grant.id)).await?;
                let Some(authorization) = found else { return Ok(()) };
                let replayed = AuditEvent::new(grant.tenant_id.clone(), AuditKind::DeviceReplayed, now);
                let replayed = replayed.of(&authorization.person).about(&grant.client_id, &grant.id).from(from);
                end_authorization(db, authorization, AuthorizationEnd::CodeReplay, &replayed).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

/// Redeems the grant for a family, if client and person still may, and grant and authorization are unchanged since the token was signed.
async fn redeem_in_transaction(
    db: &mut Connection,
    grant: DeviceGrant,
    authorization: Authorization,
    family: TokenFamily,
) -> Result<(), Error<PollRefused>> {
    let now = family.begun.at;
    let person = people::find(&mut *db, &grant.tenant_id, &authorization.person).await?;
    if !person.is_some_and(|person| person.enabled) {
        return Err(Error::Refused(PollRefused::PersonDisabled));
    }
    let standing = device_grants::find(&mut *db, &grant.tenant_id, &grant.id).await?;
    let client = clients::find(&mut *db, &grant.tenant_id, &grant.client_id).await?;
    let (standing, client) = standing.zip(client).ok_or(Error::Refused(PollRefused::InvalidGrant))?;
    let standing = standing.restrict_to_client(&client.client).map_err(|refused| Error::Refused(PollRefused::NotAllowed(refused)))?;
    let unchanged = authorizations::find(&mut *db, &grant.tenant_id, &authorization.id).await?.is_some_and(|found| found == authorization);
    match &standing.state {
        approved @ DeviceGrantState::Approved(_) if *approved == grant.state && unchanged => {}
        // Changed while the token was signed: the next poll gets what is allowed then.
        DeviceGrantState::Approved(_) => return Err(Error::Refused(PollRefused::Pending)),
        _ => return Err(Error::Refused(PollRefused::InvalidGrant)),
    }
    if !authorization.is_in_force(now) {
        return Err(Error::Refused(PollRefused::AccessEnded));
    }
    let fetched = AuditEvent::new(grant.tenant_id.clone(), AuditKind::DeviceRedeemed, now)
        .of(&authorization.person)
        .about(&grant.client_id, &grant.id)
        .from(family.begun.from);
    let approved = grant.state.clone();
    let pickup = Pickup { at: now, from: family.begun.from, family_id: family.id.clone() };
    let redeemed = grant.redeem(pickup).ok_or(Error::Refused(PollRefused::Expired))?;
    token_families::insert(db, &family).await?;
    if !device_grants::transition(db, &approved, &redeemed).await? {
        return Err(Error::Refused(PollRefused::InvalidGrant));
    }
    audit_log::insert(db, &fetched).await?;
    Ok(())
}
