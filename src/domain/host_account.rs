//! A login on a host that a person has linked to their TMS identity.

use super::ids::{HostAccountId, UserId};
use super::time::Timestamp;

#[derive(Clone, Debug)]
pub struct HostAccount {
    pub id: HostAccountId,
    pub user_id: UserId,
    pub host: String,
    pub account: String,
    pub linked_at: Timestamp,
    pub expires_at: Timestamp,
}

impl HostAccount {
    /// A link counts until its end; an expired one is shown but gives nobody anything.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
