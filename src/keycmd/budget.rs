//! How long a login may wait for us.

use std::time::{Duration, Instant};

/// The time for everything, from the program's first moment to its last.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    started: Instant,
    total: Duration,
}

impl Budget {
    /// sshd asks twice for one login, and a person waits for both.
    pub const MAX: Duration = Duration::from_millis(2_000);
    /// Enough for the two parts below and an answer from nearby.
    pub const MIN: Duration = Duration::from_millis(250);
    /// Kept back for the log, once the outcome is known.
    pub const LOG_RESERVE: Duration = Duration::from_millis(50);
    /// Kept back for reading the cache, once the portal has not answered.
    const CACHE_RESERVE: Duration = Duration::from_millis(100);

    pub fn start() -> Self {
        Self { started: Instant::now(), total: Self::MAX }
    }

    /// The same start, an earlier end.
    pub fn within(self, total: Duration) -> Self {
        Self { total: self.total.min(total), ..self }
    }

    /// Until the outcome must be known.
    pub fn remaining(self) -> Duration {
        self.total.saturating_sub(Self::LOG_RESERVE).saturating_sub(self.started.elapsed())
    }

    /// Until the portal must have answered. Not nothing: a limit of zero would mean none.
    pub fn portal_timeout(self) -> Duration {
        self.remaining().saturating_sub(Self::CACHE_RESERVE).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portal_gets_less_than_the_whole_and_nobody_gets_more() {
        let budget = Budget::start();
        assert!(budget.portal_timeout() < budget.remaining());
        assert!(budget.remaining() + Budget::LOG_RESERVE <= Budget::MAX);
        assert!(budget.within(Duration::from_secs(60)).remaining() <= Budget::MAX);
        assert!(budget.within(Budget::MIN).remaining() <= Budget::MIN);
        assert!(budget.within(Duration::ZERO).portal_timeout() > Duration::ZERO);
    }
}
