//! Whether this portal can serve requests, for load balancers and monitoring.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::server::service::platform::disk_full;
use crate::server::service::{Clock, Fault, Services, SystemClock};
use crate::server::storage::{DatabaseState, FailureKind};

/// How long a check may take: a probe is answered within a second.
const TIMEOUT: Duration = Duration::from_millis(900);
/// How long a result is used again, so that probes cost one write per interval. Longer than a check takes: all probes wait for the same one.
const INTERVAL: Duration = Duration::from_secs(1);
/// Clocks of a portal and of its database that differ by more are logged.
pub const CLOCK_WARNING: Duration = Duration::from_secs(2);
/// With clocks that differ by more, one-time codes and lock-outs of several portals contradict each other.
pub const CLOCK_LIMIT: Duration = Duration::from_secs(30);

/// Less space than this is none: a small change may fit into what the database has allocated, and a larger one not.
const LEAST_SPACE: u64 = 256 * 1024;

/// Why a portal cannot serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// The database does not respond, or refuses reads or writes for another reason than the following ones.
    Database,
    /// It accepts no writes: it is a standby, or its file or the server is read-only.
    ReadOnly,
    /// Its commits wait for a standby.
    Standby,
    /// There is no space for changes, or almost none.
    Disk,
    /// It was migrated by a release that does not support this one.
    Schema,
    /// The keys of this portal are not those of the deployment.
    Keys,
    /// This machine's clock and that of the database differ too much.
    Clock,
}

impl NotReady {
    /// The word for it in the response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::ReadOnly => "read-only",
            Self::Standby => "standby",
            Self::Disk => "disk",
            Self::Schema => "schema",
            Self::Keys => "keys",
            Self::Clock => "clock",
        }
    }

    fn component(self) -> &'static str {
        match self {
            Self::Database | Self::ReadOnly | Self::Standby => "database",
            Self::Disk => "disk",
            Self::Schema => "schema",
            Self::Keys => "keys",
            Self::Clock => "clock",
        }
    }
}

const COMPONENTS: [&str; 5] = ["database", "disk", "schema", "keys", "clock"];

/// The state of a component.
enum ComponentState {
    Ok,
    Failed(NotReady),
    Unknown,
}

impl ComponentState {
    fn of(component: &str, problems: &[NotReady]) -> Self {
        // If the database does not respond, nothing is known about the others.
        let unknown = problems.iter().any(|problem| matches!(problem, NotReady::Database | NotReady::Standby));
        match problems.iter().find(|problem| problem.component() == component) {
            Some(problem) => Self::Failed(*problem),
            None if unknown => Self::Unknown,
            None => Self::Ok,
        }
    }
}

