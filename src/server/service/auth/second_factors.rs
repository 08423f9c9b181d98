//! Second factors: enrolling, verifying and removing them.

mod app;
mod passkeys;

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::server::service::auth::attempts;
use crate::server::service::auth::browser_sessions::{SessionRow, still_signed_in};
use crate::server::service::auth::people::AuthenticatedPerson;
use crate::server::service::auth::principals::{BrowserSession, RecentlyAuthenticated, SignedIn, TenantAdmin};
pub use crate::server::service::auth::second_factors::app::AppEnrollment;
pub(in crate::server::service) use crate::server::service::auth::second_factors::app::sealing_context;
pub use crate::server::service::auth::second_factors::passkeys::{PasskeyChallenge, RelyingParty};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, browser_sessions, people, second_factors, user_mfa};

use crate::domain::attempts::{AttemptKind, AttemptSource};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::display_text::{self, NameRefused};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::provider::UpstreamSession;
use crate::domain::second_factor::{Factor, MAX_PASSKEYS, RECOVERY_CODE_COUNT, SecondFactorCode, SecondFactors, format_recovery_code};
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::time::Timestamp;

const RECOVERY_HASH_KIND: &str = "recovery code";

/// How long a person may take: time to find a phone.
pub const PENDING_MFA_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// A sign-in whose first factor was accepted and that waits for the second. Kept in the sealed session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingMfa {
    /// Id of its own row among the sessions, which gives no access: ending all of a person's sessions ends this too.
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    auth_times: AuthenticationTimes,
    #[serde(default)]
    pub upstream_session: Option<UpstreamSession>,
    pub since: Timestamp,
}

impl PendingMfa {
    pub fn belongs_to(&self, tenant_id: &TenantId, user_id: &UserId) -> bool {
        (&self.tenant_id, &self.user_id) == (tenant_id, user_id)
    }

    /// Whether it has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.since(self.since) >= PENDING_MFA_LIFETIME
    }
}

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
}

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

/// Why a passkey is not renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameRefused {
    /// It does not exist or is another person's; or the session was ended.
    NotFound,
    /// The new name is not valid.
    Name(NameRefused),
}

/// Result of enrolling a second factor.
pub struct CreatedFactor {
    pub identity: AuthenticatedPerson,
    /// With the first factor: the recovery codes, shown once.
    pub recovery_codes: Option<Secret>,
}

impl Services {
    pub async fn list_second_factors(&self, person: &SignedIn) -> Result<SecondFactors, Fault> {
        self.second_factors_of(person.tenant_id(), person.user_id()).await
    }

    /// As [`Self::second_factors`], for a person whose sign-in is pending.
    pub async fn second_factors_of(&self, tenant_id: &TenantId, user_id: &UserId) -> Result<SecondFactors, Fault> {
        Ok(second_factors::of_person(self.storage().reader(), tenant_id, user_id).await?)
    }

    /// Starts the second step of a sign-in; `None` if the person has no second factor.
    pub async fn begin_mfa(&self, identity: &AuthenticatedPerson, from: Option<IpAddr>, agent: &str) -> Result<Option<PendingMfa>, Fault> {
        let (tenant_id, user_id, shown) = (identity.tenant_id.clone(), identity.user_id.clone(), identity.auth_times);
        if shown.second_at.is_some() || !second_factors::has_any(self.storage().reader(), &tenant_id, &user_id).await? {
            return Ok(None);
        }
        let id = self.new_session_id()?;
        let half = PendingMfa { id, tenant_id, user_id, auth_times: shown, upstream_session: identity.upstream_session.clone(), since: self.now() };
        self.create_session(self.pending_session_row(&half, from, agent)).await?;
        Ok(Some(half))
    }

    /// A session row without a cookie and without data.
    fn pending_session_row(&self, half: &PendingMfa, from: Option<IpAddr>, agent: &str) -> SessionRow {
        let through = half.upstream_session.clone();
        SessionRow {
            id_hash: self.signing_keys().hash("half a sign-in", half.id.as_str()),
            public_id: half.id.to_string(),
            sealed: Vec::new(),
            tenant_id: Some(half.tenant_id.to_string()),
            user_id: Some(half.user_id.to_string()),
            signed_in_at: None,
            last_seen_at: half.since.as_millis(),
            from_address: from.map(|from| from.to_string()),
            agent: agent.to_owned(),
            expires_at: (half.since + PENDING_MFA_LIFETIME).as_millis(),
            idp_issuer: through.as_ref().map(|through| through.issuer.clone()),
            idp_subject: through.as_ref().map(|through| through.subject.clone()),
            idp_sid: through.and_then(|through| through.sid),
        }
    }

