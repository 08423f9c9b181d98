//! SQL, and only SQL: the one room that knows `sqlx`. A module per table.
//!
//! SQLite in WAL mode with `synchronous=FULL`: what was acknowledged survives a power cut. Reads go to a pool of readers;
//! all writes go through one [`writer`], so no two of them can deadlock or see each other half done. What is asked at every
//! request of a machine has a [`lane`] of its own.

pub mod activity;
pub mod admins;
pub mod attempts;
pub mod browser_sessions;
mod claims;
pub mod clients;
pub mod delegations;
pub mod device_grants;
mod folds;
pub mod form_results;
pub mod host_accounts;
pub mod hosts;
pub mod identities;
mod lane;
pub mod links;
mod listing;
mod numbers;
pub mod people;
pub mod providers;
pub mod pubkeys;
pub mod reservations;
pub mod second_factors;
pub mod tenants;
pub mod user_mfa;
mod writer;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use thiserror::Error;

use crate::domain::pubkey::Dependencies;

use clients::{Claimed, Known};
use hosts::Credentialed;
use lane::Lane;
use pubkeys::standing::{self, DependenciesAsked, Looked, LookupAsked};
pub use sqlx::{SqliteConnection as Connection, SqliteExecutor};
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
    #[error("the change was not begun; the log says why")]
    NotRun,
    #[error("the change panicked and was undone; the log says where")]
    Panicked,
    #[error("the change could not be committed: {0}")]
    NotCommitted(String),
    #[error("{why}")]
    Lane { why: String, temporary: bool },
}

impl Fault {
    /// Whether it is worth asking again: too much was going on, another process held the database, or the disk was full.
    pub fn is_temporary(&self) -> bool {
        /// SQLite's primary result codes.
        const BUSY_LOCKED_FULL: [u32; 3] = [5, 6, 13];
        match self {
            Self::Database(sqlx::Error::PoolTimedOut) | Self::WriterStopped | Self::NotRun | Self::NotCommitted(_) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                // The low byte of an extended code, such as SQLITE_BUSY_SNAPSHOT, is its primary one.
                code.is_some_and(|code| BUSY_LOCKED_FULL.contains(&(code & 0xff)))
            }
            Self::Lane { temporary, .. } => *temporary,
            _ => false,
        }
    }
}

/// The embedded database.
#[derive(Clone)]
pub struct Storage {
    readers: SqlitePool,
    writer: writer::Writer,
    clients: Lane<Claimed, Known>,
    dependencies: Lane<DependenciesAsked, Dependencies>,
    lookups: Lane<LookupAsked, Looked>,
    credentials: Lane<Vec<u8>, Option<Credentialed>>,
}

impl Storage {
    /// Opens the database file, creating it if need be, and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, Fault> {
        // SQLite gives its other files the mode of this one.
        OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(sqlx::Error::Io)?;
        let options = options(file);
        let writing = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writing).await?;
        let mut folding = writing.begin().await?;
        folds::bring_up_to_date(&mut folding).await?;
        folding.commit().await?;
        let readers =
            SqlitePoolOptions::new().max_connections(4).acquire_timeout(Duration::from_secs(5)).connect_with(options.clone().read_only(true)).await?;
        Ok(Self {
            readers,
            writer: writer::Writer::start(writing),
            clients: Lane::open(options.clone(), clients::find_claimed).await?,
            dependencies: Lane::open(options.clone(), standing::dependencies).await?,
            lookups: Lane::open(options.clone(), standing::look_up).await?,
            credentials: Lane::open(options, hosts::find_by_credential).await?,
        })
    }

    /// Where reads run; each sees the last committed state.
    pub fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// What is known of a client that somebody claims to be.
    pub async fn client(&self, claimed: Claimed) -> Result<Known, Fault> {
        self.clients.ask(claimed).await
    }

    pub async fn dependencies(&self, asked: DependenciesAsked) -> Result<Dependencies, Fault> {
        self.dependencies.ask(asked).await
    }

    /// The key a host asks for.
    pub async fn look_up(&self, asked: LookupAsked) -> Result<Looked, Fault> {
        self.lookups.ask(asked).await
    }

    /// The host whose credential has this hash.
    pub async fn host_of_credential(&self, hash: Vec<u8>) -> Result<Option<Credentialed>, Fault> {
        self.credentials.ask(hash).await
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

    /// Lets the writes that wait finish, then closes the file. The writer goes last: SQLite moves the log into the database when
    /// the last connection closes, unless that one only reads, and a copy of the one file is then a copy of all.
    pub async fn close(&self) {
        tokio::join!(self.clients.close(), self.dependencies.close(), self.lookups.close(), self.credentials.close());
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

/// Turns a column's text into a value of ours.
fn parsed<T, E: std::fmt::Display>(table: &'static str, id: &str, value: Result<T, E>) -> Result<T, Fault> {
    value.map_err(|why| Fault::Inconsistent { table, id: id.to_owned(), why: why.to_string() })
}
