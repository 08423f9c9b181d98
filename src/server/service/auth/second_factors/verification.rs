//! Verification of the second factor that a person presents, at sign-in or before a sensitive action.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::attempts::{AttemptKind, AttemptSource};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::refused_authentication::{AuthenticationFailure, CredentialKind};
use crate::domain::second_factor::SecondFactorCode;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;
use crate::server::metrics::SignInMethod;
use crate::server::service::auth::attempts;
use crate::server::service::auth::count_sign_in;
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::{BrowserSession, SignedIn};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, browser_sessions, people, second_factors, user_mfa};

/// The second factor that a person presents.
pub enum MfaResponse<'a> {
    /// A code of the app, or a recovery code.
    Code(&'a str),
    /// The browser's response to a passkey challenge, and that challenge.
    Passkey { challenge: &'a str, response: &'a str },
}

/// Why a second factor is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MfaRefused {
    /// Neither a code of an app nor a recovery code.
    MalformedCode,
    /// The person has no app.
    NoApp,
    /// The code is wrong, or was used before.
    WrongCode,
    /// The recovery code is wrong, or was used before.
    WrongRecoveryCode,
    /// The passkey is unknown, did not verify the user, or its signature is invalid.
    WrongPasskey,
    /// The challenge was not issued in this session, was answered before, or has expired.
    UnknownChallenge,
    /// Too many wrong codes of an app.
    TooManyCodes {
        wait: Duration,
    },
    TooManyRecoveryCodes {
        wait: Duration,
    },
    Expired,
    /// The session or the pending sign-in has ended.
    SessionEnded,
}

impl MfaRefused {
    /// How long to wait before the next attempt.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::TooManyCodes { wait } | Self::TooManyRecoveryCodes { wait } => Some(*wait),
            _ => None,
        }
    }

    /// How it is logged; `None` if no factor was checked.
    fn logged_as(&self) -> Option<(CredentialKind, AuthenticationFailure)> {
        Some(match self {
            Self::MalformedCode => (CredentialKind::SecondFactor, AuthenticationFailure::Malformed),
            Self::NoApp | Self::WrongCode => (CredentialKind::SecondFactor, AuthenticationFailure::Wrong),
            Self::WrongRecoveryCode => (CredentialKind::RecoveryCode, AuthenticationFailure::Wrong),
            Self::WrongPasskey | Self::UnknownChallenge => (CredentialKind::Passkey, AuthenticationFailure::Wrong),
            Self::TooManyCodes { .. } => (CredentialKind::SecondFactor, AuthenticationFailure::TooManyAttempts),
            Self::TooManyRecoveryCodes { .. } => (CredentialKind::RecoveryCode, AuthenticationFailure::TooManyAttempts),
            Self::Expired | Self::SessionEnded => return None,
        })
    }
}

/// A second factor that is presented: whose, and where. `shown`: what the person has shown already.
pub(super) struct MfaAttempt<'a> {
    pub tenant_id: &'a TenantId,
    pub user_id: &'a UserId,
    pub shown: AuthenticationTimes,
    pub response: MfaResponse<'a>,
    pub place: MfaContext,
}

impl Services {
    /// Verifies the second factor of a signed-in person before a sensitive action.
    pub async fn step_up(&self, person: &SignedIn, response: MfaResponse<'_>) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        let attempt = MfaAttempt {
            tenant_id: person.tenant_id(),
            user_id: person.user_id(),
            shown: person.auth_times,
            response,
            place: MfaContext::Session(person.session().clone()),
        };
        self.verify_factor(attempt).await
    }

    pub(super) async fn verify_factor(&self, attempt: MfaAttempt<'_>) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        let verified = self.try_factor(attempt).await;
        count_sign_in(SignInMethod::SecondFactor, &verified, |refused| refused.wait().is_some());
        verified
    }

    async fn try_factor(&self, attempt: MfaAttempt<'_>) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        let MfaAttempt { tenant_id, user_id, shown, response, place } = attempt;
        let tenant = self.enabled_tenant(tenant_id).await?.ok_or(Error::Refused(MfaRefused::SessionEnded))?;
        let check = match response {
            MfaResponse::Code(typed) => self.check_code(tenant_id, user_id, typed).await?,
            MfaResponse::Passkey { challenge: asked, response: answer } => self.check_passkey(tenant_id, user_id, asked, answer).await?,
        };
        let (now, from) = (self.now(), place.from());
        let showing = FactorVerification {
            tenant_id: tenant_id.clone(),
            user_id: user_id.clone(),
            check,
            mfa_until: now + tenant.policy.mfa_lifetime,
            context: place,
            now,
        };
        // Not `try_write`, which would roll back the count of the failure.
        self.write(move |db| showing.apply(db).boxed()).await?.map_err(|refused| {
            if let Some((kind, failure)) = refused.logged_as() {
                self.log_refusal_of_person(kind, (tenant_id, user_id), from, failure);
            }
            Error::Refused(refused)
        })?;
        Ok(AuthenticatedPerson {
            tenant_id: tenant_id.clone(),
            user_id: user_id.clone(),
            auth_times: AuthenticationTimes { at: shown.at, second_at: Some(now) },
            upstream_session: None,
        })
    }

    async fn check_code(&self, tenant_id: &TenantId, user_id: &UserId, typed: &str) -> Result<FactorCheck, Fault> {
        match SecondFactorCode::parse(typed) {
            Some(SecondFactorCode::App(code)) => {
                let Some(app) = second_factors::find_totp(self.storage().reader(), tenant_id, user_id).await? else {
                    return Ok(FactorCheck::Invalid(MfaRefused::NoApp));
                };
                let step = self.matching_step(tenant_id, user_id, &app.secret_sealed, &code)?;
                Ok(step.map_or(FactorCheck::Invalid(MfaRefused::WrongCode), FactorCheck::AppCode))
            }
            Some(SecondFactorCode::Recovery(code)) => Ok(FactorCheck::RecoveryCode(self.recovery_hashes(&code))),
            None => Ok(FactorCheck::Invalid(MfaRefused::MalformedCode)),
        }
    }
}

