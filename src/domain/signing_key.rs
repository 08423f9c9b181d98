//! Signing keys: their states, and when these change (OpenID Connect Core §10.1.1). For each algorithm there is one key that signs, the next one,
//! and those that only verify.
//!
//! ```text
//! created ──► Next ──24 h, then at a rotation──► Active ──at the next rotation──► Retired ──its last token has ended──► removed
//!              └──────────────────────────────── compromised ──────────────────────┴──────────────────────────────────────┘
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ids::SigningKeyId;
use super::stored_words::stored_words;
use super::time::Timestamp;

/// How long a key is published before it signs: clients keep a key set for hours, also beyond its `max-age`.
pub const PUBLICATION: Duration = Duration::from_secs(24 * 60 * 60);
/// How often keys are rotated unless the operator sets another interval, in days.
pub const ROTATION_DAYS: u32 = 90;

/// Algorithms of the portal's signatures (RFC 7518 §3.1). Every client can verify RS256 (RFC 9068 §2.1, OpenID Connect Core §15.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    #[default]
    Rs256,
    Es256,
}

impl SigningAlgorithm {
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];
}

// The words are its names in tokens and metadata.
stored_words!(SigningAlgorithm {
    Rs256 = "RS256",
    Es256 = "ES256",
});

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a key, in the order of the published key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SigningKeyState {
    /// Signs.
    Active,
    /// Is published, and will sign.
    Next,
    /// Verifies the tokens that it signed.
    Retired,
}

impl SigningKeyState {
    pub const ALL: [Self; 3] = [Self::Active, Self::Next, Self::Retired];
}

stored_words!(SigningKeyState {
    Active = "active",
    Next = "next",
    Retired = "retired",
});

/// A signing key, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    pub id: SigningKeyId,
    pub algorithm: SigningAlgorithm,
    pub state: SigningKeyState,
    /// When it was created and published.
    pub created_at: Timestamp,
    /// When it began to sign; `None` for a next key.
    pub activated_at: Option<Timestamp>,
    /// When it ceased to sign; `None` unless it is retired.
    pub retired_at: Option<Timestamp>,
    /// When the last token that it signed has ended; `None` unless it is retired.
    pub remove_at: Option<Timestamp>,
}

impl SigningKey {
    /// A key that was created now.
    pub fn new(id: SigningKeyId, algorithm: SigningAlgorithm, state: SigningKeyState, now: Timestamp) -> Self {
        let activated_at = (state == SigningKeyState::Active).then_some(now);
        Self { id, algorithm, state, created_at: now, activated_at, retired_at: None, remove_at: None }
    }

    /// From when it may sign; `None` unless it is a next key.
    pub fn usable_at(&self) -> Option<Timestamp> {
        (self.state == SigningKeyState::Next).then(|| self.created_at + PUBLICATION)
    }

    /// Whether it has a time that is ahead of now, which was stored while a clock was wrong.
    pub fn has_time_ahead_of(&self, now: Timestamp) -> bool {
        let times = [Some(self.created_at), self.activated_at, self.retired_at];
        times.into_iter().flatten().any(|time| time.is_ahead_of(now))
    }
}

/// Changes of the keys of one algorithm that are made together. Afterwards one key is active and one is next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRingPlan {
    /// Keys to be deleted: their tokens are refused from then on.
    pub remove: Vec<SigningKeyId>,
    pub retire: Option<SigningKeyId>,
    pub activate: Option<SigningKeyId>,
    /// The states of keys to be created.
    pub create: Vec<SigningKeyState>,
}

impl KeyRingPlan {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why the keys of an algorithm cannot be rotated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyRingRefused {
    #[error("{algorithm} has no next key: a running portal creates it within a minute")]
    NoNextKey { algorithm: SigningAlgorithm },
    #[error(
        "the next key of {algorithm} was published less than 24 hours ago, and clients may not have it yet: wait until {end}; if the key in use \
         is compromised, add --compromised", end = .until.humanize()
    )]
    NotPublished { algorithm: SigningAlgorithm, until: Timestamp },
}

