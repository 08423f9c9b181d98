//! What a running portal measures, for Prometheus: see `docs/monitoring.md`. Off, [`get`] returns `None` and nothing is measured. On, counters
//! and histograms are found without a search, because every request of a machine has some.

pub mod families;
mod labels;
mod process;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram, Key, Label as KeyLabel, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::domain::refused_authentication::{AuthenticationFailure, CredentialKind};
use crate::domain::signing_key::{SigningAlgorithm, SigningKey, SigningKeyState};
use crate::domain::time::Timestamp;
use families::{FAMILIES, Family, Kind};
pub use labels::{Expiring, Limit, LogoutNoticeResult, LookupOutcome, ProviderResult, Route, SignInMethod, SignInResult};
use labels::{Label, PerLabel};

static METRICS: OnceLock<Metrics> = OnceLock::new();

/// Statuses with a series of their own; all others share one.
const STATUSES: [(u16, &str); 22] = [
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (206, "206"),
    (302, "302"),
    (303, "303"),
    (304, "304"),
    (307, "307"),
    (308, "308"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (409, "409"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (503, "503"),
    (504, "504"),
];
const OTHER_STATUS: &str = "other";

const METADATA: Metadata<'static> = Metadata::new("tms_portal", Level::INFO, None);

/// The metrics of this process. `None`: they are off.
pub fn get() -> Option<&'static Metrics> {
    METRICS.get()
}

/// Measures something, if metrics are on.
pub fn record(measure: impl FnOnce(&Metrics)) {
    if let Some(metrics) = get() {
        measure(metrics);
    }
}

/// The time from which something is measured; `None`: metrics are off.
pub fn start() -> Option<Instant> {
    get().map(|_| Instant::now())
}

/// Turns metrics on, for the rest of the process.
pub fn turn_on(now: Timestamp) -> Result<&'static Metrics, BuildError> {
    let metrics = Metrics::new()?;
    let metrics = METRICS.get_or_init(|| metrics);
    metrics.set(&families::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1.0);
    metrics.set_time(&families::START_TIME, now);
    Ok(metrics)
}

pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    requests: PerLabel<Route, RequestMetrics>,
    lookups: PerLabel<LookupOutcome, Counter>,
    lookup_duration: Histogram,
    limited: PerLabel<Limit, Counter>,
    accept_errors: Counter,
    sign_ins: PerLabel<SignInMethod, PerLabel<SignInResult, Counter>>,
    refusals: PerLabel<CredentialKind, PerLabel<AuthenticationFailure, Counter>>,
    provider_requests: PerLabel<ProviderResult, Counter>,
    provider_duration: Histogram,
    logout_notices: PerLabel<LogoutNoticeResult, Counter>,
    commit_duration: Histogram,
    commit_changes: Histogram,
    commit_failures: Counter,
    housekeeping_rows: Counter,
}

struct RequestMetrics {
    duration: Histogram,
    /// In the order of [`STATUSES`], and then all others.
    by_status: Vec<Counter>,
}

/// What is read when the metrics are, instead of being measured when it happens.
#[derive(Debug)]
pub struct Figures {
    pub ready: bool,
    /// `None`: not known.
    pub components: Vec<(&'static str, Option<bool>)>,
    pub open_connections: usize,
    pub writes_waiting: usize,
    pub rsa_keys_waiting: usize,
    /// Those that can be used.
    pub signing_keys: Vec<SigningKey>,
    /// Of the embedded database.
    pub files: Option<DatabaseFiles>,
    pub certificate_expiry: Option<Timestamp>,
    pub last_backup: Option<Timestamp>,
}

/// Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseFiles {
    pub database: u64,
    pub wal: u64,
    /// `None` if the system does not tell.
    pub disk_free: Option<u64>,
}

