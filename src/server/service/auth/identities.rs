//! Signing in through a provider: the authorization request, its callback, and a person's identities.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{ProviderId, SessionId, TenantId, UserId};
use crate::domain::provider::{Provider, VerifiedIdentity};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::providers::{AuthRequestKind, AuthorizationSecrets, MAX_CLOCK_SKEW};
pub use crate::server::providers::{AuthorizationResponse, ConnectError, ProviderError, UpstreamLogin};
use crate::server::service::admin::administration::admin_event;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::people::{AuthenticatedPerson, PersonRefused};
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn, TenantAdmin};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::identities::Identity;
use crate::server::storage::people::Person;
use crate::server::storage::providers::ProviderWithSecret;
use crate::server::storage::{self, Connection, audit_log, browser_sessions, identities, people, providers, second_factors, user_mfa};

/// How long a login at a provider may take: time to find a phone, a password or a second device.
pub const UPSTREAM_AUTHORIZATION_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How long an invitation is valid.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const INVITATION_HASH_KIND: &str = "invitation";

/// What a login at a provider is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginPurpose {
    SignIn,
    /// A signed-in person authenticates again.
    Reauthenticate(UserId),
    /// A signed-in person links another identity.
    Link(UserId),
    /// A signed-in person links accounts on the provider's hosts.
    Hosts(UserId),
}

/// A pending authorization request to a provider, kept in the sealed session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpstreamAuthorization {
    pub tenant_id: TenantId,
    pub provider: ProviderId,
    pub purpose: LoginPurpose,
    /// The `state` that the callback must return.
    pub state: String,
    nonce: String,
    verifier: String,
    pub since: Timestamp,
}

impl UpstreamAuthorization {
    /// Whether it was started by this person, or by one who had not signed in.
    pub fn may_belong_to(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        match &self.purpose {
            LoginPurpose::SignIn => true,
            LoginPurpose::Reauthenticate(whose) | LoginPurpose::Link(whose) | LoginPurpose::Hosts(whose) => {
                (&self.tenant_id, whose) == (tenant_id, user_id)
            }
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.since(self.since) >= UPSTREAM_AUTHORIZATION_LIFETIME
    }

    fn secrets(&self) -> AuthorizationSecrets<'_> {
        AuthorizationSecrets { state: &self.state, nonce: &self.nonce, verifier: &self.verifier }
    }
}

/// Result of a callback.
pub enum CallbackOutcome {
    SignedIn(AuthenticatedPerson),
    /// The verified identity, to be linked after confirmation.
    LinkIdentity(VerifiedIdentity),
    /// A login for the accounts on the provider's hosts, which [`Services::propose_accounts`] asks for.
    HostAccounts(HostAccountsLogin),
}

/// A login at the provider that owns hosts.
pub struct HostAccountsLogin {
    pub provider: Provider,
    /// The person here who requested it.
    pub user_id: UserId,
    pub login: UpstreamLogin,
}

/// Why an identity is not linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityLinkRefused {
    AlreadyLinked,
    LinkedToAnother,
    /// The session was ended in the meantime.
    SignedOut,
}

/// Why an identity is not unlinked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityUnlinkRefused {
    NotFound,
    /// The person has no other sign-in method.
    OnlySignInMethod,
}

/// Why a login through a provider is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamLoginRefused {
    /// The provider does not exist or was removed.
    NoProvider,
    /// No authorization with this `state` is pending in this browser session.
    UnknownState,
    /// The authorization was used by an earlier callback.
    AlreadyUsed,
    Expired,
    /// The person cancelled at the provider.
    Cancelled,
    /// The provider's error response (RFC 6749 §4.1.2.1).
    AuthorizationError(String),
    ProviderFailed(ProviderError),
    /// The provider did not return the account list.
    AccountListFailed(ProviderError),
    /// The identity is unknown, and the tenant's provisioning policy does not allow an account for it.
    NotInvited {
        label: String,
    },
    InvitationUsed,
    /// The person is disabled.
    Disabled,
    /// Re-authentication as a different person.
    WrongPerson {
        label: String,
    },
}

