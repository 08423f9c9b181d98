//! Link requests: a host asks to link one of its accounts to the person who enters the user code.
//!
//! ```text
//!              link
//!   Pending ─────────► Linked
//!      │ refuse
//!      ▼
//!   Refused
//! ```
//!
//! As with a device grant, the session that first submits the code claims the request, and expiry is not a state. A request that
//! was replaced by a newer one of the same account is deleted.

use std::time::Duration;

use super::delegation::Creator;
use super::device_grant::{Claim, ClaimRefused, Claimant, claimable};
use super::host_account::HostAccount;
use super::ids::{AccountName, HostName, LinkRequestId, TenantId, UserId};
use super::time::Timestamp;

/// Maximum lifetime of a link request's code; the tenant's code lifetime applies if shorter. Shorter than a device's may be, because a
/// guessed code gives access to an account.
pub const MAX_CODE_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// First message of `tms link` to the link helper; an open file descriptor is sent with it.
pub const GREETING: &[u8] = b"tms link\n";
/// Maximum number of pending requests for the accounts of one host.
pub const MAX_PENDING_PER_HOST: i64 = 100;
/// The UID that Linux reports for users without one in this namespace (`/proc/sys/kernel/overflowuid`).
const OVERFLOW_UID: u32 = 65_534;

#[derive(Clone, Debug)]
pub struct LinkRequest {
    pub tenant_id: TenantId,
    pub id: LinkRequestId,
    pub host: HostName,
    pub account: AccountName,
    /// The account's UID on the host.
    pub uid: u32,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    pub claim: Option<Claim>,
    pub state: LinkRequestState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkRequestState {
    Pending,
    Linked { person: UserId, until: Timestamp },
    Refused,
}

/// Why a person's answer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRefused {
    /// Not claimed in this session, or no longer there.
    NotYours,
    AlreadyAnswered,
    Expired,
    /// The person has no valid MFA record.
    NoMfa,
    /// The account is linked to another person, and the tenant does not allow shared accounts.
    LinkedToAnother,
}

/// Status of a link request, as the host is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkStatus {
    Pending,
    Linked { person: UserId, until: Timestamp },
    Refused,
    Expired,
}

impl LinkRequest {
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == LinkRequestState::Pending && !self.is_expired(now)
    }

    /// Whether its code has expired, or was issued while the clock was ahead: it would be valid that much longer.
    fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || self.requested_at.is_ahead_of(now)
    }

    /// Whether this session may claim the code; claiming twice is allowed. Refused if the request is not pending, or another live session
    /// has claimed it.
    pub fn claimable(&self, by: &Claimant, now: Timestamp) -> Result<(), ClaimRefused> {
        if !self.is_pending(now) {
            return Err(ClaimRefused::NotPending);
        }
        claimable(self.claim.as_ref(), by, self.expires_at, now)
    }

    /// Links the account until `until`. Refused unless the claimant may answer.
    pub fn link(mut self, by: &Claimant, until: Timestamp, now: Timestamp) -> Result<Self, AnswerRefused> {
        let person = self.check_answerable(by, now)?;
        self.state = LinkRequestState::Linked { person, until };
        Ok(self)
    }

    /// "Not me": refuses the request. Refused unless the claimant may answer.
    pub fn refuse(mut self, by: &Claimant, now: Timestamp) -> Result<Self, AnswerRefused> {
        self.check_answerable(by, now)?;
        self.state = LinkRequestState::Refused;
        Ok(self)
    }

    /// Whether the person claimed the request in this session, or in one that has ended.
    pub fn is_held_by(&self, by: &Claimant, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.is_held_by(by, now))
    }

    /// The status for the host. An answer takes precedence over expiry.
    pub fn status(&self, now: Timestamp) -> LinkStatus {
        match &self.state {
            LinkRequestState::Linked { person, until } => LinkStatus::Linked { person: person.clone(), until: *until },
            LinkRequestState::Refused => LinkStatus::Refused,
            LinkRequestState::Pending if self.is_expired(now) => LinkStatus::Expired,
            LinkRequestState::Pending => LinkStatus::Pending,
        }
    }

    /// The person who may answer a pending request. A request that was answered before is reported as such to its person in every session.
    pub fn check_answerable(&self, by: &Claimant, now: Timestamp) -> Result<UserId, AnswerRefused> {
        let claim = self.claim.as_ref().filter(|claim| claim.by.person == by.person);
        let (Some(claim), Some(person)) = (claim, by.person.clone()) else { return Err(AnswerRefused::NotYours) };
        if self.state != LinkRequestState::Pending {
            return Err(AnswerRefused::AlreadyAnswered);
        }
        if self.is_expired(now) {
            return Err(AnswerRefused::Expired);
        }
        claim.is_held_by(by, now).then_some(person).ok_or(AnswerRefused::NotYours)
    }
}

/// Expiry of a link that is created or renewed now. Renewing never shortens it, and never extends an active link that an administrator
/// created: otherwise its holder could keep the access indefinitely.
pub fn link_expiry(own: Option<&HostAccount>, lifetime: Duration, now: Timestamp) -> Timestamp {
    let end = now + lifetime;
    match own {
        Some(own) if own.linked_by == Creator::Admin && own.is_active(now) => own.expires_at,
        Some(own) => own.expires_at.max(end),
        None => end,
    }
}

