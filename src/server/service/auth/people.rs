//! People: signing in with a local password, and creating accounts for tenants without a provider.

mod own_password;

use std::net::IpAddr;
use std::time::Duration;

use argon2::password_hash::SaltString;
use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
use futures_util::FutureExt;
use thiserror::Error as ThisError;
use tokio::sync::SemaphorePermit;
use unicode_normalization::UnicodeNormalization;

use crate::domain::attempts::{AttemptKind, AttemptSource};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::provider::UpstreamSession;
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::metrics::SignInMethod;
use crate::server::request_id;
pub use crate::server::service::auth::people::own_password::{
    MIN_PASSWORD_CHARS, NewPasswordRefused, PasswordChangeRefused, PasswordChangeRequirement,
};
use crate::server::service::auth::{attempts, count_sign_in};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, people, second_factors};

/// Limits the work of hashing.
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Why a sign-in with a password is refused. It does not tell whether name or password was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefused {
    InvalidCredentials,
    TooManyTries { wait: Duration },
}

/// A person who has just authenticated, before their session is started.
#[derive(Clone, Debug)]
pub struct AuthenticatedPerson {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) user_id: UserId,
    /// When they authenticated: now, or when the provider last did it.
    pub(in crate::server::service) auth_times: AuthenticationTimes,
    /// The provider's session on which the sign-in depends.
    pub(in crate::server::service) upstream_session: Option<UpstreamSession>,
}

impl AuthenticatedPerson {
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    pub fn auth_times(&self) -> AuthenticationTimes {
        self.auth_times
    }

    pub fn upstream_session(&self) -> Option<&UpstreamSession> {
        self.upstream_session.as_ref()
    }
}

/// Why an account is not created or changed.
#[derive(Clone, Copy, Debug, ThisError, PartialEq, Eq)]
pub enum PersonRefused {
    #[error("the tenant has a person of that name already")]
    Exists,
    #[error("the tenant has no person of that name")]
    NoPerson,
    #[error("this is the tenant's only administrator who can sign in")]
    LastAdmin,
    #[error("the person has no such identity")]
    NoIdentity,
}