/// The keys of one algorithm.
#[derive(Clone, Debug)]
pub struct AlgorithmKeys<'k> {
    algorithm: SigningAlgorithm,
    keys: Vec<&'k SigningKey>,
}

impl<'k> AlgorithmKeys<'k> {
    pub fn of(algorithm: SigningAlgorithm, all: &'k [SigningKey]) -> Self {
        Self { algorithm, keys: all.iter().filter(|key| key.algorithm == algorithm).collect() }
    }

    pub fn active(&self) -> Option<&'k SigningKey> {
        self.find(SigningKeyState::Active)
    }

    pub fn next(&self) -> Option<&'k SigningKey> {
        self.find(SigningKeyState::Next)
    }

    fn find(&self, state: SigningKeyState) -> Option<&'k SigningKey> {
        self.keys.iter().copied().find(|key| key.state == state)
    }

    /// What has to be done now: keys that are missing, a rotation after `every`, and keys without tokens. `None`: keys are rotated by command only.
    pub fn due(&self, now: Timestamp, every: Option<Duration>) -> KeyRingPlan {
        let is_over = |key: &SigningKey| key.remove_at.is_some_and(|end| end <= now);
        let remove = self.keys.iter().filter(|key| is_over(key)).map(|key| key.id.clone()).collect();
        let (active, next) = (self.active(), self.next());
        let is_old = |key: &SigningKey| every.is_some_and(|every| now.since(key.activated_at.unwrap_or(key.created_at)) >= every);
        let plan = match active {
            Some(active) if is_old(active) => self.rotate(now).unwrap_or_else(|_| Self::completed(Some(active), next)),
            active => Self::completed(active, next),
        };
        KeyRingPlan { remove, ..plan }
    }

    /// The next key signs from now on, and the active one verifies the tokens that it signed.
    pub fn rotate(&self, now: Timestamp) -> Result<KeyRingPlan, KeyRingRefused> {
        let algorithm = self.algorithm;
        let (next, until) = self.next().and_then(|next| Some((next, next.usable_at()?))).ok_or(KeyRingRefused::NoNextKey { algorithm })?;
        if now < until {
            return Err(KeyRingRefused::NotPublished { algorithm, until });
        }
        Ok(KeyRingPlan { retire: self.active().map(|active| active.id.clone()), ..Self::completed(None, Some(next)) })
    }

    /// Deletes compromised keys. If the active one is among them, the next one signs at once: clients have it already.
    pub fn end(&self, is_compromised: impl Fn(&SigningKey) -> bool) -> KeyRingPlan {
        let stays = |key: &&SigningKey| !is_compromised(key);
        let remove: Vec<_> = self.keys.iter().filter(|key| is_compromised(key)).map(|key| key.id.clone()).collect();
        if remove.is_empty() {
            return KeyRingPlan::default();
        }
        KeyRingPlan { remove, ..Self::completed(self.active().filter(stays), self.next().filter(stays)) }
    }

    /// Replaces what is missing of an active and a next key.
    fn completed(active: Option<&SigningKey>, next: Option<&SigningKey>) -> KeyRingPlan {
        let (activate, create) = match (active, next) {
            (Some(_), Some(_)) => (None, vec![]),
            (Some(_), None) => (None, vec![SigningKeyState::Next]),
            (None, Some(next)) => (Some(next.id.clone()), vec![SigningKeyState::Next]),
            (None, None) => (None, vec![SigningKeyState::Active, SigningKeyState::Next]),
        };
        KeyRingPlan { activate, create, ..KeyRingPlan::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_176_000_000);
    const HOUR: Duration = Duration::from_secs(60 * 60);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;
    /// The longest lifetime of a token in these tests.
    const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
    const EVERY: Option<Duration> = Some(Duration::from_secs(90 * 24 * 60 * 60));

    /// The keys as a database has them after plans, each of which is carried out as a whole or not at all.
    #[derive(Default)]
    struct Model {
        keys: Vec<SigningKey>,
        created: u32,
    }

    impl Model {
        fn new() -> Self {
            let mut model = Self::default();
            model.carry_out(&AlgorithmKeys::of(ALGORITHM, &[]).due(START, EVERY), START);
            model
        }

        fn ring(&self) -> AlgorithmKeys<'_> {
            AlgorithmKeys::of(ALGORITHM, &self.keys)
        }

        fn carry_out(&mut self, plan: &KeyRingPlan, now: Timestamp) {
            self.keys.retain(|key| !plan.remove.contains(&key.id));
            for key in &mut self.keys {
                if plan.retire.as_ref() == Some(&key.id) {
                    key.state = SigningKeyState::Retired;
                    (key.retired_at, key.remove_at) = (Some(now), Some(now + LONGEST));
                }
                if plan.activate.as_ref() == Some(&key.id) {
                    (key.state, key.activated_at) = (SigningKeyState::Active, Some(now));
                }
            }
            for state in &plan.create {
                self.created += 1;
                let id = SigningKeyId::parse(format!("key{}", self.created)).expect("an id");
                self.keys.push(SigningKey::new(id, ALGORITHM, *state, now));
            }
        }

        fn states(&self) -> Vec<(&str, &str)> {
            self.keys.iter().map(|key| (key.id.as_str(), key.state.as_str())).collect()
        }

        fn active(&self) -> SigningKeyId {
            self.ring().active().expect("an active key").id.clone()
        }
    }

    #[test]
    fn keys_are_created_rotated_and_removed_when_it_is_time() {
        let mut model = Model::new();
        assert_eq!(model.states(), [("key1", "active"), ("key2", "next")]);
        assert!(model.ring().due(START, EVERY).is_empty());
        assert!(model.ring().due(START + DAY * 90 - HOUR, EVERY).is_empty());
        assert!(model.ring().due(START + DAY * 900, None).is_empty(), "by command only");
        let rotated_at = START + DAY * 90;
        let due = model.ring().due(rotated_at, EVERY);
        model.carry_out(&due, rotated_at);
        assert_eq!(model.states(), [("key1", "retired"), ("key2", "active"), ("key3", "next")]);
        assert!(model.ring().due(rotated_at + LONGEST - HOUR, EVERY).is_empty());
        let over = model.ring().due(rotated_at + LONGEST, EVERY);
        assert_eq!(over, KeyRingPlan { remove: vec![SigningKeyId::parse("key1").expect("an id")], ..KeyRingPlan::default() });
    }

    #[test]
    fn next_key_signs_after_a_day_unless_the_active_one_is_compromised() {
        let mut model = Model::new();
        let until = START + PUBLICATION;
        assert_eq!(model.ring().rotate(until - HOUR), Err(KeyRingRefused::NotPublished { algorithm: ALGORITHM, until }));
        assert_eq!(model.ring().next().and_then(SigningKey::usable_at), Some(until));
        let active = model.active();
        let plan = model.ring().end(|key| key.id == active);
        model.carry_out(&plan, START + HOUR);
        assert_eq!(model.states(), [("key2", "active"), ("key3", "next")]);
        let all = model.ring().end(|_| true);
        model.carry_out(&all, START + HOUR);
        assert_eq!(model.states(), [("key4", "active"), ("key5", "next")]);
        assert!(model.ring().end(|_| false).is_empty());
        let next = model.ring().next().expect("a key").id.clone();
        let plan = model.ring().end(|key| key.id == next);
        model.carry_out(&plan, START + HOUR);
        assert_eq!(model.states(), [("key4", "active"), ("key6", "next")]);
    }

    #[test]
    fn what_is_missing_is_replaced() {
        let next = SigningKey::new(SigningKeyId::parse("a").expect("an id"), ALGORITHM, SigningKeyState::Next, START);
        let only_next = [next.clone()];
        let plan = AlgorithmKeys::of(ALGORITHM, &only_next).due(START, EVERY);
        assert_eq!(plan, KeyRingPlan { activate: Some(next.id), create: vec![SigningKeyState::Next], ..KeyRingPlan::default() });
        let only_active = [SigningKey { state: SigningKeyState::Active, activated_at: Some(START), ..only_next[0].clone() }];
        let keys = AlgorithmKeys::of(ALGORITHM, &only_active);
        // Without a next key the active one signs for longer.
        for now in [START, START + DAY * 100] {
            assert_eq!(keys.due(now, EVERY), KeyRingPlan { create: vec![SigningKeyState::Next], ..KeyRingPlan::default() });
        }
        assert_eq!(keys.rotate(START + DAY), Err(KeyRingRefused::NoNextKey { algorithm: ALGORITHM }));
        assert!(AlgorithmKeys::of(SigningAlgorithm::Es256, &only_active).active().is_none(), "each algorithm has its own keys");
    }

    #[test]
    fn words_of_states_and_algorithms_are_parsed() {
        for state in SigningKeyState::ALL {
            assert_eq!(SigningKeyState::parse(state.as_str()), Some(state));
        }
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(SigningAlgorithm::parse(algorithm.as_str()), Some(algorithm));
        }
        for other in ["none", "HS256", "rs256", "RS512", ""] {
            assert_eq!(SigningAlgorithm::parse(other), None, "{other}");
        }
    }

    /// What can happen to keys.
    #[derive(Clone, Debug)]
    enum Event {
        Wait(u64),
        /// Housekeeping; false: it is killed before its change.
        Due(bool),
        Rotate(bool),
        Compromised(bool),
        /// A token of this lifetime, in hundredths of the longest.
        Token(u32),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (1_u64..40 * 24).prop_map(Event::Wait),
            any::<bool>().prop_map(Event::Due),
            any::<bool>().prop_map(Event::Rotate),
            any::<bool>().prop_map(Event::Compromised),
            (1_u32..=100).prop_map(Event::Token),
        ]
    }

    proptest! {
        /// After any sequence of steps, also an interrupted one: one key signs, one is next, and each token verifies until it ends or its key is
        /// compromised.
        #[test]
        fn one_key_signs_and_all_verify(events in proptest::collection::vec(event(), 1..120)) {
            let (mut model, mut now) = (Model::new(), START);
            let mut tokens: Vec<(SigningKeyId, Timestamp)> = Vec::new();
            for event in events {
                let before = model.active();
                let (plan, is_done, is_compromise) = match event {
                    Event::Wait(hours) => {
                        now = now + HOUR * u32::try_from(hours).expect("small");
                        (KeyRingPlan::default(), false, false)
                    }
                    Event::Due(done) => (model.ring().due(now, EVERY), done, false),
                    Event::Rotate(done) => (model.ring().rotate(now).unwrap_or_default(), done, false),
                    Event::Compromised(done) => (model.ring().end(|key| key.id == before), done, true),
                    Event::Token(hundredths) => {
                        tokens.push((before.clone(), now + LONGEST / 100 * hundredths));
                        (KeyRingPlan::default(), false, false)
                    }
                };
                if is_done {
                    model.carry_out(&plan, now);
                }
                if is_done && is_compromise {
                    tokens.retain(|(key, _)| *key != before);
                    prop_assert!(model.keys.iter().all(|key| key.id != before));
                }
                let count = |state| model.keys.iter().filter(|key| key.state == state).count();
                prop_assert_eq!((count(SigningKeyState::Active), count(SigningKeyState::Next)), (1, 1));
                let active = model.ring().active().expect("an active key");
                if active.id != before && !is_compromise {
                    prop_assert!(now.since(active.created_at) >= PUBLICATION, "{:?} signs too early", active);
                }
                for (key, _) in tokens.iter().filter(|(_, end)| now < *end) {
                    prop_assert!(model.keys.iter().any(|found| found.id == *key), "{} was removed too early", key);
                }
            }
        }
    }
}