impl UpstreamLoginRefused {
    /// Whether the person may have used the wrong account at the provider.
    pub fn may_be_wrong_account(&self) -> bool {
        match self {
            Self::Cancelled
            | Self::AuthorizationError(_)
            | Self::ProviderFailed(_)
            | Self::AccountListFailed(_)
            | Self::NotInvited { .. }
            | Self::WrongPerson { .. } => true,
            Self::NoProvider | Self::UnknownState | Self::AlreadyUsed | Self::Expired | Self::InvitationUsed | Self::Disabled => false,
        }
    }
}

impl Services {
    /// The tenant's enabled providers, in the order in which they were added.
    pub async fn enabled_providers(&self, tenant: &TenantId) -> Result<Vec<Provider>, Fault> {
        let all = providers::list(self.storage().reader(), tenant).await?;
        Ok(all.into_iter().filter(|provider| provider.enabled).collect())
    }

    /// Whether people can sign in to a tenant, with a local password or through a provider.
    pub async fn has_sign_in(&self, tenant: &Tenant) -> Result<bool, Fault> {
        Ok(tenant.policy.local_passwords || !self.enabled_providers(&tenant.id).await?.is_empty())
    }

    /// The tenants that people can sign in to.
    pub async fn sign_in_tenants(&self) -> Result<Vec<Tenant>, Fault> {
        let mut tenants = Vec::new();
        for tenant in self.enabled_tenants().await? {
            if self.has_sign_in(&tenant).await? {
                tenants.push(tenant);
            }
        }
        Ok(tenants)
    }

