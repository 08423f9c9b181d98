//! Limits writes of "last used" and "last asked" times to one per key and minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Timestamp;

const INTERVAL: Duration = Duration::from_secs(60);
/// Above this number entries older than a minute are removed; if there are none, all: some are then written twice.
const MAX_ENTRIES: usize = 10_000;

/// When each key was last written, in memory only.
pub(in crate::server::service) struct WriteThrottle<K>(Mutex<HashMap<K, Timestamp>>);

impl<K> Default for WriteThrottle<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> WriteThrottle<K> {
    /// Whether to write now; if so, false for the next minute.
    pub fn is_due(&self, key: K, now: Timestamp) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&key).is_some_and(|last| last.is_within(INTERVAL, now)) {
            return false;
        }
        if last.len() >= MAX_ENTRIES {
            last.retain(|_, last| last.is_within(INTERVAL, now));
        }
        if last.len() >= MAX_ENTRIES {
            last.clear();
        }
        last.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_due_every_minute_and_memory_is_bounded() {
        let (due, now) = (WriteThrottle::default(), Timestamp::from_millis(1_000_000));
        assert_eq!([due.is_due(1, now), due.is_due(1, now), due.is_due(2, now)], [true, false, true]);
        assert!(due.is_due(1, now + INTERVAL));
        let (ahead, other) = (now + 1_440 * INTERVAL, WriteThrottle::default());
        assert_eq!([other.is_due(1, ahead), other.is_due(1, now), other.is_due(1, now)], [true, true, false], "the clock was set back");
        for key in 0..2 * MAX_ENTRIES {
            due.is_due(key, now);
        }
        assert!(due.0.lock().expect("a map").len() <= MAX_ENTRIES);
    }
}
