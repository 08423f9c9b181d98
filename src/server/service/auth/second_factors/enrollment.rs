//! Storing a new second factor.

use futures_util::FutureExt;

use super::{APP_LABEL, audit_event, passkey_label};
use crate::domain::audit_log::AuditKind;
use crate::domain::second_factor::MAX_PASSKEYS;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Services};
use crate::server::storage::{Connection, audit_log, second_factors, user_mfa};

/// Why a second factor is not enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrollmentRefused {
    /// The code is wrong.
    WrongCode,
    /// The person has an app already.
    AppExists,
    /// This passkey is enrolled already.
    PasskeyExists,
    /// The maximum number of passkeys is reached.
    TooManyPasskeys,
    /// The browser's response is not a valid passkey registration.
    InvalidPasskey,
    /// The session was ended in the meantime.
    SignedOut,
}

/// Result of enrolling a second factor.
pub struct CreatedFactor {
    pub identity: AuthenticatedPerson,
    /// With the first factor: the recovery codes, shown once.
    pub recovery_codes: Option<Secret>,
}

impl Services {
    /// Stores a new second factor; verifying it also counts as authentication.
    pub(super) async fn enroll_factor(&self, person: &RecentlyAuthenticated, new: NewFactor) -> Result<CreatedFactor, Error<EnrollmentRefused>> {
        let (codes, hashes) = self.recovery_codes();
        let (person, now) = (SignedIn::clone(person), self.now());
        let shown = AuthenticationTimes { at: person.auth_times.at, second_at: Some(now) };
        let identity = AuthenticatedPerson {
            tenant_id: person.tenant_id().clone(),
            user_id: person.user_id().clone(),
            auth_times: shown,
            upstream_session: None,
        };
        let first = self.try_write(move |db| insert_factor(db, person, new, hashes, now).boxed()).await?;
        Ok(CreatedFactor { identity, recovery_codes: first.then_some(codes) })
    }
}

/// The data to store for a new factor.
pub(super) enum NewFactor {
    App { secret_sealed: Vec<u8>, step: i64 },
    Passkey { credential_id: Vec<u8>, passkey: String, name: String },
}

/// True if it is the person's first.
async fn insert_factor(
    db: &mut Connection,
    person: SignedIn,
    new: NewFactor,
    recovery_hashes: Vec<Vec<u8>>,
    now: Timestamp,
) -> Result<bool, Error<EnrollmentRefused>> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Err(Error::Refused(EnrollmentRefused::SignedOut));
    }
    let first = !second_factors::has_any(&mut *db, tenant, user).await?;
    let (inserted, name, exists) = match new {
        NewFactor::App { secret_sealed, step } => {
            (second_factors::insert_totp(db, tenant, user, &secret_sealed, step, now).await?, APP_LABEL.into(), EnrollmentRefused::AppExists)
        }
        NewFactor::Passkey { credential_id, passkey, name } => {
            if second_factors::passkeys(&mut *db, tenant, user).await?.len() >= MAX_PASSKEYS {
                return Err(Error::Refused(EnrollmentRefused::TooManyPasskeys));
            }
            let inserted = second_factors::insert_passkey(db, tenant, user, &credential_id, &passkey, &name, now).await?;
            (inserted, passkey_label(&name), EnrollmentRefused::PasskeyExists)
        }
    };
    if !inserted {
        return Err(Error::Refused(exists));
    }
    if first {
        second_factors::replace_recovery_codes(db, tenant, user, &recovery_hashes).await?;
    }
    audit_log::insert(db, &audit_event(&person, AuditKind::SecondFactorAdded, now).subject(name)).await?;
    if user_mfa::extend(db, tenant, user, now + person.tenant().policy.mfa_lifetime, now).await? {
        audit_log::insert(db, &audit_event(&person, AuditKind::MfaOpened, now)).await?;
    }
    Ok(first)
}
