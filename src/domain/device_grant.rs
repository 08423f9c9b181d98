//! The device grant (RFC 8628) as a state machine.
//!
//! ```text
//!                    approve            redeem
//!   Pending ───────────────► Approved ─────────► Redeemed
//!      │ deny, report           │ withdraw, lapse    │ withdraw, replay
//!      ▼                        ▼                    ▼
//!   Denied             Withdrawn, Lapsed         Withdrawn
//! ```
//!
//! A grant also has a claim: the browser session in which the user code was typed first, and its person. It keeps others out as
//! long as that session lives (docs/decisions/0006). Only the claiming person decides.
//! Expiry is not a state; each rule looks at the time it is given. A grant that was approved but not fetched in time
//! expires like any other, the device having stopped asking; housekeeping then makes it `Lapsed`.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::client::{Client, RequestRefused};
use super::ids::{ClientId, DeviceGrantId, HostAccountId, SessionId, TenantId, TokenId, UserId};
use super::scope::ScopeSet;
use super::time::Timestamp;

/// Seconds a client is told to wait between two polls (RFC 8628 §3.2 `interval`).
pub const INTERVAL: Duration = Duration::from_secs(5);
/// How much earlier than [`INTERVAL`] a poll may come; clients' timers and networks are not exact.
const POLL_TOLERANCE: Duration = Duration::from_secs(1);
/// Polls closer than this are one poll: Go's `x/oauth2` sends each twice while it finds out how to authenticate.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(1);

/// One run of the flow.
#[derive(Clone, Debug)]
pub struct DeviceGrant {
    pub tenant_id: TenantId,
    pub id: DeviceGrantId,
    pub client_id: ClientId,
    /// What the client asked for, cut down to what it may have.
    pub scope: ScopeSet,
    pub requested: DeviceRequest,
    pub expires_at: Timestamp,
    pub claim: Option<Claim>,
    pub state: DeviceGrantState,
}

/// The device's request, as far as the person should know it.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    pub at: Timestamp,
    /// The address it came from, where the server could tell.
    pub from: Option<IpAddr>,
    /// What the program calls itself (`User-Agent`); unverified.
    pub agent: String,
}

/// Who types a user code: a browser session, and the person who has signed in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Stays the same when the cookie is renewed at sign-in.
    pub session: SessionId,
    /// `None` before sign-in.
    pub person: Option<UserId>,
}

/// Who typed the user code first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub by: Claimant,
    /// When the session ends unless it is used again. `None`: it has ended, or another person has signed in to it.
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

/// What the person said yes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub person: UserId,
    pub at: Timestamp,
    pub scope: ScopeSet,
    /// When the access ends.
    pub until: Timestamp,
}

/// The device fetching its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    pub at: Timestamp,
    pub from: Option<IpAddr>,
    pub token_id: TokenId,
}

/// The person's answer on the consent page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// How long the access lasts.
    pub lifetime: Duration,
    /// The host accounts that were left ticked.
    pub host_accounts: Vec<HostAccountId>,
    /// "Yes, I started this".
    pub started_this: bool,
    /// The scope that the page showed; nothing more is allowed. `None`: a form of an earlier release, which did not say it.
    pub shown_scope: Option<ScopeSet>,
}

/// Why a decision does not count.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DecisionRefused {
    #[error("This request is not open in this browser session. Enter the code again to go on here.")]
    NotYours,
    #[error("This request has already been answered.")]
    AlreadyDecided,
    #[error("The code has expired. Run the command again to get a new one.")]
    Expired,
    #[error("Tick “Yes, I started this” to allow it, or choose Deny.")]
    NotConfirmed,
    #[error("Choose how long the access should last.")]
    LifetimeNotOffered,
    #[error("Your centre no longer lets anybody grant that much time. Choose how long the access should last.")]
    LifetimeTooLong,
    #[error("One of the host accounts is no longer linked to you. Look through the list again.")]
    HostAccountNotYours,
    #[error("This application may not have what it asks for any more. Nothing was shared.")]
    NotAllowed(RequestRefused),
}

/// Why a code could not be taken up by a browser session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimRefused {
    /// Another session was first, and lives; that ends of itself by then, or the code does.
    ClaimedElsewhere { until: Timestamp },
    /// Expired, decided or used up: to the person all the same as unknown.
    NotPending,
}

/// What a poll of the token endpoint finds, where the device code is the polling client's own (RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    Pending,
    Denied,
    Expired,
    /// Redeemed before: a replay.
    Redeemed,
    /// Approved, and not fetched yet.
    Ready,
}

