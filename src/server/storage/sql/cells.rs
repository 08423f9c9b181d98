//! Tables as their database describes them, and rows with columns that are only known at run time: for copying a database.

use std::time::Duration;

use futures_util::stream::BoxStream;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Error, FromRow, Postgres, Row as _, SqlSafeStr, Sqlite, TypeInfo as _, ValueRef as _};

use super::{Connection, Held, Value};

/// Maximum time to wait for a response while a table is copied: indexes, `ANALYZE` and the commit take long.
const LONG_RESPONSE_TIMEOUT: Duration = Duration::from_secs(600);

/// A column that is not computed from others, as its database describes it.
#[derive(sqlx::FromRow)]
pub struct ColumnRow {
    pub table_name: String,
    pub name: String,
    /// The type's name: `text` and so on, in upper or lower case.
    pub kind: String,
    /// The place in the primary key, from 1; 0 if it is not in it.
    pub key_position: i64,
    /// Whether the database numbers the rows.
    pub numbered: bool,
}

/// The values of a row, in the order of its columns. A NULL of SQLite is one of text, because SQLite's NULL has no type.
pub struct Cells(pub Vec<Value<'static>>);

impl FromRow<'_, SqliteRow> for Cells {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        let cell = |at| {
            let kind = row.try_get_raw(at)?.type_info().into_owned();
            Ok(match kind.name() {
                "NULL" => Value::Text(None),
                "TEXT" => row.try_get::<Option<String>, _>(at)?.into(),
                "INTEGER" => row.try_get::<Option<i64>, _>(at)?.into(),
                "BLOB" => row.try_get::<Option<Vec<u8>>, _>(at)?.into(),
                other => return Err(unexpected(other)),
            })
        };
        (0..row.len()).map(cell).collect::<Result<_, _>>().map(Self)
    }
}

impl FromRow<'_, PgRow> for Cells {
    fn from_row(row: &PgRow) -> Result<Self, Error> {
        let cell = |at: usize| {
            Ok(match row.column(at).type_info().name() {
                "TEXT" => row.try_get::<Option<String>, _>(at)?.into(),
                "INT8" => row.try_get::<Option<i64>, _>(at)?.into(),
                "BOOL" => row.try_get::<Option<bool>, _>(at)?.into(),
                "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(at)?.into(),
                other => return Err(unexpected(other)),
            })
        };
        (0..row.len()).map(cell).collect::<Result<_, _>>().map(Self)
    }
}

fn unexpected(kind: &str) -> Error {
    Error::Protocol(format!("a column of type {kind}"))
}

impl Connection {
    /// The rows of a query without values, as they arrive.
    pub fn stream(&mut self, sql: impl SqlSafeStr) -> BoxStream<'_, Result<Cells, Error>> {
        match &mut self.held {
            Held::Sqlite(db) => sqlx::query_as::<Sqlite, Cells>(sql.into_sql_str()).fetch(&mut **db),
            Held::Postgres(db) => sqlx::query_as::<Postgres, Cells>(sql.into_sql_str()).fetch(&mut **db),
        }
    }

    /// Raises the timeouts of PostgreSQL's statements and idle transactions until the end of the transaction, and that of responses. A
    /// session whose client has vanished keeps its locks for some minutes at most.
    pub async fn raise_timeouts(&mut self) -> Result<(), Error> {
        const SETTINGS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '5min';
                                SET LOCAL tcp_keepalives_idle = 60; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3";
        match &self.held {
            Held::Sqlite(_) => Ok(()),
            Held::Postgres(_) => {
                self.response_timeout = LONG_RESPONSE_TIMEOUT;
                self.run(SETTINGS).await
            }
        }
    }
}
