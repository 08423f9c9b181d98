//! The device grant (RFC 8628) as a state machine.
//!
//! ```text
//!               approve            redeem
//!   Pending ───────────────► Approved ─────────► Redeemed
//!      │ deny, report           │ revoke, expire     │ revoke
//!      ▼                        ▼                    ▼
//!   Denied              Revoked, Expired          Revoked
//! ```
//!
//! An approval makes an [authorization](super::authorization), which has the access and its end; the grant is revoked with it, so that the
//! device is told at its next poll.
//!
//! A grant also has a claim: the browser session that first submitted the user code, and its person. While that session is alive,
//! no other can claim the grant (docs/decisions/0006); only the claiming person decides. A pending grant expires without a change
//! of state: each rule compares the expiry with the time it is given. Housekeeping sets approved grants that were not redeemed in
//! time to `Expired`.

use std::net::IpAddr;
use std::time::Duration;

use super::client::registration::GrantType;
use super::client::{Client, RequestRefused};
use super::ids::{ClientId, DeviceGrantId, HostAccountId, SessionId, TenantId, TokenFamilyId, UserId};
use super::resource_server::GrantedResource;
use super::scope::ScopeSet;
use super::time::Timestamp;

/// Minimum time between two polls (RFC 8628 §3.2 `interval`).
pub const INTERVAL: Duration = Duration::from_secs(5);
/// How much earlier than [`INTERVAL`] a poll may arrive, because timers and networks are inexact.
const POLL_TOLERANCE: Duration = Duration::from_secs(1);
/// Polls within this time count as one: Go's `x/oauth2` sends each twice while it detects the authentication method.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(1);

/// One run of the flow, from the device's request to its end.
#[derive(Clone, Debug)]
pub struct DeviceGrant {
    pub tenant_id: TenantId,
    pub id: DeviceGrantId,
    pub client_id: ClientId,
    /// The requested scope, restricted to what the client may have.
    pub scope: ScopeSet,
    /// Access to other resource servers (RFC 8707) that it asks for, and that an approval gives.
    pub resources: Vec<GrantedResource>,
    pub requested: DeviceRequest,
    pub expires_at: Timestamp,
    pub claim: Option<Claim>,
    pub state: DeviceGrantState,
}

/// The device's request, as the consent page shows it.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    pub at: Timestamp,
    /// The client's IP address, if known.
    pub from: Option<IpAddr>,
    /// The `User-Agent` header; unverified.
    pub agent: String,
}

/// The browser session that submits a user code, and the person signed in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Stays the same when the cookie is renewed at sign-in.
    pub session: SessionId,
    /// `None` before sign-in.
    pub person: Option<UserId>,
}

/// The binding to the session that first submitted the user code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub by: Claimant,
    /// When the session expires unless it is used again. `None`: it has ended, or another person has signed in to it.
    pub session_ends: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceGrantState {
    Pending,
    Approved(Approval),
    Denied { at: Timestamp, reported: bool },
    Redeemed { approval: Approval, pickup: Pickup },
    Revoked { at: Timestamp },
    Expired { at: Timestamp },
}

/// A person's recorded approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub person: UserId,
    pub at: Timestamp,
    pub scope: ScopeSet,
}

/// The redemption of the grant by the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    pub at: Timestamp,
    pub from: Option<IpAddr>,
    /// The token family that the grant was redeemed for.
    pub family_id: TokenFamilyId,
}

/// The person's input on the consent page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Lifetime of the access.
    pub lifetime: Duration,
    /// The host accounts that were selected.
    pub host_accounts: Vec<HostAccountId>,
    /// The "Yes, I started this" checkbox.
    pub started_this: bool,
    /// The scope that the page showed; no more than that is allowed. `None`: the form was rendered by an earlier release, which did not
    /// send it.
    pub shown_scope: Option<ScopeSet>,
}

/// Why a decision is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionRefused {
    NotYours,
    AlreadyDecided,
    Expired,
    NotConfirmed,
    LifetimeNotAvailable,
    LifetimeTooLong,
    HostAccountNotYours,
    NotAllowed(RequestRefused),
}

/// Why a code cannot be claimed by a browser session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimRefused {
    /// Claimed by another session, which is alive until this time or the code's expiry.
    ClaimedElsewhere { until: Timestamp },
    /// Expired, decided or redeemed; people are told the same as for an unknown code.
    NotPending,
}

