//! The helper's log, written by a separate thread, so that slow disks and many connections delay no caller.

use std::collections::HashMap;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::keycmd::log::{LogEntry, LogTarget};

/// Upper limit of queued lines; further ones are dropped.
const QUEUE_CAPACITY: usize = 256;
const MINUTE: Duration = Duration::from_secs(60);
/// Upper limit of refusals logged per minute; one person may have many UIDs (`/etc/subuid`).
const MAX_THROTTLED_PER_MINUTE: usize = 100;

pub struct LogWriter {
    lines: SyncSender<LogEntry>,
    throttle: Mutex<LogThrottle>,
}

/// Events that a user can cause at any rate: each is logged once per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThrottledEvent {
    AcceptFailed,
    LimitExceeded(u32),
    /// Connected with a UID that cannot be linked.
    NotLinkable(u32),
}

#[derive(Default)]
struct LogThrottle(HashMap<ThrottledEvent, Instant>);

impl LogWriter {
    pub fn open(log: LogTarget) -> io::Result<Self> {
        let (lines, written) = mpsc::sync_channel::<LogEntry>(QUEUE_CAPACITY);
        thread::Builder::new().spawn(move || written.iter().for_each(|entry| log.write_blocking(&entry)))?;
        Ok(Self { lines, throttle: Mutex::default() })
    }

    pub fn write(&self, entry: LogEntry) {
        let _ = self.lines.try_send(entry);
    }

    pub fn write_throttled(&self, event: ThrottledEvent, entry: LogEntry) {
        let is_due = self.throttle.lock().unwrap_or_else(PoisonError::into_inner).is_due(event, Instant::now());
        if is_due {
            self.write(entry);
        }
    }
}

impl LogThrottle {
    fn is_due(&mut self, event: ThrottledEvent, now: Instant) -> bool {
        self.0.retain(|_, noted| now.saturating_duration_since(*noted) < MINUTE);
        if self.0.len() >= MAX_THROTTLED_PER_MINUTE || self.0.contains_key(&event) {
            return false;
        }
        self.0.insert(event, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn throttled_events_are_logged_once_per_minute() {
        let (mut throttle, now) = (LogThrottle::default(), Instant::now());
        let [first, second, third] = [ThrottledEvent::LimitExceeded(1), ThrottledEvent::LimitExceeded(2), ThrottledEvent::NotLinkable(1)];
        assert_eq!([first, first, second, third, third].map(|event| throttle.is_due(event, now)), [true, false, true, true, false]);
        assert!(!throttle.is_due(first, now + MINUTE - Duration::from_millis(1)) && throttle.is_due(first, now + MINUTE));
        let written = (1_000..100_000).filter(|uid| throttle.is_due(ThrottledEvent::NotLinkable(*uid), now + MINUTE)).count();
        assert_eq!((written, throttle.0.len()), (MAX_THROTTLED_PER_MINUTE - 1, MAX_THROTTLED_PER_MINUTE));
    }

    #[test]
    fn hanging_log_does_not_block_callers() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let log = LogWriter::open(LogTarget::File(pipe)).unwrap();
        for _ in 0..10 * QUEUE_CAPACITY {
            log.write(LogEntry::info("nobody reads this"));
        }
    }
}
