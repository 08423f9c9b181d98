//! Which refresh tokens of a family are accepted (RFC 9700 §4.14.2, OAuth 2.1 §4.3.1).
//!
//! A family counts generations instead of having a row for each token: each generation is one refresh token, which can be computed again. So
//! a response that was lost is answered with the same successor, and a family never has two newest tokens.
//!
//! ```text
//!   generation   … n−2      n−1                        n          n+1 …
//!                reused     previous: its successor,   current    ahead
//!                           n, is sent again;
//!                           later reused
//! ```

use std::net::IpAddr;
use std::time::Duration;

use super::{TokenFamily, TokenFamilyState};
use crate::domain::authorization::TokenUse;
use crate::domain::notification::network;
use crate::domain::time::Timestamp;

/// For how long the successor is sent again without further conditions: processes of a client share one refresh token, and responses get
/// lost.
pub const GRACE_PERIOD: Duration = Duration::from_secs(60);
/// How often the successor is sent again within [`GRACE_PERIOD`], besides to requests that came at once.
pub const MAX_RETRIES: u32 = 20;
/// Requests within this time of the rotation count as sent at once, by processes that share the token.
const CONCURRENT_WINDOW: Duration = Duration::from_secs(1);
/// For how long the successor is sent again if neither it nor an access token issued with it was used.
pub const UNSEEN_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// What a refresh token is, by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The newest one.
    Current,
    /// The one before, whose response may have been lost: its successor is sent again.
    Previous,
    /// The one before, sent too often. Refused; nothing ends.
    TooOften,
    /// One that was replaced and is not accepted any more: somewhere there is a copy of it.
    Reused,
    /// One that was not issued yet: the database was restored from a backup. Refused; nothing ends.
    Ahead,
    /// The family has ended, or was not refreshed in time.
    Ended,
}

impl TokenFamily {
    /// Judges a refresh token of this family by its generation.
    pub fn present(&self, generation: u32, now: Timestamp) -> Presented {
        if self.state != TokenFamilyState::Live || self.idle_until.is_none_or(|until| now >= until) {
            return Presented::Ended;
        }
        if generation == self.generation {
            return Presented::Current;
        }
        if generation > self.generation {
            return Presented::Ahead;
        }
        if generation.checked_add(1) != Some(self.generation) {
            return Presented::Reused;
        }
        if self.is_in_grace_period(now) {
            let is_allowed = self.is_concurrent(now) || self.retries < MAX_RETRIES;
            return if is_allowed { Presented::Previous } else { Presented::TooOften };
        }
        // A rotation in the future, because the clock was set back, counts as one of just now.
        let unseen = !self.successor_seen && now.since(self.rotated_at) < UNSEEN_PERIOD;
        if unseen { Presented::Previous } else { Presented::Reused }
    }

    /// The family after a refresh, with the refresh token that the response has. `None` if what was presented gets none.
    ///
    /// `rotates`: each response has a new refresh token, for clients that cannot prove who they are; others keep theirs. `idle_until`: when the
    /// family ends unless it is refreshed again.
    pub fn refresh(&self, presented: Presented, rotates: bool, idle_until: Timestamp, from: Option<IpAddr>, now: Timestamp) -> Option<Self> {
        let mut family = Self { refreshed: Some(TokenUse { at: now, from }), idle_until: Some(idle_until), ..self.clone() };
        match presented {
            Presented::Current if rotates => {
                family.generation = self.generation.checked_add(1)?;
                (family.rotated_at, family.successor_seen, family.retries) = (now, false, 0);
            }
            Presented::Current => family.successor_seen = true,
            Presented::Previous if self.is_in_grace_period(now) => {
                family.retries = self.retries.saturating_add(u32::from(!self.is_concurrent(now)));
            }
            // Processes that share the token may follow within the same time as after a rotation.
            Presented::Previous => (family.rotated_at, family.retries) = (now, 0),
            Presented::TooOften | Presented::Reused | Presented::Ahead | Presented::Ended => return None,
        }
        Some(family)
    }

    /// The network of a request, if it is neither that in which the family began nor that of its last refresh. `None` also if one of them is
    /// not known.
    pub fn new_network(&self, from: Option<IpAddr>) -> Option<String> {
        let known = [Some(self.begun.from), self.refreshed.map(|refreshed| refreshed.from)];
        let known = known.into_iter().flatten().map(|address| address.map(network)).collect::<Option<Vec<_>>>()?;
        from.map(network).filter(|network| !known.contains(network))
    }

    fn is_concurrent(&self, now: Timestamp) -> bool {
        now.since(self.rotated_at) < CONCURRENT_WINDOW
    }

    fn is_in_grace_period(&self, now: Timestamp) -> bool {
        self.rotated_at.is_within(GRACE_PERIOD, now)
    }
}

#[cfg(test)]
mod tests;
