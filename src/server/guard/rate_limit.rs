//! Limits per caller and in memory, against floods of requests. Guessing at codes and passwords is counted in the database.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::domain::time::retry_after;

/// Above this many callers remembered, those who have been quiet are forgotten.
const FORGET_ABOVE: usize = 50_000;

/// So many requests a minute from each caller, all of them at once if need be.
#[derive(Clone)]
pub struct Limiter {
    limiter: Arc<DefaultKeyedRateLimiter<String>>,
    /// Until when those who went over the limit have to wait.
    waiting: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Limiter {
    pub fn per_minute(most: NonZeroU32) -> Self {
        Self { limiter: Arc::new(RateLimiter::keyed(Quota::per_minute(most))), waiting: Arc::default() }
    }

    /// Counts a request. `Err` says how long to wait.
    pub fn check(&self, caller: &str) -> Result<(), Duration> {
        if self.limiter.len() > FORGET_ABOVE {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&caller.to_owned()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            self.remember(caller, wait);
            wait
        })
    }

    /// Counts nothing. `Err` says how long a caller who went over the limit still has to wait: whoever only counts failures
    /// must ask this first, or the limit stops nobody from guessing on.
    pub fn still_waiting(&self, caller: &str) -> Result<(), Duration> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let left = waiting.get(caller).map(|until| until.saturating_duration_since(Instant::now()));
        left.filter(|left| !left.is_zero()).map_or(Ok(()), Err)
    }

    fn remember(&self, caller: &str, wait: Duration) {
        let (mut waiting, now) = (self.waiting.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if waiting.len() > FORGET_ABOVE {
            waiting.retain(|_, until| *until > now);
        }
        waiting.insert(caller.to_owned(), now + wait);
    }
}

/// The name under which an address is counted: itself, or its IPv6 /64.
pub fn network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), crate::domain::attempts::network)
}

/// What whoever went over a limit is answered.
pub fn come_back_after(wait: Duration) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after(wait).to_string())]).into_response()
}
