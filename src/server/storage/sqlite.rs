//! The embedded database: SQLite in WAL mode with `synchronous=FULL`, so that acknowledged changes survive a power failure.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};

use super::sql::{self, ColumnRow, Connection, Pool};
use super::{Error, Readers, folding_backfill};
use crate::server::metrics::DatabaseFiles;

static MIGRATIONS: Migrator = sqlx::migrate!("src/server/storage/migrations/sqlite");

/// Maximum number of changes per commit.
pub const MAX_GROUP: usize = 128;
/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// A WAL that grew beyond this while a long read held it, such as that of a backup, is truncated when it is used again from its beginning.
const WAL_LIMIT: u64 = 16 * 1_024 * 1_024;

/// Opens the file for writing, creates it if it does not exist, and runs the migrations.
pub async fn open(file: &Path) -> Result<Pool, Error> {
    if let Some(dir) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| Error::File(dir.to_owned(), error))?;
    }
    // SQLite creates its other files with the mode of this one.
    OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(|error| Error::File(file.to_owned(), error))?;
    let pool = writer(file).await?;
    schema(&mut pool.acquire().await?).await?;
    // A migration that takes more than a second would be in the log with its whole text.
    let mut connection = SqliteConnection::connect_with(&options(file).disable_statement_logging()).await?;
    MIGRATIONS.run(&mut connection).await?;
    let mut folding = connection.begin().await?;
    folding_backfill::backfill(&mut folding).await?;
    folding.commit().await?;
    connection.close().await?;
    Ok(pool)
}

/// The number of the newest migration that was applied, 0 if there is none. Refuses a schema that is not of this release or an older one.
pub async fn schema(db: &mut Connection) -> Result<i64, Error> {
    let exists = sql::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations')");
    let exists: bool = exists.fetch_one(&mut *db).await?;
    if !exists {
        return Ok(0);
    }
    check_migrations(sql::query_as("SELECT version, checksum FROM _sqlx_migrations ORDER BY version DESC").fetch_all(db).await?)
}

/// Checks that this release has all migrations that were applied, the newest first, and returns the newest.
fn check_migrations(applied: Vec<(i64, Vec<u8>)>) -> Result<i64, Error> {
    let newest = applied.first().map_or(0, |(version, _)| *version);
    if newest > newest_migration() {
        return Err(Error::UnknownMigration { found: newest, known: newest_migration() });
    }
    let is_ours = |(version, checksum): &(i64, Vec<u8>)| MIGRATIONS.iter().any(|ours| ours.version == *version && *ours.checksum == **checksum);
    applied.iter().find(|migration| !is_ours(migration)).map_or(Ok(newest), |(version, _)| Err(Error::OtherMigration(*version)))
}

/// A file beside the database, whose name is derived from it, as SQLite does: `-wal`, `-shm`, `-journal`. If the database is a symbolic link,
/// they are beside its target.
pub fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()).into_os_string();
    name.push(suffix);
    name.into()
}

/// The directory of a file.
pub fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the name of a new or renamed file durable.
pub fn sync_parent(file: &Path) -> io::Result<()> {
    fs::File::open(directory_of(file))?.sync_all()
}