/// Whether each component is ready; `None`: not known.
pub fn components(problems: &[NotReady]) -> [(&'static str, Option<bool>); 5] {
    COMPONENTS.map(|component| {
        let state = match ComponentState::of(component, problems) {
            ComponentState::Ok => Some(true),
            ComponentState::Failed(_) => Some(false),
            ComponentState::Unknown => None,
        };
        (component, state)
    })
}

/// The state of each component, as JSON.
pub fn report(problems: &[NotReady]) -> Value {
    let state = |component: &str| match ComponentState::of(component, problems) {
        ComponentState::Failed(problem) => json!({ "status": "failed", "reason": problem.as_str() }),
        ComponentState::Unknown => json!({ "status": "unknown" }),
        ComponentState::Ok => json!({ "status": "ok" }),
    };
    let components = COMPONENTS.map(|component| (component.to_owned(), state(component)));
    json!({
        "status": if problems.is_empty() { "ready" } else { "not ready" },
        "components": Value::Object(components.into_iter().collect()),
    })
}

/// `Err`: the reasons, the most important one first.
type Readiness = Result<(), Vec<NotReady>>;

/// A check for which all probes wait.
type Check = Shared<BoxFuture<'static, Readiness>>;

/// The last check, and when it began.
#[derive(Default)]
pub struct ReadinessCache(Mutex<Option<(Instant, Check)>>);

impl Services {
    /// Checks that the database can be read and written, and fits this portal. Concurrent calls share a check.
    pub async fn readiness(&self) -> Readiness {
        let check = {
            let mut last = self.shared.readiness.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &*last {
                Some((begun, check)) if begun.elapsed() < INTERVAL => check.clone(),
                _ => {
                    let services = self.clone();
                    // A task: it goes on when the probe that began it has hung up.
                    let task = tokio::spawn(async move { services.check_readiness().await });
                    let check = task.map(|done| done.unwrap_or_else(|_| Err(vec![NotReady::Database]))).boxed().shared();
                    *last = Some((Instant::now(), check.clone()));
                    check
                }
            }
        };
        check.await
    }

    async fn check_readiness(&self) -> Readiness {
        let (mut commits_wait, half) = (false, TIMEOUT / 2);
        let check = async {
            let state = self.storage().state().await?;
            self.reload_missing_keys(&state).await;
            Ok::<_, Fault>((state, self.storage().check_write(self.now()).await.map_err(Fault::from)))
        };
        // Asked while the change waits, so that the answer is there in time.
        let ask = async {
            sleep(half).await;
            commits_wait = matches!(self.storage().commits_wait_for_standby().await, Ok(true));
            pending::<()>().await;
        };
        let checked = tokio::select! {
            checked = check => Some(checked),
            () = ask => None,
            () = sleep(TIMEOUT) => None,
        };
        let problems = match checked {
            Some(Ok((state, Ok(())))) => self.compare(&state),
            Some(Ok((state, Err(fault)))) => {
                let failure = log_failure(&fault);
                let others = self.compare(&state).into_iter().filter(|problem| *problem != failure);
                std::iter::once(failure).chain(others).collect()
            }
            Some(Err(fault)) => vec![log_failure(&fault)],
            None => {
                tracing::error!(commits_wait_for_standby = commits_wait, "The database does not respond");
                vec![if commits_wait { NotReady::Standby } else { NotReady::Database }]
            }
        };
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// A key may have been rotated since this portal looked last. A key that is then missing is a reason not to be ready.
    async fn reload_missing_keys(&self, state: &DatabaseState) {
        if self.has_keys_of(state) {
            return;
        }
        match self.reload_keys().await {
            Ok(true) => tracing::info!("Reloaded the keys, of which one is being rotated"),
            Ok(false) => {}
            Err(fault) => tracing::warn!(error = %fault, "The keys of a rotation cannot be used"),
        }
    }

    fn has_keys_of(&self, state: &DatabaseState) -> bool {
        let keys = self.keys();
        keys.first_missing(&state.key_fingerprints).is_none() && keys.ring().is_current(&state.signing_keys)
    }

    /// Compares the database with this portal.
    fn compare(&self, state: &DatabaseState) -> Vec<NotReady> {
        let now = SystemClock.now();
        let difference = state.clock.map(|clock| now.difference(clock)).unwrap_or_default();
        if difference > CLOCK_WARNING {
            tracing::warn!(seconds = difference.as_secs_f32(), "The clocks of this machine and of the database differ");
        }
        let same_keys = self.has_keys_of(state);
        let checks = [
            (state.space_left.is_none_or(|bytes| bytes >= LEAST_SPACE), NotReady::Disk),
            (state.supports_this_release, NotReady::Schema),
            (same_keys, NotReady::Keys),
            (difference <= CLOCK_LIMIT, NotReady::Clock),
        ];
        let problems = checks.into_iter().filter(|(passed, _)| !passed).map(|(_, problem)| problem);
        let log = |problem: &NotReady| match problem {
            NotReady::Disk => disk_full::log(&"almost none is free"),
            other => tracing::error!(reason = other.as_str(), "Not ready"),
        };
        problems.inspect(log).collect()
    }
}

fn log_failure(fault: &Fault) -> NotReady {
    if !fault.is_logged() {
        tracing::error!(error = %fault, "The database cannot be read or written");
    }
    match fault.kind {
        FailureKind::ReadOnly => NotReady::ReadOnly,
        FailureKind::DiskFull => NotReady::Disk,
        FailureKind::Permanent | FailureKind::Temporary => NotReady::Database,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_each_component() {
        let statuses = |problems: &[NotReady]| {
            let report = report(problems);
            ["database", "disk", "keys"].map(|component| report["components"][component]["status"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!((report(&[])["status"].as_str(), statuses(&[])), (Some("ready"), ["ok", "ok", "ok"].map(str::to_owned)));
        assert_eq!(statuses(&[NotReady::Disk, NotReady::Keys]), ["ok", "failed", "failed"].map(str::to_owned));
        assert_eq!(statuses(&[NotReady::Database]), ["failed", "unknown", "unknown"].map(str::to_owned));
        let ready = components(&[NotReady::Database]);
        assert_eq!(ready.map(|(_, ready)| ready), [Some(false), None, None, None, None]);
        assert_eq!(components(&[NotReady::Keys])[3], ("keys", Some(false)));
    }
}
