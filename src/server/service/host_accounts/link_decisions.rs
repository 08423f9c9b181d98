//! A person's answer to a link request: submitting the code, the page's data, confirming and refusing.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::delegation::Creator;
use crate::domain::device_grant::ClaimRefused;
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{AccountName, HostAccountId, HostName, LinkRequestId, TenantId};
use crate::domain::link_request::{AnswerRefused, LinkRequest, link_expiry};
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::domain::user_code::UserCode;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::device_flow::user_codes::{
    CodeAttempt, CodeRefused, CodeSubmitter, RESUBMISSION_AUDIT_INTERVAL, check_attempts, may_try_prefill, other_tenant, record_failure,
    record_prefill,
};
use crate::server::service::host_accounts::link_requests::{LINK_CODE, about_link};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::host_accounts::HostAccountKey;
use crate::server::storage::{self, Connection, audit_log, host_accounts, link_requests, tenants, user_mfa};

/// A link request that waits for this person's answer.
pub struct PendingLink {
    pub request: LinkRequest,
    /// The user code, as the host shows it.
    pub code: String,
    /// The expiry of the link if it is confirmed.
    pub until: Timestamp,
    pub current: CurrentLink,
}

/// The existing link of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentLink {
    Unlinked,
    /// To this person, with its expiry.
    Own(Timestamp),
    /// To another person, and the tenant does not allow shared accounts.
    OtherPerson,
}

/// A link that was created or renewed.
#[derive(Clone, Debug)]
pub struct LinkOutcome {
    pub account: HostAccount,
    pub renewed: bool,
}

impl LinkOutcome {
    /// The kind of its audit event.
    pub(in crate::server::service) fn audit_kind(&self) -> AuditKind {
        if self.renewed { AuditKind::HostLinkChanged } else { AuditKind::HostLinked }
    }
}

impl Services {
    /// Claims the request behind a code for this session; same rules and limits as for device grants.
    pub async fn submit_link_code(&self, person: &SignedIn, typed: &str) -> Result<LinkRequestId, Error<CodeRefused>> {
        let code = UserCode::parse(typed).map_err(|refused| Error::Refused(CodeRefused::Malformed(refused)))?;
        let attempt = CodeAttempt::new(self, CodeSubmitter::Person(person), LINK_CODE, &code);
        let (claimant, sealed) = (person.clone(), self.seal_code(&attempt.hashes, &code)?);
        let result = self.write(move |db| claim(db, claimant, attempt, sealed).boxed()).await?;
        result.inspect_err(|refused| self.log_refused_code(CodeSubmitter::Person(person), refused)).map_err(Error::Refused)
    }

    /// The code in a URL, if it may prefill the form; see [`may_prefill`](Self::may_prefill).
    pub async fn may_prefill_link(&self, person: &SignedIn, typed: &str) -> Result<Option<UserCode>, Fault> {
        let Ok(code) = UserCode::parse(typed) else { return Ok(None) };
        if !person.tenant().policy.prefill_user_code {
            return Ok(None);
        }
        let attempt = CodeAttempt::new(self, CodeSubmitter::Person(person), LINK_CODE, &code);
        let tenant = person.tenant_id().clone();
        let fills_in = self.write(move |db| async move { prefill(db, &tenant, attempt).await }.boxed()).await?;
        let fills_in = fills_in.inspect_err(|refused| self.log_refused_code(CodeSubmitter::Person(person), refused));
        Ok(fills_in.unwrap_or(false).then_some(code))
    }

    /// The pending request, if this person claimed it in this session, or in one that has ended; else why it cannot be answered.
    pub async fn pending_link(&self, person: &SignedIn, id: &LinkRequestId) -> Result<PendingLink, Error<AnswerRefused>> {
        let (reader, now) = (self.storage().reader(), self.now());
        let request = link_requests::find(reader, person.tenant_id(), id).await?.ok_or(Error::Refused(AnswerRefused::NotYours))?;
        request.check_answerable(&person.claimant(), now).map_err(Error::Refused)?;
        let kept = link_requests::claimed_code(reader, &request).await?;
        let code = self.unseal_code(kept).ok_or(Error::Refused(AnswerRefused::NotYours))?;
        let (policy, place) = (&person.tenant().policy, host_account_key(person, &request.host, &request.account));
        let own = host_accounts::find_by_key(reader, &place).await?;
        let until = link_expiry(own.as_ref(), policy.link_lifetime, now);
        let already = match own.filter(|own| own.is_active(now)) {
            _ if !policy.shared_host_accounts && host_accounts::is_linked_to_another(reader, &place, now).await? => CurrentLink::OtherPerson,
            Some(own) => CurrentLink::Own(own.expires_at),
            None => CurrentLink::Unlinked,
        };
        Ok(PendingLink { request, code, until, current: already })
    }

    /// All requests that wait for this person, newest first.
    pub async fn pending_links(&self, person: &SignedIn) -> Result<Vec<LinkRequest>, Fault> {
        let (by, now) = (person.claimant(), self.now());
        let mut waiting = link_requests::claimed_by(self.storage().reader(), person.tenant_id(), person.user_id(), now).await?;
        waiting.retain(|request| request.is_held_by(&by, now));
        Ok(waiting)
    }

