//! Copies all data of a deployment to an empty database: from SQLite to PostgreSQL, or back.
//!
//! What is copied follows from the two schemas, so that a new table or column needs no change here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::AssertSqlSafe;

use super::sql::{self, Connection, Value};
use super::{Database, Error, deployment, postgres, sqlite};
use crate::domain::progress::{Amount, ProgressObserver};
use crate::domain::time::Timestamp;

/// Rows per statement that inserts.
const BATCH_SIZE: usize = 100;

/// How long a row may take; the first one of a table arrives after the database has sorted them.
const ROW_TIMEOUT: Duration = Duration::from_secs(120);

/// Tables with rows from migrations; these are replaced by those of the source.
const SEEDED: [&str; 3] = ["mail_settings", "numbers", "periodic_tasks"];

/// What was copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    pub tables: usize,
    pub rows: u64,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("--from: {0}")]
    Source(Error),
    #[error("--to: {0}")]
    Target(Error),
    #[error("--from: there are no data of a portal in {0}")]
    NoSource(String),
    #[error("--from: the schema is of migration {found}, this release has {needed}: run tms-portal migrate of this release there first")]
    SourceSchema { found: i64, needed: i64 },
    #[error("--to: the table {0} has rows, or is of another program; only an empty database is copied to")]
    TargetInUse(String),
    #[error("--to: its schema differs from the source's in the table {0}")]
    SchemasDiffer(String),
    #[error("the table {table} differs after the copy, at row {row} in the order of its key columns; nothing was stored")]
    RowsDiffer { table: String, row: u64 },
}

fn source(error: impl Into<Error>) -> CopyError {
    CopyError::Source(error.into())
}

fn target(error: impl Into<Error>) -> CopyError {
    CopyError::Target(error.into())
}

/// The type of a column. SQLite has no booleans: its column is an integer where PostgreSQL's is a boolean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Integer,
    Bool,
    Bytes,
}