/// Result of a poll of the token endpoint, once client and device code match (RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    Pending,
    Denied,
    Expired,
    /// Redeemed before: this poll is a replay.
    Redeemed,
    /// Approved and not yet redeemed.
    Ready,
}

impl DeviceGrant {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at || self.requested.at.is_ahead_of(now)
    }

    /// Whether a decision is still possible.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == DeviceGrantState::Pending && !self.is_expired(now)
    }

    /// Whether this session may claim the code; claiming twice is allowed. Refused if the grant is not pending, or another live session has
    /// claimed it.
    pub fn claimable(&self, by: &Claimant, now: Timestamp) -> Result<(), ClaimRefused> {
        if !self.is_pending(now) {
            return Err(ClaimRefused::NotPending);
        }
        claimable(self.claim.as_ref(), by, self.expires_at, now)
    }

    /// Whether the person claimed the grant in this session, or in one that has ended.
    pub fn is_held_by(&self, by: &Claimant, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.is_held_by(by, now))
    }

    /// Restricts the scope, requested and approved, to the client's current settings. Refused if nothing is left.
    pub fn restrict_to_client(mut self, client: &Client) -> Result<Self, RequestRefused> {
        match &mut self.state {
            DeviceGrantState::Approved(approval) | DeviceGrantState::Redeemed { approval, .. } => {
                approval.scope = client.allowed_scope_with(GrantType::DeviceCode, &approval.scope, &self.resources)?
            }
            _ => self.scope = client.allowed_scope_with(GrantType::DeviceCode, &self.scope, &self.resources)?,
        }
        Ok(self)
    }

    /// Restricts an approval to the scope that the page showed.
    #[must_use]
    pub fn restrict_to_shown(mut self, shown: Option<&ScopeSet>) -> Self {
        if let (DeviceGrantState::Approved(approval), Some(shown)) = (&mut self.state, shown) {
            approval.scope = approval.scope.intersection(shown);
        }
        self
    }

    /// The approved scope, or the requested one while nothing is approved.
    pub fn allowed_scope(&self) -> &ScopeSet {
        match &self.state {
            DeviceGrantState::Approved(approval) | DeviceGrantState::Redeemed { approval, .. } => &approval.scope,
            _ => &self.scope,
        }
    }

    /// Approves a pending grant. Refused unless the claimant may decide.
    pub fn approve(mut self, by: &Claimant, now: Timestamp) -> Result<Self, DecisionRefused> {
        let person = self.check_decidable(by, now)?;
        let approval = Approval { person, at: now, scope: self.scope.clone() };
        self.state = DeviceGrantState::Approved(approval);
        Ok(self)
    }

    /// Denies a pending grant. Refused unless the claimant may decide.
    pub fn deny(mut self, by: &Claimant, now: Timestamp) -> Result<Self, DecisionRefused> {
        self.check_decidable(by, now)?;
        self.state = DeviceGrantState::Denied { at: now, reported: false };
        Ok(self)
    }

    /// "I did not start this": denies a pending grant for any holder of its user code, signed in or not. An approved one is refused; the
    /// person who approved it revokes it instead.
    pub fn report(mut self, now: Timestamp) -> Result<Self, DecisionRefused> {
        match self.state {
            _ if self.is_expired(now) => Err(DecisionRefused::Expired),
            DeviceGrantState::Pending => {
                self.state = DeviceGrantState::Denied { at: now, reported: true };
                Ok(self)
            }
            _ => Err(DecisionRefused::AlreadyDecided),
        }
    }

    /// Revokes an approval, before or after the device redeemed it, because its authorization has ended. `None` in every other state.
    pub fn revoke(mut self, now: Timestamp) -> Option<Self> {
        let approved = matches!(self.state, DeviceGrantState::Approved(_) | DeviceGrantState::Redeemed { .. });
        self.state = DeviceGrantState::Revoked { at: now };
        approved.then_some(self)
    }

    /// Redeems an approved grant. `None` if it is not approved, or the code has expired.
    pub fn redeem(mut self, pickup: Pickup) -> Option<Self> {
        let DeviceGrantState::Approved(approval) = self.state else { return None };
        if pickup.at >= self.expires_at {
            return None;
        }
        self.state = DeviceGrantState::Redeemed { approval, pickup };
        Some(self)
    }

    /// Whether a poll that finds the grant redeemed shows that the device code was copied (RFC 6749 §10.5), so that the access is to be
    /// ended. Not within the duplicate window of the redeeming poll.
    pub fn is_replayed(&self, now: Timestamp) -> bool {
        match &self.state {
            DeviceGrantState::Redeemed { pickup, .. } => now.since(pickup.at) > DUPLICATE_WINDOW || pickup.at.is_ahead_of(now),
            _ => false,
        }
    }

    /// Expires a grant that was approved but not redeemed in time. `None` while it can still be redeemed, and in every other state.
    pub fn expire_unredeemed(mut self, now: Timestamp) -> Option<Self> {
        let expired = matches!(self.state, DeviceGrantState::Approved(_)) && self.is_expired(now);
        self.state = DeviceGrantState::Expired { at: now };
        expired.then_some(self)
    }

    /// Result for the polling device. Denied takes precedence over expired, so that a denial is not mistaken for a person who did not
    /// answer.
    pub fn poll_outcome(&self, now: Timestamp) -> PollOutcome {
        match &self.state {
            DeviceGrantState::Redeemed { .. } => PollOutcome::Redeemed,
            DeviceGrantState::Denied { .. } | DeviceGrantState::Revoked { .. } => PollOutcome::Denied,
            DeviceGrantState::Expired { .. } => PollOutcome::Expired,
            _ if self.is_expired(now) => PollOutcome::Expired,
            DeviceGrantState::Pending => PollOutcome::Pending,
            DeviceGrantState::Approved(_) => PollOutcome::Ready,
        }
    }

    /// The person who may decide. A grant that was decided before is reported as such to its person in every session.
    fn check_decidable(&self, by: &Claimant, now: Timestamp) -> Result<UserId, DecisionRefused> {
        let claim = self.claim.as_ref().filter(|claim| claim.by.person == by.person);
        let (Some(claim), Some(person)) = (claim, by.person.clone()) else { return Err(DecisionRefused::NotYours) };
        if self.state != DeviceGrantState::Pending {
            return Err(DecisionRefused::AlreadyDecided);
        }
        if self.is_expired(now) {
            return Err(DecisionRefused::Expired);
        }
        claim.is_held_by(by, now).then_some(person).ok_or(DecisionRefused::NotYours)
    }
}