    /// Whether the second factor can still be presented.
    pub async fn is_pending(&self, half: &PendingMfa) -> Result<bool, Fault> {
        let live = browser_sessions::is_live(self.storage().reader(), &half.tenant_id, &half.user_id, &half.id, self.now()).await?;
        Ok(live && !half.is_expired(self.now()))
    }

    /// Verifies the second factor and completes the sign-in.
    pub async fn finish_sign_in(
        &self,
        pending: &PendingMfa,
        response: MfaResponse<'_>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        if pending.is_expired(self.now()) {
            return Err(Error::Refused(MfaRefused::Expired));
        }
        let identity = self
            .verify_factor(
                &pending.tenant_id,
                &pending.user_id,
                pending.auth_times,
                response,
                MfaContext::PendingSignIn { id: pending.id.clone(), from },
            )
            .await?;
        Ok(AuthenticatedPerson { upstream_session: pending.upstream_session.clone(), ..identity })
    }

    /// Verifies the second factor of a signed-in person before a sensitive action.
    pub async fn step_up(&self, person: &SignedIn, response: MfaResponse<'_>) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        self.verify_factor(person.tenant_id(), person.user_id(), person.auth_times, response, MfaContext::Session(person.session().clone())).await
    }

    /// Removes a second factor. False if it does not exist.
    pub async fn remove_second_factor(&self, person: &RecentlyAuthenticated, factor: Factor) -> Result<bool, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.write(move |db| delete_factor(db, person, factor, now).boxed()).await
    }

    /// Renames a passkey.
    pub async fn rename_passkey(&self, person: &RecentlyAuthenticated, number: i64, name: &str) -> Result<(), Error<RenameRefused>> {
        let name = display_text::parse_name(name).map_err(|why| Error::Refused(RenameRefused::Name(why)))?;
        let (person, now) = (SignedIn::clone(person), self.now());
        self.try_write(move |db| {
            async move {
                let (tenant, user) = (person.tenant_id(), person.user_id());
                let renamed = still_signed_in(db, &person, now).await? && second_factors::rename_passkey(db, tenant, user, number, &name).await?;
                if !renamed {
                    return Err(Error::Refused(RenameRefused::NotFound));
                }
                audit_log::insert(db, &audit_event(&person, AuditKind::SecondFactorRenamed, now).subject(passkey_label(&name))).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Replaces the recovery codes. `None` if the person has no second factor.
    pub async fn renew_recovery_codes(&self, person: &RecentlyAuthenticated) -> Result<Option<Secret>, Fault> {
        let (codes, hashes) = self.recovery_codes();
        let (person, now) = (SignedIn::clone(person), self.now());
        let made = self
            .write(move |db| {
                async move {
                    let (tenant, user) = (person.tenant_id(), person.user_id());
                    if !still_signed_in(db, &person, now).await? || !second_factors::has_any(&mut *db, tenant, user).await? {
                        return Ok(false);
                    }
                    second_factors::replace_recovery_codes(db, tenant, user, &hashes).await?;
                    audit_log::insert(db, &audit_event(&person, AuditKind::RecoveryCodesCreated, now)).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(made.then_some(codes))
    }

    /// Removes all second factors of a person who has lost them and whom the administrator identified otherwise; ends their sessions. False
    /// if they had none.
    pub async fn reset_second_factors(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let (tenant, user, now) = (admin.tenant_id().clone(), user_id.clone(), self.now());
        let record =
            AuditEvent::new(tenant.clone(), AuditKind::SecondFactorRemoved, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let admins_own = admin.session.clone();
        self.write_audited(record, move |db| {
            async move {
                let any = second_factors::delete_all(&mut *db, &tenant, &user).await? > 0;
                if any {
                    // Another user may have signed in with the lost factors.
                    browser_sessions::delete_others(db, &tenant, &user, admins_own.as_ref()).await?;
                }
                Ok(any)
            }
            .boxed()
        })
        .await
    }

    async fn verify_factor(
        &self,
        tenant_id: &TenantId,
        user_id: &UserId,
        shown: AuthenticationTimes,
        response: MfaResponse<'_>,
        place: MfaContext,
    ) -> Result<AuthenticatedPerson, Error<MfaRefused>> {
        let tenant = self.enabled_tenant(tenant_id).await?.ok_or(Error::Refused(MfaRefused::SessionEnded))?;
        let check = match response {
            MfaResponse::Code(typed) => self.check_code(tenant_id, user_id, typed).await?,
            MfaResponse::Passkey { challenge: asked, response: answer } => self.check_passkey(tenant_id, user_id, asked, answer).await?,
        };
        let now = self.now();
        let showing = FactorVerification {
            tenant_id: tenant_id.clone(),
            user_id: user_id.clone(),
            check,
            mfa_until: now + tenant.policy.mfa_lifetime,
            context: place,
            now,
        };
        // Not `try_write`, which would roll back the count of the failure.
        self.write(move |db| showing.apply(db).boxed()).await?.map_err(Error::Refused)?;
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
            Some(SecondFactorCode::Recovery(code)) => Ok(FactorCheck::RecoveryCode(self.recovery_hash(&code))),
            None => Ok(FactorCheck::Invalid(MfaRefused::MalformedCode)),
        }
    }

    fn recovery_hash(&self, letters: &str) -> Vec<u8> {
        self.signing_keys().hash(RECOVERY_HASH_KIND, letters)
    }

    /// New codes, one per line, and the hashes to store.
    fn recovery_codes(&self) -> (Secret, Vec<Vec<u8>>) {
        let codes: Vec<String> = (0..RECOVERY_CODE_COUNT)
            .map(|_| {
                let mut random = [0; 12];
                self.rng().fill(&mut random);
                format_recovery_code(random)
            })
            .collect();
        let hashes = codes.iter().map(|code| self.recovery_hash(&code.replace('-', ""))).collect();
        (Secret::from_plaintext(codes.join("\n")), hashes)
    }

    /// Stores a new second factor; verifying it also counts as authentication.
    async fn enroll_factor(&self, person: &RecentlyAuthenticated, new: NewFactor) -> Result<CreatedFactor, Error<EnrollmentRefused>> {
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
enum NewFactor {
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

async fn delete_factor(db: &mut Connection, person: SignedIn, factor: Factor, now: Timestamp) -> Result<bool, storage::Error> {
    let (tenant, user) = (person.tenant_id(), person.user_id());
    if !still_signed_in(db, &person, now).await? {
        return Ok(false);
    }
    let removed = match factor {
        Factor::App => second_factors::delete_totp(&mut *db, tenant, user).await?.then(|| APP_LABEL.into()),
        Factor::Passkey(number) => second_factors::delete_passkey(&mut *db, tenant, user, number).await?.map(|name| passkey_label(&name)),
    };
    let Some(name) = removed else { return Ok(false) };
    if !second_factors::has_any(&mut *db, tenant, user).await? {
        second_factors::delete_recovery_codes(db, tenant, user).await?;
    }
    audit_log::insert(db, &audit_event(&person, AuditKind::SecondFactorRemoved, now).subject(name)).await?;
    Ok(true)
}

/// Name in audit events.
const APP_LABEL: &str = "authenticator app";

fn passkey_label(name: &str) -> String {
    format!("passkey {name}").trim_end().to_owned()
}

fn audit_event(person: &SignedIn, kind: AuditKind, now: Timestamp) -> AuditEvent {
    AuditEvent::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.session().from)
}

/// A presented factor, as far as it can be checked outside the write transaction.
enum FactorCheck {
    /// The app's code is right for this time step.
    AppCode(i64),
    /// The hash of a recovery code, which may be one of the person's.
    RecoveryCode(Vec<u8>),
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
enum MfaContext {
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
            FactorCheck::RecoveryCode(hash) => second_factors::consume_recovery_code(db, tenant, user, hash).await?,
            FactorCheck::Passkey { number, passkey, challenge_hash: asked } => {
                second_factors::use_passkey(db, tenant, user, *number, passkey, asked, now).await?
            }
            FactorCheck::Invalid(_) => false,
        };
        if !good {
            attempts::record_failure(db, kind, &source, now).await?;
            audit_log::insert(db, &self.audit_event(AuditKind::SecondFactorFailed)).await?;
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
