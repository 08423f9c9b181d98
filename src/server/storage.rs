//! Persistence: all SQL of the portal, and the only module that uses `sqlx`. One module per table.
//!
//! The database is SQLite in a file, or PostgreSQL; only [`sql`], [`sqlite`] and [`postgres`] tell them apart, and each statement has one
//! text for both. Reads use a pool of connections; all writes go through one [`write_queue`], so they never deadlock or see each other's
//! partial changes. Queries that every request of a machine makes have a [`batched_reader`].

pub mod access_overview;
pub mod admins;
pub mod attempts;
pub mod audit_log;
pub mod authorization_codes;
pub mod authorization_requests;
pub mod authorizations;
pub mod backup;
mod batched_reader;
pub mod browser_sessions;
mod claims;
pub mod client_uris;
pub mod clients;
pub mod consents;
pub mod copy;
pub mod delegations;
pub mod deployment;
pub mod device_grants;
pub mod expiring;
mod failure;
mod folding_backfill;
pub mod form_results;
pub mod generation;
mod granted_resources;
pub mod host_accounts;
pub mod hosts;
pub mod identities;
pub mod inspection;
pub mod key_usage;
mod keyset;
pub mod link_requests;
pub mod logout_notices;
pub mod mail_outbox;
pub mod notifications;
pub mod people;
pub mod person_groups;
pub mod personal_data;
pub mod postgres;
pub mod providers;
pub mod refused_lookups;
pub mod reservations;
pub mod resource_servers;
mod row;
pub mod sealed;
pub mod second_factors;
pub mod secret_hashes;
mod sequences;
pub mod signing_keys;
pub mod sql;
mod sqlite;
pub mod ssh_keys;
pub mod tenant_overview;
pub mod tenants;
pub mod tms_import;
pub mod token_families;
pub mod used_assertions;
pub mod user_mfa;
mod write_queue;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;
use thiserror::Error;
use tokio::runtime::Handle;

use crate::domain::authorization::EndState;
use crate::domain::ssh_key::Dependencies;
use crate::domain::time::Timestamp;
use crate::server::metrics::DatabaseFiles;

use batched_reader::BatchedReader;
use clients::{ClientKey, ClientLookup};
pub use failure::{FailureKind, SharedFailure, is_lasting_io};
use hosts::CredentialWithSecrets;
pub use sql::Connection;
use ssh_keys::lookup::{self, DependencyQuery, LookupQuery, LookupResult};
use token_families::{FamilyKey, FamilyStanding};
pub use write_queue::BoxFuture;
use write_queue::WriteQueue;

/// The database failed, or holds an invalid value. Callers cannot act on it; the text is for the operator's log.
#[derive(Debug, Error)]
pub enum Error {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    #[error("the database is of a newer release, which does not support this one")]
    NewerSchema,
    #[error(
        "its schema is that of migration {found}, of a newer release; this release knows migrations up to {known}: install the newer release, or \
             restore a backup from before its upgrade"
    )]
    UnknownMigration { found: i64, known: i64 },
    #[error("migration {0} is another one than that of this release: the database is not of a release of this program, or damaged")]
    OtherMigration(i64),
    #[error("{}", foreign_wal(.0))]
    ForeignWal(PathBuf),
    #[error("there is no portal in {0}; create one with tms-portal init")]
    NoPortal(String),
    #[error("another portal has held the database's lock for 30 seconds; it may be migrating the schema")]
    MigrationLock,
    #[error("migration: {0}")]
    Migration(#[from] MigrateError),
    #[error("the row {id} of {table} cannot be read: {why}")]
    Inconsistent { table: &'static str, id: String, why: String },
    #[error("the database writer has stopped")]
    WriterStopped,
    #[error("the change was not begun: {0}")]
    NotBegun(SharedFailure),
    #[error("the change was not begun; the log says why")]
    NotRun,
    #[error("the change panicked and was undone; the log says where")]
    Panicked,
    #[error("the change could not be committed: {0}")]
    NotCommitted(SharedFailure),
    #[error("it is not known whether the change was committed: {0}")]
    OutcomeUnknown(String),
    #[error("{0}")]
    BatchedRead(SharedFailure),
}

impl Error {
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Database(error) => FailureKind::of(error),
            // Another change of the group, or another group, may succeed.
            Self::NotBegun(failure) | Self::NotCommitted(failure) if failure.kind != FailureKind::Permanent => failure.kind,
            Self::WriterStopped | Self::NotBegun(_) | Self::NotRun | Self::NotCommitted(_) | Self::OutcomeUnknown(_) => FailureKind::Temporary,
            Self::BatchedRead(failure) => failure.kind,
            _ => FailureKind::Permanent,
        }
    }

    /// Whether only an operator can correct it: the database is missing, damaged, of another release, or not accessible to this user.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::NewerSchema
            | Self::UnknownMigration { .. }
            | Self::OtherMigration(_)
            | Self::ForeignWal(_)
            | Self::NoPortal(_)
            | Self::Inconsistent { .. } => true,
            Self::File(_, error) | Self::Database(sqlx::Error::Io(error)) => is_lasting_io(error),
            Self::Migration(error) => !matches!(error, MigrateError::Execute(_) | MigrateError::ExecuteMigration(..)),
            _ => self.is_damage(),
        }
    }

    /// Whether the file is damaged, or not a database: `SQLITE_CORRUPT`, `SQLITE_NOTADB`.
    fn is_damage(&self) -> bool {
        let code = match self {
            Self::Database(sqlx::Error::Database(error)) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => error.code(),
            _ => None,
        };
        code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 11 | 26))
    }
}