impl Claim {
    /// Whether the person holds the claim: made in this session, or in one that has ended.
    pub(super) fn is_held_by(&self, by: &Claimant, now: Timestamp) -> bool {
        by.person.is_some() && self.by.person == by.person && (self.by.session == by.session || !self.is_exclusive(now))
    }

    fn is_exclusive(&self, now: Timestamp) -> bool {
        self.session_ends.is_some_and(|end| now < end)
    }
}

/// Whether a code with this claim may be claimed: it has none, its session has ended, it is the same session (still anonymous, or just
/// signed in), or it is the same person in any session.
pub(super) fn claimable(claim: Option<&Claim>, by: &Claimant, expires_at: Timestamp, now: Timestamp) -> Result<(), ClaimRefused> {
    let Some(claim) = claim.filter(|claim| claim.is_exclusive(now)) else { return Ok(()) };
    let ours = match &claim.by.person {
        Some(person) => by.person.as_ref() == Some(person),
        None => claim.by.session == by.session,
    };
    let until = claim.session_ends.map_or(expires_at, |end| end.min(expires_at));
    if ours { Ok(()) } else { Err(ClaimRefused::ClaimedElsewhere { until }) }
}

/// How a poll of a pending grant is judged: tolerantly, so that no client observed in practice is slowed down (docs/decisions/0005).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollPace {
    /// In time; becomes the reference for the next poll.
    InTime,
    /// A duplicate of the last one: same response, reference unchanged.
    Duplicate,
    /// Too early: `slow_down`, with the time to wait. The reference is unchanged, and the interval never grows.
    TooEarly(Duration),
}

