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
    pub const LONGEST: Duration = Duration::from_millis(2_000);
    /// Enough for the two parts below and an answer from nearby.
    pub const SHORTEST: Duration = Duration::from_millis(250);
    /// Kept back for the log, once the outcome is known.
    pub const LAST_WORDS: Duration = Duration::from_millis(50);
    /// Kept back for reading the cache, once the portal has not answered.
    const CACHE: Duration = Duration::from_millis(100);

    pub fn starts_now() -> Self {
        Self { started: Instant::now(), total: Self::LONGEST }
    }

    /// The same start, an earlier end.
    pub fn within(self, total: Duration) -> Self {
        Self { total: self.total.min(total), ..self }
    }

    /// Until the outcome must be known.
    pub fn left(self) -> Duration {
        self.total.saturating_sub(Self::LAST_WORDS).saturating_sub(self.started.elapsed())
    }

    /// Until the portal must have answered. Not nothing: a limit of zero would mean none.
    pub fn for_the_portal(self) -> Duration {
        self.left().saturating_sub(Self::CACHE).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portal_gets_less_than_the_whole_and_nobody_gets_more() {
        let budget = Budget::starts_now();
        assert!(budget.for_the_portal() < budget.left());
        assert!(budget.left() + Budget::LAST_WORDS <= Budget::LONGEST);
        assert!(budget.within(Duration::from_secs(60)).left() <= Budget::LONGEST);
        assert!(budget.within(Budget::SHORTEST).left() <= Budget::SHORTEST);
        assert!(budget.within(Duration::ZERO).for_the_portal() > Duration::ZERO);
    }
}
