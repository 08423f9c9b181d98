//! Whether this portal can serve requests, for load balancers.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::server::service::{Clock, Services, SystemClock};
use crate::server::storage::DatabaseState;

/// How long the check may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a result is used again, so that probes cost one write per interval.
const INTERVAL: Duration = Duration::from_secs(1);
/// Clocks that differ by more are logged.
const CLOCK_WARNING: Duration = Duration::from_secs(2);
/// With clocks that differ by more, one-time codes and lock-outs of several portals contradict each other.
const CLOCK_LIMIT: Duration = Duration::from_secs(30);

/// Why a portal cannot serve requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// The database does not respond, or refuses reads or writes for another reason than the following ones.
    Database,
    /// It accepts no writes: it is a standby, or its file or the server is read-only.
    ReadOnly,
    /// Its commits wait for a standby.
    Standby,
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
            Self::Schema => "schema",
            Self::Keys => "keys",
            Self::Clock => "clock",
        }
    }
}

/// The last result, and when it was determined.
#[derive(Default)]
pub struct ReadinessCache(Mutex<Option<(Instant, Result<(), NotReady>)>>);

impl Services {
    /// Checks that the database can be read and written, and fits this portal. Concurrent calls share a check.
    pub async fn readiness(&self) -> Result<(), NotReady> {
        let mut last = self.shared.readiness.0.lock().await;
        if let Some((at, result)) = *last
            && at.elapsed() < INTERVAL
        {
            return result;
        }
        let result = self.check_readiness().await;
        *last = Some((Instant::now(), result));
        result
    }

    async fn check_readiness(&self) -> Result<(), NotReady> {
        let state = match tokio::time::timeout(TIMEOUT, self.storage().check()).await {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => {
                tracing::error!(%error, "The database cannot be read or written");
                return Err(if error.is_read_only() { NotReady::ReadOnly } else { NotReady::Database });
            }
            Err(_) => {
                let waits = tokio::time::timeout(TIMEOUT, self.storage().commits_wait_for_standby()).await;
                let waits = matches!(waits, Ok(Ok(true)));
                tracing::error!(commits_wait_for_standby = waits, "The database does not respond");
                return Err(if waits { NotReady::Standby } else { NotReady::Database });
            }
        };
        self.compare(&state).inspect_err(|reason| tracing::error!(reason = reason.as_str(), "Not ready"))
    }

    /// Compares the database with this portal.
    fn compare(&self, state: &DatabaseState) -> Result<(), NotReady> {
        if !state.supports_this_release {
            return Err(NotReady::Schema);
        }
        if !matches!(self.signing_keys().first_different(&state.key_fingerprints), Ok(None)) {
            return Err(NotReady::Keys);
        }
        let now = SystemClock.now();
        let difference = state.clock.map(|clock| now.since(clock).max(clock.since(now))).unwrap_or_default();
        if difference > CLOCK_WARNING {
            tracing::warn!(seconds = difference.as_secs_f32(), "The clocks of this machine and of the database differ");
        }
        if difference > CLOCK_LIMIT { Err(NotReady::Clock) } else { Ok(()) }
    }
}
