//! Hosts: machines that people log in to, under their names in TMS.

use super::ids::{HostName, TenantId};
use super::pagination::QueryParam;
use super::time::Timestamp;

/// One address of a host, as an administrator entered it.
#[derive(Clone, Debug)]
pub struct Host {
    pub number: i64,
    pub tenant_id: TenantId,
    pub host: HostName,
    /// Free text; TMS expects an IPv4 address, one ending with `*`, or a range.
    pub address: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The properties of a host's credential, without its secret.
#[derive(Clone, Debug)]
pub struct HostCredential {
    pub tenant_id: TenantId,
    pub host: HostName,
    /// Lookups of this host's keys are refused without it.
    pub required: bool,
}

/// Filters of the list of hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostFilter {
    #[default]
    All,
    /// Made lookups, but none within [`SILENT_AFTER`](super::tenant_overview::SILENT_AFTER).
    Silent,
    WithoutCredential,
}

impl QueryParam for HostFilter {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::All), ("silent", Self::Silent), ("no-credential", Self::WithoutCredential)];
}
