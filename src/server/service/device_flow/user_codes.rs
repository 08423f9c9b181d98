//! Submitting user codes in the browser, and counting wrong ones.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::attempts::{AttemptKind, AttemptSource};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::device_grant::{ClaimRefused, Claimant, DeviceGrant};
use crate::domain::ids::{CodeEntryId, DeviceGrantId, TenantId, UserId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::time::Timestamp;
use crate::domain::user_code::{UserCode, UserCodeRefused};
use crate::server::service::auth::attempts;
use crate::server::service::auth::principals::{BrowserSession, SignedIn};
use crate::server::service::device_flow::device_grants::USER_CODE;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{self, Connection, audit_log, device_grants, tenants};

/// Why a submitted code is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeRefused {
    Malformed(UserCodeRefused),
    /// Unknown, expired or used: one message, so that it reveals nothing.
    NotValid,
    TooManyTries {
        wait: Duration,
    },
    SignInRequired,
    /// Claimed by another session, for at most this time: until that session or the code expires.
    ClaimedElsewhere {
        wait: Duration,
    },
    OtherTenant {
        tenant: TenantId,
        tenant_name: String,
    },
}

/// Minimum interval between audit events on one person submitting the same code while it is claimed by another session.
pub(in crate::server::service) const RESUBMISSION_AUDIT_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Who submits a code: a signed-in person or an anonymous session.
#[derive(Clone, Copy)]
pub enum CodeSubmitter<'a> {
    Anonymous(&'a BrowserSession),
    Person(&'a SignedIn),
}

impl Services {
    /// Claims the grant behind a code for this session, so that no other can while the session is alive. Wrong codes are counted; one that
    /// is claimed elsewhere is not wrong.
    ///
    /// An anonymous session gets `Ok(None)` for wrong and right codes alike (what can be told nevertheless: docs/decisions/0006).
    pub async fn submit_user_code(&self, submitter: CodeSubmitter<'_>, typed: &str) -> Result<Option<DeviceGrantId>, Error<CodeRefused>> {
        let code = UserCode::parse(typed).map_err(|refused| Error::Refused(CodeRefused::Malformed(refused)))?;
        let attempt = CodeAttempt::new(self, submitter, USER_CODE, &code);
        let signed_in = attempt.person.is_some();
        let sealed = self.seal_code(&attempt.hashes, &code)?;
        let result = self.write(move |db| claim(db, attempt, sealed).boxed()).await?;
        let result = result.inspect_err(|refused| self.log_refused_code(submitter, refused));
        match result {
            Ok(id) => Ok(signed_in.then_some(id)),
            Err(refused @ CodeRefused::TooManyTries { .. }) => Err(Error::Refused(refused)),
            Err(_) if !signed_in => Ok(None),
            Err(refused) => Err(Error::Refused(refused)),
        }
    }

    /// Releases a grant, so that its code can be submitted in another session or by another person; without `only`, all grants that this
    /// session holds.
    pub async fn release_user_code(&self, person: &SignedIn, only: Option<&DeviceGrantId>) -> Result<(), Fault> {
        let (person, only, now) = (person.clone(), only.cloned(), self.now());
        self.write(move |db| release(db, person, only, now).boxed()).await
    }

    /// An id for a code that is kept in the session until sign-in.
    pub fn new_code_entry(&self) -> Result<CodeEntryId, Fault> {
        CodeEntryId::parse(self.new_id("ent")).map_err(Fault::new)
    }

    /// "I did not start this", from any holder of the code: denies the grant, and writes an audit event for administrators.
    pub async fn report_user_code(&self, submitter: CodeSubmitter<'_>, typed: &str) -> Result<(), Error<CodeRefused>> {
        let code = UserCode::parse(typed).map_err(|refused| Error::Refused(CodeRefused::Malformed(refused)))?;
        let attempt = CodeAttempt::new(self, submitter, USER_CODE, &code);
        let result = self.write(move |db| report(db, attempt).boxed()).await?;
        result.inspect_err(|refused| self.log_refused_code(submitter, refused)).map_err(Error::Refused)
    }

    /// Logs a code that was wrong, or not checked after too many wrong ones.
    pub(in crate::server::service) fn log_refused_code(&self, submitter: CodeSubmitter<'_>, refused: &CodeRefused) {
        let failure = match refused {
            CodeRefused::NotValid => AuthenticationFailure::Unknown,
            CodeRefused::TooManyTries { .. } | CodeRefused::SignInRequired => AuthenticationFailure::TooManyAttempts,
            CodeRefused::Malformed(_) | CodeRefused::ClaimedElsewhere { .. } | CodeRefused::OtherTenant { .. } => return,
        };
        let (tenant, name, from) = match submitter {
            CodeSubmitter::Anonymous(session) => (ClaimedName::None, ClaimedName::None, session.from),
            CodeSubmitter::Person(person) => {
                let (tenant, name) = (person.tenant_id().as_str(), person.user_id().as_str());
                (ClaimedName::Registered(tenant), ClaimedName::Registered(name), person.session().from)
            }
        };
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::UserCode, tenant, name, from, failure });
    }

    /// The tenant of a pending code, so that people sign in to the right one.
    pub async fn tenant_of_user_code(&self, code: &UserCode) -> Result<Option<TenantId>, Fault> {
        for hash in self.keys().hashes(USER_CODE, code.letters()) {
            if let Some(grant) = device_grants::find_by_user_code(self.storage().reader(), &hash).await? {
                return Ok((!grant.is_expired(self.now())).then_some(grant.tenant_id));
            }
        }
        Ok(None)
    }

    /// The code in a URL, if it may prefill the form: only if the code's tenant has opted in. Claims nothing and uses up no attempts of
    /// typed codes; but the answer reveals whether the code exists, so it has its own limits.
    pub async fn may_prefill(&self, submitter: CodeSubmitter<'_>, typed: &str) -> Result<Option<UserCode>, Fault> {
        let Ok(code) = UserCode::parse(typed) else { return Ok(None) };
        // If no tenant has opted in, the code need not be looked up.
        if !self.enabled_tenants().await?.iter().any(|tenant| tenant.policy.prefill_user_code) {
            return Ok(None);
        }
        let attempt = CodeAttempt::new(self, submitter, USER_CODE, &code);
        let allowed = self.write(move |db| prefill(db, attempt).boxed()).await?;
        let allowed = allowed.inspect_err(|refused| self.log_refused_code(submitter, refused));
        Ok(allowed.unwrap_or(false).then_some(code))
    }
}

