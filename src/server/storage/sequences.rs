//! Sequences of the row numbers that TMS' API shows.

use super::sql;
use super::{Connection, Error};

/// The next number of a table; never reused, even after the row is deleted.
pub async fn next(db: &mut Connection, table: &'static str) -> Result<i64, Error> {
    Ok(sql::query_scalar("UPDATE numbers SET last = last + 1 WHERE name = $1 RETURNING last").bind(table).fetch_one(db).await?)
}
