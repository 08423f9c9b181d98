//! Copies and checks of a SQLite database, also of one that this release has not migrated.

use std::collections::BTreeMap;
use std::path::Path;

use super::sql::{Connection, Pool};
use super::{Error, copy, deployment, generation, sqlite};

pub use generation::SUFFIX as GENERATION_SUFFIX;
pub use sqlite::{beside, directory_of, has_changes, sync_parent};

/// How a file is opened for reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Programs may write to it.
    Live,
    /// No program writes to it; files beside it are ignored.
    Fixed,
}

/// What a database has.
pub struct Contents {
    /// The number of its newest migration.
    pub schema: i64,
    /// The number of rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// The fingerprints of the key files, by file name; none if no release that records them has used the database.
    pub key_fingerprints: Vec<(String, String)>,
    /// Whether it is set up.
    pub in_use: bool,
}

/// Reads what the database has; refuses one that this release cannot migrate.
pub async fn contents(file: &Path, used: Use) -> Result<Contents, Error> {
    let pool = open(file, used).await?;
    let contents = async { read_contents(&mut pool.acquire().await?).await }.await;
    pool.close().await;
    contents
}

async fn read_contents(db: &mut Connection) -> Result<Contents, Error> {
    let (schema, tables) = (sqlite::schema(db).await?, sqlite::table_names(db).await?);
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = copy::count_rows(db, &table).await?;
        rows.insert(table, count);
    }
    let key_fingerprints = deployment::key_fingerprints_if_recorded(db, |table| rows.contains_key(table)).await?;
    Ok(Contents { schema, in_use: rows.get("tenants").is_some_and(|tenants| *tenants > 0), rows, key_fingerprints })
}

/// Writes the committed state to another file, which must be empty or not exist. Others may write meanwhile.
pub async fn copy_to(file: &Path, copy: &Path) -> Result<(), Error> {
    generation::refuse_foreign_wal(file).await?;
    sqlite::vacuum_into(file, copy).await
}

/// The bytes that [`copy_to`] writes at most, without changes that are made meanwhile.
pub async fn size_of_copy(file: &Path) -> Result<u64, Error> {
    let pool = open(file, Use::Live).await?;
    let size = async { sqlite::used_bytes(&mut pool.acquire().await?).await }.await;
    pool.close().await;
    size
}

/// The fingerprints of the key files that a database depends on, before it is migrated. `None` if it is not set up.
pub async fn recorded_keys(file: &Path) -> Result<Option<Vec<(String, String)>>, Error> {
    if !std::fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0) {
        generation::refuse_foreign_wal(file).await?;
        return Ok(None);
    }
    let pool = open(file, Use::Live).await?;
    let keys = async { read_recorded_keys(&mut pool.acquire().await?).await }.await;
    pool.close().await;
    keys
}

async fn read_recorded_keys(db: &mut Connection) -> Result<Option<Vec<(String, String)>>, Error> {
    let tables = sqlite::table_names(db).await?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !has("tenants") || !deployment::is_in_use(&mut *db).await? {
        return Ok(None);
    }
    Ok(Some(deployment::key_fingerprints_if_recorded(db, has).await?))
}

/// How much of a database is checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// That its pages can be read.
    Pages,
    /// Indexes, constraints and references too.
    All,
}

/// What is wrong with the database.
pub async fn problems(file: &Path, used: Use, depth: Depth) -> Result<Vec<String>, Error> {
    let checked = match open(file, used).await {
        Ok(pool) => {
            let problems = async {
                let mut db = pool.acquire().await?;
                if depth == Depth::All { sqlite::problems(&mut db).await } else { sqlite::damaged_pages(&mut db).await }
            };
            let problems = problems.await;
            pool.close().await;
            problems
        }
        Err(error) => Err(error),
    };
    match checked {
        Err(error) if error.is_damage() => Ok(vec![error.to_string()]),
        other => other,
    }
}

async fn open(file: &Path, used: Use) -> Result<Pool, Error> {
    match used {
        Use::Live => {
            generation::refuse_foreign_wal(file).await?;
            sqlite::reader_of_backup(file).await
        }
        Use::Fixed => sqlite::reader_of_fixed(file).await,
    }
}