/// A claim stores the sealed code, so that its person can compare it. Its hash is in the same row.
impl Services {
    /// One for each of the hashes under which the request may be found.
    pub(in crate::server::service) fn seal_code(&self, hashes: &[Vec<u8>], code: &UserCode) -> Result<Vec<Vec<u8>>, Fault> {
        hashes.iter().map(|hash| self.seal(&code_associated_data(hash), &Secret::from_plaintext(code.to_string()))).collect()
    }

    /// `None` if no code is stored, or its key is lost: it must be submitted again.
    pub(in crate::server::service) fn unseal_code(&self, stored: Option<(Vec<u8>, Vec<u8>)>) -> Option<String> {
        let (hash, sealed) = stored?;
        self.unseal(&code_associated_data(&hash), &sealed).ok().map(|code| code.reveal().to_owned())
    }
}

pub(in crate::server::service) fn code_associated_data(hash: &[u8]) -> String {
    format!("user code {}", hex::encode(hash))
}

/// One submitted code, with all that it counts against.
pub(in crate::server::service) struct CodeAttempt {
    /// What it may be stored as.
    pub hashes: Vec<Vec<u8>>,
    session: BrowserSession,
    person: Option<(TenantId, UserId)>,
    pub now: Timestamp,
}

impl CodeAttempt {
    /// `hashed_as`: the kind of code.
    pub fn new(services: &Services, who: CodeSubmitter<'_>, hashed_as: &str, code: &UserCode) -> Self {
        let (session, person) = match who {
            CodeSubmitter::Anonymous(session) => (session, None),
            CodeSubmitter::Person(person) => (person.session(), Some((person.tenant_id().clone(), person.user_id().clone()))),
        };
        Self { hashes: services.keys().hashes(hashed_as, code.letters()), session: session.clone(), person, now: services.now() }
    }

