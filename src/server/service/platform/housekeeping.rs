//! The periodic task that expires unredeemed grants and deletes old rows.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error;

use crate::domain::notification::{NETWORK_MEMORY, NOTIFICATION_RETENTION};
use crate::domain::time::CLOCK_TOLERANCE;
use crate::server::metrics;
use crate::server::service::platform::form_results::RESULT_LIFETIME;
use crate::server::service::{Fault, Services};
use crate::server::storage::{
    self, BoxFuture, Connection, FailureKind, attempts, authorization_requests, authorizations, browser_sessions, consents, deployment,
    device_grants, form_results, identities, link_requests, logout_notices, mail_outbox, notifications, refused_lookups, reservations, ssh_keys,
    token_families, used_assertions,
};

/// How long a device grant or authorization is kept after code and access have expired, so that the device learns the result.
const GRANT_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an authorization request that no browser opened is kept after it has expired: anybody can make them. Longer than a request that was
/// opened from a pushed one waits.
const UNOPENED_RETENTION: Duration = Duration::from_secs(60 * 60);
/// How long a token family that has ended is still listed, if its authorization stays.
const FAMILY_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long an ended key is still listed.
const KEY_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long a refused lookup is listed.
pub(in crate::server::service) const REFUSAL_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Longer than the longest window in `domain::attempts`.
const ATTEMPT_RETENTION: Duration = Duration::from_secs(2 * 60 * 60);

/// The number of rows that one change deletes at most.
pub(in crate::server::service) const BATCH: u32 = 500;