/// Whether there are changes in a file of this suffix beside the database.
pub fn has_changes(file: &Path, suffix: &str) -> io::Result<bool> {
    /// A WAL begins with a header of 32 bytes.
    const HEADER: u64 = 32;
    match fs::metadata(beside(file, suffix)) {
        Ok(metadata) => Ok(metadata.len() > HEADER),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Moves the WAL into the database and truncates it. False if that is not complete, because others read or write.
pub async fn checkpoint(file: &Path) -> Result<bool, Error> {
    /// Others that want to write wait as long.
    const WAIT: Duration = Duration::from_millis(500);
    let mut connection = SqliteConnection::connect_with(&options(file).busy_timeout(WAIT)).await?;
    let busy = connection.fetch_one("PRAGMA wal_checkpoint(TRUNCATE)").await?.try_get::<i64, _>(0)?;
    connection.close().await?;
    Ok(busy == 0)
}

/// What SQLite finds wrong: damaged pages and indexes, broken constraints, and rows that refer to missing ones.
pub async fn problems(db: &mut Connection) -> Result<Vec<String>, Error> {
    let check = sql::query_scalar("SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok' LIMIT 10");
    let mut problems: Vec<String> = check.fetch_all(&mut *db).await?;
    problems.extend(orphans(db).await?.into_iter().map(|(table, rows)| format!("{rows} rows of {table} refer to rows that do not exist")));
    Ok(problems)
}

/// The tables with rows that refer to missing ones, and the number of these rows.
pub async fn orphans(db: &mut Connection) -> Result<Vec<(String, i64)>, Error> {
    Ok(sql::query_as("SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY \"table\" ORDER BY 1").fetch_all(db).await?)
}

/// What SQLite finds wrong with the pages alone, in a fraction of the time of [`problems`].
pub async fn damaged_pages(db: &mut Connection) -> Result<Vec<String>, Error> {
    Ok(sql::query_scalar("SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok' LIMIT 10").fetch_all(db).await?)
}

/// The size of the pages that are in use.
pub async fn used_bytes(db: &mut Connection) -> Result<u64, Error> {
    let used = sql::query_scalar("SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size");
    let used: i64 = used.fetch_one(db).await?;
    Ok(u64::try_from(used).unwrap_or_default())
}

/// The names of all tables of the portal.
pub async fn table_names(db: &mut Connection) -> Result<Vec<String>, Error> {
    let names = sql::query_scalar(
        "SELECT name FROM sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY name",
    );
    Ok(names.fetch_all(db).await?)
}

/// The numbers and names of the migrations of this release, in their order.
pub fn known_migrations() -> Vec<(i64, String)> {
    MIGRATIONS.iter().map(|migration| (migration.version, migration.description.to_string())).collect()
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

/// The sizes of the database and its WAL; `None` if they cannot be read.
pub fn sizes(file: &Path) -> Option<DatabaseFiles> {
    let size = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.len());
    Some(DatabaseFiles { database: size(file)?, wal: size(&beside(file, "-wal")).unwrap_or_default(), disk_free: space_left(file) })
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
    Ok(Pool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(reader_options(file)).await?))
}

/// One connection to a file that no program changes: what is beside it is ignored, and nothing is created there.
pub async fn reader_of_fixed(file: &Path) -> Result<Pool, Error> {
    Ok(Pool::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_with(reader_options(file).immutable(true)).await?))
}

/// Writes the committed state to another file, which must be empty or not exist. Others may write meanwhile.
pub async fn vacuum_into(file: &Path, copy: &Path) -> Result<(), Error> {
    // Absolute: SQLite would read `file:` as a URI.
    let copy = std::path::absolute(copy).map_err(sqlx::Error::Io)?;
    let copy = copy.to_str().ok_or_else(|| sqlx::Error::Io(io::Error::other("the path of the copy is not UTF-8")))?.replace('\'', "''");
    let mut source = SqliteConnection::connect_with(&reader_options(file)).await?;
    source.execute(AssertSqlSafe(format!("VACUUM INTO '{copy}'"))).await?;
    Ok(source.close().await?)
}

fn reader_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(BUSY_TIMEOUT)
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(256)
        .pragma("journal_size_limit", WAL_LIMIT.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn execute(db: &mut Connection, statement: &'static str) {
        sql::query(statement).execute(db).await.expect(statement);
    }

    #[tokio::test]
    async fn wal_shrinks_after_a_long_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("test.db");
        let writer = writer_of_new(&file).await;
        let mut db = writer.acquire().await.expect("a connection");
        execute(&mut db, "CREATE TABLE pages (content BLOB)").await;
        let reader = readers(&file, Readers::Single);
        let mut snapshot = reader.snapshot().await.expect("a transaction");
        let _: i64 = sql::query_scalar("SELECT count(*) FROM pages").fetch_one(&mut *snapshot).await.expect("a read");
        for _ in 0..20 {
            execute(&mut db, "INSERT INTO pages VALUES (zeroblob(1048576))").await;
        }
        let size = || fs::metadata(beside(&file, "-wal")).expect("a WAL").len();
        assert!(size() > WAL_LIMIT, "the read keeps it from being used again");
        snapshot.commit().await.expect("ended");
        // The first one checkpoints the whole WAL, the second one begins it again.
        for _ in 0..2 {
            execute(&mut db, "INSERT INTO pages VALUES (zeroblob(1))").await;
        }
        assert!(size() <= WAL_LIMIT, "{}", size());
    }

    async fn writer_of_new(file: &Path) -> Pool {
        fs::File::create(file).expect("a file");
        writer(file).await.expect("a database")
    }

    #[test]
    fn space_is_told_only_by_file_systems_that_have_a_size() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(space_left(dir.path()).is_some_and(|bytes| bytes > 0));
        assert_eq!(space_left(Path::new("/proc/version")), None);
        assert_eq!(space_left(&dir.path().join("nothing")), None);
    }
}
