//! What the administrators' overview states about a tenant.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A host that has not made a lookup for this long is named as silent.
pub const SILENT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before their expiry secrets and certificates are named.
pub const EXPIRY_WINDOW: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// The span in which reported requests are counted.
pub const REPORT_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The hours of the chart.
pub const HOURS: usize = 24;
/// People who are named as locked out, and rotated secrets that are named; all are counted.
pub const MAX_NAMED: usize = 5;

/// Figures of a tenant, as of one moment. Numbers are counted up to `pagination::MAX_COUNTED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantOverview {
    /// Requests of devices and hosts that people reported within [`REPORT_WINDOW`].
    pub reported_requests: u64,
    /// Refused key lookups within [`SILENT_AFTER`]; repetitions count once.
    pub refused_lookups: u64,
    /// Hosts that have made lookups, but none within [`SILENT_AFTER`].
    pub silent_hosts: u64,
    pub hosts_without_credential: u64,
    /// Rotated secrets of clients, hosts and administrators whose old value is still valid and expires within [`EXPIRY_WINDOW`].
    pub expiring_secrets: u64,
    /// At most [`MAX_NAMED`] of them, by expiry.
    pub next_secrets: Vec<ExpiringSecret>,
    /// Enabled people without an app or passkey here.
    pub people_without_second_factor: u64,
    /// People whose sign-in is blocked after failed attempts.
    pub locked_out: u64,
    /// User names of at most [`MAX_NAMED`] of them.
    pub locked_out_names: Vec<String>,
    /// The last [`HOURS`] hours, oldest first.
    pub sign_ins: Vec<SignInHour>,
}

/// An old secret that is still valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiringSecret {
    pub owner: SecretOwner,
    /// Of the client or administrator; of a host its name.
    pub id: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretOwner {
    Client,
    Host,
    Admin,
}

/// Sign-ins within one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInHour {
    pub start: Timestamp,
    pub succeeded: u64,
    /// Refused passwords and second factors.
    pub refused: u64,
}

/// The start of the chart: a full hour, so that the last column is the current one.
pub fn chart_start(now: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000;
    let hours = i64::try_from(HOURS).unwrap_or(i64::MAX);
    Timestamp::from_millis((now.as_millis().div_euclid(HOUR) + 1 - hours) * HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_ends_with_the_current_hour() {
        let at = |hours: i64, millis: i64| Timestamp::from_millis(hours * 3_600_000 + millis);
        assert_eq!(chart_start(at(100, 0)), at(77, 0));
        assert_eq!(chart_start(at(100, 3_599_999)), at(77, 0));
    }
}
