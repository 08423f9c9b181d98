//! The single writer, with group commit: changes that wait together share one transaction, with a savepoint each, and thus one flush to
//! disk. Callers get their result after that flush.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
pub use futures_util::future::BoxFuture;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection as _, Executor};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Connection, Error};

/// Maximum number of changes per commit. With more, the first would wait too long.
const MAX_GROUP: usize = 128;
/// Maximum number of queued changes; beyond it, callers wait for a place in the queue.
const QUEUE_CAPACITY: usize = 1_024;

/// Sends a change's result to its caller; takes the reason if the group's commit failed.
type CommitCallback = Box<dyn FnOnce(Option<&str>) + Send>;
/// Runs a change, and returns whether to keep it.
type WriteJob = Box<dyn for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, (bool, CommitCallback)> + Send>;

#[derive(Clone)]
pub(super) struct WriteQueue {
    jobs: mpsc::Sender<WriteJob>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    stop: Arc<tokio::sync::Notify>,
}

impl WriteQueue {
    pub fn start(pool: SqlitePool) -> Self {
        let (jobs, changes) = mpsc::channel(QUEUE_CAPACITY);
        let stop = Arc::new(tokio::sync::Notify::new());
        let task = tokio::spawn(serve(pool, changes, Arc::clone(&stop)));
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
                let result = AssertUnwindSafe(work(connection)).catch_unwind().await.unwrap_or_else(|_| Err(Error::Panicked.into()));
                let keep = result.is_ok();
                let report: CommitCallback = Box::new(move |not_committed| {
                    let result = match not_committed {
                        Some(why) if keep => Err(Error::NotCommitted(why.to_owned()).into()),
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

    pub async fn stop(&self) {
        self.stop.notify_one();
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

async fn serve(pool: SqlitePool, mut changes: mpsc::Receiver<WriteJob>, stop: Arc<tokio::sync::Notify>) {
    loop {
        let first = tokio::select! {
            change = changes.recv() => change,
            () = stop.notified() => {
                changes.close();
                continue;
            }
        };
        let Some(first) = first else { break };
        commit_group(&pool, first, &mut changes).await;
    }
    pool.close().await;
}

async fn commit_group(pool: &SqlitePool, first: WriteJob, changes: &mut mpsc::Receiver<WriteJob>) {
    let mut reports = Vec::new();
    let committed = run_group(pool, first, changes, &mut reports).await;
    if let Err(fault) = &committed {
        tracing::error!(error = %fault, changes = reports.len(), "Could not commit a group of changes");
    }
    let why = committed.err().map(|fault| fault.to_string());
    for report in reports {
        report(why.as_deref());
    }
}

async fn run_group(
    pool: &SqlitePool,
    first: WriteJob,
    changes: &mut mpsc::Receiver<WriteJob>,
    reports: &mut Vec<CommitCallback>,
) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let committed = run_on(&mut connection, first, changes, reports).await;
    if committed.is_err() {
        // After a failed commit (such as a full disk) SQLite may have ended the transaction that sqlx believes to be open: this connection
        // would refuse every later one.
        connection.close_on_drop();
    }
    committed
}

async fn run_on(
    connection: &mut Connection,
    first: WriteJob,
    changes: &mut mpsc::Receiver<WriteJob>,
    reports: &mut Vec<CommitCallback>,
) -> Result<(), sqlx::Error> {
    // IMMEDIATE takes the write lock here, where waiting for another process is possible, and not half-way through.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut next = Some(first);
    while let Some(change) = next {
        transaction.execute("SAVEPOINT change").await?;
        let (keep, report) = change(&mut transaction).await;
        reports.push(report);
        if !keep {
            transaction.execute("ROLLBACK TO change").await?;
        }
        transaction.execute("RELEASE change").await?;
        next = if reports.len() < MAX_GROUP { changes.try_recv().ok() } else { None };
    }
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::super::Storage;
    use super::*;

    async fn write(storage: &Storage, sql: &'static [&'static str]) -> Result<(), Error> {
        storage
            .write(move |db| {
                async move {
                    for statement in sql {
                        sqlx::query(*statement).execute(&mut *db).await?;
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
        let storage = Storage::open(&dir.path().join("test.db")).await.expect("a database");
        for _ in 0..3 {
            let failed = write(&storage, &ORPHAN).await;
            assert!(matches!(failed, Err(Error::NotCommitted(_))), "{failed:?}");
        }
        write(&storage, &[ATTEMPT]).await.expect("a good change");
        let people: i64 = sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(storage.reader()).await.expect("a count");
        assert_eq!(people, 0);
        storage.close().await;
    }

    #[tokio::test]
    async fn failing_or_panicking_change_does_not_affect_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&dir.path().join("test.db")).await.expect("a database");
        let bad = write(&storage, &[ATTEMPT, "INSERT INTO nonsense VALUES (1)"]);
        let panics = storage.write::<(), Error, _>(|_| async { panic!("a change that panics, on purpose") }.boxed());
        let good = write(&storage, &["INSERT INTO attempts VALUES ('b', 0)"]);
        let (bad, panics, good) = tokio::join!(bad, panics, good);
        assert!(matches!(bad, Err(Error::Database(_))) && matches!(panics, Err(Error::Panicked)) && good.is_ok());
        let attempts: Vec<String> = sqlx::query_scalar("SELECT key FROM attempts").fetch_all(storage.reader()).await.expect("attempts");
        assert_eq!(attempts, ["b"]);
        storage.close().await;
    }

    /// SQLite returns 517 here, whose low byte is SQLITE_BUSY.
    #[tokio::test]
    async fn change_refused_as_busy_is_temporary() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        let storage = Storage::open(&file).await.expect("a database");
        let mut other = Connection::connect_with(&super::super::options(&file)).await.expect("a connection");
        let mut late = other.begin().await.expect("a transaction");
        sqlx::query("SELECT * FROM attempts").execute(&mut *late).await.expect("a read");
        write(&storage, &[ATTEMPT]).await.expect("a change in between");
        let refused = sqlx::query(ATTEMPT).execute(&mut *late).await.map_err(Error::from);
        assert!(refused.as_ref().is_err_and(Error::is_temporary), "{refused:?}");
        storage.close().await;
    }
}
