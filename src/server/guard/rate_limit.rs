//! Limits per caller and in memory, against floods of requests. Guessing at codes and passwords is counted in the database.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Above this many callers remembered, those who have been quiet are forgotten.
const FORGET_ABOVE: usize = 50_000;

/// So many requests a minute from each caller, all of them at once if need be.
#[derive(Clone)]
pub struct Limiter {
    limiter: Arc<DefaultKeyedRateLimiter<String>>,
}

impl Limiter {
    pub fn per_minute(most: NonZeroU32) -> Self {
        Self { limiter: Arc::new(RateLimiter::keyed(Quota::per_minute(most))) }
    }

    /// Counts a request. `Err` says how long to wait.
    pub fn check(&self, caller: &str) -> Result<(), Duration> {
        if self.limiter.len() > FORGET_ABOVE {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&caller.to_owned()).map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()))
    }
}

/// The name under which an address is counted: itself, or its IPv6 /64.
pub fn network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), crate::domain::attempts::network)
}
