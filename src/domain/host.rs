//! A host: a machine that people log in to, under the name its centre gave it in TMS.

use super::ids::{HostName, TenantId};
use super::time::Timestamp;

/// One address of a host, as the tenant's admin entered it.
#[derive(Clone, Debug)]
pub struct Host {
    pub number: i64,
    pub tenant_id: TenantId,
    pub host: HostName,
    /// Free text; TMS means an IPv4 address, one with `*` at its end, or a range.
    pub address: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a host proves itself with, as far as it may be seen.
#[derive(Clone, Debug)]
pub struct HostCredential {
    pub tenant_id: TenantId,
    pub host: HostName,
    /// Lookups of this host's keys without it are refused.
    pub required: bool,
}
