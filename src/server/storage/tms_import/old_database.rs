//! A SQLite database of a TMS server, which is only read.

use std::path::Path;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::AssertSqlSafe;

use super::super::sql::{self, Transaction, Value};
use super::super::{Error, sqlite};

/// An open database; all reads see the same state.
pub struct OldDatabase {
    snapshot: Transaction,
}

impl OldDatabase {
    /// Opens a file. `unused`: no other program has it open, so that no lock is taken and no file is created beside it.
    pub async fn open(file: &Path, unused: bool) -> Result<Self, Error> {
        let pool = if unused { sqlite::reader_of_fixed(file).await? } else { sqlite::reader_of_backup(file).await? };
        Ok(Self { snapshot: pool.snapshot().await? })
    }

    pub async fn tables(&mut self) -> Result<Vec<String>, Error> {
        Ok(sql::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'").fetch_all(&mut *self.snapshot).await?)
    }

    /// The columns of a table, in their order.
    pub async fn columns(&mut self, table: &str) -> Result<Vec<String>, Error> {
        let query = sql::query_scalar("SELECT name FROM pragma_table_info($1) ORDER BY cid").bind(table);
        Ok(query.fetch_all(&mut *self.snapshot).await?)
    }

    /// All rows of a table as they are read, each value as a text.
    pub fn rows(&mut self, table: &str, columns: &[String]) -> BoxStream<'_, Result<Vec<Option<String>>, Error>> {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let select = format!("SELECT {} FROM {}", columns.join(", "), quoted(table));
        let texts = |cells: sql::Cells| cells.0.into_iter().map(text).collect::<Vec<_>>();
        Box::pin(self.snapshot.stream(AssertSqlSafe(select)).map_ok(texts).map_err(Error::from))
    }
}

/// The value as text; bytes, which no column that is imported has, as none.
fn text(value: Value<'static>) -> Option<String> {
    match value {
        Value::Text(text) => text.map(Into::into),
        Value::Integer(number) => number.map(|number| number.to_string()),
        Value::Bool(value) => value.map(|value| if value { "1" } else { "0" }.to_owned()),
        Value::Bytes(_) => None,
    }
}