impl Class {
    fn parse(kind: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().as_str() {
            "text" => Some(Self::Text),
            "integer" | "bigint" => Some(Self::Integer),
            "boolean" => Some(Self::Bool),
            "blob" | "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// The value as one of this type. A value of another type is returned unchanged; the comparison or the database then refuses it.
    fn convert(self, value: Value<'static>) -> Value<'static> {
        match (self, value) {
            (Self::Integer, Value::Text(None)) => Value::Integer(None),
            (Self::Bool, Value::Text(None)) => Value::Bool(None),
            (Self::Bytes, Value::Text(None)) => Value::Bytes(None),
            (Self::Bool, Value::Integer(Some(number @ (0 | 1)))) => Value::Bool(Some(number == 1)),
            (Self::Integer, Value::Bool(value)) => Value::Integer(value.map(i64::from)),
            (_, value) => value.storable(),
        }
    }
}

#[derive(Default)]
struct Table {
    columns: Vec<(String, Class)>,
    key: BTreeMap<i64, String>,
    /// The column that the database numbers.
    numbered: Option<String>,
}

/// The tables of a database, by name.
type Tables = BTreeMap<String, Table>;

impl Table {
    /// What both databases must agree on: the names of the columns, and the key.
    fn shape(&self) -> (BTreeSet<&str>, &BTreeMap<i64, String>) {
        (self.columns.iter().map(|(name, _)| name.as_str()).collect(), &self.key)
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }

    /// All rows in the order of the primary key, or of all columns, which is the same on both databases: texts compare byte by byte.
    fn select(&self, table: &str) -> String {
        let is_key = |name: &String| self.key.is_empty() || self.key.values().any(|key| key == name);
        let order = self.columns.iter().filter(|(name, _)| is_key(name));
        let order = order.map(|(name, class)| format!("\"{name}\"{}", if *class == Class::Text { " COLLATE \"binary\"" } else { "" }));
        format!("SELECT {} FROM \"{table}\" ORDER BY {}", self.column_list(), order.collect::<Vec<_>>().join(", "))
    }

    fn insert(&self, table: &str, rows: usize) -> String {
        let row = |at: usize| {
            let values = (1..=self.columns.len()).map(|column| format!("${}", at * self.columns.len() + column));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        };
        format!("INSERT INTO \"{table}\" ({}) VALUES {}", self.column_list(), (0..rows).map(row).collect::<Vec<_>>().join(", "))
    }

    fn convert(&self, cells: sql::Cells) -> Vec<Value<'static>> {
        cells.0.into_iter().zip(&self.columns).map(|(value, (_, class))| class.convert(value)).collect()
    }
}

/// Copies all rows in one transaction, then compares them with the source before it is committed. After an error the
/// target has the schema and no rows. Changes that are made to the source meanwhile are not copied.
pub async fn copy(from: &Database, to: &Database, progress: &mut dyn ProgressObserver) -> Result<Copied, CopyError> {
    let from_pool = from.connect_reader().await.map_err(source)?;
    let mut reader = from_pool.snapshot().await.map_err(source)?;
    reader.raise_timeouts().await.map_err(source)?;
    let from_tables = tables(from, &mut reader).await.map_err(source)?;
    check_source(from, &from_tables, &mut reader).await?;

    refuse_used_target(to, &from_tables).await?;
    to.migrate().await.map_err(target)?;
    let to_pool = to.connect().await.map_err(target)?;
    let mut writer = to_pool.begin_write().await.map_err(target)?;
    writer.raise_timeouts().await.map_err(target)?;
    let to_tables = tables(to, &mut writer).await.map_err(target)?;
    if let Some(table) = first_difference(&from_tables, &to_tables) {
        return Err(CopyError::SchemasDiffer(table));
    }
    if let Some(table) = first_table_in_use(&mut writer, to_tables.keys()).await.map_err(target)? {
        return Err(CopyError::TargetInUse(table));
    }
    for table in SEEDED {
        execute(&mut writer, format!("DELETE FROM \"{table}\"")).await.map_err(target)?;
    }

    let mut total = 0;
    for name in from_tables.keys() {
        total += u64::try_from(count_rows(&mut reader, name).await.map_err(source)?).unwrap_or_default();
    }
    progress.begin("copying", Amount::Rows(total));
    let mut copied = Copied { tables: to_tables.len(), rows: 0 };
    for (name, table) in in_order_of_references(&to_tables, references(to, &mut writer).await.map_err(target)?) {
        copy_rows(name, table, &mut reader, &mut writer, &mut copied, progress).await?;
        if let Some(column) = &table.numbered {
            let last = last_number(from, &mut reader, name, column).await.map_err(source)?;
            set_last_number(to, &mut writer, name, column, last).await.map_err(target)?;
        }
        if matches!(to, Database::Postgres(_)) {
            // Without statistics the first lookups would read whole tables.
            execute(&mut writer, format!("ANALYZE \"{name}\"")).await.map_err(target)?;
        }
    }
    progress.begin("comparing", Amount::Rows(copied.rows));
    let mut compared = 0;
    for (name, table) in &to_tables {
        let before = compared;
        compared += compare_rows(name, table, &mut reader, &mut writer, |rows| progress.advance_to(before + rows)).await?;
    }
    writer.commit_settled(&to_pool).await.map_err(|error| target(&error))?;
    drop(reader);
    from_pool.close().await;
    to_pool.close().await;
    Ok(copied)
}

/// When a portal last cleaned up the database, which it does every minute.
pub async fn last_cleanup(database: &Database) -> Result<Option<Timestamp>, Error> {
    let pool = database.connect_reader().await?;
    let begun = deployment::last_begin(&pool, "cleanup").await?;
    pool.close().await;
    Ok(begun)
}

/// The source is set up and has the schema of this release.
async fn check_source(database: &Database, tables: &Tables, reader: &mut Connection) -> Result<(), CopyError> {
    if !tables.contains_key("tenants") || !deployment::is_in_use(&mut *reader).await.map_err(source)? {
        return Err(CopyError::NoSource(database.to_string()));
    }
    let found: Option<i64> = sql::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(reader).await.map_err(source)?;
    match found.unwrap_or_default() {
        found if found == sqlite::newest_migration() => Ok(()),
        found => Err(CopyError::SourceSchema { found, needed: sqlite::newest_migration() }),
    }
}

/// Before the target is migrated, which would change a database that was named by mistake.
async fn refuse_used_target(database: &Database, from_tables: &Tables) -> Result<(), CopyError> {
    // One that cannot be looked up is opened, which reports why.
    if matches!(database, Database::File(file) if !file.try_exists().unwrap_or(true)) {
        return Ok(());
    }
    let pool = database.connect_reader().await.map_err(target)?;
    let mut connection = pool.acquire().await.map_err(target)?;
    let tables = tables(database, &mut connection).await.map_err(target)?;
    let used = match tables.keys().find(|table| !from_tables.contains_key(*table)) {
        Some(other) => Some(other.clone()),
        None => first_table_in_use(&mut connection, tables.keys()).await.map_err(target)?,
    };
    drop(connection);
    pool.close().await;
    used.map_or(Ok(()), |table| Err(CopyError::TargetInUse(table)))
}

async fn first_table_in_use(db: &mut Connection, tables: impl Iterator<Item = &String>) -> Result<Option<String>, Error> {
    for table in tables.filter(|table| !SEEDED.contains(&table.as_str())) {
        let used = sql::query_scalar(AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM \"{table}\")")));
        if used.fetch_one(&mut *db).await? {
            return Ok(Some(table.clone()));
        }
    }
    Ok(None)
}

/// The number of rows of a table.
pub(super) async fn count_rows(db: &mut Connection, table: &str) -> Result<i64, Error> {
    Ok(sql::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM \"{table}\""))).fetch_one(db).await?)
}

async fn execute(db: &mut Connection, statement: String) -> Result<(), Error> {
    sql::query(AssertSqlSafe(statement)).execute(db).await?;
    Ok(())
}