    /// Links the account to the person, or renews the link; link, answer and audit event are written in one transaction.
    pub async fn link_my_account(&self, person: &RecentlyAuthenticated, id: &LinkRequestId) -> Result<LinkOutcome, Error<AnswerRefused>> {
        let new_id = HostAccountId::parse(self.new_id("hac")).map_err(Fault::new)?;
        let (person, id, now) = (SignedIn::clone(person), id.clone(), self.now());
        self.try_write(move |db| link(db, person, id, new_id, now).boxed()).await
    }

    /// "Not me": refuses the request, and writes an audit event for administrators.
    pub async fn refuse_link(&self, person: &SignedIn, id: &LinkRequestId) -> Result<(), Error<AnswerRefused>> {
        let (person, id, now) = (person.clone(), id.clone(), self.now());
        self.try_write(move |db| refuse(db, person, id, now).boxed()).await
    }

    /// Releases a request, so that its code can be submitted in another session or by another person; without `only`, all requests that
    /// this session holds.
    pub async fn release_link_request(&self, person: &SignedIn, only: Option<&LinkRequestId>) -> Result<(), Fault> {
        let (person, only, now) = (person.clone(), only.cloned(), self.now());
        self.write(move |db| release(db, person, only, now).boxed()).await
    }
}

/// The request of a code, and which of the hashes it is stored under.
async fn find_request(db: &mut Connection, hashes: &[Vec<u8>]) -> Result<Option<(LinkRequest, usize)>, storage::Error> {
    for (number, hash) in hashes.iter().enumerate() {
        if let Some(request) = link_requests::find_by_user_code(&mut *db, hash).await? {
            return Ok(Some((request, number)));
        }
    }
    Ok(None)
}

/// The pending request of a code, and which of the hashes it is stored under. A wrong code is counted; once the attempts are used up, the code
/// is not looked up.
async fn find_pending(db: &mut Connection, attempt: &CodeAttempt) -> Result<Result<(LinkRequest, usize), CodeRefused>, storage::Error> {
    if let Some(refused) = check_attempts(db, attempt).await? {
        return Ok(Err(refused));
    }
    let found = find_request(db, &attempt.hashes).await?;
    match found.filter(|(request, _)| request.is_pending(attempt.now)) {
        Some(found) => Ok(Ok(found)),
        None => {
            record_failure(db, attempt).await?;
            Ok(Err(CodeRefused::NotValid))
        }
    }
}

/// Whether the code may prefill the form; refused if it is wrong.
async fn prefill(db: &mut Connection, tenant: &TenantId, attempt: CodeAttempt) -> Result<Result<bool, CodeRefused>, storage::Error> {
    if !may_try_prefill(db, &attempt).await? {
        return Ok(Ok(false));
    }
    let found = find_request(db, &attempt.hashes).await?;
    let Some((request, _)) = found.filter(|(request, _)| request.is_pending(attempt.now)) else {
        record_prefill(db, &attempt, false).await?;
        return Ok(Err(CodeRefused::NotValid));
    };
    Ok(Ok(record_prefill(db, &attempt, request.tenant_id == *tenant).await?))
}

async fn claim(
    db: &mut Connection,
    person: SignedIn,
    attempt: CodeAttempt,
    sealed: Vec<Vec<u8>>,
) -> Result<Result<LinkRequestId, CodeRefused>, storage::Error> {
    let (request, number) = match find_pending(db, &attempt).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let Some(sealed) = sealed.get(number) else { return Ok(Err(CodeRefused::NotValid)) };
    if request.tenant_id != *person.tenant_id() {
        return Ok(Err(other_tenant(db, request.tenant_id).await?));
    }
    let by = attempt.claimant();
    match request.claimable(&by, attempt.now) {
        Ok(()) if link_requests::save_claim(db, &request, &by, sealed).await? => Ok(Ok(request.id)),
        Ok(()) | Err(ClaimRefused::NotPending) => Ok(Err(CodeRefused::NotValid)),
        Err(ClaimRefused::ClaimedElsewhere { until }) => {
            let record = about_link(db, attempt.audit_event(person.tenant_id(), AuditKind::CodeSubmittedTwice), &request).await?;
            audit_log::insert_throttled(db, &record, RESUBMISSION_AUDIT_INTERVAL).await?;
            Ok(Err(CodeRefused::ClaimedElsewhere { wait: until.since(attempt.now) }))
        }
    }
}

async fn release(db: &mut Connection, person: SignedIn, only: Option<LinkRequestId>, now: Timestamp) -> Result<(), storage::Error> {
    let by = person.claimant();
    for request in link_requests::claimed_by(&mut *db, person.tenant_id(), person.user_id(), now).await? {
        if request.is_held_by(&by, now) && only.as_ref().is_none_or(|only| *only == request.id) {
            link_requests::release_claim(db, &request).await?;
        }
    }
    Ok(())
}