/// SQLite would replay changes of the file that was there before, or delete them.
fn foreign_wal(file: &Path) -> String {
    let file = file.display();
    format!(
        "{file}-wal has changes that do not belong to {file}: the database was replaced, or removed, after a server had ended without closing \
         it. If it was replaced by a backup, restore that with `tms-portal restore`; else move {file}-wal and {file}-shm to another directory"
    )
}

/// Where the data are.
#[derive(Clone, Debug)]
pub enum Database {
    /// The embedded database: SQLite, in this file.
    File(PathBuf),
    Postgres(postgres::PostgresAddress),
}

impl Database {
    /// A pool of one connection that reads and writes, besides those of [`Storage`].
    pub async fn connect(&self) -> Result<sql::Pool, Error> {
        match self {
            Self::File(file) => sqlite::writer(file).await,
            Self::Postgres(address) => address.writer().await,
        }
    }

    /// A pool of one connection that only reads; the file may be a backup.
    async fn connect_reader(&self) -> Result<sql::Pool, Error> {
        match self {
            Self::File(file) => {
                generation::refuse_foreign_wal(file).await?;
                sqlite::reader_of_backup(file).await
            }
            Self::Postgres(address) => Ok(address.readers(Readers::Single)),
        }
    }

    /// Creates the schema, or brings it up to date.
    async fn migrate(&self) -> Result<(), Error> {
        match self {
            Self::File(file) => {
                generation::refuse_foreign_wal(file).await?;
                sqlite::open(file).await?.close().await;
                Ok(())
            }
            Self::Postgres(address) => address.migrate(true).await,
        }
    }
}

/// The kind of database and where it is, without user and password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "SQLite, {}", file.display()),
            Self::Postgres(address) => write!(f, "PostgreSQL, {}", address.display()),
        }
    }
}

/// What the connections of a pool for reads are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// One connection for one task, such as a [`BatchedReader`]'s, which repeats a query on a connection that was closed.
    Single,
    /// Several connections for all callers.
    Shared,
}

impl Readers {
    fn connections(self) -> u32 {
        match self {
            Self::Single => 1,
            Self::Shared => 4,
        }
    }
}

/// What a portal compares with itself.
pub struct DatabaseState {
    /// The fingerprints of the key files, by file name.
    pub key_fingerprints: Vec<(String, String)>,
    pub signing_keys: signing_keys::KeyStates,
    pub supports_this_release: bool,
    /// The time at the database; `None` if it runs in this process.
    pub clock: Option<Timestamp>,
    /// The bytes that are left on its disk; `None` if it is a server.
    pub space_left: Option<u64>,
}

/// The open database.
#[derive(Clone)]
pub struct Storage {
    /// The runtime that opened the database. It drives the connections opened on it, and runs the tasks that use them.
    runtime: Handle,
    readers: sql::Pool,
    /// The file of the embedded database.
    file: Option<PathBuf>,
    /// For callers on another runtime, such as that of pages: its threads have a lower priority, so that a connection which they opened or
    /// hold would delay the callers on this one.
    other_readers: sql::Pool,
    writer: WriteQueue,
    client_reader: BatchedReader<ClientKey, ClientLookup>,
    dependency_reader: BatchedReader<DependencyQuery, Dependencies>,
    lookup_reader: BatchedReader<LookupQuery, LookupResult>,
    credential_reader: BatchedReader<Vec<u8>, Option<CredentialWithSecrets>>,
    family_reader: BatchedReader<FamilyKey, Option<FamilyStanding>>,
}

impl Storage {
    /// Opens the database and runs the migrations; creates a missing file, and with `create` the schema in an empty database. Fails if it
    /// cannot be used, or is of a newer release that does not support this one.
    pub async fn open(database: &Database, create: bool) -> Result<Self, Error> {
        match database {
            Database::File(file) => {
                generation::refuse_foreign_wal(file).await?;
                let writer = WriteQueue::start(sqlite::open(file).await?, sqlite::MAX_GROUP);
                Ok(Self { file: Some(file.clone()), ..Self::new(writer, |purpose| sqlite::readers(file, purpose)).await? })
            }
            Database::Postgres(address) => {
                address.migrate(create).await?;
                let writer = WriteQueue::start(address.writer().await?, postgres::MAX_GROUP);
                Self::new(writer, |purpose| address.readers(purpose)).await
            }
        }
    }

