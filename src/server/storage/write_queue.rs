//! The single writer, with group commit: changes that wait together share one transaction, with a savepoint each, and thus one flush to
//! disk. Callers get their result after that flush.
//!
//! Several portals on one PostgreSQL take turns: each group holds a lock of the database from its beginning to its end
//! ([`Pool::begin_write`]).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
pub use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::sql::{CommitError, Pool};
use super::{Connection, Error, FailureKind, SharedFailure};
use crate::server::metrics;

/// Maximum number of queued changes; beyond it, callers wait for a place in the queue.
const QUEUE_CAPACITY: usize = 1_024;

/// Sends a change's result to its caller; takes the error of the group's commit.
type CommitCallback = Box<dyn FnOnce(Option<&CommitError>) + Send>;
/// Runs a change, and returns whether to keep it. Without a connection, the change is refused.
type WriteJob = Box<dyn for<'c> FnOnce(Result<&'c mut Connection, SharedFailure>) -> BoxFuture<'c, (bool, CommitCallback)> + Send>;

#[derive(Clone)]
pub(super) struct WriteQueue {
    jobs: mpsc::Sender<WriteJob>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    stop: Arc<tokio::sync::Notify>,
}

impl WriteQueue {
    /// `max_group`: the maximum number of changes per commit. With more, the first would wait too long.
    pub fn start(pool: Pool, max_group: usize) -> Self {
        let (jobs, changes) = mpsc::channel(QUEUE_CAPACITY);
        let stop = Arc::new(tokio::sync::Notify::new());
        let task = tokio::spawn(serve(pool, max_group, changes, Arc::clone(&stop)));
        Self { jobs, task: Arc::new(Mutex::new(Some(task))), stop }
    }

    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let change: WriteJob = Box::new(move |connection| {
            async move {
                // The panic has been printed by now; the other changes of the group continue.
                let result = match connection {
                    Ok(connection) => AssertUnwindSafe(work(connection)).catch_unwind().await.unwrap_or_else(|_| Err(Error::Panicked.into())),
                    Err(reason) => Err(Error::NotBegun(reason).into()),
                };
                let keep = result.is_ok();
                let report: CommitCallback = Box::new(move |failed| {
                    let result = match failed {
                        Some(error) if keep => Err(Error::from(error).into()),
                        _ => result,
                    };
                    // The caller may have stopped waiting; what was committed stays committed.
                    let _ = answer.send(result);
                });
                (keep, report)
            }
            .boxed()
        });
        self.jobs.send(change).await.map_err(|_| Error::WriterStopped)?;
        answered.await.map_err(|_| Error::NotRun)?
    }

    /// The number of changes that wait in the queue.
    pub fn waiting(&self) -> usize {
        self.jobs.max_capacity().saturating_sub(self.jobs.capacity())
    }

    pub async fn stop(&self) {
        self.stop.notify_one();
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

async fn serve(pool: Pool, max_group: usize, mut changes: mpsc::Receiver<WriteJob>, stop: Arc<tokio::sync::Notify>) {
    loop {
        let first = tokio::select! {
            change = changes.recv() => change,
            () = stop.notified() => {
                changes.close();
                continue;
            }
        };
        let Some(first) = first else { break };
        commit_group(&pool, max_group, first, &mut changes).await;
    }
    pool.close().await;
}

async fn commit_group(pool: &Pool, max_group: usize, first: WriteJob, changes: &mut mpsc::Receiver<WriteJob>) {
    let mut reports = Vec::new();
    let committed = run_group(pool, max_group, first, changes, &mut reports).await;
    // A full disk is logged with the faults that callers get: it fails all groups.
    if let Some(error) = committed.as_ref().err().filter(|error| Error::from(*error).kind() != FailureKind::DiskFull) {
        tracing::error!(%error, changes = reports.len(), "Could not commit a group of changes");
    }
    if committed.is_err() {
        metrics::record(metrics::Metrics::count_commit_failure);
    }
    for report in reports {
        report(committed.as_ref().err());
    }
}

async fn run_group(
    pool: &Pool,
    max_group: usize,
    first: WriteJob,
    changes: &mut mpsc::Receiver<WriteJob>,
    reports: &mut Vec<CommitCallback>,
) -> Result<(), CommitError> {
    let mut transaction = match pool.begin_write().await {
        Ok(transaction) => transaction,
        Err(error) => {
            // All that wait are told now, rather than one after the other: each would wait for the same timeout.
            let reason = SharedFailure::from(&error);
            for change in std::iter::once(first).chain(std::iter::from_fn(|| changes.try_recv().ok()).take(QUEUE_CAPACITY)) {
                reports.push(change(Err(reason.clone())).await.1);
            }
            return Err(CommitError::NotCommitted(error));
        }
    };
    transaction.run("SAVEPOINT change").await.map_err(CommitError::NotCommitted)?;
    let mut next = Some(first);
    while let Some(change) = next {
        let (keep, report) = change(Ok(&mut transaction)).await;
        reports.push(report);
        next = if reports.len() < max_group { changes.try_recv().ok() } else { None };
        // The commit releases the last savepoint.
        let end = match (keep, &next) {
            (false, _) => "ROLLBACK TO change",
            (true, Some(_)) => "RELEASE change; SAVEPOINT change",
            (true, None) => break,
        };
        transaction.run(end).await.map_err(CommitError::NotCommitted)?;
    }
    let started = metrics::start();
    let committed = transaction.commit_settled(pool).await;
    if let (Ok(()), Some(started)) = (&committed, started) {
        metrics::record(|metrics| metrics.count_commit(reports.len(), started.elapsed()));
    }
    committed
}

#[cfg(test)]
mod tests {
    use super::super::{Database, Storage, sql, sqlite};
    use super::*;

    async fn write(storage: &Storage, sql: &'static [&'static str]) -> Result<(), Error> {
        storage
            .write(move |db| {
                async move {
                    for statement in sql {
                        sql::query(*statement).execute(&mut *db).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    const ATTEMPT: &str = "INSERT INTO attempts VALUES ('a', 0)";
    /// Fails only at the commit, and then for its whole group.
    const ORPHAN: [&str; 2] = [
        "PRAGMA defer_foreign_keys = ON",
        "INSERT INTO people (tenant_id, user_id, display_name, enabled, created_at) VALUES ('nowhere', 'jdoe', 'J', 1, 0)",
    ];

    #[tokio::test]
    async fn change_after_a_failed_commit_succeeds() {
        let dir = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&Database::File(dir.path().join("test.db")), true).await.expect("a database");
        for _ in 0..3 {
            let failed = write(&storage, &ORPHAN).await;
            assert!(matches!(failed, Err(Error::NotCommitted(_))), "{failed:?}");
        }
        write(&storage, &[ATTEMPT]).await.expect("a good change");
        let people: i64 = sql::query_scalar("SELECT count(*) FROM people").fetch_one(storage.reader()).await.expect("a count");
        assert_eq!(people, 0);
        storage.close().await;
    }

    #[tokio::test]
    async fn failing_or_panicking_change_does_not_affect_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&Database::File(dir.path().join("test.db")), true).await.expect("a database");
        let bad = write(&storage, &[ATTEMPT, "INSERT INTO nonsense VALUES (1)"]);
        let panics = storage.write::<(), Error, _>(|_| async { panic!("a change that panics, on purpose") }.boxed());
        let good = write(&storage, &["INSERT INTO attempts VALUES ('b', 0)"]);
        let (bad, panics, good) = tokio::join!(bad, panics, good);
        assert!(matches!(bad, Err(Error::Database(_))) && matches!(panics, Err(Error::Panicked)) && good.is_ok());
        let attempts: Vec<String> = sql::query_scalar("SELECT key FROM attempts").fetch_all(storage.reader()).await.expect("attempts");
        assert_eq!(attempts, ["b"]);
        storage.close().await;
    }

    /// SQLite returns 517 here, whose low byte is SQLITE_BUSY.
    #[tokio::test]
    async fn change_refused_as_busy_is_temporary() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        let storage = Storage::open(&Database::File(file.clone()), true).await.expect("a database");
        let other = sqlite::writer(&file).await.expect("a connection");
        let mut late = other.snapshot().await.expect("a transaction");
        late.run("SELECT * FROM attempts").await.expect("a read");
        write(&storage, &[ATTEMPT]).await.expect("a change in between");
        let refused = late.run(ATTEMPT).await.map_err(Error::from);
        assert!(refused.as_ref().is_err_and(|error| error.kind() == FailureKind::Temporary), "{refused:?}");
        storage.close().await;
    }
}
