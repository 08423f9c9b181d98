//! Key lookups: whether a key may log in, asked by a host's `sshd`.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

use futures_util::FutureExt;

use crate::domain::ids::{AccountName, HostName, TenantId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::refused_lookup::RefusalReason;
use crate::domain::ssh_key::{Fingerprint, LookupDecision, line_matches_type};
use crate::domain::time::Timestamp;
use crate::server::metrics::{self, LookupOutcome};
use crate::server::request_id;
use crate::server::service::auth::principals::AuthenticatedHost;
use crate::server::service::ssh_keys::refused_lookups::{Refusal, RefusedLogin};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::ssh_keys::lookup::{KeyCandidate, LookupQuery, LookupResult};
use crate::server::storage::{hosts, ssh_keys, tenants};

/// A login on a host, as its `sshd` describes it.
#[derive(Clone, Debug)]
pub struct SshLogin {
    pub host: HostName,
    pub account: AccountName,
    /// The account's UID, if the host sends it.
    pub uid: Option<u32>,
    pub fingerprint: Fingerprint,
    /// The key's type, if the host sends it: OpenSSH's `%t`.
    pub key_type: Option<String>,
    pub from: Option<IpAddr>,
}

/// Who asks.
pub enum HostCaller {
    /// A host that authenticated with its credential.
    Authenticated(AuthenticatedHost),
    /// Unauthenticated, for a named tenant.
    Tenant(TenantId),
    /// Unauthenticated, without a tenant: the one that has the host name is asked.
    Anonymous,
}

/// A key that may log in.
pub struct AuthorizedKey {
    pub public_key: String,
    /// When it stops being valid, if nothing else changes.
    pub expires_at: Timestamp,
}

/// What a host is told about itself.
pub struct HostCheck {
    /// The credential's tenant, or else the named one.
    pub tenant_id: Option<TenantId>,
    /// `None`: no tenant was named.
    pub tenant_enabled: Option<bool>,
    /// Lookups of this host require its credential.
    pub credential_required: bool,
    /// Only for an authenticated host.
    pub registration: Option<HostRegistration>,
}

/// A host as registered in its tenant.
pub struct HostRegistration {
    /// The host's stored name.
    pub host: HostName,
    /// Whether it has a registered address.
    pub registered: bool,
    /// Whether the tenant answers lookups of this host that name neither tenant nor credential.
    pub answers_without_tenant: bool,
}

/// Why no key is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupRefused {
    /// There is none, or it may not be used now; the host is not told which.
    NotFound,
    /// This host must authenticate.
    CredentialRequired,
    /// The credential is another host's.
    OtherHost,
}

impl Services {
    /// Decides a lookup. One login makes two to four; see [`crate::domain::ssh_key::LOGIN_WINDOW`].
    pub async fn look_up_key(&self, caller: &HostCaller, login: &SshLogin) -> Result<AuthorizedKey, Error<LookupRefused>> {
        let started = metrics::start();
        let decided = self.decide_lookup(caller, login).await;
        metrics::record(|metrics| metrics.count_lookup(outcome(&decided), started.map(|started| started.elapsed())));
        decided
    }

    async fn decide_lookup(&self, caller: &HostCaller, login: &SshLogin) -> Result<AuthorizedKey, Error<LookupRefused>> {
        let (found, lookup) = self.find_authorized_key(caller, login).await?;
        if lookup == LookupDecision::NewLogin {
            if !found.status.is_limited() {
                // Written in the background: a login neither waits for the disk nor fails when it is full.
                self.count_use_later(found.number, login.from);
            } else if !self.count_use(found.number, login.from).await? {
                // A concurrent lookup was counted: either of this login, or no uses are left.
                let (_, lookup) = self.find_authorized_key(caller, login).await?;
                if lookup != LookupDecision::SameLogin {
                    self.record_refusal_later(Refusal::used_up(refused_login(caller, login), &found));
                    return Err(Error::Refused(LookupRefused::NotFound));
                }
            }
        }
        Ok(AuthorizedKey { expires_at: found.status.effective_expiry(), public_key: found.public_key })
    }

