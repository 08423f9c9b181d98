//! Time limit of one lookup.

use std::time::{Duration, Instant};

/// The time for everything, from the start of the program to its end.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    started: Instant,
    total: Duration,
}

impl Budget {
    /// sshd asks twice per login, and the user waits for both.
    pub const MAX: Duration = Duration::from_millis(2_000);
    /// Enough for the two reserves below and a response from a nearby portal.
    pub const MIN: Duration = Duration::from_millis(250);
    /// Reserved for the log, after the outcome is known.
    pub const LOG_RESERVE: Duration = Duration::from_millis(50);
    /// Reserved for reading the cache, after the portal has not responded.
    const CACHE_RESERVE: Duration = Duration::from_millis(100);

    pub fn start() -> Self {
        Self { started: Instant::now(), total: Self::MAX }
    }

    /// The same start with an earlier end.
    pub fn within(self, total: Duration) -> Self {
        Self { total: self.total.min(total), ..self }
    }

    /// Time left until the outcome must be known.
    pub fn remaining(self) -> Duration {
        self.total.saturating_sub(Self::LOG_RESERVE).saturating_sub(self.started.elapsed())
    }

    /// Time left until the portal must have responded. Never zero, which would mean no limit.
    pub fn portal_timeout(self) -> Duration {
        self.remaining().saturating_sub(Self::CACHE_RESERVE).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portal_timeout_is_below_the_budget() {
        let budget = Budget::start();
        assert!(budget.portal_timeout() < budget.remaining());
        assert!(budget.remaining() + Budget::LOG_RESERVE <= Budget::MAX);
        assert!(budget.within(Duration::from_secs(60)).remaining() <= Budget::MAX);
        assert!(budget.within(Budget::MIN).remaining() <= Budget::MIN);
        assert!(budget.within(Duration::ZERO).portal_timeout() > Duration::ZERO);
    }
}
