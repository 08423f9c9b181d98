//! The log line about a full disk.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One line in this time: each change fails, and the log may be on the same disk.
const INTERVAL: Duration = Duration::from_secs(60);

static LAST_LINE: Mutex<Option<Instant>> = Mutex::new(None);

/// Logs that changes are refused for lack of space, unless a line was written within [`INTERVAL`].
pub fn log(error: &dyn Display) {
    let mut last = LAST_LINE.lock().unwrap_or_else(PoisonError::into_inner);
    if is_due(*last, Instant::now()) {
        *last = Some(Instant::now());
        tracing::error!(%error, "No space left for the database: changes that need some are refused; reads, and lookups of keys without a limit, go on");
    }
}

fn is_due(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_due_a_minute() {
        let now = Instant::now();
        assert!(is_due(None, now) && !is_due(Some(now), now + INTERVAL / 2) && is_due(Some(now), now + INTERVAL));
    }
}
