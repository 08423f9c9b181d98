//! How long audit events are kept.

use std::time::Duration;

use thiserror::Error;

use super::AuditKind;
use crate::domain::time::Timestamp;

/// The longest retention other than for ever: a hundred years.
pub const MAX_DAYS: u32 = 36_500;
/// The shortest retention that administrators can set in the portal. Operators can set a shorter one.
pub const MIN_DAYS_IN_PORTAL: u32 = 30;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A tenant's retention of its audit events, in days; 0: for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    days: u32,
    security_days: u32,
}

/// Why two numbers of days are no retention.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RetentionRefused {
    #[error("use 0 (for ever) to {MAX_DAYS} days")]
    OutOfRange,
    #[error("security-relevant events must be kept as long as the others or longer: use 0 (for ever), or at least as many days")]
    SecurityShorter,
}

impl Retention {
    pub fn new(days: u32, security_days: u32) -> Result<Self, RetentionRefused> {
        if days > MAX_DAYS || security_days > MAX_DAYS {
            return Err(RetentionRefused::OutOfRange);
        }
        if security_days != 0 && (days == 0 || security_days < days) {
            return Err(RetentionRefused::SecurityShorter);
        }
        Ok(Self { days, security_days })
    }

    pub fn days(self) -> u32 {
        self.days
    }

    /// Of security-relevant kinds.
    pub fn security_days(self) -> u32 {
        self.security_days
    }

    /// Whether an administrator may replace it by `new` in the portal: a shorter time than [`MIN_DAYS_IN_PORTAL`] is the operator's decision.
    pub fn allows_in_portal(self, new: Self) -> bool {
        let allowed = |old: u32, new: u32| new == 0 || new >= MIN_DAYS_IN_PORTAL || new == old;
        allowed(self.days, new.days) && allowed(self.security_days, new.security_days)
    }

    /// The times before which events are deleted: those of ordinary kinds, and those of all kinds. `None`: none are deleted.
    pub fn ends(self, now: Timestamp) -> Option<(Timestamp, Option<Timestamp>)> {
        let end = |days: u32| (days > 0).then(|| now - DAY * days);
        end(self.days).map(|ordinary| (ordinary, end(self.security_days)))
    }
}

impl AuditKind {
    /// Whether events of this kind are kept longer: administration, revocations, reports, limits that were reached, and changes of what
    /// may act or sign in. Not the events of everyday use, which are the most.
    pub fn is_security_relevant(self) -> bool {
        !matches!(
            self,
            Self::SignedIn
                | Self::SignInFailed
                | Self::SignedOut
                | Self::SessionEnded
                | Self::FirstFactorVerified
                | Self::DeviceApproved
                | Self::DeviceDenied
                | Self::DeviceRedeemed
                | Self::TokensRevoked
                | Self::DeviceExpired
                | Self::AuthorizationAllowed
                | Self::SignInAllowed
                | Self::AuthorizationDenied
                | Self::SignedInAtClient
                | Self::LogoutNotDelivered
                | Self::AuthorizationLapsed
                | Self::KeyCreated
                | Self::KeyChanged
                | Self::KeyUsed
                | Self::KeyReserved
                | Self::ReservationEnded
                | Self::HostLinkRequested
                | Self::ClientRequestRefused
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_relevant_events_are_never_kept_shorter() {
        for (days, security_days) in [(0, 0), (90, 0), (90, 90), (90, 730), (1, MAX_DAYS)] {
            assert!(Retention::new(days, security_days).is_ok(), "{days} {security_days}");
        }
        for (days, security_days) in [(90, 89), (0, 1), (0, MAX_DAYS)] {
            assert_eq!(Retention::new(days, security_days), Err(RetentionRefused::SecurityShorter), "{days} {security_days}");
        }
        assert_eq!(Retention::new(MAX_DAYS + 1, 0), Err(RetentionRefused::OutOfRange));
    }

    #[test]
    fn portal_does_not_shorten_below_its_minimum() {
        let retention = |days, security_days| Retention::new(days, security_days).expect("a retention");
        let operators = retention(7, 14);
        assert!(operators.allows_in_portal(operators) && operators.allows_in_portal(retention(30, 0)));
        assert!(!operators.allows_in_portal(retention(8, 14)) && !Retention::default().allows_in_portal(retention(1, 30)));
    }

    #[test]
    fn without_retention_nothing_is_deleted() {
        let now = Timestamp::from_millis(1_000 * 86_400_000);
        assert_eq!(Retention::default().ends(now), None);
        let ends = Retention::new(10, 0).expect("a retention").ends(now);
        assert_eq!(ends, Some((Timestamp::from_millis(990 * 86_400_000), None)));
    }
}
