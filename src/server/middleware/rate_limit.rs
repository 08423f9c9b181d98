//! Limits per caller, in memory, against floods of requests. Attempts at codes and passwords are counted in the database.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::domain::attempts::UNKNOWN_ADDRESS_FACTOR;
use crate::domain::time::retry_after;
use crate::server::metrics::{self, Limit};

/// With more callers than this, those without recent requests are removed.
const PRUNE_ABOVE: usize = 50_000;

/// The name that all callers with an unknown address share.
const UNKNOWN: &str = "unknown";

/// A number of requests per minute from each caller, all at once if need be. Callers with an unknown address share one counter with
/// [`UNKNOWN_ADDRESS_FACTOR`] times the limit.
#[derive(Clone)]
pub struct Limiter {
    counters: Arc<RwLock<Arc<Counters>>>,
    /// When callers over the limit may send again.
    blocked_until: Arc<Mutex<HashMap<String, Instant>>>,
    /// Under which refusals are counted in metrics.
    counted_as: Option<Limit>,
}

struct Counters {
    most: NonZeroU32,
    known: DefaultKeyedRateLimiter<String>,
    unknown: DefaultKeyedRateLimiter<String>,
}

impl Counters {
    fn per_minute(most: NonZeroU32) -> Arc<Self> {
        let keyed = |most| RateLimiter::keyed(Quota::per_minute(most));
        Arc::new(Self { most, known: keyed(most), unknown: keyed(most.saturating_mul(UNKNOWN_ADDRESS_FACTOR)) })
    }
}

impl Limiter {
    pub fn per_minute(most: NonZeroU32) -> Self {
        Self { counters: Arc::new(RwLock::new(Counters::per_minute(most))), blocked_until: Arc::default(), counted_as: None }
    }

    pub fn counted_as(self, limit: Limit) -> Self {
        Self { counted_as: Some(limit), ..self }
    }

    fn count_refusal(&self) {
        if let Some(limit) = self.counted_as {
            metrics::record(|metrics| metrics.count_limited(limit));
        }
    }

    /// Changes the limit. With another limit counting begins anew; callers that are blocked stay blocked.
    pub fn set_per_minute(&self, most: NonZeroU32) {
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        if counters.most != most {
            *counters = Counters::per_minute(most);
        }
    }

    /// Counts a request. `Err`: over the limit, with the time to wait.
    pub fn check(&self, caller: &str) -> Result<(), Duration> {
        let counters = Arc::clone(&self.counters.read().unwrap_or_else(PoisonError::into_inner));
        let limiter = if caller.ends_with(UNKNOWN) { &counters.unknown } else { &counters.known };
        if limiter.len() > PRUNE_ABOVE {
            limiter.retain_recent();
        }
        limiter.check_key(&caller.to_owned()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            self.block(caller, wait);
            self.count_refusal();
            wait
        })
    }

    /// `Err` if the caller is over the limit, with the time to wait; counts nothing. Code that counts only failures must call this first,
    /// or guessing continues unhindered.
    pub fn check_blocked(&self, caller: &str) -> Result<(), Duration> {
        let waiting = self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = waiting.get(caller).map(|until| until.saturating_duration_since(Instant::now()));
        left.filter(|left| !left.is_zero()).map_or(Ok(()), |left| {
            self.count_refusal();
            Err(left)
        })
    }

    fn block(&self, caller: &str, wait: Duration) {
        let (mut waiting, now) = (self.blocked_until.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        if waiting.len() > PRUNE_ABOVE {
            waiting.retain(|_, until| *until > now);
        }
        waiting.insert(caller.to_owned(), now + wait);
    }
}

/// The name under which an address is counted: itself, or its IPv6 /64. Names of callers that have more than an address end with it.
pub fn network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| UNKNOWN.to_owned(), crate::domain::attempts::network_key)
}

/// 429 with `Retry-After`.
pub fn too_many_requests(wait: Duration) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, retry_after(wait).to_string())]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_limit_counts_anew_and_the_same_one_continues() {
        let number = |n| NonZeroU32::new(n).expect("not zero");
        let limiter = Limiter::per_minute(number(2));
        let allowed = |limiter: &Limiter| (0..10).take_while(|_| limiter.check("192.0.2.1").is_ok()).count();
        assert_eq!(allowed(&limiter), 2);
        limiter.set_per_minute(number(2));
        assert_eq!(allowed(&limiter), 0);
        limiter.clone().set_per_minute(number(3));
        assert_eq!(allowed(&limiter), 3);
        assert!(limiter.check_blocked("192.0.2.1").is_err());
    }

    #[test]
    fn unknown_addresses_share_a_larger_limit() {
        let limiter = Limiter::per_minute(NonZeroU32::MIN);
        let known = network(Some(IpAddr::from([192, 0, 2, 1])));
        assert!(limiter.check(&known).is_ok() && limiter.check(&known).is_err());
        for caller in [network(None), format!("test/app {}", network(None))] {
            let allowed = (0..100).take_while(|_| limiter.check(&caller).is_ok()).count();
            assert_eq!(allowed, usize::try_from(UNKNOWN_ADDRESS_FACTOR.get()).expect("small"), "{caller}");
        }
    }
}
