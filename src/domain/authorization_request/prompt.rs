//! What a client wants of the sign-in (OpenID Connect Core §3.1.2.1): `prompt`, `max_age`, `acr_values`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::step_up::{AuthenticationTimes, StepUpRequired};
use crate::domain::time::Timestamp;

/// REFEDS profile: a second factor was presented.
pub const ACR_MFA: &str = "https://refeds.org/profile/mfa";
/// REFEDS profile: one factor was presented.
pub const ACR_SFA: &str = "https://refeds.org/profile/sfa";

/// The values of `prompt`. Unknown ones are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// No page may be shown.
    pub none: bool,
    /// The person signs in again.
    pub login: bool,
    /// The consent page is shown, also if consent is in force.
    pub consent: bool,
    /// The person confirms or changes the account first.
    pub select_account: bool,
}

/// `none` beside another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContradictoryPrompt;

impl Prompt {
    pub fn parse(text: &str) -> Result<Self, ContradictoryPrompt> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let has = |word: &str| words.contains(&word);
        if has("none") && words.iter().any(|word| *word != "none") {
            return Err(ContradictoryPrompt);
        }
        Ok(Self { none: has("none"), login: has("login"), consent: has("consent"), select_account: has("select_account") })
    }
}

/// What the request demands of the authentication of its person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationDemand {
    /// `prompt=login`, or `max_age=0`: after the request.
    pub again: bool,
    /// `max_age`: the longest time since the authentication. One after the request is always recent enough, however long the person reads.
    pub max_age: Option<Duration>,
    /// `acr_values` has [`ACR_MFA`]. Voluntary: a person without a second factor signs in with one factor, and `acr` says so.
    pub second_factor: bool,
}

impl AuthenticationDemand {
    /// What the person has to do first. `requested_at`: when the request was made; `has_own`: the person has enrolled a second factor.
    pub fn missing(&self, times: AuthenticationTimes, has_own: bool, requested_at: Timestamp, now: Timestamp) -> Option<StepUpRequired> {
        // An authentication that is ahead of now was before the clock was set back.
        let valid = |at: Timestamp| !at.is_ahead_of(now);
        let is_old = self.again || self.max_age.is_some_and(|max_age| now.since(times.at) > max_age);
        if (times.at <= requested_at && is_old) || !valid(times.at) {
            return Some(StepUpRequired::Reauthenticate);
        }
        let shown = times.second_at.is_some_and(valid);
        (self.second_factor && has_own && !shown).then_some(StepUpRequired::SecondFactor)
    }
}

/// The value of `acr` for an authentication (RFC 9068 §2.2.1, OpenID Connect Core §2).
pub fn acr(times: AuthenticationTimes) -> &'static str {
    if times.second_at.is_some() { ACR_MFA } else { ACR_SFA }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_excludes_other_values() {
        assert_eq!(Prompt::parse("none"), Ok(Prompt { none: true, ..Prompt::default() }));
        assert_eq!(Prompt::parse(" login  consent create "), Ok(Prompt { login: true, consent: true, ..Prompt::default() }));
        assert_eq!(Prompt::parse("select_account").map(|prompt| prompt.select_account), Ok(true));
        for both in ["none login", "consent none", "none create"] {
            assert_eq!(Prompt::parse(both), Err(ContradictoryPrompt), "{both}");
        }
    }

    #[test]
    fn authentication_must_meet_the_demand() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let (requested, now) = (at(1_000), at(1_100));
        let missing = |demand: AuthenticationDemand, first: i64, second: Option<i64>, has_own: bool| {
            demand.missing(AuthenticationTimes { at: at(first), second_at: second.map(at) }, has_own, requested, now)
        };
        let (none, again) = (AuthenticationDemand::default(), AuthenticationDemand { again: true, ..AuthenticationDemand::default() });
        assert_eq!(missing(none, 1, None, true), None);
        assert_eq!(missing(again, 1_000, None, false), Some(StepUpRequired::Reauthenticate), "with the request is not after it");
        assert_eq!(missing(again, 1_001, None, false), None);
        let max_age = |seconds| AuthenticationDemand { max_age: Some(Duration::from_secs(seconds)), ..none };
        assert_eq!(missing(max_age(200), 900, None, false), None);
        assert_eq!(missing(max_age(199), 900, None, false), Some(StepUpRequired::Reauthenticate));
        let mfa = AuthenticationDemand { second_factor: true, ..none };
        assert_eq!(missing(mfa, 900, None, true), Some(StepUpRequired::SecondFactor));
        assert_eq!(missing(mfa, 900, Some(901), true), None);
        assert_eq!(missing(mfa, 900, None, false), None, "without a second factor `acr` says what was presented");
        assert_eq!(missing(none, 90_000, None, false), Some(StepUpRequired::Reauthenticate), "before the clock was set back");
    }
}