    /// The registration that authorizes this login: the preferred one of several.
    async fn find_authorized_key(&self, caller: &HostCaller, login: &SshLogin) -> Result<(KeyCandidate, LookupDecision), Error<LookupRefused>> {
        let tenant_id = match caller {
            HostCaller::Authenticated(authenticated) => {
                let checked = self.require_same_host(authenticated, &login.host).await;
                checked.inspect_err(|error| {
                    if matches!(error, Error::Refused(_)) {
                        self.record_refusal_later(Refusal::of_host(refused_login(caller, login), RefusalReason::CredentialOfOtherHost));
                    }
                })?;
                Some(authenticated.tenant_id.clone())
            }
            HostCaller::Tenant(tenant) => Some(tenant.clone()),
            HostCaller::Anonymous => None,
        };
        let (host, account, fingerprint) = (login.host.clone(), login.account.clone(), login.fingerprint.clone());
        let asked = LookupQuery { host, account, fingerprint: Some(fingerprint), tenant_id: tenant_id.clone() };
        let LookupResult { credential_required, candidates: found } = self.storage().look_up_keys(asked).await?;
        if credential_required && !matches!(caller, HostCaller::Authenticated(_)) {
            let owners = found.iter().map(|found| (found, RefusalReason::CredentialMissing));
            self.record_refusal_later(Refusal::of_keys(refused_login(caller, login), RefusalReason::CredentialMissing, owners));
            return Err(Error::Refused(LookupRefused::CredentialRequired));
        }
        self.record_lookup_later(tenant_id.as_ref(), login);
        // Automatic provisioning links any name that a client sends, and providers assert names only; root under another name is still
        // root.
        let hosts_own = |found: &KeyCandidate| found.minimum_uid.zip(login.uid).is_some_and(|(lowest, uid)| uid < lowest);
        let fits = |found: &KeyCandidate| login.key_type.as_deref().is_none_or(|asked| line_matches_type(&found.public_key, asked));
        let now = self.now();
        let (mut allowed, mut refused) = (Vec::new(), Vec::new());
        for candidate in found {
            let decision = if hosts_own(&candidate) {
                LookupDecision::Refused(RefusalReason::UidBelowMinimum)
            } else if !fits(&candidate) {
                LookupDecision::Refused(RefusalReason::KeyTypeMismatch)
            } else {
                candidate.status.authorize_login(now)
            };
            match decision {
                LookupDecision::Refused(reason) => refused.push((candidate, reason)),
                decision => allowed.push((candidate, decision)),
            }
        }
        allowed.into_iter().max_by_key(|(found, lookup)| found.status.preference(*lookup)).ok_or_else(|| {
            let owners = refused.iter().map(|(candidate, reason)| (candidate, *reason));
            self.record_refusal_later(Refusal::of_keys(refused_login(caller, login), RefusalReason::UnknownKey, owners));
            Error::Refused(LookupRefused::NotFound)
        })
    }

    /// Records that a host sent a credential that is not valid. `tenant`: the one that it named.
    pub fn record_invalid_credential(&self, tenant: Option<TenantId>, login: &SshLogin) {
        metrics::record(|metrics| metrics.count_lookup(LookupOutcome::NotAuthorized, None));
        let caller = tenant.map_or(HostCaller::Anonymous, HostCaller::Tenant);
        self.record_refusal_later(Refusal::of_host(refused_login(&caller, login), RefusalReason::CredentialInvalid));
    }

    /// Refuses a host that asks about another; its aliases are allowed.
    pub(in crate::server::service) async fn require_same_host(
        &self,
        caller: &AuthenticatedHost,
        host: &HostName,
    ) -> Result<(), Error<LookupRefused>> {
        if caller.host == *host || hosts::are_same_host(self.storage().reader(), &caller.tenant_id, &caller.host, host).await? {
            Ok(())
        } else {
            self.log_refusal(&RefusedAuthentication {
                kind: CredentialKind::HostCredential,
                tenant: ClaimedName::Registered(caller.tenant_id.as_str()),
                name: ClaimedName::Registered(caller.host.as_str()),
                from: caller.from,
                failure: AuthenticationFailure::NotAllowed,
            });
            Err(Error::Refused(LookupRefused::OtherHost))
        }
    }

