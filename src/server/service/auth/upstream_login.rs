//! Signing in through a provider: the authorization request and its callback.

mod provisioning;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::provider::Provider;
use crate::domain::provider::claims::VerifiedIdentity;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::metrics::SignInMethod;
pub use crate::server::providers::ConnectError;
use crate::server::providers::MAX_CLOCK_SKEW;
use crate::server::providers::authorize::{AuthRequestKind, AuthorizationSecrets};
pub use crate::server::providers::callback::{AuthorizationResponse, UpstreamLogin};
pub use crate::server::providers::error::ProviderError;
use crate::server::service::auth::count_sign_in;
use crate::server::service::auth::invitations::INVITATION_HASH_KIND;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::upstream_login::provisioning::ProvisioningAttempt;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::providers::{self, ProviderWithSecret};

/// How long a login at a provider may take: time to find a phone, a password or a second device.
pub const UPSTREAM_AUTHORIZATION_LIFETIME: Duration = Duration::from_secs(15 * 60);

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
        !self.since.is_within(UPSTREAM_AUTHORIZATION_LIFETIME, now)
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
    HostAccounts(Box<HostAccountsLogin>),
}

/// A login at the provider that owns hosts.
pub struct HostAccountsLogin {
    pub provider: Provider,
    /// The person here who requested it.
    pub user_id: UserId,
    pub login: UpstreamLogin,
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
        let finished = self.exchange_and_sign_in(authorization, response, invitation, from).await;
        count_sign_in(SignInMethod::Provider, &finished, |_| false);
        finished
    }

    async fn exchange_and_sign_in(
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
                Ok(CallbackOutcome::HostAccounts(Box::new(HostAccountsLogin { provider: stored.provider, user_id: user_id.clone(), login })))
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
            invitation: invitation.map(|code| self.keys().hashes(INVITATION_HASH_KIND, code.trim())),
            mfa_until,
            unique_suffix: self.new_id("n"),
            identity: login.identity.clone(),
            provider: provider.clone(),
            only,
            from,
            now,
        };
        let signed_in = self.try_write(move |db| attempt.sign_in_or_provision(db).boxed()).await;
        if matches!(signed_in, Err(Error::Refused(UpstreamLoginRefused::InvitationUsed))) {
            let (tenant, name) = (ClaimedName::Registered(provider.tenant_id.as_str()), ClaimedName::None);
            let failure = AuthenticationFailure::Unknown;
            self.log_refusal(&RefusedAuthentication { kind: CredentialKind::Invitation, tenant, name, from, failure });
        }
        let user_id = signed_in?;
        let second_at = mfa_until.map(|_| at);
        Ok(AuthenticatedPerson {
            tenant_id: provider.tenant_id,
            user_id,
            auth_times: AuthenticationTimes { at, second_at },
            upstream_session: Some(login.upstream_session),
        })
    }

    async fn enabled_provider(&self, tenant: &TenantId, id: &ProviderId) -> Result<(ProviderWithSecret, Tenant), Error<UpstreamLoginRefused>> {
        let stored = providers::find(self.storage().reader(), tenant, id).await?;
        let stored = stored.filter(|stored| stored.provider.enabled).ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        let tenant = self.enabled_tenant(tenant).await?.ok_or(Error::Refused(UpstreamLoginRefused::NoProvider))?;
        Ok((stored, tenant))
    }
}

fn provider_failed(error: ProviderError) -> Error<UpstreamLoginRefused> {
    Error::Refused(UpstreamLoginRefused::ProviderFailed(error.truncated()))
}
