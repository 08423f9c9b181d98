//! What somebody has to show before something that is hard to take back.

use std::time::Duration;

use super::time::Timestamp;

/// For how long it counts that somebody has shown who they are.
pub const REAUTH_WINDOW: Duration = Duration::from_secs(15 * 60);

/// When the person behind a session showed who they are, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthenticationTimes {
    /// The first factor: a password, or what their institution asks for.
    pub at: Timestamp,
    /// A second one, here or there.
    #[serde(default)]
    pub second_at: Option<Timestamp>,
}

impl AuthenticationTimes {
    /// The first factor alone.
    pub fn first_factor(at: Timestamp) -> Self {
        Self { at, second_at: None }
    }
}

/// What a person has to do before they may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUpRequired {
    Reauthenticate,
    SecondFactor,
    /// They have none, the tenant wants one, and where they sign in none is asked for.
    EnrollSecondFactor,
}

/// Whoever has set up a second factor here shows it: their session may be all that somebody else has got hold of. Whoever has none
/// signs in again, and where the tenant `demands` a second factor has to have shown one with that.
pub fn required_step_up(times: AuthenticationTimes, has_own: bool, demanded: bool, now: Timestamp) -> Option<StepUpRequired> {
    let fresh = |at: Timestamp| now.since(at) < REAUTH_WINDOW;
    match (times.second_at.is_some_and(fresh), has_own, fresh(times.at)) {
        (true, _, _) => None,
        (false, true, _) => Some(StepUpRequired::SecondFactor),
        (false, false, false) => Some(StepUpRequired::Reauthenticate),
        (false, false, true) => demanded.then_some(StepUpRequired::EnrollSecondFactor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_factor_is_shown_by_whoever_has_one_or_must() {
        let minutes = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        let judge = |at, second: Option<i64>, has_own, demanded| {
            required_step_up(AuthenticationTimes { at: minutes(at), second_at: second.map(minutes) }, has_own, demanded, minutes(100))
        };
        let (old, new) = (85, 86);
        assert_eq!(judge(new, None, false, false), None);
        assert_eq!(judge(old, None, false, false), Some(StepUpRequired::Reauthenticate));
        assert_eq!(judge(new, None, true, false), Some(StepUpRequired::SecondFactor), "a password alone is not enough for them");
        assert_eq!(judge(new, Some(old), true, false), Some(StepUpRequired::SecondFactor));
        assert_eq!(judge(old, Some(new), true, true), None);
        assert_eq!(judge(old, Some(old), false, true), Some(StepUpRequired::Reauthenticate));
        assert_eq!(judge(new, Some(old), false, true), Some(StepUpRequired::EnrollSecondFactor), "an institution's, too long ago");
        assert_eq!(judge(new, Some(new), false, true), None);
    }
}
