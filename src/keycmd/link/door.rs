//! How many callers there may be: one account must not keep the others out, and all of them must not wear out the host.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

/// Everybody together.
const AT_ONCE: usize = 64;
const OF_ONE_ACCOUNT: usize = 4;
/// Each is a question to the portal.
const A_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Full {
    #[error("too many people are linking accounts on this host; try again in a few minutes")]
    Everybody,
    #[error("too many requests from you; stop the others, or try again in a minute")]
    You,
}

#[derive(Default)]
pub struct Door {
    guests: Mutex<HashMap<u32, Guest>>,
}

#[derive(Default)]
struct Guest {
    inside: usize,
    /// When they came, within the last minute.
    came: VecDeque<Instant>,
}

/// A place that is given back when it is dropped.
#[derive(Debug)]
pub struct Inside {
    door: Arc<Door>,
    uid: u32,
}

impl Door {
    pub fn enter(self: &Arc<Self>, uid: u32, now: Instant) -> Result<Inside, Full> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|_, guest| {
            guest.came.retain(|came| now.saturating_duration_since(*came) < MINUTE);
            guest.inside > 0 || !guest.came.is_empty()
        });
        if guests.values().map(|guest| guest.inside).sum::<usize>() >= AT_ONCE {
            return Err(Full::Everybody);
        }
        let guest = guests.entry(uid).or_default();
        if guest.inside >= OF_ONE_ACCOUNT || guest.came.len() >= A_MINUTE {
            return Err(Full::You);
        }
        guest.inside += 1;
        guest.came.push_back(now);
        Ok(Inside { door: Arc::clone(self), uid })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut guests = self.door.guests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guest) = guests.get_mut(&self.uid) {
            guest.inside = guest.inside.saturating_sub(1);
        }
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_keeps_nobody_else_out() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        let mut inside: Vec<Inside> = (0..OF_ONE_ACCOUNT).map(|_| door.enter(1_000, now).unwrap()).collect();
        assert_eq!(door.enter(1_000, now).unwrap_err(), Full::You);
        assert!(door.enter(1_001, now).is_ok());
        inside.pop();
        assert!(door.enter(1_000, now).is_ok(), "a place was given back");
    }

    #[test]
    fn coming_and_going_is_counted_by_the_minute() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        for _ in 0..A_MINUTE {
            drop(door.enter(1_000, now).unwrap());
        }
        assert_eq!(door.enter(1_000, now + MINUTE - Duration::from_millis(1)).unwrap_err(), Full::You);
        assert!(door.enter(1_000, now + MINUTE).is_ok());
    }

    #[test]
    fn there_is_an_end_to_all_of_them() {
        let (door, now) = (Arc::new(Door::default()), Instant::now());
        let places = u32::try_from(AT_ONCE).unwrap();
        let _inside: Vec<Inside> = (0..places).map(|n| door.enter(1_000 + n, now).unwrap()).collect();
        assert_eq!(door.enter(500, now).unwrap_err(), Full::Everybody);
    }
}
