//! Reservations: a client's lease on a key, so that running work survives the key's expiry.

use std::time::Duration;

use super::ids::{ClientId, HostName, TenantId, UserId};
use super::time::Timestamp;

/// Maximum lifetime of a reservation.
pub const MAX_LIFETIME: Duration = Duration::from_secs(48 * 60 * 60);

#[derive(Clone, Debug)]
pub struct Reservation {
    pub number: i64,
    pub tenant_id: TenantId,
    pub resid: String,
    /// Equals `resid`, unless the reservation extends another.
    pub parent_resid: String,
    pub client_id: ClientId,
    pub user_id: UserId,
    pub host: HostName,
    pub fingerprint: String,
    /// Row id of the reserved key.
    pub pubkey: i64,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Reservation {
    pub fn is_child(&self) -> bool {
        self.parent_resid != self.resid
    }
}

/// Expiry of a lease of `ttl_minutes`; negative or more than 48 hours means 48 hours.
pub fn expiry_of(ttl_minutes: i32, now: Timestamp) -> Timestamp {
    let asked = u64::try_from(ttl_minutes).map_or(MAX_LIFETIME, |minutes| Duration::from_secs(minutes * 60));
    now + asked.min(MAX_LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_lasts_at_most_two_days() {
        let now = Timestamp::from_millis(0);
        let hours = |n: u64| now + Duration::from_secs(n * 3_600);
        for (minutes, end) in [(-1, hours(48)), (i32::MAX, hours(48)), (2_880, hours(48)), (60, hours(1)), (0, now)] {
            assert_eq!(expiry_of(minutes, now), end, "{minutes}");
        }
    }
}
