//! A delegation: a person's permission for a client to act for them.

use super::ids::{ClientId, DeviceGrantId, TenantId, UserId};
use super::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Delegation {
    pub number: i64,
    pub tenant_id: TenantId,
    pub client_id: ClientId,
    pub user_id: UserId,
    /// The consent it came from, if the person gave it in the portal.
    pub device_grant_id: Option<DeviceGrantId>,
    pub made_by: MadeBy,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Who made a link or a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
    Admin,
    /// The tenant's MVP mode, because a client asked for a key.
    Mvp,
    Person,
}

impl MadeBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Mvp => "mvp",
            Self::Person => "person",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Admin, Self::Mvp, Self::Person].into_iter().find(|made_by| made_by.as_str() == word)
    }
}