impl DeviceGrant {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether a person can still decide.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.state == DeviceGrantState::Pending && !self.is_expired(now)
    }

    /// Whether the code may be taken up by who typed it. Doing it twice from one session is fine.
    pub fn claimable(&self, by: &Claimant, now: Timestamp) -> Result<(), ClaimRefused> {
        if !self.is_pending(now) {
            return Err(ClaimRefused::NotPending);
        }
        claimable(self.claim.as_ref(), by, self.expires_at, now)
    }

    /// Whether the person took the grant up in this session, or in one that has ended.
    pub fn is_held_by(&self, by: &Claimant, now: Timestamp) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.is_held_by(by, now))
    }

    /// Cuts the scope down to what the client may have now, before and after the decision.
    pub fn restrict_to_client(mut self, client: &Client) -> Result<Self, RequestRefused> {
        match &mut self.state {
            DeviceGrantState::Approved(approval) | DeviceGrantState::Redeemed { approval, .. } => {
                approval.scope = client.allowed_scope(&approval.scope)?
            }
            _ => self.scope = client.allowed_scope(&self.scope)?,
        }
        Ok(self)
    }

    /// Cuts an approval down to what the person was shown.
    #[must_use]
    pub fn restrict_to_shown(mut self, shown: Option<&ScopeSet>) -> Self {
        if let (DeviceGrantState::Approved(approval), Some(shown)) = (&mut self.state, shown) {
            approval.scope = approval.scope.intersection(shown);
        }
        self
    }

    /// What was allowed; what was asked for, while nothing is.
    pub fn allowed_scope(&self) -> &ScopeSet {
        match &self.state {
            DeviceGrantState::Approved(approval) | DeviceGrantState::Redeemed { approval, .. } => &approval.scope,
            _ => &self.scope,
        }
    }

    /// Says yes.
    pub fn approve(mut self, by: &Claimant, until: Timestamp, now: Timestamp) -> Result<Self, DecisionRefused> {
        let person = self.check_decidable(by, now)?;
        let approval = Approval { person, at: now, scope: self.scope.clone(), until };
        self.state = DeviceGrantState::Approved(approval);
        Ok(self)
    }

    /// Says no.
    pub fn deny(mut self, by: &Claimant, now: Timestamp) -> Result<Self, DecisionRefused> {
        self.check_decidable(by, now)?;
        self.state = DeviceGrantState::Denied { at: now, reported: false };
        Ok(self)
    }

    /// "I did not start this": whoever holds the code may say so, signed in or not. An approval is taken back by whoever gave
    /// it instead.
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

    /// Takes a given consent back: before the device came for its token, or after.
    pub fn revoke(mut self, person: &UserId, now: Timestamp) -> Result<Self, DecisionRefused> {
        match &self.state {
            DeviceGrantState::Approved(approval) | DeviceGrantState::Redeemed { approval, .. } if approval.person == *person => {
                self.state = DeviceGrantState::Revoked { at: now };
                Ok(self)
            }
            DeviceGrantState::Approved(_) | DeviceGrantState::Redeemed { .. } => Err(DecisionRefused::NotYours),
            _ => Err(DecisionRefused::AlreadyDecided),
        }
    }

    /// The device has come for its token. `None` where there is none to be had.
    pub fn redeem(mut self, pickup: Pickup) -> Option<Self> {
        let DeviceGrantState::Approved(approval) = self.state else { return None };
        if pickup.at >= self.expires_at || pickup.at >= approval.until {
            return None;
        }
        self.state = DeviceGrantState::Redeemed { approval, pickup };
        Some(self)
    }

    /// A spent device code came again: somebody has a copy of it, and the access ends. `None` if it was only a twin of the
    /// poll that spent it.
    pub fn replay(mut self, now: Timestamp) -> Option<Self> {
        match &self.state {
            DeviceGrantState::Redeemed { pickup, .. } if now.since(pickup.at) > DUPLICATE_WINDOW => {
                self.state = DeviceGrantState::Revoked { at: now };
                Some(self)
            }
            _ => None,
        }
    }

    /// Nobody came for what was approved. `None` while there is time.
    pub fn expire_unredeemed(mut self, now: Timestamp) -> Option<Self> {
        let lapsed = matches!(self.state, DeviceGrantState::Approved(_)) && self.is_expired(now);
        self.state = DeviceGrantState::Expired { at: now };
        lapsed.then_some(self)
    }

    /// What the device is to be told. Denied beats expired, so that a denial is never mistaken for a slow person.
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

    /// The person who decides. An answer given before is said to its person wherever they ask.
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
    /// Whether the person holds it: in the session that made it, or in any once that has ended.
    pub(super) fn is_held_by(&self, by: &Claimant, now: Timestamp) -> bool {
        by.person.is_some() && self.by.person == by.person && (self.by.session == by.session || !self.is_exclusive(now))
    }

    fn is_exclusive(&self, now: Timestamp) -> bool {
        self.session_ends.is_some_and(|end| now < end)
    }
}