async fn link(
    db: &mut Connection,
    person: SignedIn,
    id: LinkRequestId,
    new_id: HostAccountId,
    now: Timestamp,
) -> Result<LinkOutcome, Error<AnswerRefused>> {
    let request = load(db, &person, &id, now).await?;
    let (tenant, user, place) = (person.tenant_id(), person.user_id(), host_account_key(&person, &request.host, &request.account));
    // The policy as it is now, not as it was when the page was rendered.
    let Policy { link_lifetime, shared_host_accounts, .. } =
        tenants::find(&mut *db, tenant).await?.filter(|tenant| tenant.enabled).ok_or(Error::Refused(AnswerRefused::NotYours))?.policy;
    let own = host_accounts::find_by_key(&mut *db, &place).await?;
    let until = link_expiry(own.as_ref(), link_lifetime, now);
    let linked = request.link(&person.claimant(), until, now).map_err(Error::Refused)?;
    user_mfa::find(&mut *db, tenant, user).await?.ok_or(Error::Refused(AnswerRefused::NoMfa))?;
    if !shared_host_accounts && host_accounts::is_linked_to_another(&mut *db, &place, now).await? {
        return Err(Error::Refused(AnswerRefused::LinkedToAnother));
    }
    save_answer(db, &linked).await?;
    let linked_now = link_or_renew(db, &place, own, NewLink { id: new_id, until, linked_through: None, now }).await?;
    let record = audit_event(db, &person, linked_now.audit_kind(), &linked, now).await?;
    audit_log::insert(db, &record).await?;
    Ok(linked_now)
}

/// The properties of a new link.
pub(in crate::server::service) struct NewLink {
    pub id: HostAccountId,
    pub until: Timestamp,
    /// Display name of the provider through which it is made.
    pub linked_through: Option<String>,
    pub now: Timestamp,
}

/// Creates the person's link, or renews the active one, which keeps its id so that dependent rows remain.
pub(in crate::server::service) async fn link_or_renew(
    db: &mut Connection,
    place: &HostAccountKey,
    own: Option<HostAccount>,
    new: NewLink,
) -> Result<LinkOutcome, storage::Error> {
    let NewLink { id, until, linked_through: through, now } = new;
    let new = HostAccount {
        number: 0,
        id,
        user_id: place.user_id.clone(),
        host: place.host.to_string(),
        account: place.account.to_string(),
        linked_at: now,
        expires_at: until,
        updated_at: now,
        linked_by: Creator::Person,
        linked_through: through,
    };
    let renewed = own.as_ref().is_some_and(|own| own.is_active(now));
    let account = match own {
        None => {
            let host = host_accounts::insert(db, &place.tenant_id, &new).await?.map_or(new.host, String::from);
            HostAccount { host, ..new }
        }
        // An expired link is replaced.
        Some(own) => {
            let account = if renewed { HostAccount { expires_at: until, updated_at: now, ..own } } else { HostAccount { id: own.id, ..new } };
            host_accounts::renew(db, &place.tenant_id, &account).await?;
            account
        }
    };
    Ok(LinkOutcome { account, renewed })
}

async fn refuse(db: &mut Connection, person: SignedIn, id: LinkRequestId, now: Timestamp) -> Result<(), Error<AnswerRefused>> {
    let request = load(db, &person, &id, now).await?;
    let refused = request.refuse(&person.claimant(), now).map_err(Error::Refused)?;
    save_answer(db, &refused).await?;
    let record = audit_event(db, &person, AuditKind::HostLinkRefused, &refused, now).await?;
    audit_log::insert(db, &record).await?;
    Ok(())
}

async fn load(db: &mut Connection, person: &SignedIn, id: &LinkRequestId, now: Timestamp) -> Result<LinkRequest, Error<AnswerRefused>> {
    if !still_signed_in(db, person, now).await? {
        return Err(Error::Refused(AnswerRefused::NotYours));
    }
    link_requests::find(db, person.tenant_id(), id).await?.ok_or(Error::Refused(AnswerRefused::NotYours))
}

async fn save_answer(db: &mut Connection, answered: &LinkRequest) -> Result<(), Error<AnswerRefused>> {
    let first = link_requests::save_answer(db, answered).await?;
    first.then_some(()).ok_or(Error::Refused(AnswerRefused::AlreadyAnswered))
}

pub(in crate::server::service) fn host_account_key(person: &SignedIn, host: &HostName, account: &AccountName) -> HostAccountKey {
    HostAccountKey { tenant_id: person.tenant_id().clone(), user_id: person.user_id().clone(), host: host.clone(), account: account.clone() }
}

async fn audit_event(
    db: &mut Connection,
    person: &SignedIn,
    kind: AuditKind,
    request: &LinkRequest,
    now: Timestamp,
) -> Result<AuditEvent, storage::Error> {
    let record = AuditEvent::new(request.tenant_id.clone(), kind, now).of(person.user_id()).from(person.session().from);
    about_link(db, record, request).await
}
