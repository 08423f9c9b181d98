//! A table's columns, listed once: as the fields of its row; and values that are written by the names of their columns.

use sqlx::AssertSqlSafe;

use super::sql::{self, Value};
use super::{Connection, Error};

/// Declares the row of a table, with its columns as fields; `columns!()`, their list, and `table!()`, both with the alias if one is given.
macro_rules! row {
    ($table:ident: struct $name:ident { $($(#[$attribute:meta])* $column:ident: $type:ty,)* }) => {
        row!(@row $name { $($(#[$attribute])* $column: $type,)* });
        row!(@list stringify!($table), $(stringify!($column),)*);
    };
    ($table:ident: pub struct $name:ident { $($(#[$doc:meta])* pub $column:ident: $type:ty,)* }) => {
        #[derive(Clone, sqlx::FromRow)]
        pub struct $name {
            $($(#[$doc])* pub $column: $type,)*
        }
        row!(@list stringify!($table), $(stringify!($column),)*);
    };
    ($table:ident as $alias:ident: struct $name:ident { $($(#[$attribute:meta])* $column:ident: $type:ty,)* }) => {
        row!(@row $name { $($(#[$attribute])* $column: $type,)* });
        row!(@list concat!(stringify!($table), " ", stringify!($alias)), $(concat!(stringify!($alias), ".", stringify!($column)),)*);
    };
    (@row $name:ident { $($(#[$attribute:meta])* $column:ident: $type:ty,)* }) => {
        #[derive(sqlx::FromRow)]
        struct $name {
            $($(#[$attribute])* $column: $type,)*
        }
    };
    (@list $table:expr, $first:expr, $($column:expr,)*) => {
        macro_rules! columns {
            () => {
                concat!($first $(, ", ", $column)*)
            };
        }

        macro_rules! table {
            () => {
                $table
            };
        }
    };
}

/// `SELECT`, the columns of this module's [`row`], `FROM` its table, and the rest.
macro_rules! select {
    ($($rest:expr),* $(,)?) => {
        concat!("SELECT ", columns!(), " FROM ", table!(), " " $(, $rest)*)
    };
}

pub(super) use {row, select};

/// Values to write to a row, by the names of their columns.
pub struct Values<'v> {
    columns: Vec<&'static str>,
    values: Vec<Value<'v>>,
}

impl<'v> Values<'v> {
    pub fn new() -> Self {
        Self { columns: Vec::new(), values: Vec::new() }
    }

    #[must_use]
    pub fn set(mut self, column: &'static str, value: impl Into<Value<'v>>) -> Self {
        self.columns.push(column);
        self.values.push(value.into());
        self
    }

    /// Inserts a row with these values. False when the table has one with the same key.
    pub async fn insert(self, db: &mut Connection, table: &'static str) -> Result<bool, Error> {
        let placeholders = (1..=self.columns.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({placeholders}) ON CONFLICT DO NOTHING", self.columns.join(", "));
        Ok(self.execute(db, sql).await? == 1)
    }

    /// Sets these values in the row with that key. False when there is no such row, or another one with one of the new values that must be
    /// unique.
    pub async fn update<K: Into<Value<'v>> + Copy>(
        mut self,
        db: &mut Connection,
        table: &'static str,
        key: &[(&'static str, K)],
    ) -> Result<bool, Error> {
        let assigned = self.columns.len();
        for (column, value) in key {
            self = self.set(column, *value);
        }
        let (assigned, key) = self.columns.split_at(assigned);
        let (assignments, conditions) = (equalities(assigned, 1, ", "), equalities(key, assigned.len() + 1, " AND "));
        // PostgreSQL accepts no further statement after a refused one, until it is rolled back.
        db.run("SAVEPOINT update_row").await?;
        match self.execute(&mut *db, format!("UPDATE {table} SET {assignments} WHERE {conditions}")).await {
            Ok(rows) => {
                db.run("RELEASE update_row").await?;
                Ok(rows == 1)
            }
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                db.run("ROLLBACK TO update_row; RELEASE update_row").await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the number of changed rows. `sql` is made of names that are written in this program.
    async fn execute(self, db: &mut Connection, sql: String) -> Result<u64, sqlx::Error> {
        Ok(sql::query(AssertSqlSafe(sql)).bind_all(self.values).execute(db).await?.rows_affected())
    }
}

/// `column = $n` for each of the columns; `first` is the number of the first value.
fn equalities(columns: &[&str], first: usize, separator: &str) -> String {
    columns.iter().zip(first..).map(|(column, n)| format!("{column} = ${n}")).collect::<Vec<_>>().join(separator)
}
