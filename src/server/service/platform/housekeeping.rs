//! The periodic task that expires unredeemed grants and deletes old rows.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::notification::{NETWORK_MEMORY, NOTIFICATION_RETENTION};
use crate::server::service::platform::form_results::RESULT_LIFETIME;
use crate::server::service::{Fault, Services};
use crate::server::storage::{
    self, BoxFuture, Connection, attempts, browser_sessions, deployment, device_grants, form_results, identities, link_requests, mail_outbox,
    notifications, refused_lookups, reservations, ssh_keys,
};

/// How long a grant is kept after its code and access have expired, so that its device learns the result.
const GRANT_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
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

impl Services {
    /// Runs the housekeeping, unless another portal has just done so.
    pub async fn run_due_housekeeping(&self) -> Result<(), Fault> {
        self.log_suppressed_refusals();
        let now = self.now();
        let begin = self.write(move |db| async move { deployment::begin_task(db, "cleanup", now, now - CLEANUP_INTERVAL).await }.boxed());
        if begin.await? { self.run_housekeeping().await } else { Ok(()) }
    }

    /// Expires unredeemed grants, and deletes rows past their retention.
    pub async fn run_housekeeping(&self) -> Result<(), Fault> {
        self.expire_unredeemed_grants().await?;
        let now = self.now();
        let (old_grants, old_attempts, old_keys) = (now - GRANT_RETENTION, now - ATTEMPT_RETENTION, now - KEY_RETENTION);
        let ends = (self.session_expiry(None), self.session_expiry(Some(now)));
        self.in_batches(BATCH, move |db, limit| browser_sessions::delete_expired(db, now, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| browser_sessions::delete_signed_in_ahead(db, now, ends.1, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| browser_sessions::correct_last_use(db, now, ends, limit).boxed()).await?;
        self.write(move |db| {
            async move {
                attempts::bring_all_back(db, now).await?;
                mail_outbox::correct_times(db, now).await
            }
            .boxed()
        })
        .await?;
        self.in_batches(BATCH, move |db, limit| attempts::delete_old(db, old_attempts, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| form_results::delete_old(db, now - RESULT_LIFETIME, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| device_grants::delete_old(db, old_grants, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| link_requests::delete_old(db, old_grants, limit).boxed()).await?;
        // Before the keys, which delete theirs.
        self.in_batches(BATCH, move |db, limit| reservations::delete_old(db, old_grants, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| ssh_keys::delete_old(db, old_keys, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| refused_lookups::delete_old(db, now - REFUSAL_RETENTION, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| identities::delete_old_invitations(db, now, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| notifications::delete_old(db, now - NOTIFICATION_RETENTION, limit).boxed()).await?;
        self.in_batches(BATCH, move |db, limit| notifications::delete_old_networks(db, now - NETWORK_MEMORY, limit).boxed()).await
    }

    /// Repeats a change of at most `size` rows until it finds fewer. It returns how many it found. Each is a change of its own: others that
    /// wait get their turn in between, and a caller that is stopped leaves one at most to be finished.
    pub(in crate::server::service) async fn in_batches<F>(&self, size: u32, change: F) -> Result<(), Fault>
    where
        F: for<'c> Fn(&'c mut Connection, u32) -> BoxFuture<'c, Result<u64, storage::Error>> + Copy + Send + 'static,
    {
        while self.write(move |db| change(db, size)).await? >= u64::from(size) {}
        Ok(())
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

    const ROWS: i64 = 9_000;
    /// 3000 rows each.
    const INSERTS: [&str; 3] = [
        "INSERT INTO browser_sessions (id_hash, public_id, sealed, last_seen_at, agent, expires_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT CAST(i AS BLOB), 's', x'00', 0, '', 0 FROM n",
        "INSERT INTO attempts (key, at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'k' || i, 0 FROM n",
        "INSERT INTO form_results (id, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT CAST(i AS BLOB), 0 FROM n",
    ];
    const COUNT: &str = "SELECT (SELECT count(*) FROM browser_sessions) + (SELECT count(*) FROM attempts) + (SELECT count(*) FROM form_results)";

    /// The numbers of rows that are left, as seen by changes that wait for their turn one after the other.
    async fn rows_left(services: &Services) -> Vec<i64> {
        let mut seen = vec![ROWS];
        while seen.last() != Some(&0) {
            let count = services.write(|db| async move { Ok(sql::query_scalar::<i64>(COUNT).fetch_one(db).await?) }.boxed());
            seen.push(count.await.expect("a count"));
        }
        seen
    }

    #[tokio::test]
    async fn other_changes_get_their_turn_between_batches() {
        let dir = tempfile::tempdir().expect("a folder");
        let database = Database::File(dir.path().join(DATABASE_FILE));
        let data = DataLocation { dir: dir.path(), database: &database, create: true };
        let services = Services::open(data, "http://unused", &EgressPolicy::default(), Arc::new(Fixed), Arc::new(SystemRng)).await.expect("services");
        let fill = services.write(|db| {
            async move {
                for insert in INSERTS {
                    sql::query(insert).execute(&mut *db).await?;
                }
                Ok(())
            }
            .boxed()
        });
        fill.await.expect("rows");
        let clean = async { services.run_housekeeping().await.expect("tidied") };
        let ((), seen) = tokio::join!(clean, rows_left(&services));
        // One batch before and one after the other change in its group.
        assert!(seen.windows(2).all(|pair| pair[0] - pair[1] <= 2 * i64::from(BATCH)), "{seen:?}");
        services.close().await;
    }
}