/// Whether a code with this claim may be taken up: when it has none, when the session of its claim has ended, by the same session
/// going on (still signed out, or just signed in), and by the same person wherever they type the code.
pub(super) fn claimable(claim: Option<&Claim>, by: &Claimant, expires_at: Timestamp, now: Timestamp) -> Result<(), ClaimRefused> {
    let Some(claim) = claim.filter(|claim| claim.is_exclusive(now)) else { return Ok(()) };
    let ours = match &claim.by.person {
        Some(person) => by.person.as_ref() == Some(person),
        None => claim.by.session == by.session,
    };
    let until = claim.session_ends.map_or(expires_at, |end| end.min(expires_at));
    if ours { Ok(()) } else { Err(ClaimRefused::ClaimedElsewhere { until }) }
}

/// How a poll while pending is to be taken: the tolerant rule, which harms no client seen in the field (docs/decisions/0005).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollPace {
    /// In time; the clock moves to this poll.
    InTime,
    /// One of two that belong together; same answer, the clock stays.
    Duplicate,
    /// Too early: `slow_down`; the clock stays, and the interval never grows. The time to wait comes with it.
    TooEarly(Duration),
}

/// Judges a poll by the last one that was in time. The first is always in time.
pub fn poll_pace(last_in_time: Option<Timestamp>, now: Timestamp) -> PollPace {
    let Some(last) = last_in_time else { return PollPace::InTime };
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
            requested: DeviceRequest { at: START, from: None, agent: String::new() },
            expires_at: at(900),
            claim: None,
            state: DeviceGrantState::Pending,
        }
    }

    /// Claimed by a session that ends at a time, or has ended.
    fn claimed_by(by: Claimant, session_ends: Option<u64>) -> DeviceGrant {
        DeviceGrant { claim: Some(Claim { by, session_ends: session_ends.map(at) }), ..waiting() }
    }

    fn claimed() -> DeviceGrant {
        claimed_by(jdoe(), Some(7_200))
    }

    fn approved() -> DeviceGrant {
        claimed().approve(&jdoe(), at(9_000), at(2)).expect("approved")
    }

    #[test]
    fn a_claim_keeps_others_out_while_its_session_lives() {
        let elsewhere = |until| Err(ClaimRefused::ClaimedElsewhere { until: at(until) });
        let visitor = claimed_by(by("ours", None), Some(600));
        for (claimed, typed_by, when, outcome) in [
            (waiting(), by("ours", None), 1, Ok(())),
            (visitor.clone(), by("ours", None), 1, Ok(())),
            (visitor.clone(), jdoe(), 1, Ok(())),
            (visitor.clone(), by("theirs", None), 1, elsewhere(600)),
            (visitor.clone(), by("theirs", Some("jdoe")), 599, elsewhere(600)),
            (visitor, by("theirs", Some("jdoe")), 600, Ok(())),
            (claimed(), jdoe(), 1, Ok(())),
            // The same person, wherever they type it.
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
            assert_eq!(claimed().approve(&other, at(9_000), at(2)).err(), Some(DecisionRefused::NotYours), "{other:?}");
        }
        assert_eq!(waiting().deny(&jdoe(), at(2)).err(), Some(DecisionRefused::NotYours));
        assert_eq!(claimed_by(by("ours", None), None).deny(&by("ours", None), at(2)).err(), Some(DecisionRefused::NotYours), "not signed in");
        // Their session has ended: they go on in another one.
        assert!(claimed_by(jdoe(), None).approve(&theirs, at(9_000), at(2)).is_ok());
        assert!(claimed_by(jdoe(), Some(60)).deny(&theirs, at(60)).is_ok());
        assert_eq!(claimed_by(jdoe(), None).deny(&by("theirs", Some("eve")), at(2)).err(), Some(DecisionRefused::NotYours));
    }

    #[test]
    fn a_decision_is_final() {
        let denied = claimed().deny(&jdoe(), at(2)).expect("denied");
        assert_eq!(denied.clone().approve(&jdoe(), at(9), at(3)).err(), Some(DecisionRefused::AlreadyDecided));
        assert_eq!(approved().deny(&by("theirs", Some("jdoe")), at(3)).err(), Some(DecisionRefused::AlreadyDecided));
        assert_eq!(denied.poll_outcome(at(5)), PollOutcome::Denied);
        assert_eq!(denied.poll_outcome(at(5_000)), PollOutcome::Denied);
    }

    #[test]
    fn nothing_is_decided_after_the_code_expired() {
        assert_eq!(claimed().approve(&jdoe(), at(9_000), at(900)).err(), Some(DecisionRefused::Expired));
        assert_eq!(waiting().claimable(&jdoe(), at(900)), Err(ClaimRefused::NotPending));
        assert_eq!(waiting().poll_outcome(at(900)), PollOutcome::Expired);
        assert_eq!(approved().poll_outcome(at(900)), PollOutcome::Expired);
        assert!(matches!(approved().poll_outcome(at(899)), PollOutcome::Ready));
        assert!(approved().expire_unredeemed(at(899)).is_none() && waiting().expire_unredeemed(at(901)).is_none());
        assert_eq!(approved().expire_unredeemed(at(900)).expect("nobody came").poll_outcome(at(901)), PollOutcome::Expired);
    }

    #[test]
    fn a_token_is_fetched_once_and_in_time() {
        let pickup = |seconds| Pickup { at: at(seconds), from: None, token_id: TokenId::parse("tok_1").expect("a token id") };
        let redeemed = approved().redeem(pickup(10)).expect("a token");
        assert_eq!(redeemed.poll_outcome(at(11)), PollOutcome::Redeemed);
        assert!(redeemed.clone().redeem(pickup(11)).is_none() && waiting().redeem(pickup(10)).is_none());
        assert!(approved().redeem(pickup(900)).is_none(), "the code has expired");
        assert!(redeemed.clone().replay(at(11)).is_none(), "a twin");
        assert_eq!(redeemed.replay(at(12)).expect("a copy").state, DeviceGrantState::Revoked { at: at(12) });
    }

    #[test]
    fn consent_can_be_taken_back_by_who_gave_it() {
        assert_eq!(approved().revoke(&user("eve"), at(3)).err(), Some(DecisionRefused::NotYours));
        let withdrawn = approved().revoke(&user("jdoe"), at(3)).expect("withdrawn");
        assert_eq!(withdrawn.poll_outcome(at(4)), PollOutcome::Denied);
        assert_eq!(withdrawn.revoke(&user("jdoe"), at(5)).err(), Some(DecisionRefused::AlreadyDecided));
    }

    #[test]
    fn whoever_holds_the_code_may_report_it_while_it_waits() {
        let reported = waiting().report(at(1)).expect("reported");
        assert_eq!(reported.state, DeviceGrantState::Denied { at: at(1), reported: true });
        assert_eq!(approved().report(at(3)).err(), Some(DecisionRefused::AlreadyDecided));
    }

    #[test]
    fn the_first_poll_is_never_too_early_and_twins_are_one() {
        assert_eq!(poll_pace(None, START), PollPace::InTime);
        assert_eq!(poll_pace(Some(START), START + Duration::from_millis(999)), PollPace::Duplicate);
        assert_eq!(poll_pace(Some(START), at(1)), PollPace::TooEarly(Duration::from_secs(4)));
        assert_eq!(poll_pace(Some(START), START + Duration::from_millis(3_999)), PollPace::TooEarly(Duration::from_millis(1_001)));
        assert_eq!(poll_pace(Some(START), at(4)), PollPace::InTime);
    }

    proptest! {
        /// H2CK/oidc 716: a client that polls every 5 s, give or take 0.3 s, must never be slowed down.
        #[test]
        fn a_steady_client_is_never_slowed_down(jitter in proptest::collection::vec(-300_i64..=300, 1..200)) {
            let mut last = None;
            for (poll, jitter) in jitter.into_iter().enumerate() {
                let due = START.as_millis() + i64::try_from(poll).expect("small") * 5_000 + jitter;
                let now = Timestamp::from_millis(due);
                prop_assert_eq!(poll_pace(last, now), PollPace::InTime);
                last = Some(now);
            }
        }

        /// However wildly a client polls, it is let through again once it waits out the interval.
        #[test]
        fn slowing_down_never_becomes_a_trap(gaps in proptest::collection::vec(0_u64..6_000, 1..100)) {
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