    /// `pool`: creates a pool of connections that read, and opens none.
    async fn new(writer: WriteQueue, pool: impl Fn(Readers) -> sql::Pool) -> Result<Self, Error> {
        let (runtime, readers) = (Handle::current(), pool(Readers::Shared));
        if !deployment::supports_this_release(&readers).await? {
            return Err(Error::NewerSchema);
        }
        let batched = || (runtime.clone(), pool(Readers::Single));
        Ok(Self {
            client_reader: BatchedReader::start(batched(), clients::look_up_clients),
            dependency_reader: BatchedReader::start(batched(), lookup::find_dependencies),
            lookup_reader: BatchedReader::start(batched(), lookup::look_up_keys),
            credential_reader: BatchedReader::start(batched(), hosts::find_by_credential),
            family_reader: BatchedReader::start(batched(), token_families::look_up_standing),
            other_readers: pool(Readers::Shared),
            runtime,
            readers,
            file: None,
            writer,
        })
    }

    /// The pool for reads; each query sees the last committed state.
    pub fn reader(&self) -> &sql::Pool {
        let here = Handle::try_current().is_ok_and(|current| current.id() == self.runtime.id());
        if here { &self.readers } else { &self.other_readers }
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

    /// Finds a token family with what decides whether its access tokens may be used.
    pub async fn find_family_standing(&self, key: FamilyKey) -> Result<Option<FamilyStanding>, Error> {
        self.family_reader.read(key).await
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

    /// Reads what a portal compares with itself.
    pub async fn state(&self) -> Result<DatabaseState, Error> {
        Ok(DatabaseState {
            key_fingerprints: deployment::key_fingerprints(&self.readers).await?,
            signing_keys: signing_keys::states(&self.readers).await?,
            supports_this_release: deployment::supports_this_release(&self.readers).await?,
            clock: self.readers.clock().await?.map(Timestamp::from_millis),
            space_left: match self.file.clone() {
                Some(file) => tokio::task::spawn_blocking(move || sqlite::space_left(&file)).await.ok().flatten(),
                None => None,
            },
        })
    }

    /// Makes a change that has to reach the disk.
    pub async fn check_write(&self, now: Timestamp) -> Result<(), Error> {
        self.write(move |db| Box::pin(deployment::record_check(db, now))).await
    }

    /// The number of changes that wait for the writer.
    pub fn waiting_writes(&self) -> usize {
        self.writer.waiting()
    }

    /// The sizes of the embedded database's files; `None` if the database is a server.
    pub async fn file_sizes(&self) -> Option<DatabaseFiles> {
        let file = self.file.clone()?;
        tokio::task::spawn_blocking(move || sqlite::sizes(&file)).await.ok().flatten()
    }

    /// Whether a commit waits for a synchronous standby.
    pub async fn commits_wait_for_standby(&self) -> Result<bool, Error> {
        Ok(self.readers.commits_wait_for_standby().await?)
    }

    /// Waits for queued writes, then closes the file. The writer is closed last: SQLite checkpoints the WAL when the last connection that
    /// can write closes, so a copy of the one file is then complete.
    pub async fn close(&self) {
        tokio::join!(
            self.client_reader.close(),
            self.dependency_reader.close(),
            self.lookup_reader.close(),
            self.credential_reader.close(),
            self.family_reader.close(),
        );
        tokio::join!(self.readers.close(), self.other_readers.close());
        self.writer.stop().await;
    }
}

impl From<&sql::CommitError> for Error {
    fn from(error: &sql::CommitError) -> Self {
        match error {
            sql::CommitError::NotCommitted(error) => Self::NotCommitted(error.into()),
            sql::CommitError::Unknown(error) => Self::OutcomeUnknown(error.to_string()),
        }
    }
}

/// An IP address as it is stored; `None` also if it cannot be read.
fn parse_address(text: Option<String>) -> Option<IpAddr> {
    text.and_then(|text| text.parse().ok())
}

/// The end of a row that has one: its columns `ended_at` and `end_reason`.
fn end_state<Reason>(
    table: &'static str,
    id: &str,
    (ended_at, reason): (Option<i64>, Option<String>),
    parse: impl FnOnce(&str) -> Option<Reason>,
) -> Result<EndState<Reason>, Error> {
    let (Some(at), Some(reason)) = (ended_at, reason) else { return Ok(EndState::Live) };
    Ok(EndState::Ended { at: Timestamp::from_millis(at), reason: parse_column(table, id, parse(&reason).ok_or(reason))? })
}

/// Converts a column's text; fails with the table and row in the message.
fn parse_column<T, E: std::fmt::Display>(table: &'static str, id: &str, value: Result<T, E>) -> Result<T, Error> {
    value.map_err(|why| Error::Inconsistent { table, id: id.to_owned(), why: why.to_string() })
}