/// Whether a UID can belong to a person: not root's, not below the tenant's minimum, not the overflow UID and not -1.
pub fn is_personal_uid(uid: u32, lowest: u32) -> bool {
    uid >= lowest.max(1) && uid != OVERFLOW_UID && uid != u32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{HostAccountId, SessionId};

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a user id")
    }

    fn by(session: &str, person: &str) -> Claimant {
        Claimant { session: SessionId::parse(session).expect("a session id"), person: Some(user(person)) }
    }

    fn waiting() -> LinkRequest {
        LinkRequest {
            tenant_id: TenantId::parse("test").expect("a tenant"),
            id: LinkRequestId::parse("lnk_1").expect("an id"),
            host: HostName::parse("frontera").expect("a host"),
            account: AccountName::parse("jdoe").expect("an account"),
            uid: 1_000,
            requested_at: START,
            expires_at: START + MAX_CODE_LIFETIME,
            claim: None,
            state: LinkRequestState::Pending,
        }
    }

    #[test]
    fn only_the_claiming_person_answers_once_and_in_time() {
        let (now, until, end) = (START + Duration::from_secs(60), START + Duration::from_secs(86_400), START + MAX_CODE_LIFETIME);
        let (ours, jdoe) = (by("ours", "jdoe"), user("jdoe"));
        let claimed_until = |session_ends| LinkRequest { claim: Some(Claim { by: ours.clone(), session_ends }), ..waiting() };
        let claimed = claimed_until(Some(until));
        for same_person in [&ours, &by("theirs", "jdoe")] {
            assert_eq!(claimed.claimable(same_person, now), Ok(()));
        }
        for other in [by("theirs", "eve"), by("ours", "eve")] {
            assert_eq!(claimed.claimable(&other, now), Err(ClaimRefused::ClaimedElsewhere { until: end }));
            assert_eq!(claimed_until(None).claimable(&other, now), Ok(()), "the session has ended");
        }
        assert_eq!(waiting().claimable(&ours, end), Err(ClaimRefused::NotPending));
        assert_eq!(waiting().status(START - Duration::from_secs(86_400)), LinkStatus::Expired, "a code of the future");

        assert_eq!(waiting().link(&ours, until, now).err(), Some(AnswerRefused::NotYours));
        for other in [by("theirs", "jdoe"), by("ours", "eve")] {
            assert_eq!(claimed.clone().link(&other, until, now).err(), Some(AnswerRefused::NotYours));
        }
        assert!(claimed_until(None).link(&by("theirs", "jdoe"), until, now).is_ok());
        assert_eq!(claimed.clone().link(&ours, until, end).err(), Some(AnswerRefused::Expired));
        let linked = claimed.clone().link(&ours, until, now).expect("linked");
        assert_eq!(linked.clone().link(&ours, until, now).err(), Some(AnswerRefused::AlreadyAnswered));
        assert_eq!(linked.clone().refuse(&ours, now).err(), Some(AnswerRefused::AlreadyAnswered));
        assert_eq!(linked.claimable(&ours, now), Err(ClaimRefused::NotPending));

        let refused = claimed.clone().refuse(&ours, now).expect("refused");
        for (request, at, standing) in [
            (&claimed, now, LinkStatus::Pending),
            (&claimed, end, LinkStatus::Expired),
            (&refused, end, LinkStatus::Refused),
            (&linked, end, LinkStatus::Linked { person: jdoe.clone(), until }),
        ] {
            assert_eq!(request.status(at), standing);
        }
    }

    #[test]
    fn renewal_never_shortens_nor_extends_an_administrators_link() {
        let (now, year) = (START, Duration::from_secs(365 * 86_400));
        let until = |expires_at, linked_by| HostAccount {
            number: 1,
            id: HostAccountId::parse("hac_1").expect("an id"),
            user_id: user("jdoe"),
            host: "frontera".into(),
            account: "jdoe".into(),
            linked_at: START,
            expires_at,
            updated_at: START,
            linked_by,
            linked_through: None,
        };
        assert_eq!(link_expiry(None, year, now), now + year);
        assert_eq!(link_expiry(Some(&until(now, Creator::Person)), year, now), now + year);
        assert_eq!(link_expiry(Some(&until(Timestamp::FOREVER, Creator::Person)), year, now), Timestamp::FOREVER);
        let soon = now + Duration::from_secs(60);
        assert_eq!(link_expiry(Some(&until(soon, Creator::Admin)), year, now), soon, "an administrator's end stands");
        assert_eq!(link_expiry(Some(&until(now, Creator::Admin)), year, now), now + year, "until it is over");
    }

    #[test]
    fn uids_of_the_host_and_overflow_uids_are_not_personal() {
        for (uid, lowest, fine) in
            [(0, 1_000, false), (0, 0, false), (999, 1_000, false), (1_000, 1_000, true), (500, 500, true), (65_534, 1, false), (u32::MAX, 1, false)]
        {
            assert_eq!(is_personal_uid(uid, lowest), fine, "{uid} {lowest}");
        }
    }
}
