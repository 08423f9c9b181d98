//! Step-up: which authentication is required before a sensitive action (RFC 9470).

use std::time::Duration;

use super::time::Timestamp;

/// For how long an authentication counts as recent.
pub const REAUTH_WINDOW: Duration = Duration::from_secs(15 * 60);

/// When a person last authenticated in a session, and with which factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthenticationTimes {
    /// The first factor: local password or login at a provider.
    pub at: Timestamp,
    /// The second factor, here or at the provider.
    #[serde(default)]
    pub second_at: Option<Timestamp>,
}

impl AuthenticationTimes {
    /// Times of an authentication by the first factor alone.
    pub fn first_factor(at: Timestamp) -> Self {
        Self { at, second_at: None }
    }

    /// `auth_time` of tokens, in seconds since 1970 (OpenID Connect Core §2). `None`: a provider did not say when, which is stored as 0.
    pub fn auth_time(self) -> Option<i64> {
        (self.at > Timestamp::from_millis(0)).then_some(self.at.as_seconds())
    }
}

/// What a person has to do before a sensitive action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepUpRequired {
    Reauthenticate,
    SecondFactor,
    /// Enroll a second factor: the tenant requires one, the person has none, and their sign-in did not include one.
    EnrollSecondFactor,
}

/// Which step-up is required now; `None` if the times are recent enough. People with an enrolled second factor (`has_own`) must present it,
/// because the session alone may be stolen. Others sign in again, with a second factor at the provider if the tenant requires one
/// (`demanded`). `began_at`: when the person began what they do; usually now. An authentication that is ahead of now is never recent.
pub fn required_step_up(times: AuthenticationTimes, has_own: bool, demanded: bool, began_at: Timestamp, now: Timestamp) -> Option<StepUpRequired> {
    let fresh = |at: Timestamp| !at.is_ahead_of(now) && began_at.since(at) < REAUTH_WINDOW;
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
    fn unknown_time_is_not_told() {
        let times = |millis| AuthenticationTimes::first_factor(Timestamp::from_millis(millis));
        assert_eq!((times(0).auth_time(), times(5_999).auth_time()), (None, Some(5)));
    }

    #[test]
    fn second_factor_is_required_if_enrolled_or_demanded() {
        let minutes = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        let judge = |at, second: Option<i64>, has_own, demanded| {
            let times = AuthenticationTimes { at: minutes(at), second_at: second.map(minutes) };
            required_step_up(times, has_own, demanded, minutes(100), minutes(100))
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
        assert_eq!(judge(1_540, Some(1_540), false, false), Some(StepUpRequired::Reauthenticate), "a day ahead: before the clock was set back");
        assert_eq!(judge(1_540, Some(1_540), true, false), Some(StepUpRequired::SecondFactor));
        let signed_in_again = AuthenticationTimes::first_factor(minutes(95));
        assert_eq!(required_step_up(signed_in_again, false, false, minutes(90), minutes(100)), None, "after they began");
    }
}
