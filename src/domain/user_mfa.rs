//! A person's fresh second factor, `user_mfa` on TMS' wire: as long as it lasts, their delegations count.

use super::ids::{TenantId, UserId};
use super::time::Timestamp;

#[derive(Clone, Debug)]
pub struct UserMfa {
    pub number: i64,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub enabled: bool,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