impl Services {
    /// Checks a local password. Unknown people take as much time as wrong passwords.
    pub async fn sign_in_with_password(
        &self,
        tenant: &TenantId,
        user_name: &str,
        password: &Secret,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedPerson, Error<SignInRefused>> {
        let (services, tenant, user_name, password) = (self.clone(), tenant.clone(), user_name.to_owned(), Secret::from_plaintext(password.reveal()));
        // In its own task: a caller that disconnects must not escape the queue or the count.
        let tried = request_id::spawn(async move { services.attempt_password(&tenant, &user_name, &password, from).await });
        let tried = tried.await.map_err(Fault::new)?;
        count_sign_in(SignInMethod::Password, &tried, |refused| matches!(refused, SignInRefused::TooManyTries { .. }));
        tried
    }

    async fn attempt_password(
        &self,
        tenant: &TenantId,
        user_name: &str,
        password: &Secret,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedPerson, Error<SignInRefused>> {
        let wrong = Error::Refused(SignInRefused::InvalidCredentials);
        let user_name = user_name.trim();
        let log = |tenant, name, failure| self.log_refusal(&RefusedAuthentication { kind: CredentialKind::Password, tenant, name, from, failure });
        let Some(tenant) = self.enabled_tenant(tenant).await?.filter(|tenant| tenant.policy.local_passwords) else {
            log(ClaimedName::Unverified(tenant.as_str()), ClaimedName::Unverified(user_name), AuthenticationFailure::NotAllowed);
            return Err(wrong);
        };
        let user_id = UserId::parse(user_name).ok();
        // Held until the attempt is counted, so that concurrent attempts cannot exceed the limit by more than the number of slots.
        let _slot = self.password_slot().await?;
        let attempt = PasswordAttempt { tenant: tenant.id.clone(), user_id: user_id.clone(), from, now: self.now() };
        let before = attempt.clone();
        let person = match &user_id {
            Some(user_id) => people::find(self.storage().reader(), &tenant.id, user_id).await?,
            None => None,
        };
        let known = person.is_some();
        let log = |failure| {
            let name = if known { ClaimedName::Registered(user_name) } else { ClaimedName::Unverified(user_name) };
            log(ClaimedName::Registered(tenant.id.as_str()), name, failure);
        };
        if let Some(wait) =
            self.write(move |db| async move { attempts::retry_after(db, AttemptKind::Password, &before.source(), before.now).await }.boxed()).await?
        {
            log(AuthenticationFailure::TooManyAttempts);
            return Err(Error::Refused(SignInRefused::TooManyTries { wait }));
        }
        let disabled = person.as_ref().is_some_and(|person| !person.enabled);
        let hash = person.as_ref().filter(|person| person.enabled).and_then(|person| person.password_hash.clone());
        let right = self.password_matches(hash, password).await?;
        self.write(move |db| record_attempt(db, attempt, known, right).boxed()).await?;
        match (right, user_id) {
            (true, Some(user_id)) => Ok(AuthenticatedPerson {
                tenant_id: tenant.id,
                user_id,
                auth_times: AuthenticationTimes::first_factor(self.now()),
                upstream_session: None,
            }),
            _ => {
                log(match (known, disabled) {
                    (false, _) => AuthenticationFailure::Unknown,
                    (true, true) => AuthenticationFailure::Disabled,
                    (true, false) => AuthenticationFailure::Wrong,
                });
                Err(wrong)
            }
        }
    }

    async fn password_matches(&self, hash: Option<String>, password: &Secret) -> Result<bool, Fault> {
        if password.reveal().len() > MAX_PASSWORD_BYTES {
            return Ok(false);
        }
        let password = normalize(password);
        let known = hash.is_some();
        let matched = self
            .on_password_thread(move || {
                let hash = hash.unwrap_or_else(|| DUMMY_PASSWORD_HASH.to_owned());
                let parsed = PasswordHash::new(&hash).map_err(|error| Fault::new(PasswordHashError(error.to_string())))?;
                Ok(Argon2::default().verify_password(password.reveal().as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(known && matched)
    }

    pub(in crate::server::service) async fn password_hash(&self, password: &Secret) -> Result<String, Fault> {
        let mut salt = [0_u8; 16];
        self.rng().fill(&mut salt);
        let password = normalize(password);
        let _slot = self.password_slot().await?;
        self.on_password_thread(move || {
            let unusable = |error: argon2::password_hash::Error| Fault::new(PasswordHashError(error.to_string()));
            let salt = SaltString::encode_b64(&salt).map_err(unusable)?;
            Ok(Argon2::default().hash_password(password.reveal().as_bytes(), &salt).map_err(unusable)?.to_string())
        })
        .await
    }

    async fn password_slot(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.shared.password_slots.acquire().await.map_err(Fault::new)
    }

    async fn on_password_thread<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
        tokio::task::spawn_blocking(work).await.map_err(Fault::new)?
    }
}

/// The same password in every Unicode form of its letters (NIST SP 800-63B-4 §3.1.1.2).
fn normalize(password: &Secret) -> Secret {
    Secret::from_plaintext(password.reveal().nfkc().collect::<String>())
}

/// One attempt to sign in.
#[derive(Clone)]
struct PasswordAttempt {
    tenant: TenantId,
    /// The user id, if the entered name can be one.
    user_id: Option<UserId>,
    from: Option<IpAddr>,
    now: Timestamp,
}

impl PasswordAttempt {
    fn source(&self) -> AttemptSource<'_> {
        AttemptSource { tenant: Some(&self.tenant), person: self.user_id.as_ref(), session: None, address: self.from }
    }
}

/// Counts a failure; writes an audit event if the person exists.
async fn record_attempt(db: &mut Connection, attempt: PasswordAttempt, known: bool, right: bool) -> Result<(), storage::Error> {
    let blocked = !right && attempts::record_failure(db, AttemptKind::Password, &attempt.source(), attempt.now).await?;
    let Some(person) = attempt.user_id.filter(|_| known) else { return Ok(()) };
    let kind = match right {
        true if second_factors::has_any(&mut *db, &attempt.tenant, &person).await? => AuditKind::FirstFactorVerified,
        true => AuditKind::SignedIn,
        false => AuditKind::SignInFailed,
    };
    let event = |kind| AuditEvent::new(attempt.tenant.clone(), kind, attempt.now).of(&person).from(attempt.from);
    audit_log::insert(db, &event(kind)).await?;
    if blocked {
        audit_log::insert(db, &event(AuditKind::SignInBlocked).subject(CredentialKind::Password.as_str())).await?;
    }
    Ok(())
}

#[derive(Debug, ThisError)]
#[error("a password hash cannot be used: {0}")]
struct PasswordHashError(String);

/// Hash to check for unknown people, so that the response takes as long (Argon2id, m=19456, t=2, p=1).
const DUMMY_PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5aXNoZXJlISE$5lXzXVq0GBp0dHGP6dRk6cQ2U4k9Xh0Xl2bO0b8Jb3U";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dummy_hash_is_valid_and_costs_as_much_as_a_real_one() {
        let parsed = PasswordHash::new(DUMMY_PASSWORD_HASH).expect("a PHC string");
        let params = argon2::Params::try_from(&parsed).expect("its parameters");
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (argon2::Params::DEFAULT_M_COST, argon2::Params::DEFAULT_T_COST, argon2::Params::DEFAULT_P_COST)
        );
    }
}