async fn copy_rows(
    name: &str,
    table: &Table,
    reader: &mut Connection,
    writer: &mut Connection,
    copied: &mut Copied,
    progress: &mut dyn ProgressObserver,
) -> Result<(), CopyError> {
    let mut rows = reader.stream(AssertSqlSafe(table.select(name)));
    loop {
        let mut values = Vec::new();
        let mut count = 0;
        while count < BATCH_SIZE
            && let Some(cells) = next(&mut rows).await.map_err(source)?
        {
            values.extend(table.convert(cells));
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        let insert = sql::query(AssertSqlSafe(table.insert(name, count))).bind_all(values);
        copied.rows += insert.execute(&mut *writer).await.map_err(target)?.rows_affected();
        progress.advance_to(copied.rows);
    }
}

/// Returns the number of rows, which are the same. `advanced` is told how many have been compared.
async fn compare_rows(
    name: &str,
    table: &Table,
    reader: &mut Connection,
    writer: &mut Connection,
    mut advanced: impl FnMut(u64),
) -> Result<u64, CopyError> {
    let mut expected = reader.stream(AssertSqlSafe(table.select(name)));
    let mut found = writer.stream(AssertSqlSafe(table.select(name)));
    let mut compared = 0;
    loop {
        let expected = next(&mut expected).await.map_err(source)?.map(|cells| table.convert(cells));
        let found = next(&mut found).await.map_err(target)?.map(|cells| table.convert(cells));
        if expected != found {
            return Err(CopyError::RowsDiffer { table: name.to_owned(), row: compared + 1 });
        }
        if expected.is_none() {
            advanced(compared);
            return Ok(compared);
        }
        compared += 1;
        if compared.is_multiple_of(1_000) {
            advanced(compared);
        }
    }
}

/// The next row, within [`ROW_TIMEOUT`].
async fn next(rows: &mut BoxStream<'_, Result<sql::Cells, sqlx::Error>>) -> Result<Option<sql::Cells>, sqlx::Error> {
    sql::in_time(ROW_TIMEOUT, rows.try_next()).await
}

async fn tables(database: &Database, db: &mut Connection) -> Result<Tables, Error> {
    let columns = match database {
        Database::File(_) => sqlite::columns(db).await?,
        Database::Postgres(_) => postgres::columns(db).await?,
    };
    let mut tables = Tables::new();
    for column in columns {
        let unknown = || Error::Inconsistent { table: "schema", id: format!("{}.{}", column.table_name, column.name), why: column.kind.clone() };
        let class = Class::parse(&column.kind).ok_or_else(unknown)?;
        let table = tables.entry(column.table_name).or_default();
        if column.key_position > 0 {
            table.key.insert(column.key_position, column.name.clone());
        }
        if column.numbered {
            table.numbered = Some(column.name.clone());
        }
        table.columns.push((column.name, class));
    }
    Ok(tables)
}

/// The first table that is in one database only, or has other columns or another key there.
fn first_difference(left: &Tables, right: &Tables) -> Option<String> {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    names.into_iter().find(|name| left.get(*name).map(Table::shape) != right.get(*name).map(Table::shape)).cloned()
}

/// Pairs of tables: the first refers to the second.
async fn references(database: &Database, db: &mut Connection) -> Result<Vec<(String, String)>, Error> {
    match database {
        Database::File(_) => sqlite::references(db).await,
        Database::Postgres(_) => postgres::references(db).await,
    }
}

/// Tables after those that they refer to.
fn in_order_of_references(tables: &Tables, references: Vec<(String, String)>) -> Vec<(&String, &Table)> {
    let mut ordered: Vec<(&String, &Table)> = Vec::new();
    let mut placed = BTreeSet::new();
    while ordered.len() < tables.len() {
        let before = ordered.len();
        for (name, table) in tables.iter().filter(|(name, _)| !placed.contains(name.as_str())).collect::<Vec<_>>() {
            if references.iter().all(|(from, to)| from != name || to == name || placed.contains(to.as_str())) {
                placed.insert(name.as_str());
                ordered.push((name, table));
            }
        }
        if ordered.len() == before {
            // A cycle of references; the database refuses the first row that needs one that is not there yet.
            ordered.extend(tables.iter().filter(|(name, _)| !placed.contains(name.as_str())));
        }
    }
    ordered
}

/// The last number that the database gave to a row of the table; also if that row was deleted, because no number is given twice.
async fn last_number(database: &Database, db: &mut Connection, table: &str, column: &str) -> Result<Option<i64>, Error> {
    match database {
        Database::File(_) => sqlite::last_number(db, table).await,
        Database::Postgres(_) => postgres::last_number(db, table, column).await,
    }
}

async fn set_last_number(database: &Database, db: &mut Connection, table: &str, column: &str, last: Option<i64>) -> Result<(), Error> {
    match (database, last) {
        (_, None) => Ok(()),
        (Database::File(_), Some(last)) => sqlite::set_last_number(db, table, last).await,
        (Database::Postgres(_), Some(last)) => postgres::set_last_number(db, table, column, last).await,
    }
}
