//! MFA records (`user_mfa` in TMS): until when a person's second factor counts for keys.

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
