//! The metrics by name. `docs/monitoring.md` describes them; a test compares both with a running portal. Names and labels are an interface:
//! dashboards and alerts use them.

#[derive(Clone, Copy, Debug)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    pub labels: &'static [&'static str],
    pub exported: Exported,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// Which portals export a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    Always,
    /// Whose database is SQLite.
    Sqlite,
    /// That terminate TLS with the operator's certificate.
    Certificate,
    /// That find a backup in their directory for backups.
    Backup,
}

/// Seconds: from a lookup that is in memory to the time limit of a request.
pub const SECONDS: &[f64] = &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Changes in one commit, of which there are 128 at most.
const CHANGES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

const fn family(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind, help, labels, exported: Exported::Always }
}

impl Family {
    const fn only(self, exported: Exported) -> Self {
        Self { exported, ..self }
    }
}

macro_rules! families {
    ($($name:ident = $family:expr;)*) => {
        $(pub const $name: Family = $family;)*

        pub const FAMILIES: &[Family] = &[$($name,)*];
    };
}

use Kind::{Counter, Gauge, Histogram};

families! {
    BUILD_INFO = family("tms_build_info", Gauge, &["version"], "1, with the version of the program.");
    READY = family("tms_ready", Gauge, &[], "1 if the portal is ready, as /readyz says.");
    READY_COMPONENT = family("tms_ready_component", Gauge, &["component"], "1 if the component is ready, 0 if not, NaN if that is not known.");
    REQUESTS = family("tms_http_requests_total", Counter, &["route", "status"], "Answered requests.");
    REQUEST_DURATION = family("tms_http_request_duration_seconds", Histogram(SECONDS), &["route"], "Time from the request's headers to the response's.");
    OPEN_CONNECTIONS = family("tms_open_connections", Gauge, &[], "Open connections to the portal.");
    ACCEPT_ERRORS = family("tms_accept_errors_total", Counter, &[], "Attempts to accept a connection that failed, such as for too many open files.");
    LIMITED = family("tms_requests_limited_total", Counter, &["limit"], "Requests over a limit against floods.");
    LOOKUPS = family("tms_key_lookups_total", Counter, &["outcome"], "Key lookups by hosts.");
    LOOKUP_DURATION = family("tms_key_lookup_duration_seconds", Histogram(SECONDS), &[], "Time to decide a key lookup.");
    SIGN_INS = family("tms_sign_ins_total", Counter, &["method", "result"], "Attempts of people to sign in, and second factors.");
    AUTHENTICATION_REFUSALS = family("tms_authentication_refusals_total", Counter, &["kind", "reason"], "Refused secrets, passwords, codes and tokens.");
    PROVIDER_REQUESTS = family("tms_provider_requests_total", Counter, &["result"], "Requests to identity providers.");
    PROVIDER_DURATION = family("tms_provider_request_duration_seconds", Histogram(SECONDS), &[], "Time of requests to identity providers.");
    LOGOUT_NOTICES = family("tms_logout_notices_total", Counter, &["result"], "Attempts to tell a client that a person has signed out.");
    WRITES_WAITING = family("tms_database_writes_waiting", Gauge, &[], "Changes that wait for the writer.");
    COMMIT_DURATION = family("tms_database_commit_duration_seconds", Histogram(SECONDS), &[], "Time of a commit, without the changes in it.");
    COMMIT_CHANGES = family("tms_database_commit_changes", Histogram(CHANGES), &[], "Changes in a commit.");
    COMMIT_FAILURES = family("tms_database_commit_failures_total", Counter, &[], "Groups of changes that were not committed.");
    DATABASE_BYTES = family("tms_database_bytes", Gauge, &[], "Size of the database file.").only(Exported::Sqlite);
    WAL_BYTES = family("tms_database_wal_bytes", Gauge, &[], "Size of the write-ahead log.").only(Exported::Sqlite);
    DISK_FREE = family("tms_disk_free_bytes", Gauge, &[], "Space that is left for the portal on the disk of its database.").only(Exported::Sqlite);
    RSA_KEYS = family("tms_rsa_keys_waiting", Gauge, &[], "RSA keys being generated or waiting for it.");
    HOUSEKEEPING_SUCCESS = family(
        "tms_housekeeping_last_success_timestamp_seconds", Gauge, &[], "When housekeeping last succeeded, here or in another portal of this database."
    );
    HOUSEKEEPING_ROWS = family("tms_housekeeping_rows_total", Counter, &[], "Rows that housekeeping deleted or corrected.");
    EXPIRING = family("tms_expiring_within_7_days", Gauge, &["kind"], "What is valid and expires within 7 days; counted once an hour.");
    SIGNING_KEYS = family("tms_signing_keys", Gauge, &["algorithm", "state"], "Keys that sign tokens (active), will sign (next) or only verify (retired).");
    SIGNING_KEY_ACTIVATION = family("tms_signing_key_activated_timestamp_seconds", Gauge, &["algorithm"], "When the key began to sign that signs now.");
    CERTIFICATE = family("tms_tls_certificate_not_after_timestamp_seconds", Gauge, &[], "When the TLS certificate expires.").only(Exported::Certificate);
    BACKUP = family("tms_backup_last_success_timestamp_seconds", Gauge, &[], "When the newest backup was made.").only(Exported::Backup);
    START_TIME = family("tms_process_start_time_seconds", Gauge, &[], "When the portal was started.");
    RESIDENT_BYTES = family("tms_process_resident_memory_bytes", Gauge, &[], "Memory in use.");
    OPEN_FDS = family("tms_process_open_fds", Gauge, &[], "Open file descriptors.");
    MAX_FDS = family("tms_process_max_fds", Gauge, &[], "Limit of open file descriptors.");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_the_conventions() {
        for family in FAMILIES {
            let name = family.name;
            assert!(name.starts_with("tms_") && name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{name}");
            assert_eq!(name.ends_with("_total"), matches!(family.kind, Counter), "{name}");
            assert_eq!(FAMILIES.iter().filter(|other| other.name == name).count(), 1, "{name}");
            assert!(family.help.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn buckets_are_fixed() {
        assert_eq!((SECONDS.len(), SECONDS.first(), SECONDS.last()), (15, Some(&0.000_5), Some(&30.0)));
        assert!(SECONDS.is_sorted() && CHANGES.is_sorted() && CHANGES.last() == Some(&128.0));
    }
}
