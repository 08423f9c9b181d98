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
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|_, account| {
            account.recent.retain(|connected_at| now.saturating_duration_since(*connected_at) < MINUTE);
            account.active > 0 || !account.recent.is_empty()
        });
        if accounts.values().map(|account| account.active).sum::<usize>() >= MAX_CONNECTIONS {
            return Err(LimitExceeded::Total);
        }
        let account = accounts.entry(uid).or_default();
        if account.active >= MAX_PER_ACCOUNT || account.recent.len() >= MAX_PER_MINUTE {
            return Err(LimitExceeded::PerAccount);
        }
        account.active += 1;
        account.recent.push_back(now);
        Ok(Permit { limiter: Arc::clone(self), uid })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut accounts = self.limiter.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(&self.uid) {
            account.active = account.active.saturating_sub(1);
        }
    }
}

impl std::fmt::Debug for ConnectionLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionLimiter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_does_not_block_others() {
        let (limiter, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        let mut permits: Vec<Permit> = (0..MAX_PER_ACCOUNT).map(|_| limiter.acquire(1_000, now).unwrap()).collect();
        assert_eq!(limiter.acquire(1_000, now).unwrap_err(), LimitExceeded::PerAccount);
        assert!(limiter.acquire(1_001, now).is_ok());
        permits.pop();
        assert!(limiter.acquire(1_000, now).is_ok(), "a slot was released");
    }

    #[test]
    fn connections_are_limited_per_minute() {
        let (limiter, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        for _ in 0..MAX_PER_MINUTE {
            drop(limiter.acquire(1_000, now).unwrap());
        }
        assert_eq!(limiter.acquire(1_000, now + MINUTE - Duration::from_millis(1)).unwrap_err(), LimitExceeded::PerAccount);
        assert!(limiter.acquire(1_000, now + MINUTE).is_ok());
    }

    #[test]
    fn all_accounts_together_are_limited() {
        let (limiter, now) = (Arc::new(ConnectionLimiter::default()), Instant::now());
        let connections = u32::try_from(MAX_CONNECTIONS).unwrap();
        let _permits: Vec<Permit> = (0..connections).map(|n| limiter.acquire(1_000 + n, now).unwrap()).collect();
        assert_eq!(limiter.acquire(500, now).unwrap_err(), LimitExceeded::Total);
    }
}