    /// What a host may know about itself. Only an authenticated host learns whether it is registered. Others learn what a lookup reveals as
    /// well (whether a credential is required), and whether the named tenant exists, as its public metadata (RFC 8414) do.
    pub async fn check_host(&self, caller: &HostCaller, host: &HostName) -> Result<HostCheck, Error<LookupRefused>> {
        let reader = self.storage().reader();
        let (tenant_id, known) = match caller {
            HostCaller::Authenticated(authenticated) => {
                self.require_same_host(authenticated, host).await?;
                let tenant = &authenticated.tenant_id;
                let known = HostRegistration {
                    host: hosts::canonical_name(reader, tenant, host).await?,
                    registered: hosts::is_registered(reader, tenant, host).await?,
                    answers_without_tenant: hosts::default_tenant_of(reader, host).await?.as_ref() == Some(tenant),
                };
                (Some(tenant.clone()), Some(known))
            }
            HostCaller::Tenant(tenant) => (Some(tenant.clone()), None),
            HostCaller::Anonymous => (None, None),
        };
        let tenant_enabled = match &tenant_id {
            Some(tenant) => Some(tenants::find(reader, tenant).await?.is_some_and(|tenant| tenant.enabled)),
            None => None,
        };
        let account = AccountName::parse("tms-keycmd-check").map_err(Fault::new)?;
        let asked = LookupQuery { host: host.clone(), account, fingerprint: None, tenant_id: tenant_id.clone() };
        let credential_required = self.storage().look_up_keys(asked).await?.credential_required;
        Ok(HostCheck { tenant_id, tenant_enabled, credential_required, registration: known })
    }

    /// Records a lookup by a host, in the background and at most once a minute. While the database cannot be written, most are dropped:
    /// lookups of invented names must not fill the memory.
    fn record_lookup_later(&self, tenant: Option<&TenantId>, login: &SshLogin) {
        let (services, tenant, host, from, now) = (self.clone(), tenant.cloned(), login.host.clone(), login.from, self.now());
        let Ok(slot) = Arc::clone(&self.shared.lookup_write_slots).try_acquire_owned() else { return };
        if !self.shared.lookup_throttle.is_due((tenant.clone(), host.clone()), now) {
            return;
        }
        request_id::spawn(async move {
            if let Err(fault) = services.record_lookup(tenant, host, from, now).await
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "A host's question could not be written down");
            }
            drop(slot);
        });
    }

    async fn record_lookup(&self, tenant: Option<TenantId>, host: HostName, from: Option<IpAddr>, now: Timestamp) -> Result<(), Fault> {
        let Some((tenant, host)) = hosts::resolve_host(self.storage().reader(), tenant.as_ref(), &host).await? else { return Ok(()) };
        self.write(move |db| async move { hosts::record_lookup(db, &tenant, &host, from, now).await }.boxed()).await
    }

    async fn count_use(&self, number: i64, from: Option<IpAddr>) -> Result<bool, Fault> {
        let now = self.now();
        self.write(move |db| async move { ssh_keys::count_use(db, number, from, now).await }.boxed()).await
    }

    /// At most one use per key is pending: while the database cannot be written, logins must not pile up.
    fn count_use_later(&self, number: i64, from: Option<IpAddr>) {
        if !self.pending_uses().insert(number) {
            return;
        }
        let services = self.clone();
        request_id::spawn(async move {
            if let Err(fault) = services.count_use(number, from).await
                && !fault.is_logged()
            {
                tracing::error!(error = %fault, "A login could not be recorded");
            }
            services.pending_uses().remove(&number);
        });
    }

    fn pending_uses(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.shared.pending_uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In metrics.
fn outcome(decided: &Result<AuthorizedKey, Error<LookupRefused>>) -> LookupOutcome {
    match decided {
        Ok(_) => LookupOutcome::Found,
        Err(Error::Refused(LookupRefused::NotFound)) => LookupOutcome::NotFound,
        Err(Error::Refused(LookupRefused::CredentialRequired | LookupRefused::OtherHost)) => LookupOutcome::NotAuthorized,
        Err(Error::Internal(_)) => LookupOutcome::Failed,
    }
}

fn refused_login(caller: &HostCaller, login: &SshLogin) -> RefusedLogin {
    let tenant_id = match caller {
        HostCaller::Authenticated(host) => Some(host.tenant_id.clone()),
        HostCaller::Tenant(tenant) => Some(tenant.clone()),
        HostCaller::Anonymous => None,
    };
    let SshLogin { host, account, fingerprint, from, .. } = login.clone();
    RefusedLogin { tenant_id, host, account, fingerprint, from }
}