/// Less than the interval of each portal's attempts, so that a single portal cleans up each time.
const CLEANUP_INTERVAL: Duration = Duration::from_secs(55);
/// How often old audit events are deleted; they are kept for days.
const RETENTION_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The steps of one round that failed.
#[derive(Debug, Default, Error)]
struct FailedSteps(Vec<(&'static str, Fault)>);

impl fmt::Display for FailedSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (step, fault)) in self.0.iter().enumerate() {
            write!(f, "{}{step}: {fault}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl FailedSteps {
    fn note(&mut self, step: &'static str, done: Result<(), Fault>) {
        self.0.extend(done.err().map(|fault| (step, fault)));
    }

    /// The kind of the fault is that of all steps if they failed alike.
    fn into_result(self) -> Result<(), Fault> {
        let Some((_, first)) = self.0.first() else { return Ok(()) };
        let kind = if self.0.iter().all(|(_, fault)| fault.kind == first.kind) { first.kind } else { FailureKind::Permanent };
        Err(Fault { kind, ..Fault::new(self) })
    }
}

impl Services {
    /// Runs the housekeeping, unless another portal has just done so.
    pub async fn run_due_housekeeping(&self) -> Result<(), Fault> {
        self.log_suppressed_refusals();
        let now = self.now();
        let begin = self.write(move |db| async move { deployment::begin_task(db, "cleanup", now, now - CLEANUP_INTERVAL).await }.boxed());
        if begin.await? {
            self.run_housekeeping().await?;
        }
        let begin = self.write(move |db| async move { deployment::begin_task(db, "retention", now, now - RETENTION_INTERVAL).await }.boxed());
        if begin.await? { self.delete_old_audit_events().await } else { Ok(()) }
    }

    /// Expires unredeemed grants, and deletes rows past their retention. A step that fails does not keep the others from being done; the fault
    /// names all that failed.
    pub async fn run_housekeeping(&self) -> Result<(), Fault> {
        let now = self.now();
        let (old_grants, old_attempts, old_keys) = (now - GRANT_RETENTION, now - ATTEMPT_RETENTION, now - KEY_RETENTION);
        let (old_families, unopened) = (now - FAMILY_RETENTION, now - UNOPENED_RETENTION);
        let ends = (self.session_expiry(None), self.session_expiry(Some(now)));
        let mut failed = FailedSteps::default();
        failed.note("unredeemed grants", self.expire_unredeemed_grants().await);
        failed.note("unredeemed codes", self.expire_unredeemed_codes().await);
        let done = self.in_batches(BATCH, move |db, limit| browser_sessions::delete_expired(db, now, limit).boxed()).await;
        failed.note("expired sessions", done);
        let done = self.in_batches(BATCH, move |db, limit| browser_sessions::delete_signed_in_ahead(db, now, ends.1, limit).boxed()).await;
        failed.note("sessions from the future", done);
        let done = self.in_batches(BATCH, move |db, limit| browser_sessions::correct_last_use(db, now, ends, limit).boxed()).await;
        failed.note("times of sessions", done);
        let done = self.in_batches(BATCH, move |db, limit| attempts::bring_all_back(db, now, limit).boxed()).await;
        failed.note("times of attempts", done);
        // The outbox has a limit.
        failed.note("times of e-mail", self.write(move |db| mail_outbox::correct_times(db, now).boxed()).await);
        failed.note("times of logout notices", self.write(move |db| logout_notices::correct_times(db, now).boxed()).await);
        let done = self.in_batches(BATCH, move |db, limit| attempts::delete_old(db, old_attempts, limit).boxed()).await;
        failed.note("attempts", done);
        let done = self.in_batches(BATCH, move |db, limit| form_results::delete_old(db, now - RESULT_LIFETIME, limit).boxed()).await;
        failed.note("results of forms", done);
        let done = self.in_batches(BATCH, move |db, limit| authorizations::delete_old(db, old_grants, limit).boxed()).await;
        failed.note("authorizations", done);
        let done = self.in_batches(BATCH, move |db, limit| token_families::delete_old(db, old_families, limit).boxed()).await;
        failed.note("token families", done);
        // After their authorizations.
        let done = self.in_batches(BATCH, move |db, limit| device_grants::delete_old(db, old_grants, limit).boxed()).await;
        failed.note("device grants", done);
        let done = self.in_batches(BATCH, move |db, limit| authorization_requests::delete_unopened(db, unopened, limit).boxed()).await;
        failed.note("authorization requests that were not opened", done);
        let done = self.in_batches(BATCH, move |db, limit| authorization_requests::delete_old(db, old_grants, limit).boxed()).await;
        failed.note("authorization requests", done);
        let done = self.in_batches(BATCH, move |db, limit| consents::delete_expired(db, now, limit).boxed()).await;
        failed.note("consents", done);
        let done = self.in_batches(BATCH, move |db, limit| link_requests::delete_old(db, old_grants, limit).boxed()).await;
        failed.note("link requests", done);
        // Before the keys, which delete theirs.
        let done = self.in_batches(BATCH, move |db, limit| reservations::delete_old(db, old_grants, limit).boxed()).await;
        failed.note("reservations", done);
        let done = self.in_batches(BATCH, move |db, limit| ssh_keys::delete_old(db, old_keys, limit).boxed()).await;
        failed.note("keys", done);
        let done = self.in_batches(BATCH, move |db, limit| refused_lookups::delete_old(db, now - REFUSAL_RETENTION, limit).boxed()).await;
        failed.note("refused lookups", done);
        let done = self.in_batches(BATCH, move |db, limit| identities::delete_old_invitations(db, now, limit).boxed()).await;
        failed.note("invitations", done);
        let done = self.in_batches(BATCH, move |db, limit| notifications::delete_old(db, now - NOTIFICATION_RETENTION, limit).boxed()).await;
        failed.note("notifications", done);
        let done = self.in_batches(BATCH, move |db, limit| notifications::delete_old_networks(db, now - NETWORK_MEMORY, limit).boxed()).await;
        failed.note("networks", done);
        // Another portal, whose clock is behind, may still accept them.
        let done = self.in_batches(BATCH, move |db, limit| used_assertions::delete_expired(db, now - CLOCK_TOLERANCE, limit).boxed()).await;
        failed.note("used assertions", done);
        failed.into_result()
    }

    /// Repeats a change of at most `size` rows until it finds fewer. It returns how many it found. Each is a change of its own: others that
    /// wait get their turn in between, and a caller that is stopped leaves one at most to be finished.
    pub(in crate::server::service) async fn in_batches<F>(&self, size: u32, change: F) -> Result<(), Fault>
    where
        F: for<'c> Fn(&'c mut Connection, u32) -> BoxFuture<'c, Result<u64, storage::Error>> + Copy + Send + 'static,
    {
        loop {
            let found = self.write(move |db| change(db, size)).await?;
            metrics::record(|metrics| metrics.count_housekeeping_rows(found));
            if found < u64::from(size) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::domain::time::Timestamp;
    use crate::server::providers::egress::EgressPolicy;
    use crate::server::service::{Clock, DATABASE_FILE, DataLocation, Database, SystemRng};
    use crate::server::storage::sql;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(1_795_176_000_000)
        }
    }

    const ROWS: i64 = 12_000;
    /// 3000 rows each; the last are from a time when the clock was ahead.
    const INSERTS: [&str; 4] = [
        "INSERT INTO browser_sessions (id_hash, public_id, sealed, last_seen_at, agent, expires_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT CAST(i AS BLOB), 's', x'00', 0, '', 0 FROM n",
        "INSERT INTO attempts (key, at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'k' || i, 0 FROM n",
        "INSERT INTO form_results (id, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT CAST(i AS BLOB), 0 FROM n",
        "INSERT INTO attempts (key, at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'ahead' || i, 1800000000000 + i FROM n",
    ];
    /// What is left to be done.
    const COUNT: &str = "SELECT (SELECT count(*) FROM browser_sessions) + (SELECT count(*) FROM attempts WHERE at = 0 OR at > 1795176000000)
                             + (SELECT count(*) FROM form_results)";

    /// Services with these rows, and their folder.
    async fn filled() -> (Services, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a folder");
        let database = Database::File(dir.path().join(DATABASE_FILE));
        let data = DataLocation { dir: dir.path(), database: &database, create: true };
        let services = Services::open(data, "http://unused", &EgressPolicy::default(), Arc::new(Fixed), Arc::new(SystemRng)).await.expect("services");
        for insert in INSERTS {
            run(&services, insert).await;
        }
        (services, dir)
    }

    async fn run(services: &Services, statement: &'static str) {
        let done = services.write(move |db| async move { Ok(sql::query(statement).execute(db).await.map(drop)?) }.boxed());
        done.await.expect(statement);
    }

    async fn left(services: &Services) -> i64 {
        let count = services.write(|db| async move { Ok(sql::query_scalar::<i64>(COUNT).fetch_one(db).await?) }.boxed());
        count.await.expect("a count")
    }

    /// The numbers of rows that are left, as seen by changes that wait for their turn one after the other.
    async fn rows_left(services: &Services) -> Vec<i64> {
        let mut seen = vec![ROWS];
        while seen.last() != Some(&0) {
            seen.push(left(services).await);
        }
        seen
    }

    #[tokio::test]
    async fn other_changes_get_their_turn_between_batches() {
        let (services, _dir) = filled().await;
        let clean = async { services.run_housekeeping().await.expect("tidied") };
        let ((), seen) = tokio::join!(clean, rows_left(&services));
        // One batch before and one after the other change in its group.
        assert!(seen.windows(2).all(|pair| pair[0] - pair[1] <= 2 * i64::from(BATCH)), "{seen:?}");
        services.close().await;
    }

    #[tokio::test]
    async fn step_that_fails_does_not_keep_the_others_from_being_done() {
        let (services, _dir) = filled().await;
        for refuse in [
            "CREATE TRIGGER refuse_sessions BEFORE DELETE ON browser_sessions BEGIN SELECT RAISE(ABORT, 'refused'); END",
            "CREATE TRIGGER refuse_results BEFORE DELETE ON form_results BEGIN SELECT RAISE(ABORT, 'refused'); END",
        ] {
            run(&services, refuse).await;
        }
        let failed = services.run_housekeeping().await.expect_err("two steps failed");
        let said = failed.to_string();
        assert!(said.contains("expired sessions: ") && said.contains("; results of forms: ") && !said.contains("attempts"), "{said}");
        assert!(!failed.is_temporary(), "{said}");
        assert_eq!(left(&services).await, 6_000, "the attempts are tidied");
        services.close().await;
    }
}
