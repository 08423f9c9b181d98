//! A person's answer to a host account that asks to be linked: the code, what the page shows, yes and no.

use futures_util::FutureExt;

use super::browser_sessions::still_signed_in;
use super::links::{LINK_CODE, subject};
use super::proofs::{FreshlySignedIn, SignedIn};
use super::storage::host_accounts::Place;
use super::storage::{self, Connection, activity, host_accounts, links, tenants, user_mfa};
use super::user_codes::{CodeRefused, Guess, PRESENTED_TWICE_EVERY, Presenting, looked, may_look, miss, other_tenant, too_many};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::delegation::MadeBy;
use crate::domain::device_grant::ClaimRefused;
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{AccountName, HostAccountId, HostName, LinkRequestId, TenantId};
use crate::domain::link::{AnswerRefused, LinkRequest, link_end};
use crate::domain::tenant::Policy;
use crate::domain::time::Timestamp;
use crate::domain::user_code::UserCode;

/// A request that waits for this person's answer.
pub struct Waiting {
    pub request: LinkRequest,
    /// As the host shows it.
    pub code: String,
    /// When the link would end.
    pub until: Timestamp,
    pub already: Already,
}

/// What the account is linked to as yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Already {
    Nobody,
    /// To this person, until then.
    Yours(Timestamp),
    /// To somebody else, and this tenant shares none.
    SomebodyElses,
}

/// A link that was made, or renewed.
#[derive(Clone, Debug)]
pub struct Linked {
    pub account: HostAccount,
    pub renewed: bool,
}

impl Linked {
    /// What the record says of it.
    pub(super) fn kind(&self) -> Kind {
        if self.renewed { Kind::HostLinkChanged } else { Kind::HostLinked }
    }
}

impl Services {
    /// Takes up the request behind a code for this session, as a device's is; and counted as those are.
    pub async fn present_link_code(&self, person: &SignedIn, typed: &str) -> Result<LinkRequestId, Error<CodeRefused>> {
        let code = UserCode::parse(typed).map_err(|refused| Error::Refused(refused.into()))?;
        let guess = Guess::new(self, Presenting::Person(person), LINK_CODE, &code);
        let (person, sealed) = (person.clone(), self.seal_code(&guess.hash, &code)?);
        self.change(move |db| present(db, person, guess, sealed).boxed()).await?.map_err(Error::Refused)
    }

    /// Whether an address with this code in it may fill in the form; see [`may_prefill`](Self::may_prefill).
    pub async fn may_prefill_link(&self, person: &SignedIn, typed: &str) -> Result<Option<UserCode>, Fault> {
        let Ok(code) = UserCode::parse(typed) else { return Ok(None) };
        if !person.tenant().policy.prefill_user_code {
            return Ok(None);
        }
        let guess = Guess::new(self, Presenting::Person(person), LINK_CODE, &code);
        let tenant = person.tenant_id().clone();
        let fills_in = self.change(move |db| async move { prefill(db, &tenant, guess).await }.boxed()).await?;
        Ok(fills_in.then_some(code))
    }

    /// The request, if it waits for this person in this session, or they took it up in one that has ended; else why it cannot be
    /// answered.
    pub async fn waiting_link(&self, person: &SignedIn, id: &LinkRequestId) -> Result<Waiting, Error<AnswerRefused>> {
        let (reader, now) = (self.storage().reader(), self.now());
        let request = links::find(reader, person.tenant_id(), id).await?.ok_or(Error::Refused(AnswerRefused::NotYours))?;
        request.answerable(&person.claimant(), now).map_err(Error::Refused)?;
        let kept = links::claimed_code(reader, &request).await?;
        let code = self.unseal_code(kept).ok_or(Error::Refused(AnswerRefused::NotYours))?;
        let (policy, place) = (&person.tenant().policy, place(person, &request.host, &request.account));
        let own = host_accounts::find_at(reader, &place).await?;
        let until = link_end(own.as_ref(), policy.link_lifetime, now);
        let already = match own.filter(|own| own.is_active(now)) {
            _ if !policy.shared_host_accounts && host_accounts::is_somebody_elses(reader, &place, now).await? => Already::SomebodyElses,
            Some(own) => Already::Yours(own.expires_at),
            None => Already::Nobody,
        };
        Ok(Waiting { request, code, until, already })
    }

