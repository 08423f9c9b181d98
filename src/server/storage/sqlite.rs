//! The embedded database: SQLite in WAL mode with `synchronous=FULL`, so that acknowledged changes survive a power failure.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::sql::Pool;
use super::{Error, folding_backfill};

static MIGRATIONS: Migrator = sqlx::migrate!("src/server/storage/migrations/sqlite");

/// Maximum number of changes per commit.
pub const MAX_GROUP: usize = 128;

/// Opens the file for writing, creates it if it does not exist, and runs the migrations.
pub async fn open(file: &Path) -> Result<Pool, Error> {
    if let Some(dir) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(sqlx::Error::Io)?;
    }
    // SQLite creates its other files with the mode of this one.
    OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(sqlx::Error::Io)?;
    let mut connection = SqliteConnection::connect_with(&options(file)).await?;
    MIGRATIONS.run(&mut connection).await?;
    let mut folding = connection.begin().await?;
    folding_backfill::backfill(&mut folding).await?;
    folding.commit().await?;
    let pool = writer(file).await?;
    connection.close().await?;
    Ok(pool)
}

/// The number of the newest migration; the same in both folders of migrations.
pub fn newest_migration() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// The one connection that writes.
pub async fn writer(file: &Path) -> Result<Pool, Error> {
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    Ok(Pool::Sqlite(pool.connect_with(options(file)).await?))
}

/// A number of connections that only read.
pub async fn readers(file: &Path, connections: u32) -> Result<Pool, Error> {
    let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(5));
    // A single one is kept, and used without a test.
    let pool = if connections == 1 { pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false) } else { pool };
    Ok(Pool::Sqlite(pool.connect_with(options(file).read_only(true)).await?))
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(256)
}
