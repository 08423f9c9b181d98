//! The embedded database: SQLite in WAL mode with `synchronous=FULL`, so that acknowledged changes survive a power failure.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::sql::{self, ColumnRow, Connection, Pool};
use super::{Error, Readers, folding_backfill};

static MIGRATIONS: Migrator = sqlx::migrate!("src/server/storage/migrations/sqlite");

/// Maximum number of changes per commit.
pub const MAX_GROUP: usize = 128;
/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

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

/// A pool of connections that only read; it opens them when they are needed.
pub(super) fn readers(file: &Path, readers: Readers) -> Pool {
    let pool = SqlitePoolOptions::new().max_connections(readers.connections()).acquire_timeout(Duration::from_secs(5));
    let pool = if readers == Readers::Single { pool.idle_timeout(None).max_lifetime(None).test_before_acquire(false) } else { pool };
    Pool::Sqlite(pool.connect_lazy_with(options(file).read_only(true)))
}

/// The bytes that are left on the file's disk for this user; `None` if the system does not tell.
pub fn space_left(file: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(file).ok().filter(|disk| disk.f_blocks > 0)?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The columns of all tables that are not computed from others, in their order.
pub async fn columns(db: &mut Connection) -> Result<Vec<ColumnRow>, Error> {
    let query = sql::query_as(
        "SELECT t.name AS table_name, c.name, c.type AS kind, c.pk AS key_position, c.pk = 1 AND t.sql LIKE '%AUTOINCREMENT%' AS numbered
         FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND c.hidden = 0
         ORDER BY t.name, c.cid",
    );
    Ok(query.fetch_all(db).await?)
}

/// Pairs of tables: the first has a foreign key to the second.
pub async fn references(db: &mut Connection) -> Result<Vec<(String, String)>, Error> {
    let query = sql::query_as("SELECT t.name, f.\"table\" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'");
    Ok(query.fetch_all(db).await?)
}

/// The last number given to a row of a table with `AUTOINCREMENT`.
pub async fn last_number(db: &mut Connection, table: &str) -> Result<Option<i64>, Error> {
    // 0: the table was rebuilt while it was empty.
    Ok(sql::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = $1 AND seq > 0").bind(table).fetch_optional(db).await?)
}

pub async fn set_last_number(db: &mut Connection, table: &str, last: i64) -> Result<(), Error> {
    sql::query("DELETE FROM sqlite_sequence WHERE name = $1").bind(table).execute(&mut *db).await?;
    sql::query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)").bind(table).bind(last).execute(db).await?;
    Ok(())
}

/// One connection that only reads. It sets no journal mode, so that the file may be a backup that is not in WAL mode.
pub async fn reader_of_backup(file: &Path) -> Result<Pool, Error> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT);
    Ok(Pool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?))
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_told_only_by_file_systems_that_have_a_size() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(space_left(dir.path()).is_some_and(|bytes| bytes > 0));
        assert_eq!(space_left(Path::new("/proc/version")), None);
        assert_eq!(space_left(&dir.path().join("nothing")), None);
    }
}
