//! Limits the number of connections: one account must not block the others, and all together must not overload the host.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

/// For all accounts together.
const MAX_CONNECTIONS: usize = 64;
const MAX_PER_ACCOUNT: usize = 4;
/// Per account; each connection is a request to the portal.
const MAX_PER_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LimitExceeded {
    #[error("too many people are linking accounts on this host; try again in a few minutes")]
    Total,
    #[error("too many requests from you; stop the others, or try again in a minute")]
    PerAccount,
}

#[derive(Default)]
pub struct ConnectionLimiter {
    accounts: Mutex<HashMap<u32, Active>>,
}

#[derive(Default)]
struct Active {
    active: usize,
    /// Times of connections within the last minute.
    recent: VecDeque<Instant>,
}

/// A slot of the limit, released when dropped.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<ConnectionLimiter>,
    uid: u32,
}

impl ConnectionLimiter {
    pub fn acquire(self: &Arc<Self>, uid: u32, now: Instant) -> Result<Permit, LimitExceeded> {
        let mut guests = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|_, guest| {
            guest.recent.retain(|came| now.saturating_duration_since(*came) < MINUTE);
            guest.active > 0 || !guest.recent.is_empty()
        });
        if guests.values().map(|guest| guest.active).sum::<usize>() >= MAX_CONNECTIONS {
            return Err(LimitExceeded::Total);
        }
        let guest = guests.entry(uid).or_default();
        if guest.active >= MAX_PER_ACCOUNT || guest.recent.len() >= MAX_PER_MINUTE {
            return Err(LimitExceeded::PerAccount);
        }
        guest.active += 1;
        guest.recent.push_back(now);
        Ok(Permit { limiter: Arc::clone(self), uid })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut guests = self.limiter.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guest) = guests.get_mut(&self.uid) {
            guest.active = guest.active.saturating_sub(1);
        }
    }
}

impl std::fmt::Debug for ConnectionLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_keeps_nobody_else_out() {
        let (door, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        let mut inside: Vec<Permit> = (0..MAX_PER_ACCOUNT).map(|_| door.acquire(1_000, now).unwrap()).collect();
        assert_eq!(door.acquire(1_000, now).unwrap_err(), LimitExceeded::PerAccount);
        assert!(door.acquire(1_001, now).is_ok());
        inside.pop();
        assert!(door.acquire(1_000, now).is_ok(), "a place was given back");
    }

    #[test]
    fn coming_and_going_is_counted_by_the_minute() {
        let (door, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        for _ in 0..MAX_PER_MINUTE {
            drop(door.acquire(1_000, now).unwrap());
        }
        assert_eq!(door.acquire(1_000, now + MINUTE - Duration::from_millis(1)).unwrap_err(), LimitExceeded::PerAccount);
        assert!(door.acquire(1_000, now + MINUTE).is_ok());
    }

    #[test]
    fn there_is_an_end_to_all_of_them() {
        let (door, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        let places = u32::try_from(MAX_CONNECTIONS).unwrap();
        let _inside: Vec<Permit> = (0..places).map(|n| door.acquire(1_000 + n, now).unwrap()).collect();
        assert_eq!(door.acquire(500, now).unwrap_err(), LimitExceeded::Total);
    }
}
