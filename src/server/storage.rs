//! SQL, and only SQL: the one room that knows `sqlx`. A module per table.
//!
//! SQLite in WAL mode with `synchronous=FULL`: what was acknowledged survives a power cut. Reads go to a pool of readers;
//! all writes go through one [`writer`], so no two of them can deadlock or see each other half done.

pub mod activity;
pub mod attempts;
pub mod browser_sessions;
pub mod clients;
pub mod delegations;
pub mod device_grants;
pub mod host_accounts;
pub mod people;
pub mod tenants;
pub mod test_data;
mod writer;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

pub use sqlx::SqliteConnection as Connection;
pub use writer::BoxFuture;

static MIGRATIONS: Migrator = sqlx::migrate!("src/server/storage/migrations");

/// The database broke, or what it holds makes no sense. Nothing a caller can act on; the text is for the operator's log.
#[derive(Debug, Error)]
pub enum Fault {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the row {id} of {table} cannot be read: {why}")]
    Inconsistent { table: &'static str, id: String, why: String },
    #[error("the database writer has stopped")]
    WriterStopped,
    #[error("the change was not made; the log says why")]
    NotRun,
    #[error("the change could not be committed: {0}")]
    NotCommitted(String),
}

/// The embedded database.
#[derive(Clone)]
pub struct Storage {
    readers: SqlitePool,
    writer: writer::Writer,
}

impl Storage {
    /// Opens the database file, creating it if need be, and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, Fault> {
        // SQLite gives its other files the mode of this one.
        OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(sqlx::Error::Io)?;
        let options = options(file);
        let writing = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writing).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5)).connect_with(options.read_only(true)).await?;
        Ok(Self { readers, writer: writer::Writer::start(writing) })
    }

    /// Where reads run; each sees the last committed state.
    pub fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `work` alone in the database, in a transaction. `Err` undoes all of it; `Ok` is returned once it is on the disk.
    ///
    /// The work is done even if the caller stops waiting.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Says whether the database can be read, and written to.
    pub async fn ping(&self) -> Result<(), Fault> {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM tenants WHERE id = ''").fetch_one(&self.readers).await?;
        self.write(|db| Box::pin(async move { Ok(sqlx::query("DELETE FROM attempts WHERE key = ''").execute(db).await.map(|_| ())?) })).await
    }

    /// Lets the writes that wait finish, then closes the file.
    pub async fn close(&self) {
        self.writer.stop().await;
        self.readers.close().await;
    }
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::from_str("sqlite:")
        .unwrap_or_default()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(256)
}

/// Turns a column's text into a value of ours.
fn parsed<T, E: std::fmt::Display>(table: &'static str, id: &str, value: Result<T, E>) -> Result<T, Fault> {
    value.map_err(|why| Fault::Inconsistent { table, id: id.to_owned(), why: why.to_string() })
}
