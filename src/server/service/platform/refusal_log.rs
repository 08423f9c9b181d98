//! Limits the log lines about refused authentications: a flood of guesses must not fill the disk. In memory only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::refused_authentication::CredentialKind;
use crate::domain::time::Timestamp;

/// Lines per kind of credential and network in each window.
const MAX_LINES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Networks with a counter of their own; with more, the others share one per kind.
const MAX_COUNTERS: usize = 1_000;
const OTHER_NETWORKS: &str = "others";

/// The refusals of the last minute, by kind and network.
#[derive(Default)]
pub(in crate::server::service) struct RefusalLog(Mutex<HashMap<(CredentialKind, String), Counter>>);

struct Counter {
    since: Timestamp,
    lines: u32,
    suppressed: u64,
}

/// Refusals that were not logged.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server::service) struct Suppressed {
    pub kind: CredentialKind,
    pub network: String,
    pub count: u64,
}

impl RefusalLog {
    /// Counts a refusal. Returns whether to log it, and what was not logged in windows that have ended.
    pub fn record(&self, kind: CredentialKind, network: String, now: Timestamp) -> (bool, Vec<Suppressed>) {
        let mut counters = self.lock();
        let mut key = (kind, network);
        let mut ended = Vec::new();
        if counters.len() >= MAX_COUNTERS && !counters.contains_key(&key) {
            ended = remove(&mut counters, |counter| !counter.since.is_within(WINDOW, now));
            if counters.len() >= MAX_COUNTERS {
                key.1 = OTHER_NETWORKS.to_owned();
            }
        }
        if let Some(old) = counters.get(&key).filter(|counter| !counter.since.is_within(WINDOW, now)) {
            ended.extend(old.suppressed(&key));
            counters.remove(&key);
        }
        let counter = counters.entry(key).or_insert(Counter { since: now, lines: 0, suppressed: 0 });
        let logged = counter.lines < MAX_LINES;
        if logged {
            counter.lines += 1;
        } else {
            counter.suppressed += 1;
        }
        (logged, ended)
    }

    /// What was not logged in windows that have ended.
    pub fn take_ended(&self, now: Timestamp) -> Vec<Suppressed> {
        remove(&mut self.lock(), |counter| !counter.since.is_within(WINDOW, now))
    }

    /// All that was not logged.
    pub fn take_all(&self) -> Vec<Suppressed> {
        remove(&mut self.lock(), |_| true)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(CredentialKind, String), Counter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(counters: &mut HashMap<(CredentialKind, String), Counter>, which: impl Fn(&Counter) -> bool) -> Vec<Suppressed> {
    counters.extract_if(|_, counter| which(counter)).filter_map(|(key, counter)| counter.suppressed(&key)).collect()
}

impl Counter {
    fn suppressed(&self, (kind, network): &(CredentialKind, String)) -> Option<Suppressed> {
        (self.suppressed > 0).then(|| Suppressed { kind: *kind, network: network.clone(), count: self.suppressed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    #[test]
    fn lines_are_limited_per_kind_and_network_and_the_rest_is_counted() {
        let log = RefusalLog::default();
        let record = |kind, network: &str, now| log.record(kind, network.to_owned(), now);
        let logged = (0..8).filter(|_| record(CredentialKind::Password, "192.0.2.1", NOW).0).count();
        assert_eq!(logged, 5);
        assert!(record(CredentialKind::Password, "192.0.2.2", NOW).0 && record(CredentialKind::UserCode, "192.0.2.1", NOW).0);
        assert_eq!(log.take_ended(NOW), [], "the window is still open");
        let suppressed = Suppressed { kind: CredentialKind::Password, network: "192.0.2.1".to_owned(), count: 3 };
        assert_eq!(record(CredentialKind::Password, "192.0.2.1", NOW + WINDOW), (true, vec![suppressed]));
        assert_eq!((log.take_ended(NOW + 2 * WINDOW), log.lock().len()), (Vec::new(), 0));
    }

    #[test]
    fn the_count_is_not_lost_when_guessing_ends_or_the_portal_stops_or_the_clock_is_set_back() {
        let suppressed = |take: &dyn Fn(&RefusalLog) -> Vec<Suppressed>| {
            let log = RefusalLog::default();
            (0..7).for_each(|_| drop(log.record(CredentialKind::Password, "192.0.2.1".to_owned(), NOW)));
            take(&log).iter().map(|suppressed| suppressed.count).sum::<u64>()
        };
        assert_eq!(suppressed(&|log| log.take_ended(NOW + WINDOW)), 2);
        assert_eq!(suppressed(&RefusalLog::take_all), 2);
        assert_eq!(suppressed(&|log| log.record(CredentialKind::Password, "192.0.2.1".to_owned(), NOW - 60 * WINDOW).1), 2);
    }

    #[test]
    fn memory_and_lines_are_bounded_with_many_networks() {
        let log = RefusalLog::default();
        let logged = (0..10 * MAX_COUNTERS).filter(|n| log.record(CredentialKind::Password, n.to_string(), NOW).0).count();
        assert_eq!((logged, log.lock().len()), (MAX_COUNTERS + 5, MAX_COUNTERS + 1));
        let (logged, ended) = log.record(CredentialKind::Password, "new".to_owned(), NOW + WINDOW);
        assert!(logged && ended.iter().map(|suppressed| suppressed.count).sum::<u64>() == 9 * MAX_COUNTERS as u64 - 5, "{ended:?}");
    }
}
