//! Persistence: all SQL of the portal, and the only module that uses `sqlx`. One module per table.
//!
//! SQLite in WAL mode with `synchronous=FULL`: acknowledged changes survive a power failure. Reads use a pool of connections; all writes
//! go through one [`write_queue`], so they never deadlock or see each other's partial changes. Queries that every request of a machine
//! makes have a [`batched_reader`].

pub mod access_overview;
pub mod admins;
pub mod attempts;
pub mod audit_log;
mod batched_reader;
pub mod browser_sessions;
mod claims;
pub mod clients;
pub mod delegations;
pub mod device_grants;
mod folding_backfill;
pub mod form_results;
pub mod host_accounts;
pub mod hosts;
pub mod identities;
mod keyset;
pub mod link_requests;
pub mod mail_outbox;
pub mod notifications;
pub mod people;
pub mod providers;
pub mod refused_lookups;
pub mod reservations;
mod row;
pub mod second_factors;
mod sequences;
pub mod ssh_keys;
pub mod tenant_overview;
pub mod tenants;
pub mod user_mfa;
mod write_queue;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

use crate::domain::ssh_key::Dependencies;

use batched_reader::BatchedReader;
use clients::{ClientKey, ClientLookup};
use hosts::CredentialWithSecrets;
pub use sqlx::{SqliteConnection as Connection, SqliteExecutor};
use ssh_keys::lookup::{self, DependencyQuery, LookupQuery, LookupResult};
pub use write_queue::BoxFuture;

static MIGRATIONS: Migrator = sqlx::migrate!("src/server/storage/migrations/sqlite");

/// The database failed, or holds an invalid value. Callers cannot act on it; the text is for the operator's log.
#[derive(Debug, Error)]
pub enum Error {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the row {id} of {table} cannot be read: {why}")]
    Inconsistent { table: &'static str, id: String, why: String },
    #[error("the database writer has stopped")]
    WriterStopped,
    #[error("the change was not begun; the log says why")]
    NotRun,
    #[error("the change panicked and was undone; the log says where")]
    Panicked,
    #[error("the change could not be committed: {0}")]
    NotCommitted(String),
    #[error("{why}")]
    BatchedRead { why: String, temporary: bool },
}

impl Error {
    /// Whether a retry may succeed: overload, a lock held by another process, or a full disk.
    pub fn is_temporary(&self) -> bool {
        /// SQLite's primary result codes.
        const BUSY_LOCKED_FULL: [u32; 3] = [5, 6, 13];
        match self {
            Self::Database(sqlx::Error::PoolTimedOut) | Self::WriterStopped | Self::NotRun | Self::NotCommitted(_) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                // The low byte of an extended code, such as SQLITE_BUSY_SNAPSHOT, is its primary code.
                code.is_some_and(|code| BUSY_LOCKED_FULL.contains(&(code & 0xff)))
            }
            Self::BatchedRead { temporary, .. } => *temporary,
            _ => false,
        }
    }
}

/// The embedded database.
#[derive(Clone)]
pub struct Storage {
    readers: SqlitePool,
    writer: write_queue::WriteQueue,
    client_reader: BatchedReader<ClientKey, ClientLookup>,
    dependency_reader: BatchedReader<DependencyQuery, Dependencies>,
    lookup_reader: BatchedReader<LookupQuery, LookupResult>,
    credential_reader: BatchedReader<Vec<u8>, Option<CredentialWithSecrets>>,
}

impl Storage {
    /// Opens the database file, creates it if it does not exist, and runs the migrations. Fails if the file cannot be used or is of a newer
    /// release.
    pub async fn open(file: &Path) -> Result<Self, Error> {
        // SQLite creates its other files with the mode of this one.
        OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(sqlx::Error::Io)?;
        let options = options(file);
        let writing = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writing).await?;
        let mut folding = writing.begin().await?;
        folding_backfill::backfill(&mut folding).await?;
        folding.commit().await?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5)).connect_with(options.clone().read_only(true)).await?;
        Ok(Self {
            readers,
            writer: write_queue::WriteQueue::start(writing),
            client_reader: BatchedReader::open(options.clone(), clients::look_up_clients).await?,
            dependency_reader: BatchedReader::open(options.clone(), lookup::find_dependencies).await?,
            lookup_reader: BatchedReader::open(options.clone(), lookup::look_up_keys).await?,
            credential_reader: BatchedReader::open(options, hosts::find_by_credential).await?,
        })
    }

    /// The pool for reads; each query sees the last committed state.
    pub fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// Finds the client with this id in this tenant, and the tenant.
    pub async fn find_client(&self, key: ClientKey) -> Result<ClientLookup, Error> {
        self.client_reader.read(key).await
    }

    pub async fn find_dependencies(&self, query: DependencyQuery) -> Result<Dependencies, Error> {
        self.dependency_reader.read(query).await
    }

    /// Finds the registrations of the key that a host asks for.
    pub async fn look_up_keys(&self, query: LookupQuery) -> Result<LookupResult, Error> {
        self.lookup_reader.read(query).await
    }

    /// Finds the host whose credential has this hash.
    pub async fn find_host_by_credential(&self, hash: Vec<u8>) -> Result<Option<CredentialWithSecrets>, Error> {
        self.credential_reader.read(hash).await
    }

    /// Runs `work` in a write transaction, with no other write at the same time. `Err` rolls it back; `Ok` is returned after the commit is
    /// on disk.
    ///
    /// `work` runs to its end even if the caller stops waiting.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Checks that the database can be read and written.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM tenants WHERE id = ''").fetch_one(&self.readers).await?;
        self.write(|db| Box::pin(async move { Ok(sqlx::query("DELETE FROM attempts WHERE key = ''").execute(db).await.map(|_| ())?) })).await
    }

    /// Waits for queued writes, then closes the file. The writer is closed last: SQLite checkpoints the WAL when the last connection that
    /// can write closes, so a copy of the one file is then complete.
    pub async fn close(&self) {
        tokio::join!(self.client_reader.close(), self.dependency_reader.close(), self.lookup_reader.close(), self.credential_reader.close());
        self.readers.close().await;
        self.writer.stop().await;
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

/// Converts a column's text; fails with the table and row in the message.
fn parse_column<T, E: std::fmt::Display>(table: &'static str, id: &str, value: Result<T, E>) -> Result<T, Error> {
    value.map_err(|why| Error::Inconsistent { table, id: id.to_owned(), why: why.to_string() })
}