impl Metrics {
    fn new() -> Result<Self, BuildError> {
        let mut builder = PrometheusBuilder::new();
        for family in FAMILIES {
            if let Kind::Histogram(buckets) = family.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(family.name.to_owned()), buckets)?;
            }
        }
        let recorder = builder.build_recorder();
        for Family { name, kind, help, .. } in FAMILIES {
            match kind {
                Kind::Counter => recorder.describe_counter((*name).into(), None, (*help).into()),
                Kind::Gauge => recorder.describe_gauge((*name).into(), None, (*help).into()),
                Kind::Histogram(_) => recorder.describe_histogram((*name).into(), None, (*help).into()),
            }
        }
        let counter = |family: &Family, values: &[&'static str]| recorder.register_counter(&key(family, values), &METADATA);
        let histogram = |family: &Family, values: &[&'static str]| recorder.register_histogram(&key(family, values), &METADATA);
        let statuses = || STATUSES.iter().map(|(_, word)| *word).chain([OTHER_STATUS]);
        Ok(Self {
            requests: PerLabel::new(|route: Route| RequestMetrics {
                duration: histogram(&families::REQUEST_DURATION, &[route.as_str()]),
                by_status: statuses().map(|status| counter(&families::REQUESTS, &[route.as_str(), status])).collect(),
            }),
            lookups: PerLabel::new(|outcome: LookupOutcome| counter(&families::LOOKUPS, &[outcome.as_str()])),
            lookup_duration: histogram(&families::LOOKUP_DURATION, &[]),
            limited: PerLabel::new(|limit: Limit| counter(&families::LIMITED, &[limit.as_str()])),
            accept_errors: counter(&families::ACCEPT_ERRORS, &[]),
            sign_ins: PerLabel::new(|method: SignInMethod| {
                PerLabel::new(|result: SignInResult| counter(&families::SIGN_INS, &[method.as_str(), result.as_str()]))
            }),
            refusals: PerLabel::new(|kind: CredentialKind| {
                PerLabel::new(|reason: AuthenticationFailure| counter(&families::AUTHENTICATION_REFUSALS, &[kind.as_str(), reason.as_str()]))
            }),
            provider_requests: PerLabel::new(|result: ProviderResult| counter(&families::PROVIDER_REQUESTS, &[result.as_str()])),
            provider_duration: histogram(&families::PROVIDER_DURATION, &[]),
            logout_notices: PerLabel::new(|result: LogoutNoticeResult| counter(&families::LOGOUT_NOTICES, &[result.as_str()])),
            commit_duration: histogram(&families::COMMIT_DURATION, &[]),
            commit_changes: histogram(&families::COMMIT_CHANGES, &[]),
            commit_failures: counter(&families::COMMIT_FAILURES, &[]),
            housekeeping_rows: counter(&families::HOUSEKEEPING_ROWS, &[]),
            handle: recorder.handle(),
            recorder,
        })
    }

    pub fn count_request(&self, route: Route, status: u16, took: Duration) {
        let Some(metrics) = self.requests.of(route) else { return };
        let place = STATUSES.iter().position(|(known, _)| *known == status).unwrap_or(STATUSES.len());
        if let Some(counter) = metrics.by_status.get(place) {
            counter.increment(1);
        }
        metrics.duration.record(took);
    }

    /// `took`: `None` for a lookup that was refused before anything was looked up.
    pub fn count_lookup(&self, outcome: LookupOutcome, took: Option<Duration>) {
        increment(self.lookups.of(outcome));
        if let Some(took) = took {
            self.lookup_duration.record(took);
        }
    }

    pub fn count_limited(&self, limit: Limit) {
        increment(self.limited.of(limit));
    }

    pub fn count_accept_error(&self) {
        self.accept_errors.increment(1);
    }

    pub fn count_sign_in(&self, method: SignInMethod, result: SignInResult) {
        increment(self.sign_ins.of(method).and_then(|results| results.of(result)));
    }

    pub fn count_refusal(&self, kind: CredentialKind, reason: AuthenticationFailure) {
        increment(self.refusals.of(kind).and_then(|reasons| reasons.of(reason)));
    }

    pub fn count_provider_request(&self, result: ProviderResult, took: Duration) {
        increment(self.provider_requests.of(result));
        self.provider_duration.record(took);
    }

    pub fn count_logout_notice(&self, result: LogoutNoticeResult) {
        increment(self.logout_notices.of(result));
    }

    pub fn count_commit(&self, changes: usize, took: Duration) {
        self.commit_duration.record(took);
        self.commit_changes.record(u32::try_from(changes).unwrap_or(u32::MAX));
    }

    pub fn count_commit_failure(&self) {
        self.commit_failures.increment(1);
    }

    pub fn count_housekeeping_rows(&self, rows: u64) {
        self.housekeeping_rows.increment(rows);
    }

    pub fn set_housekeeping_success(&self, at: Timestamp) {
        self.set_time(&families::HOUSEKEEPING_SUCCESS, at);
    }

    pub fn set_expiring(&self, what: Expiring, number: i64) {
        self.set(&families::EXPIRING, &[what.as_str()], number as f64);
    }

    /// In Prometheus' text format.
    pub fn render(&self, figures: &Figures) -> String {
        self.set(&families::READY, &[], f64::from(figures.ready));
        for (component, state) in &figures.components {
            self.set(&families::READY_COMPONENT, &[*component], state.map_or(f64::NAN, f64::from));
        }
        let numbers = [
            (&families::OPEN_CONNECTIONS, figures.open_connections),
            (&families::WRITES_WAITING, figures.writes_waiting),
            (&families::RSA_KEYS, figures.rsa_keys_waiting),
        ];
        for (family, number) in numbers {
            self.set(family, &[], number as f64);
        }
        let files = figures.files;
        let sizes = [
            (&families::DATABASE_BYTES, files.map(|files| files.database)),
            (&families::WAL_BYTES, files.map(|files| files.wal)),
            (&families::DISK_FREE, files.and_then(|files| files.disk_free)),
            (&families::RESIDENT_BYTES, process::resident_bytes()),
            (&families::OPEN_FDS, process::open_fds()),
            (&families::MAX_FDS, process::max_fds()),
        ];
        for (family, number) in sizes {
            if let Some(number) = number {
                self.set(family, &[], number as f64);
            }
        }
        self.set_signing_keys(&figures.signing_keys);
        for (family, at) in [(&families::CERTIFICATE, figures.certificate_expiry), (&families::BACKUP, figures.last_backup)] {
            if let Some(at) = at {
                self.set_time(family, at);
            }
        }
        self.handle.render()
    }

    fn set_signing_keys(&self, keys: &[SigningKey]) {
        for algorithm in SigningAlgorithm::ALL {
            for state in SigningKeyState::ALL {
                let found = keys.iter().filter(|key| (key.algorithm, key.state) == (algorithm, state)).count();
                self.set(&families::SIGNING_KEYS, &[algorithm.as_str(), state.as_str()], found as f64);
            }
            let active = keys.iter().find(|key| (key.algorithm, key.state) == (algorithm, SigningKeyState::Active));
            let activated_at = active.and_then(|key| key.activated_at).map_or(f64::NAN, |at| at.as_seconds() as f64);
            self.set(&families::SIGNING_KEY_ACTIVATION, &[algorithm.as_str()], activated_at);
        }
    }

    /// Adds up what was measured since the last time: until then, each value is in memory.
    pub fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn set(&self, family: &Family, values: &[&'static str], to: f64) {
        self.recorder.register_gauge(&key(family, values), &METADATA).set(to);
    }

    fn set_time(&self, family: &Family, at: Timestamp) {
        self.set(family, &[], at.as_seconds() as f64);
    }
}

/// A series of a family, with the values of its labels in their order.
fn key(family: &Family, values: &[&'static str]) -> Key {
    let labels = family.labels.iter().zip(values).map(|(&label, &value)| KeyLabel::from_static_parts(label, value));
    Key::from_parts(family.name, labels.collect::<Vec<_>>())
}

fn increment(counter: Option<&Counter>) {
    if let Some(counter) = counter {
        counter.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        Figures {
            ready: false,
            components: vec![("database", Some(true)), ("disk", Some(false)), ("clock", None)],
            open_connections: 3,
            writes_waiting: 0,
            rsa_keys_waiting: 0,
            signing_keys: Vec::new(),
            files: None,
            certificate_expiry: None,
            last_backup: Some(Timestamp::from_millis(1_795_176_000_999)),
        }
    }

    #[test]
    fn measurements_are_rendered() {
        let metrics = Metrics::new().expect("buckets");
        metrics.count_request(Route::KeyLookup, 404, Duration::from_millis(3));
        metrics.count_request(Route::Page, 418, Duration::from_millis(1));
        metrics.count_lookup(LookupOutcome::NotFound, Some(Duration::from_millis(3)));
        metrics.count_refusal(CredentialKind::Password, AuthenticationFailure::TooManyAttempts);
        metrics.count_commit(5, Duration::from_secs(60));
        metrics.set_expiring(Expiring::Mfa, 4);
        metrics.run_upkeep();
        let text = metrics.render(&figures());
        for line in [
            "tms_http_requests_total{route=\"key_lookup\",status=\"404\"} 1",
            "tms_http_requests_total{route=\"page\",status=\"other\"} 1",
            "tms_http_requests_total{route=\"oauth\",status=\"429\"} 0",
            "tms_key_lookups_total{outcome=\"not_found\"} 1",
            "tms_key_lookup_duration_seconds_bucket{le=\"0.0025\"} 0",
            "tms_key_lookup_duration_seconds_bucket{le=\"0.005\"} 1",
            "tms_key_lookup_duration_seconds_count 1",
            "tms_authentication_refusals_total{kind=\"password\",reason=\"too_many_attempts\"} 1",
            "tms_database_commit_changes_bucket{le=\"4\"} 0",
            "tms_database_commit_changes_bucket{le=\"8\"} 1",
            "tms_database_commit_duration_seconds_bucket{le=\"30\"} 0",
            "tms_database_commit_duration_seconds_bucket{le=\"+Inf\"} 1",
            "tms_expiring_within_7_days{kind=\"mfa\"} 4",
            "tms_ready 0",
            "tms_ready_component{component=\"database\"} 1",
            "tms_ready_component{component=\"disk\"} 0",
            "tms_ready_component{component=\"clock\"} NaN",
            "tms_open_connections 3",
            "tms_backup_last_success_timestamp_seconds 1795176000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
        assert!(!text.contains("tms_database_bytes"), "{text}");
    }

    #[test]
    fn nothing_is_measured_while_metrics_are_off() {
        assert!(get().is_none() && start().is_none(), "no unit test turns them on");
        record(|_| panic!("nothing to measure with"));
    }
}