/// Judges a poll by the last one that was in time. The first poll is always in time, and the first after the clock was set back.
pub fn poll_pace(last_in_time: Option<Timestamp>, now: Timestamp) -> PollPace {
    let Some(last) = last_in_time.filter(|last| !last.is_ahead_of(now)) else { return PollPace::InTime };
    let passed = now.since(last);
    if passed >= INTERVAL - POLL_TOLERANCE {
        PollPace::InTime
    } else if passed < DUPLICATE_WINDOW {
        PollPace::Duplicate
    } else {
        PollPace::TooEarly(INTERVAL - passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        START + Duration::from_secs(seconds)
    }

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("a user id")
    }

    fn by(session: &str, person: Option<&str>) -> Claimant {
        Claimant { session: SessionId::parse(session).expect("a session id"), person: person.map(user) }
    }

    fn jdoe() -> Claimant {
        by("ours", Some("jdoe"))
    }

    fn waiting() -> DeviceGrant {
        DeviceGrant {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            id: DeviceGrantId::parse("dgr_1").expect("a grant id"),
            client_id: ClientId::parse("tms-cli").expect("a client id"),
            scope: ScopeSet::parse_known("hosts:read"),
            resources: Vec::new(),
            requested: DeviceRequest { at: START, from: None, agent: String::new() },
            expires_at: at(900),
            claim: None,
            state: DeviceGrantState::Pending,
        }
    }

    /// A grant claimed by a session that ends at a time, or has ended.
    fn claimed_by(by: Claimant, session_ends: Option<u64>) -> DeviceGrant {
        DeviceGrant { claim: Some(Claim { by, session_ends: session_ends.map(at) }), ..waiting() }
    }

    fn claimed() -> DeviceGrant {
        claimed_by(jdoe(), Some(7_200))
    }

    fn approved() -> DeviceGrant {
        claimed().approve(&jdoe(), at(2)).expect("approved")
    }

    #[test]
    fn claim_excludes_others_while_its_session_lives() {
        let elsewhere = |until| Err(ClaimRefused::ClaimedElsewhere { until: at(until) });
        let anonymous = claimed_by(by("ours", None), Some(600));
        for (claimed, typed_by, when, outcome) in [
            (waiting(), by("ours", None), 1, Ok(())),
            (anonymous.clone(), by("ours", None), 1, Ok(())),
            (anonymous.clone(), jdoe(), 1, Ok(())),
            (anonymous.clone(), by("theirs", None), 1, elsewhere(600)),
            (anonymous.clone(), by("theirs", Some("jdoe")), 599, elsewhere(600)),
            (anonymous, by("theirs", Some("jdoe")), 600, Ok(())),
            (claimed(), jdoe(), 1, Ok(())),
            // The same person in another session.
            (claimed(), by("theirs", Some("jdoe")), 1, Ok(())),
            (claimed(), by("theirs", Some("eve")), 1, elsewhere(900)),
            (claimed(), by("ours", Some("eve")), 1, elsewhere(900)),
            (claimed(), by("theirs", None), 1, elsewhere(900)),
            (claimed_by(jdoe(), None), by("theirs", Some("eve")), 1, Ok(())),
            (claimed_by(jdoe(), None), by("theirs", Some("eve")), 900, Err(ClaimRefused::NotPending)),
        ] {
            assert_eq!(claimed.claimable(&typed_by, at(when)), outcome, "{:?} {typed_by:?} {when}", claimed.claim);
        }
    }

    #[test]
    fn only_the_claiming_person_decides() {
        let theirs = by("theirs", Some("jdoe"));
        for other in [theirs.clone(), by("ours", Some("eve")), by("ours", None)] {
            assert_eq!(claimed().approve(&other, at(2)).err(), Some(DecisionRefused::NotYours), "{other:?}");
        }
        assert_eq!(waiting().deny(&jdoe(), at(2)).err(), Some(DecisionRefused::NotYours));
        assert_eq!(claimed_by(by("ours", None), None).deny(&by("ours", None), at(2)).err(), Some(DecisionRefused::NotYours), "not signed in");
        // The claiming session has ended: the same person continues in another.
        assert!(claimed_by(jdoe(), None).approve(&theirs, at(2)).is_ok());
        assert!(claimed_by(jdoe(), Some(60)).deny(&theirs, at(60)).is_ok());
        assert_eq!(claimed_by(jdoe(), None).deny(&by("theirs", Some("eve")), at(2)).err(), Some(DecisionRefused::NotYours));
    }

    #[test]
    fn a_decision_is_final() {
        let denied = claimed().deny(&jdoe(), at(2)).expect("denied");
        assert_eq!(denied.clone().approve(&jdoe(), at(3)).err(), Some(DecisionRefused::AlreadyDecided));
        assert_eq!(approved().deny(&by("theirs", Some("jdoe")), at(3)).err(), Some(DecisionRefused::AlreadyDecided));
        assert_eq!(denied.poll_outcome(at(5)), PollOutcome::Denied);
        assert_eq!(denied.poll_outcome(at(5_000)), PollOutcome::Denied);
    }

    #[test]
    fn decision_after_expiry_is_refused() {
        assert_eq!(claimed().approve(&jdoe(), at(900)).err(), Some(DecisionRefused::Expired));
        assert_eq!(waiting().claimable(&jdoe(), at(900)), Err(ClaimRefused::NotPending));
        assert_eq!(waiting().poll_outcome(at(900)), PollOutcome::Expired);
        assert_eq!(approved().poll_outcome(at(900)), PollOutcome::Expired);
        assert!(matches!(approved().poll_outcome(at(899)), PollOutcome::Ready));
        assert!(approved().expire_unredeemed(at(899)).is_none() && waiting().expire_unredeemed(at(901)).is_none());
        assert_eq!(approved().expire_unredeemed(at(900)).expect("an expired grant").poll_outcome(at(901)), PollOutcome::Expired);
    }

    #[test]
    fn grant_is_redeemed_once_and_in_time() {
        let pickup = |seconds| Pickup { at: at(seconds), from: None, family_id: TokenFamilyId::parse("fam_1").expect("a family id") };
        let redeemed = approved().redeem(pickup(10)).expect("a token");
        assert_eq!(redeemed.poll_outcome(at(11)), PollOutcome::Redeemed);
        assert!(redeemed.clone().redeem(pickup(11)).is_none() && waiting().redeem(pickup(10)).is_none());
        assert!(approved().redeem(pickup(900)).is_none(), "the code has expired");
        assert!(!redeemed.is_replayed(at(11)), "a twin");
        assert!(redeemed.is_replayed(at(12)), "a copy");
        assert!(redeemed.is_replayed(START - Duration::from_secs(86_400)), "the clock was set back");
        assert_eq!(waiting().poll_outcome(START - Duration::from_secs(86_400)), PollOutcome::Expired, "a code of the future");
    }

    #[test]
    fn device_is_told_that_the_approval_was_revoked() {
        let revoked = approved().revoke(at(3)).expect("revoked");
        assert_eq!(revoked.poll_outcome(at(4)), PollOutcome::Denied);
        assert!(revoked.revoke(at(5)).is_none() && claimed().revoke(at(3)).is_none());
    }

    #[test]
    fn pending_grant_can_be_reported_by_any_holder_of_its_code() {
        let reported = waiting().report(at(1)).expect("reported");
        assert_eq!(reported.state, DeviceGrantState::Denied { at: at(1), reported: true });
        assert_eq!(approved().report(at(3)).err(), Some(DecisionRefused::AlreadyDecided));
    }

    #[test]
    fn first_poll_is_in_time_and_duplicates_count_once() {
        assert_eq!(poll_pace(None, START), PollPace::InTime);
        assert_eq!(poll_pace(Some(START), START + Duration::from_millis(999)), PollPace::Duplicate);
        assert_eq!(poll_pace(Some(START), at(1)), PollPace::TooEarly(Duration::from_secs(4)));
        assert_eq!(poll_pace(Some(START), START + Duration::from_millis(3_999)), PollPace::TooEarly(Duration::from_millis(1_001)));
        assert_eq!(poll_pace(Some(START), at(4)), PollPace::InTime);
        assert_eq!(poll_pace(Some(at(86_400)), START), PollPace::InTime, "the clock was set back");
    }

    proptest! {
        /// H2CK/oidc issue 716: a client that polls every 5 s ± 0.3 s must never be slowed down.
        #[test]
        fn steady_client_is_never_slowed_down(jitter in proptest::collection::vec(-300_i64..=300, 1..200)) {
            let mut last = None;
            for (poll, jitter) in jitter.into_iter().enumerate() {
                let due = START.as_millis() + i64::try_from(poll).expect("small") * 5_000 + jitter;
                let now = Timestamp::from_millis(due);
                prop_assert_eq!(poll_pace(last, now), PollPace::InTime);
                last = Some(now);
            }
        }

        /// Any client is served again once it waits for the interval, however it polled before.
        #[test]
        fn client_that_waits_is_served_again(gaps in proptest::collection::vec(0_u64..6_000, 1..100)) {
            let mut last = None;
            let mut now = START;
            for gap in gaps {
                now = now + Duration::from_millis(gap);
                if poll_pace(last, now) == PollPace::InTime {
                    last = Some(now);
                }
            }
            prop_assert_eq!(poll_pace(last, now + INTERVAL), PollPace::InTime);
        }
    }
}
