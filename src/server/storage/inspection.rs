//! Reads schema, key fingerprints and integrity of a database without changing it.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use super::signing_keys::{self, SigningKeyRows};
use super::{Connection, Database, Error, Readers, deployment, generation, postgres, sql, sqlite};
use crate::domain::time::Timestamp;

/// The result of looking at a database.
pub enum DatabaseFound {
    /// There is no file.
    Absent,
    /// SQLite's WAL has changes that cannot be read without creating files.
    NotClosed,
    Read(Inspection),
}

/// What was read.
pub struct Inspection {
    /// The number of its newest migration; `None`: it has no schema.
    pub schema: Option<i64>,
    /// The number of this release's newest migration.
    pub newest_schema: i64,
    pub supports_this_release: bool,
    /// Whether a portal was set up in it.
    pub in_use: bool,
    /// The fingerprints of the key files, by file name.
    pub key_fingerprints: Vec<(String, String)>,
    /// Empty before the first start of this release.
    pub signing_keys: SigningKeyRows,
    /// The time at the database; `None` if it runs in this process.
    pub clock: Option<Timestamp>,
    /// When a portal last cleaned up, which it does every minute.
    pub last_cleanup: Option<Timestamp>,
    /// What SQLite's check of the file found. PostgreSQL checks its own files.
    pub damage: Vec<String>,
    /// Tables of SQLite with rows that refer to missing ones. PostgreSQL has none.
    pub dangling: Vec<String>,
}

/// How a database's schema compares with that of this release.
#[derive(Debug)]
pub struct SchemaState {
    /// The number of the newest migration that was applied; 0: none.
    pub found: i64,
    /// The number of this release's newest migration.
    pub newest: i64,
    /// The numbers and names of the migrations of this release that were not applied.
    pub pending: Vec<(i64, String)>,
}

/// Compares the schema of a database, which may be in use, with that of this release. `None`: there is no database, or one that cannot be read
/// without creating files. Refuses a SQLite schema that is not of this release or an older one.
pub async fn schema_state(database: &Database) -> Result<Option<SchemaState>, Error> {
    let Opened::Pool(pool) = open(database).await? else { return Ok(None) };
    let applied = async { applied_migrations(database, &mut pool.acquire().await?).await }.await;
    pool.close().await;
    let applied = applied?;
    let known = match database {
        Database::File(_) => sqlite::known_migrations(),
        Database::Postgres(_) => postgres::known_migrations(),
    };
    Ok(Some(SchemaState {
        found: applied.iter().copied().max().unwrap_or_default(),
        newest: sqlite::newest_migration(),
        pending: known.into_iter().filter(|(version, _)| !applied.contains(version)).collect(),
    }))
}

async fn applied_migrations(database: &Database, db: &mut Connection) -> Result<Vec<i64>, Error> {
    let exists = match database {
        Database::File(_) => sqlite::schema(db).await? > 0,
        Database::Postgres(_) => postgres::has_migrations(db).await?,
    };
    if !exists {
        return Ok(Vec::new());
    }
    Ok(sql::query_scalar("SELECT version FROM _sqlx_migrations ORDER BY version").fetch_all(db).await?)
}

enum Opened {
    /// There is no file.
    Absent,
    /// SQLite's WAL has changes that cannot be read without creating files.
    NotClosed,
    Pool(sql::Pool),
}

/// Opens a database that may be in use, and creates no file.
async fn open(database: &Database) -> Result<Opened, Error> {
    let file = match database {
        Database::Postgres(address) => return Ok(Opened::Pool(address.readers(Readers::Single))),
        Database::File(file) => file,
    };
    match (size_of(file, "")?, size_of(file, "-wal")?, size_of(file, "-shm")?) {
        (None, _, _) => Ok(Opened::Absent),
        (_, Some(1..), None) => Ok(Opened::NotClosed),
        (_, Some(size), Some(_)) => {
            if size > 0 {
                generation::check_wal(file).await?;
            }
            Ok(Opened::Pool(sqlite::reader_of_backup(file).await?))
        }
        // Without the files of a WAL, SQLite would create them.
        _ => Ok(Opened::Pool(sqlite::reader_of_fixed(file).await?)),
    }
}

/// Looks at a database that may be in use.
pub async fn inspect(database: &Database) -> Result<DatabaseFound, Error> {
    let pool = match open(database).await? {
        Opened::Absent => return Ok(DatabaseFound::Absent),
        Opened::NotClosed => return Ok(DatabaseFound::NotClosed),
        Opened::Pool(pool) => pool,
    };
    let inspection = match pool.acquire().await {
        Ok(mut db) => read(database, &mut db).await,
        Err(error) => Err(error.into()),
    };
    let clock = pool.clock().await;
    pool.close().await;
    Ok(DatabaseFound::Read(Inspection { clock: clock?.map(Timestamp::from_millis), ..inspection? }))
}

/// The size of the database's file, or of the one beside it with this suffix; `None` if there is none.
fn size_of(database: &Path, suffix: &str) -> Result<Option<u64>, Error> {
    let file = sqlite::beside(database, suffix);
    match std::fs::metadata(&file) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::File(file, error)),
    }
}

async fn read(database: &Database, db: &mut Connection) -> Result<Inspection, Error> {
    let (columns, damage, dangling) = match database {
        Database::File(_) => {
            let dangling = sqlite::orphans(db).await?.into_iter().map(|(table, _)| table).collect();
            (sqlite::columns(db).await?, sqlite::damaged_pages(db).await?, dangling)
        }
        Database::Postgres(_) => (postgres::columns(db).await?, Vec::new(), Vec::new()),
    };
    // Older releases have fewer tables.
    let tables: BTreeSet<String> = columns.into_iter().map(|column| column.table_name).collect();
    let has = |table: &str| tables.contains(table);
    let schema = if tables.is_empty() { None } else { newest_migration(db).await? };
    Ok(Inspection {
        schema,
        newest_schema: sqlite::newest_migration(),
        supports_this_release: !has("deployment") || deployment::supports_this_release(&mut *db).await?,
        in_use: has("tenants") && deployment::is_in_use(&mut *db).await?,
        key_fingerprints: deployment::key_fingerprints_if_recorded(db, has).await?,
        signing_keys: if has("signing_keys") { signing_keys::list(&mut *db).await? } else { SigningKeyRows::default() },
        clock: None,
        last_cleanup: if has("periodic_tasks") { deployment::last_begin(&mut *db, "cleanup").await? } else { None },
        damage,
        dangling,
    })
}

async fn newest_migration(db: &mut Connection) -> Result<Option<i64>, Error> {
    Ok(sql::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(db).await?)
}