/// A presented factor, as far as it can be checked outside the write transaction.
pub(super) enum FactorCheck {
    /// The app's code is right for this time step.
    AppCode(i64),
    /// What a recovery code, which may be one of the person's, may be stored as.
    RecoveryCode(Vec<Vec<u8>>),
    /// The passkey's response is valid; the state to store.
    Passkey {
        number: i64,
        passkey: String,
        /// Hash of the challenge, which may be answered once.
        challenge_hash: Vec<u8>,
    },
    /// Invalid, and why.
    Invalid(MfaRefused),
}

/// Where a second factor is presented.
pub(super) enum MfaContext {
    /// To complete a pending sign-in.
    PendingSignIn { id: SessionId, from: Option<IpAddr> },
    /// In a signed-in session.
    Session(BrowserSession),
}

impl MfaContext {
    fn session(&self) -> &SessionId {
        match self {
            Self::PendingSignIn { id, .. } => id,
            Self::Session(session) => session.session_id(),
        }
    }

    fn from(&self) -> Option<IpAddr> {
        match self {
            Self::PendingSignIn { from, .. } => *from,
            Self::Session(session) => session.from,
        }
    }
}

/// False if the person has no code that is stored as one of these.
async fn consume_recovery_code(db: &mut Connection, tenant: &TenantId, user: &UserId, hashes: &[Vec<u8>]) -> Result<bool, storage::Error> {
    for hash in hashes {
        if second_factors::consume_recovery_code(db, tenant, user, hash).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

struct FactorVerification {
    tenant_id: TenantId,
    user_id: UserId,
    check: FactorCheck,
    mfa_until: Timestamp,
    context: MfaContext,
    now: Timestamp,
}

impl FactorVerification {
    async fn apply(self, db: &mut Connection) -> Result<Result<(), MfaRefused>, storage::Error> {
        let (tenant, user, now) = (&self.tenant_id, &self.user_id, self.now);
        let enabled = people::find(&mut *db, tenant, user).await?.is_some_and(|person| person.enabled);
        if !enabled || !browser_sessions::is_live(&mut *db, tenant, user, self.context.session(), now).await? {
            return Ok(Err(MfaRefused::SessionEnded));
        }
        let source = AttemptSource { tenant: Some(tenant), person: Some(user), session: None, address: self.context.from() };
        let wrong = match &self.check {
            FactorCheck::RecoveryCode(_) => MfaRefused::WrongRecoveryCode,
            FactorCheck::AppCode(_) => MfaRefused::WrongCode,
            FactorCheck::Passkey { .. } => MfaRefused::UnknownChallenge,
            FactorCheck::Invalid(why) => why.clone(),
        };
        // A person delayed by wrong codes of the app, their own or an attacker's, may still use another factor.
        let kind = match wrong {
            MfaRefused::WrongRecoveryCode => AttemptKind::RecoveryCode,
            MfaRefused::WrongPasskey | MfaRefused::UnknownChallenge => AttemptKind::Passkey,
            _ => AttemptKind::SecondFactor,
        };
        let right_passkey = matches!(self.check, FactorCheck::Passkey { .. });
        if let Some(wait) = attempts::retry_after(db, kind, &source, now).await?.filter(|_| !right_passkey) {
            return Ok(Err(match kind {
                AttemptKind::RecoveryCode => MfaRefused::TooManyRecoveryCodes { wait },
                // A passkey's signature cannot be guessed; only its audit events are limited.
                AttemptKind::Passkey => wrong,
                _ => MfaRefused::TooManyCodes { wait },
            }));
        }
        let good = match &self.check {
            FactorCheck::AppCode(step) => second_factors::consume_totp_step(db, tenant, user, *step, now).await?,
            FactorCheck::RecoveryCode(hashes) => consume_recovery_code(db, tenant, user, hashes).await?,
            FactorCheck::Passkey { number, passkey, challenge_hash: asked } => {
                second_factors::use_passkey(db, tenant, user, *number, passkey, asked, now).await?
            }
            FactorCheck::Invalid(_) => false,
        };
        if !good {
            let reached = attempts::record_failure(db, kind, &source, now).await?;
            audit_log::insert(db, &self.audit_event(AuditKind::SecondFactorFailed)).await?;
            // Passkeys are never delayed.
            if let Some((credential, _)) = wrong.logged_as().filter(|_| reached && kind != AttemptKind::Passkey) {
                audit_log::insert(db, &self.audit_event(AuditKind::SignInBlocked).subject(credential.as_str())).await?;
            }
            return Ok(Err(wrong));
        }
        if matches!(self.check, FactorCheck::RecoveryCode(_)) {
            audit_log::insert(db, &self.audit_event(AuditKind::RecoveryCodeUsed)).await?;
        }
        if user_mfa::extend(db, tenant, user, self.mfa_until, now).await? {
            audit_log::insert(db, &self.audit_event(AuditKind::MfaOpened)).await?;
        }
        if let MfaContext::PendingSignIn { id, .. } = &self.context {
            browser_sessions::delete_of_person(db, tenant, user, id).await?;
            audit_log::insert(db, &self.audit_event(AuditKind::SignedIn)).await?;
        }
        Ok(Ok(()))
    }

    fn audit_event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent::new(self.tenant_id.clone(), kind, self.now).of(&self.user_id).from(self.context.from())
    }
}