    fn attempt_source(&self) -> AttemptSource<'_> {
        AttemptSource {
            tenant: self.person.as_ref().map(|(tenant, _)| tenant),
            person: self.person.as_ref().map(|(_, person)| person),
            session: Some(self.session.session_id.as_str()),
            address: self.session.from,
        }
    }

    pub fn claimant(&self) -> Claimant {
        Claimant { session: self.session.session_id.clone(), person: self.person.as_ref().map(|(_, person)| person.clone()) }
    }

    pub fn audit_event(&self, tenant: &TenantId, kind: AuditKind) -> AuditEvent {
        let activity = AuditEvent::new(tenant.clone(), kind, self.now).from(self.session.from);
        match &self.person {
            Some((home, person)) if home == tenant => activity.of(person),
            _ => activity,
        }
    }
}

/// The grant of a code, and which of the hashes it is stored under.
async fn find_grant(db: &mut Connection, hashes: &[Vec<u8>]) -> Result<Option<(DeviceGrant, usize)>, storage::Error> {
    for (number, hash) in hashes.iter().enumerate() {
        if let Some(grant) = device_grants::find_by_user_code(&mut *db, hash).await? {
            return Ok(Some((grant, number)));
        }
    }
    Ok(None)
}

/// The pending grant of a code, and which of the hashes it is stored under. A wrong code is counted; once the attempts are used up, the code is
/// not looked up.
async fn find_pending(db: &mut Connection, attempt: &CodeAttempt) -> Result<Result<(DeviceGrant, usize), CodeRefused>, storage::Error> {
    if let Some(refused) = check_attempts(db, attempt).await? {
        return Ok(Err(refused));
    }
    let found = find_grant(db, &attempt.hashes).await?;
    match found.filter(|(grant, _)| grant.is_pending(attempt.now)) {
        Some(found) => Ok(Ok(found)),
        None => {
            record_failure(db, attempt).await?;
            Ok(Err(CodeRefused::NotValid))
        }
    }
}

/// Refuses the code without looking it up if the attempts are used up.
pub(in crate::server::service) async fn check_attempts(db: &mut Connection, attempt: &CodeAttempt) -> Result<Option<CodeRefused>, storage::Error> {
    if let Some(wait) = attempts::retry_after(db, AttemptKind::UserCode, &attempt.attempt_source(), attempt.now).await? {
        return Ok(Some(CodeRefused::TooManyTries { wait }));
    }
    if attempts::is_globally_limited(db, AttemptKind::UserCode, &attempt.attempt_source(), attempt.now).await? {
        // Checked after sign-in; until then right and wrong codes are indistinguishable.
        record_failure(db, attempt).await?;
        return Ok(Some(CodeRefused::SignInRequired));
    }
    Ok(None)
}

/// Counts a wrong code.
pub(in crate::server::service) async fn record_failure(db: &mut Connection, attempt: &CodeAttempt) -> Result<(), storage::Error> {
    let stopped = attempts::record_failure(db, AttemptKind::UserCode, &attempt.attempt_source(), attempt.now).await?;
    if let (true, Some((tenant, _))) = (stopped, &attempt.person) {
        audit_log::insert(db, &attempt.audit_event(tenant, AuditKind::CodeGuessingStopped)).await?;
    }
    Ok(())
}

async fn claim(db: &mut Connection, attempt: CodeAttempt, sealed: Vec<Vec<u8>>) -> Result<Result<DeviceGrantId, CodeRefused>, storage::Error> {
    let (grant, number) = match find_pending(db, &attempt).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(sealed) = sealed.get(number) else { return Ok(Err(CodeRefused::NotValid)) };
    if let Some((home, _)) = attempt.person.as_ref().filter(|(home, _)| *home != grant.tenant_id) {
        tracing::debug!(home = %home, "A code of another tenant was typed");
        return Ok(Err(other_tenant(db, grant.tenant_id).await?));
    }
    let by = attempt.claimant();
    match grant.claimable(&by, attempt.now) {
        Ok(()) if device_grants::save_claim(db, &grant, &by, sealed).await? => Ok(Ok(grant.id)),
        Ok(()) | Err(ClaimRefused::NotPending) => Ok(Err(CodeRefused::NotValid)),
        Err(ClaimRefused::ClaimedElsewhere { until }) => {
            let record = attempt.audit_event(&grant.tenant_id, AuditKind::CodeSubmittedTwice).about(&grant.client_id, &grant.id);
            audit_log::insert_throttled(db, &record, RESUBMISSION_AUDIT_INTERVAL).await?;
            Ok(Err(CodeRefused::ClaimedElsewhere { wait: until.since(attempt.now) }))
        }
    }
}

