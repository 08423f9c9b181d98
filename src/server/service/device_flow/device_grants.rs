//! The device's side of a grant: device authorization request and polling (RFC 8628 §3.1, §3.4).

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::authorization::{Authorization, AuthorizationEnd, RequestSource};
use crate::domain::client::RequestRefused;
use crate::domain::client::registration::GrantType;
use crate::domain::device_grant::{DeviceGrant, DeviceGrantState, DeviceRequest, INTERVAL, Pickup, PollOutcome, PollPace};
use crate::domain::ids::{AuthorizationId, DeviceGrantId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::time::Timestamp;
use crate::domain::token_access::{AccessRefused, TargetRefused, TokenRequest};
use crate::domain::token_family::TokenFamily;
use crate::domain::user_code::UserCode;
use crate::server::service::auth::principals::AuthenticatedClient;
use crate::server::service::authorizations::ending::end_authorization;
use crate::server::service::authorizations::id_tokens::IdTokenRequest;
use crate::server::service::authorizations::issue::{IssuedTokens, NewFamily};
use crate::server::service::platform::rng::{self, Secret};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{Connection, audit_log, authorizations, clients, device_grants, people, token_families};
use crate::server::user_agent;

/// Kind under which device codes are hashed.
pub(in crate::server::service) const DEVICE_CODE: &str = "device code";
/// Kind under which user codes are hashed.
pub(in crate::server::service) const USER_CODE: &str = "user code";
/// Attempts to draw a free code; with 34 bits, two collisions in a row indicate a defect.
const MAX_DRAWS: usize = 5;

/// The device authorization response (RFC 8628 §3.2).
pub struct StartedGrant {
    pub device_code: Secret,
    pub user_code: UserCode,
    pub expires_in: Duration,
    pub interval: Duration,
    /// Whether to send `verification_uri_complete`, as the tenant's policy decides.
    pub complete_uri: bool,
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
    /// There is no token for the requested resource server. The code stays valid.
    Target(TargetRefused),
}

impl From<AccessRefused> for PollRefused {
    fn from(refused: AccessRefused) -> Self {
        match refused {
            AccessRefused::Target(refused) => Self::Target(refused),
            AccessRefused::ScopeExceeded | AccessRefused::NoScopeLeft => Self::NotAllowed(RequestRefused::NoScopeLeft),
        }
    }
}

/// What a device asks for (RFC 8628 §3.1, RFC 8707 §2.1).
#[derive(Clone, Copy)]
pub struct DeviceAuthorizationRequest<'a> {
    pub scope: Option<&'a str>,
    /// The `resource` parameters.
    pub resources: &'a [String],
    pub from: Option<IpAddr>,
    /// The `User-Agent` header.
    pub agent: &'a str,
}

/// Why a device gets no codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAuthorizationRefused {
    Request(RequestRefused),
    Target(TargetRefused),
}

impl From<Error<TargetRefused>> for Error<DeviceAuthorizationRefused> {
    fn from(error: Error<TargetRefused>) -> Self {
        error.map_refused(DeviceAuthorizationRefused::Target)
    }
}

#[derive(Debug, ThisError)]
#[error("no free user code in {MAX_DRAWS} draws")]
struct UserCodeDrawError;

impl Services {
    /// Starts a grant and returns its two codes. Refused if the client may not use the device grant, may have nothing of the scope, or may not
    /// request access to one of the resource servers.
    pub async fn start_device_grant(
        &self,
        client: &AuthenticatedClient,
        sent: DeviceAuthorizationRequest<'_>,
    ) -> Result<StartedGrant, Error<DeviceAuthorizationRefused>> {
        let DeviceAuthorizationRequest { scope, resources, from, agent } = sent;
        let refused = |refused| Error::Refused(DeviceAuthorizationRefused::Request(refused));
        let (client, tenant) = (&client.client, &client.tenant);
        let requested = self.requested_resources(client, resources, from).await?;
        let access = requested.access(client, GrantType::DeviceCode, scope).map_err(refused)?;
        if !self.has_sign_in(tenant).await? {
            return Err(refused(RequestRefused::NoSignIn));
        }
        let now = self.now();
        let expires_in = tenant.policy.code_lifetime;
        let request = DeviceRequest { at: now, from, agent: user_agent::stored(agent) };
        for _ in 0..MAX_DRAWS {
            let grant = DeviceGrant {
                tenant_id: client.tenant_id.clone(),
                id: DeviceGrantId::parse(self.new_id("dgr")).map_err(Fault::new)?,
                client_id: client.id.clone(),
                scope: access.scope.clone(),
                resources: access.resources.clone(),
                requested: request.clone(),
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
        resources: &[String],
        from: Option<IpAddr>,
    ) -> Result<IssuedTokens, Error<PollRefused>> {
        let authenticated = client;
        let client = authenticated.client();
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
            PollOutcome::Ready => {
                return self.redeem(grant.restrict_to_client(client).map_err(not_allowed)?, authenticated, resources, from, now).await;
            }
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

    /// `grant`: restricted to what its client may have. `sent`: the `resource` parameters.
    async fn redeem(
        &self,
        grant: DeviceGrant,
        AuthenticatedClient { client, tenant, .. }: &AuthenticatedClient,
        sent: &[String],
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<IssuedTokens, Error<PollRefused>> {
        let found = authorizations::find(self.storage().reader(), &grant.tenant_id, &AuthorizationId::from(&grant.id)).await?;
        let authorization = found.ok_or(Error::Refused(PollRefused::InvalidGrant))?;
        let (scope, policy) = (grant.allowed_scope().clone(), &tenant.policy);
        let begun = RequestSource { at: now, from, agent: grant.requested.agent.clone() };
        let resources = authorization.resources.clone();
        let new = NewFamily {
            authorization: &authorization,
            client,
            policy,
            scope: scope.clone(),
            resources,
            session: None,
            offline: true,
            username_account: None,
            begun,
        };
        let family = self.new_family(new)?;
        let servers = self.registered_resources(&grant.tenant_id, &authorization.resources).await?;
        let requested = TokenRequest { resources: sent, scope: None, api: &self.audience() };
        let access = requested.access(&authorization.scope, &authorization.resources, &scope, &client.id, &servers);
        // Signed before the redemption: if signing fails, the grant can be redeemed later.
        let issued = self.issue_tokens(&family, &authorization, access.map_err(|refused| Error::Refused(refused.into()))?, policy, now)?;
        let id_token = IdTokenRequest { client, family: &family, authorization: &authorization, scope: &scope, nonce: None, now };
        let issued = self.with_id_token(issued, id_token).await?;
        let key_mark = self.keys().mark().to_vec();
        self.try_write(move |db| redeem_in_transaction(db, grant, authorization, family, key_mark).boxed()).await?;
        Ok(issued)
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
    key_mark: Vec<u8>,
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
    token_families::insert(db, &family, &key_mark).await?;
    if !device_grants::transition(db, &approved, &redeemed).await? {
        return Err(Error::Refused(PollRefused::InvalidGrant));
    }
    audit_log::insert(db, &fetched).await?;
    Ok(())
}