    /// Invites an existing person to link an identity. Returns the code, which is shown once; `None` if there is no such person.
    pub async fn invite(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<Secret>, Fault> {
        let code = Secret::generate(self.rng());
        let hash = self.signing_keys().hash(INVITATION_HASH_KIND, code.reveal());
        let (tenant, user, until) = (admin.tenant_id().clone(), user_id.clone(), self.now() + INVITATION_LIFETIME);
        let record =
            AuditEvent::new(tenant.clone(), AuditKind::PersonInvited, self.now()).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let invited = self
            .write_audited(record, move |db| {
                async move {
                    if people::find(&mut *db, &tenant, &user).await?.is_none() {
                        return Ok(false);
                    }
                    identities::insert_invitation(db, &tenant, &user, &hash, until).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(invited.then_some(code))
    }

    /// Starts a login at a provider. Returns what the session must keep, and the URL to redirect to. Refused if the provider does not exist
    /// or does not respond.
    pub async fn start_upstream_login(
        &self,
        tenant: &TenantId,
        provider: &ProviderId,
        purpose: LoginPurpose,
    ) -> Result<(UpstreamAuthorization, String), Error<UpstreamLoginRefused>> {
        let (stored, its_tenant) = self.enabled_provider(tenant, provider).await?;
        if matches!(purpose, LoginPurpose::Hosts(_)) && stored.provider.upstream_hosts.is_none() {
            return Err(Error::Refused(UpstreamLoginRefused::NoProvider));
        }
        let secret = || Secret::generate(self.rng()).reveal().to_owned();
        let authorization = UpstreamAuthorization {
            tenant_id: tenant.clone(),
            provider: provider.clone(),
            state: secret(),
            nonce: secret(),
            verifier: secret(),
            since: self.now(),
            purpose,
        };
        let kind = match &authorization.purpose {
            LoginPurpose::SignIn => AuthRequestKind::SignIn { max_age: its_tenant.policy.mfa_lifetime },
            // Not `select_account`, which some providers refuse: it has a weaker effect and less support.
            LoginPurpose::Reauthenticate(_) | LoginPurpose::Link(_) | LoginPurpose::Hosts(_) => AuthRequestKind::Reauthenticate,
        };
        let redirect = self.redirect_uri(tenant, provider);
        let address = self.shared.providers.authorization_url(&stored.provider, &authorization.secrets(), &redirect, kind, self.now()).await;
        Ok((authorization, address.map_err(provider_failed)?))
    }

    /// Finishes a login at a provider: redeems the code, verifies the identity, and signs in, re-authenticates or returns what to confirm.
    pub async fn finish_upstream_login(
        &self,
        authorization: &UpstreamAuthorization,
        response: &AuthorizationResponse<'_>,
        invitation: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<CallbackOutcome, Error<UpstreamLoginRefused>> {
        if authorization.is_expired(self.now()) {
            return Err(Error::Refused(UpstreamLoginRefused::Expired));
        }
        let (stored, _) = self.enabled_provider(&authorization.tenant_id, &authorization.provider).await?;
        let secret = self.client_secret(&stored)?;
        let redirect = self.redirect_uri(&authorization.tenant_id, &authorization.provider);
        let login = self
            .shared
            .providers
            .exchange_code(&stored.provider, secret.as_ref().map(Secret::reveal), &authorization.secrets(), &redirect, response, self.now())
            .await
            .map_err(provider_failed)?;
        // Another user of a shared machine may have left a session open at the provider.
        let just_now = !matches!(authorization.purpose, LoginPurpose::SignIn);
        if just_now && login.authenticated_at.is_none_or(|at| at + MAX_CLOCK_SKEW < authorization.since) {
            return Err(provider_failed(ProviderError::ReauthenticationMissing));
        }
        match &authorization.purpose {
            LoginPurpose::SignIn => self.sign_in_or_provision(stored.provider, None, login, invitation, from).await.map(CallbackOutcome::SignedIn),
            LoginPurpose::Reauthenticate(user_id) => {
                self.sign_in_or_provision(stored.provider, Some(user_id.clone()), login, None, from).await.map(CallbackOutcome::SignedIn)
            }
            LoginPurpose::Link(_) => Ok(CallbackOutcome::LinkIdentity(login.identity)),
            LoginPurpose::Hosts(user_id) => {
                Ok(CallbackOutcome::HostAccounts(HostAccountsLogin { provider: stored.provider, user_id: user_id.clone(), login }))
            }
        }
    }

    async fn sign_in_or_provision(
        &self,
        provider: Provider,
        only: Option<UserId>,
        login: UpstreamLogin,
        invitation: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedPerson, Error<UpstreamLoginRefused>> {
        let tenant = self.enabled_tenant(&provider.tenant_id).await?.ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        let now = self.now();
        // Without an authentication time it may have been long ago.
        let at = login.authenticated_at.map_or(Timestamp::from_millis(0), |at| at.min(now));
        let mfa_until = Some(at + tenant.policy.mfa_lifetime).filter(|until| login.identity.mfa && *until > now);
        let attempt = ProvisioningAttempt {
            invitation: invitation.map(|code| self.signing_keys().hash(INVITATION_HASH_KIND, code.trim())),
            mfa_until,
            unique_suffix: self.new_id("n"),
            identity: login.identity.clone(),
            provider: provider.clone(),
            only,
            from,
            now,
        };
        let user_id = self.try_write(move |db| attempt.sign_in_or_provision(db).boxed()).await?;
        let second_at = mfa_until.map(|_| at);
        Ok(AuthenticatedPerson {
            tenant_id: provider.tenant_id,
            user_id,
            auth_times: AuthenticationTimes { at, second_at },
            upstream_session: Some(login.upstream_session),
        })
    }

    /// A person's identities, oldest first.
    pub async fn list_my_identities(&self, person: &SignedIn) -> Result<Vec<Identity>, Fault> {
        Ok(identities::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// Links a verified identity to the person.
    pub async fn link_identity(&self, person: &RecentlyAuthenticated, identity: &VerifiedIdentity) -> Result<(), Error<IdentityLinkRefused>> {
        let (person, verified, now) = (SignedIn::clone(person), identity.clone(), self.now());
        self.try_write(move |db| link(db, person, verified, now).boxed()).await
    }

    /// Unlinks one of the person's identities. Refused if it is their only sign-in method.
    pub async fn unlink_identity(&self, person: &RecentlyAuthenticated, number: i64) -> Result<Identity, Error<IdentityUnlinkRefused>> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.try_write(move |db| unlink(db, person, number, now).boxed()).await
    }

    /// A person's identities, oldest first.
    pub async fn identities_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<Identity>, Fault> {
        Ok(identities::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    /// Unlinks an identity of a person, even if it is their only sign-in method. Refused if no administrator could sign in afterwards.
    pub async fn unlink_identity_of(&self, admin: &TenantAdmin, user_id: &UserId, number: i64) -> Result<Identity, Error<PersonRefused>> {
        let linked = self.identities_of(admin, user_id).await?.into_iter().find(|identity| identity.number == number);
        let linked = linked.ok_or(Error::Refused(PersonRefused::NoIdentity))?;
        let (identity, record) = (linked.clone(), admin_event(admin, AuditKind::IdentityUnlinked, user_id, self.now()).subject(&linked.label));
        let admins_own = admin.session.clone();
        self.update_person(admin, record, user_id, move |db, tenant, _| {
            async move { delete_identity(db, &tenant, &identity, admins_own.as_ref()).await }.boxed()
        })
        .await?;
        Ok(linked)
    }

    async fn enabled_provider(&self, tenant: &TenantId, id: &ProviderId) -> Result<(ProviderWithSecret, Tenant), Error<UpstreamLoginRefused>> {
        let stored = providers::find(self.storage().reader(), tenant, id).await?;
        let stored = stored.filter(|stored| stored.provider.enabled).ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        let tenant = self.enabled_tenant(tenant).await?.ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        Ok((stored, tenant))
    }
}

async fn link(db: &mut Connection, person: SignedIn, verified: VerifiedIdentity, now: Timestamp) -> Result<(), Error<IdentityLinkRefused>> {
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(IdentityLinkRefused::SignedOut));
    }
    let tenant = person.tenant_id();
    match identities::find(&mut *db, tenant, &verified.issuer, &verified.subject).await? {
        Some(linked) if linked.user_id == *person.user_id() => return Err(Error::Refused(IdentityLinkRefused::AlreadyLinked)),
        Some(_) => return Err(Error::Refused(IdentityLinkRefused::LinkedToAnother)),
        None => {}
    }
    let identity = Identity {
        number: 0,
        issuer: verified.issuer,
        subject: verified.subject,
        user_id: person.user_id().clone(),
        label: verified.label,
        linked_at: now,
        last_used_at: None,
    };
    identities::insert(db, tenant, &identity).await?;
    audit_log::insert(db, &person_event(&person, AuditKind::IdentityLinked, &identity.label, now)).await?;
    Ok(())
}

async fn unlink(db: &mut Connection, person: SignedIn, number: i64, now: Timestamp) -> Result<Identity, Error<IdentityUnlinkRefused>> {
    let tenant = person.tenant_id();
    let mut linked = identities::of_person(&mut *db, tenant, person.user_id()).await?;
    let at = linked.iter().position(|identity| identity.number == number).ok_or(Error::Refused(IdentityUnlinkRefused::NotFound))?;
    let identity = linked.swap_remove(at);
    let password = people::find(&mut *db, tenant, person.user_id()).await?.is_some_and(|person| person.password_hash.is_some());
    if linked.is_empty() && !(password && person.tenant().policy.local_passwords) {
        return Err(Error::Refused(IdentityUnlinkRefused::OnlySignInMethod));
    }
    delete_identity(db, tenant, &identity, Some(person.session().session_id())).await?;
    audit_log::insert(db, &person_event(&person, AuditKind::IdentityUnlinked, &identity.label, now)).await?;
    Ok(identity)
}

/// Deletes an identity and ends the sessions that depend on it, because another user may have signed in with it; except `keep`, the acting
/// session.
async fn delete_identity(db: &mut Connection, tenant: &TenantId, identity: &Identity, keep: Option<&SessionId>) -> Result<bool, storage::Error> {
    browser_sessions::delete_of_identity(&mut *db, tenant, &identity.issuer, &identity.subject, keep).await?;
    identities::delete(db, tenant, identity).await
}

fn person_event(person: &SignedIn, kind: AuditKind, label: &str, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).subject(label).from(person.session().from)
}

fn provider_failed(error: ProviderError) -> Error<UpstreamLoginRefused> {
    Error::Refused(UpstreamLoginRefused::ProviderFailed(error.truncated()))
}

/// A verified identity that signs in, and the conditions for linking it or creating a person.
struct ProvisioningAttempt {
    provider: Provider,
    identity: VerifiedIdentity,
    /// The only person that may be signed in.
    only: Option<UserId>,
    invitation: Option<Vec<u8>>,
    /// Until when a second factor used at the provider counts; `None`: none was used, or too long ago.
    mfa_until: Option<Timestamp>,
    /// Suffix for a user id that is not in use.
    unique_suffix: String,
    from: Option<IpAddr>,
    now: Timestamp,
}

impl ProvisioningAttempt {
    async fn sign_in_or_provision(self, db: &mut Connection) -> Result<UserId, Error<UpstreamLoginRefused>> {
        let tenant = &self.provider.tenant_id;
        let (issuer, subject, label) = (&self.identity.issuer, &self.identity.subject, &self.identity.label);
        let known = identities::find(&mut *db, tenant, issuer, subject).await?;
        let is_other_person = |user: &UserId| self.only.as_ref().is_some_and(|only| only != user);
        let user_id = match known {
            Some(known) if is_other_person(&known.user_id) => return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: label.clone() })),
            Some(known) => known.user_id,
            None if self.only.is_some() => return Err(Error::Refused(UpstreamLoginRefused::WrongPerson { label: label.clone() })),
            None => self.link_or_provision(db).await?,
        };
        let person = people::find(&mut *db, tenant, &user_id).await?;
        if !person.is_some_and(|person| person.enabled) {
            return Err(Error::Refused(UpstreamLoginRefused::Disabled));
        }
        identities::touch(db, tenant, issuer, subject, label, self.now).await?;
        if let Some(until) = self.mfa_until
            && user_mfa::extend(db, tenant, &user_id, until, self.now).await?
        {
            audit_log::insert(db, &self.audit_event(AuditKind::MfaOpened, &user_id)).await?;
        }
        let half = self.mfa_until.is_none() && second_factors::has_any(&mut *db, tenant, &user_id).await?;
        audit_log::insert(db, &self.audit_event(if half { AuditKind::FirstFactorVerified } else { AuditKind::SignedIn }, &user_id)).await?;
        Ok(user_id)
    }

    /// Links the identity to the invited person, or to a new one if the provisioning policy allows it. Refused otherwise.
    async fn link_or_provision(&self, db: &mut Connection) -> Result<UserId, Error<UpstreamLoginRefused>> {
        let tenant = &self.provider.tenant_id;
        let user_id = match &self.invitation {
            Some(hash) => {
                let invited = identities::consume_invitation(db, tenant, hash, self.now).await?;
                invited.ok_or(Error::Refused(UpstreamLoginRefused::InvitationUsed))?
            }
            None if self.identity.may_provision => self.provision_person(db).await?,
            None => return Err(Error::Refused(UpstreamLoginRefused::NotInvited { label: self.identity.label.clone() })),
        };
        let identity = Identity {
            number: 0,
            issuer: self.identity.issuer.clone(),
            subject: self.identity.subject.clone(),
            user_id: user_id.clone(),
            label: self.identity.label.clone(),
            linked_at: self.now,
            last_used_at: Some(self.now),
        };
        identities::insert(db, tenant, &identity).await?;
        audit_log::insert(db, &self.audit_event(AuditKind::IdentityLinked, &user_id)).await?;
        Ok(user_id)
    }

    /// Creates the person under the first candidate id that is free: an equal name never signs in an existing person.
    async fn provision_person(&self, db: &mut Connection) -> Result<UserId, storage::Error> {
        for user_id in self.provider.user_id_candidates(&self.identity, &self.unique_suffix) {
            let person = Person {
                tenant_id: self.provider.tenant_id.clone(),
                display_name: self.identity.display_name.clone().unwrap_or_else(|| user_id.to_string()),
                user_id,
                enabled: true,
                admin: false,
                password_hash: None,
            };
            if people::insert(db, &person, self.now).await? {
                return Ok(person.user_id);
            }
        }
        Err(storage::Error::Inconsistent { table: "people", id: self.identity.label.clone(), why: "no name is free".into() })
    }

    fn audit_event(&self, kind: AuditKind, user_id: &UserId) -> AuditEvent {
        AuditEvent::new(self.provider.tenant_id.clone(), kind, self.now).of(user_id).subject(&self.identity.label).from(self.from)
    }
}