pub(in crate::server::service) async fn other_tenant(db: &mut Connection, tenant: TenantId) -> Result<CodeRefused, storage::Error> {
    let tenant_name = tenants::find(&mut *db, &tenant).await?.map_or_else(|| tenant.to_string(), |tenant| tenant.display_name);
    Ok(CodeRefused::OtherTenant { tenant, tenant_name })
}

async fn release(db: &mut Connection, person: SignedIn, only: Option<DeviceGrantId>, now: Timestamp) -> Result<(), storage::Error> {
    let by = person.claimant();
    for grant in device_grants::claimed_by(&mut *db, person.tenant_id(), person.user_id(), now).await? {
        if grant.is_held_by(&by, now) && only.as_ref().is_none_or(|only| *only == grant.id) {
            device_grants::release_claim(db, &grant).await?;
        }
    }
    Ok(())
}

async fn report(db: &mut Connection, attempt: CodeAttempt) -> Result<Result<(), CodeRefused>, storage::Error> {
    let grant = match find_pending(db, &attempt).await? {
        Ok((grant, _)) => grant,
        Err(refused) => return Ok(Err(refused)),
    };
    let reported = attempt.audit_event(&grant.tenant_id, AuditKind::DeviceReported).about(&grant.client_id, &grant.id);
    let before = grant.state.clone();
    match grant.report(attempt.now) {
        Ok(denied) if device_grants::transition(db, &before, &denied).await? => {
            audit_log::insert(db, &reported).await?;
            tracing::warn!(tenant = %denied.tenant_id, client = %denied.client_id, grant = %denied.id, "A person reported a device they did not start");
            Ok(Ok(()))
        }
        _ => Ok(Err(CodeRefused::NotValid)),
    }
}

/// Whether the code may prefill the form; refused if it is wrong.
async fn prefill(db: &mut Connection, attempt: CodeAttempt) -> Result<Result<bool, CodeRefused>, storage::Error> {
    if !may_try_prefill(db, &attempt).await? {
        return Ok(Ok(false));
    }
    let found = find_grant(db, &attempt.hashes).await?;
    let waiting = found.map(|(grant, _)| grant).filter(|grant| grant.is_pending(attempt.now));
    let Some(grant) = waiting else {
        record_prefill(db, &attempt, false).await?;
        return Ok(Err(CodeRefused::NotValid));
    };
    let tenant = tenants::find(&mut *db, &grant.tenant_id).await?;
    Ok(Ok(record_prefill(db, &attempt, tenant.is_some_and(|tenant| tenant.policy.prefill_user_code)).await?))
}

/// Whether a code in a URL may be looked up for this caller: attempts of both kinds are left.
pub(in crate::server::service) async fn may_try_prefill(db: &mut Connection, attempt: &CodeAttempt) -> Result<bool, storage::Error> {
    for kind in [AttemptKind::UserCode, AttemptKind::PrefilledUserCode] {
        let source = attempt.attempt_source();
        if attempts::retry_after(db, kind, &source, attempt.now).await?.is_some()
            || attempts::is_globally_limited(db, kind, &source, attempt.now).await?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Counts a code in a URL that does not prefill the form, for any reason.
pub(in crate::server::service) async fn record_prefill(db: &mut Connection, attempt: &CodeAttempt, fills_in: bool) -> Result<bool, storage::Error> {
    if !fills_in {
        attempts::record_failure(db, AttemptKind::PrefilledUserCode, &attempt.attempt_source(), attempt.now).await?;
    }
    Ok(fills_in)
}
