//! The helper's log, kept by a thread of its own: neither a slow disk nor a flood of callers holds anybody up.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::keycmd::log::{Entry, Log};

/// Lines that may wait to be written; what comes beyond is left out.
const WAITING: usize = 256;
const MINUTE: Duration = Duration::from_secs(60);
/// How many refusals are written in a minute, and no more; somebody may have many numbers (`/etc/subuid`).
const REFUSALS_A_MINUTE: usize = 100;

pub struct Journal {
    lines: SyncSender<Entry>,
    refused: Mutex<OnceAMinute>,
}

/// What somebody can bring about as often as they like: one line in a minute for each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    NotAccepted,
    AtTheDoor(u32),
    /// Came in, and could not ask.
    Inside(u32),
}

#[derive(Default)]
struct OnceAMinute(HashMap<Refusal, Instant>);

impl Journal {
    pub fn open(log: Log) -> io::Result<Self> {
        let (lines, written) = mpsc::sync_channel::<Entry>(WAITING);
        thread::Builder::new().spawn(move || written.iter().for_each(|entry| log.write_now(&entry)))?;
        Ok(Self { lines, refused: Mutex::default() })
    }

    pub fn note(&self, entry: Entry) {
        let _ = self.lines.try_send(entry);
    }

    pub fn note_refusal(&self, refusal: Refusal, entry: Entry) {
        let is_due = self.refused.lock().unwrap_or_else(PoisonError::into_inner).is_due(refusal, Instant::now());
        if is_due {
            self.note(entry);
        }
    }
}

impl OnceAMinute {
    fn is_due(&mut self, refusal: Refusal, now: Instant) -> bool {
        self.0.retain(|_, noted| now.saturating_duration_since(*noted) < MINUTE);
        if self.0.len() >= REFUSALS_A_MINUTE || self.0.contains_key(&refusal) {
            return false;
        }
        self.0.insert(refusal, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn each_refusal_is_written_once_a_minute_and_only_so_many_are() {
        let (mut refused, now) = (OnceAMinute::default(), Instant::now());
        let [first, second, inside] = [Refusal::AtTheDoor(1), Refusal::AtTheDoor(2), Refusal::Inside(1)];
        assert_eq!([first, first, second, inside, inside].map(|refusal| refused.is_due(refusal, now)), [true, false, true, true, false]);
        assert!(!refused.is_due(first, now + MINUTE - Duration::from_millis(1)) && refused.is_due(first, now + MINUTE));
        let written = (1_000..100_000).filter(|uid| refused.is_due(Refusal::Inside(*uid), now + MINUTE)).count();
        assert_eq!((written, refused.0.len()), (REFUSALS_A_MINUTE - 1, REFUSALS_A_MINUTE));
    }

    #[test]
    fn a_log_that_hangs_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let journal = Journal::open(Log::File(pipe)).unwrap();
        for _ in 0..10 * WAITING {
            journal.note(Entry::info("nobody reads this"));
        }
    }
}