    /// All that wait for this person so, the newest first.
    pub async fn waiting_links(&self, person: &SignedIn) -> Result<Vec<LinkRequest>, Fault> {
        let (by, now) = (person.claimant(), self.now());
        let mut waiting = links::claimed_by(self.storage().reader(), person.tenant_id(), person.user_id(), now).await?;
        waiting.retain(|request| request.is_held_by(&by, now));
        Ok(waiting)
    }

    /// Links the account to the person, or renews the link: that, the answer to the host and the record stand together.
    pub async fn link_my_account(&self, person: &FreshlySignedIn, id: &LinkRequestId) -> Result<Linked, Error<AnswerRefused>> {
        let new_id = HostAccountId::parse(self.new_id("hac")).map_err(Fault::new)?;
        let (person, id, now) = (SignedIn::clone(person), id.clone(), self.now());
        self.attempt(move |db| link(db, person, id, new_id, now).boxed()).await
    }

    /// "Not me": the host is told, and the tenant's operators find it in the record.
    pub async fn refuse_link(&self, person: &SignedIn, id: &LinkRequestId) -> Result<(), Error<AnswerRefused>> {
        let (person, id, now) = (person.clone(), id.clone(), self.now());
        self.attempt(move |db| refuse(db, person, id, now).boxed()).await
    }

    /// Lets go of a request, so that its code can be entered elsewhere or by another person; of all that this session holds where
    /// none is named.
    pub async fn put_down_link(&self, person: &SignedIn, only: Option<&LinkRequestId>) -> Result<(), Fault> {
        let (person, only, now) = (person.clone(), only.cloned(), self.now());
        self.change(move |db| put_down(db, person, only, now).boxed()).await
    }
}

/// The request behind the code; a miss is counted, and a guesser who has used up their tries is not looked at.
async fn waiting(db: &mut Connection, guess: &Guess) -> Result<Result<LinkRequest, CodeRefused>, storage::Fault> {
    if let Some(refused) = too_many(db, guess).await? {
        return Ok(Err(refused));
    }
    let found = links::find_by_user_code(&mut *db, &guess.hash).await?;
    match found.filter(|request| request.is_waiting(guess.now)) {
        Some(request) => Ok(Ok(request)),
        None => {
            miss(db, guess).await?;
            Ok(Err(CodeRefused::NotValid))
        }
    }
}

async fn prefill(db: &mut Connection, tenant: &TenantId, guess: Guess) -> Result<bool, storage::Fault> {
    if !may_look(db, &guess).await? {
        return Ok(false);
    }
    let found = links::find_by_user_code(&mut *db, &guess.hash).await?;
    looked(db, &guess, found.is_some_and(|request| request.is_waiting(guess.now) && request.tenant_id == *tenant)).await
}

async fn present(db: &mut Connection, person: SignedIn, guess: Guess, sealed: Vec<u8>) -> Result<Result<LinkRequestId, CodeRefused>, storage::Fault> {
    let request = match waiting(db, &guess).await? {
        Ok(request) => request,
        Err(refused) => return Ok(Err(refused)),
    };
    if request.tenant_id != *person.tenant_id() {
        return Ok(Err(other_tenant(db, request.tenant_id).await?));
    }
    let by = guess.claimant();
    match request.claimable(&by, guess.now) {
        Ok(()) if links::save_claim(db, &request, &by, &sealed).await? => Ok(Ok(request.id)),
        Ok(()) | Err(ClaimRefused::NotWaiting) => Ok(Err(CodeRefused::NotValid)),
        Err(ClaimRefused::ClaimedElsewhere { until }) => {
            let record = guess.activity(person.tenant_id(), Kind::CodePresentedTwice).subject(subject(db, &request).await?);
            activity::insert_once_within(db, &record, PRESENTED_TWICE_EVERY).await?;
            Ok(Err(CodeRefused::ClaimedElsewhere { wait: until.since(guess.now) }))
        }
    }
}

