//! The last poll of each pending grant, in memory only: losing them delays no device and gives no access, so a poll needs no write.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::device_grant::{PollPace, poll_pace};
use crate::domain::ids::DeviceGrantId;
use crate::domain::time::Timestamp;

/// Number of entries above which expired grants are removed.
const SWEEP_ABOVE: usize = 10_000;

#[derive(Default)]
pub(in crate::server::service) struct PollPacing {
    last_polls: Mutex<HashMap<DeviceGrantId, LastPoll>>,
}

struct LastPoll {
    at: Timestamp,
    expires_at: Timestamp,
}

impl PollPacing {
    /// Judges a poll; one in time becomes the reference for the next.
    pub fn pace(&self, grant: &DeviceGrantId, expires_at: Timestamp, now: Timestamp) -> PollPace {
        let mut clocks = self.last_polls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pace = poll_pace(clocks.get(grant).map(|clocked| clocked.at), now);
        if pace == PollPace::InTime {
            if clocks.len() >= SWEEP_ABOVE {
                clocks.retain(|_, clocked| clocked.expires_at > now);
            }
            clocks.insert(grant.clone(), LastPoll { at: now, expires_at });
        }
        pace
    }
}