async fn put_down(db: &mut Connection, person: SignedIn, only: Option<LinkRequestId>, now: Timestamp) -> Result<(), storage::Fault> {
    let by = person.claimant();
    for request in links::claimed_by(&mut *db, person.tenant_id(), person.user_id(), now).await? {
        if request.is_held_by(&by, now) && only.as_ref().is_none_or(|only| *only == request.id) {
            links::release_claim(db, &request).await?;
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
) -> Result<Linked, Error<AnswerRefused>> {
    let request = load(db, &person, &id, now).await?;
    let (tenant, user, place) = (person.tenant_id(), person.user_id(), place(&person, &request.host, &request.account));
    // As it is now, not as it was when the page was made.
    let Policy { link_lifetime, shared_host_accounts, .. } =
        tenants::find(&mut *db, tenant).await?.filter(|tenant| tenant.enabled).ok_or(Error::Refused(AnswerRefused::NotYours))?.policy;
    let own = host_accounts::find_at(&mut *db, &place).await?;
    let until = link_end(own.as_ref(), link_lifetime, now);
    let linked = request.link(&person.claimant(), until, now).map_err(Error::Refused)?;
    user_mfa::find(&mut *db, tenant, user).await?.ok_or(Error::Refused(AnswerRefused::NoMfa))?;
    if !shared_host_accounts && host_accounts::is_somebody_elses(&mut *db, &place, now).await? {
        return Err(Error::Refused(AnswerRefused::SomebodyElses));
    }
    answer(db, &linked).await?;
    let linked_now = make_or_renew(db, &place, own, New { id: new_id, until, through: None, now }).await?;
    let record = record(db, &person, linked_now.kind(), &linked, now).await?;
    activity::insert(db, &record).await?;
    Ok(linked_now)
}

/// What a new link has of its own.
pub(super) struct New {
    pub id: HostAccountId,
    pub until: Timestamp,
    /// The provider it is made through, as people call it.
    pub through: Option<String>,
    pub now: Timestamp,
}

/// Makes the person's link, or renews the one in force: that stays the link it is, so that what rests on it stays.
pub(super) async fn make_or_renew(db: &mut Connection, place: &Place, own: Option<HostAccount>, new: New) -> Result<Linked, storage::Fault> {
    let New { id, until, through, now } = new;
    let new = HostAccount {
        number: 0,
        id,
        user_id: place.user_id.clone(),
        host: place.host.to_string(),
        account: place.account.to_string(),
        linked_at: now,
        expires_at: until,
        updated_at: now,
        linked_by: MadeBy::Person,
        linked_through: through,
    };
    let renewed = own.as_ref().is_some_and(|own| own.is_active(now));
    let account = match own {
        None => {
            let host = host_accounts::insert(db, &place.tenant_id, &new).await?.map_or(new.host, String::from);
            HostAccount { host, ..new }
        }
        // One that had ended is made anew.
        Some(own) => {
            let account = if renewed { HostAccount { expires_at: until, updated_at: now, ..own } } else { HostAccount { id: own.id, ..new } };
            host_accounts::renew(db, &place.tenant_id, &account).await?;
            account
        }
    };
    Ok(Linked { account, renewed })
}

async fn refuse(db: &mut Connection, person: SignedIn, id: LinkRequestId, now: Timestamp) -> Result<(), Error<AnswerRefused>> {
    let request = load(db, &person, &id, now).await?;
    let refused = request.refuse(&person.claimant(), now).map_err(Error::Refused)?;
    answer(db, &refused).await?;
    let record = record(db, &person, Kind::HostLinkRefused, &refused, now).await?;
    activity::insert(db, &record).await?;
    Ok(())
}

async fn load(db: &mut Connection, person: &SignedIn, id: &LinkRequestId, now: Timestamp) -> Result<LinkRequest, Error<AnswerRefused>> {
    if !still_signed_in(db, person, now).await? {
        return Err(Error::Refused(AnswerRefused::NotYours));
    }
    links::find(db, person.tenant_id(), id).await?.ok_or(Error::Refused(AnswerRefused::NotYours))
}

async fn answer(db: &mut Connection, answered: &LinkRequest) -> Result<(), Error<AnswerRefused>> {
    let first = links::answer(db, answered).await?;
    first.then_some(()).ok_or(Error::Refused(AnswerRefused::AlreadyAnswered))
}

pub(super) fn place(person: &SignedIn, host: &HostName, account: &AccountName) -> Place {
    Place { tenant_id: person.tenant_id().clone(), user_id: person.user_id().clone(), host: host.clone(), account: account.clone() }
}

async fn record(db: &mut Connection, person: &SignedIn, kind: Kind, request: &LinkRequest, now: Timestamp) -> Result<Activity, storage::Fault> {
    let record = Activity::new(request.tenant_id.clone(), kind, now).of(person.user_id()).from(person.visit().from);
    Ok(record.subject(subject(db, request).await?))
}
