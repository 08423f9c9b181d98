//! A table's columns, listed once: as the fields of its row; and values that are written by the names of their columns.

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, Type};

use super::{Connection, Error};

/// Declares the row of a table, with its columns as fields; `columns!()`, their list, and `table!()`, both with the alias if one is given.
macro_rules! row {
    ($table:ident: struct $name:ident { $($column:ident: $type:ty,)* }) => {
        row!(@row $name { $($column: $type,)* });
        row!(@list stringify!($table), $(stringify!($column),)*);
    };
    ($table:ident: pub struct $name:ident { $($(#[$doc:meta])* pub $column:ident: $type:ty,)* }) => {
        #[derive(Clone, sqlx::FromRow)]
        pub struct $name {
            $($(#[$doc])* pub $column: $type,)*
        }
        row!(@list stringify!($table), $(stringify!($column),)*);
    };
    ($table:ident as $alias:ident: struct $name:ident { $($column:ident: $type:ty,)* }) => {
        row!(@row $name { $($column: $type,)* });
        row!(@list concat!(stringify!($table), " ", stringify!($alias)), $(concat!(stringify!($alias), ".", stringify!($column)),)*);
    };
    (@row $name:ident { $($column:ident: $type:ty,)* }) => {
        #[derive(sqlx::FromRow)]
        struct $name {
            $($column: $type,)*
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
pub struct Values {
    columns: Vec<&'static str>,
    arguments: Result<SqliteArguments, BoxDynError>,
}

impl Values {
    pub fn new() -> Self {
        Self { columns: Vec::new(), arguments: Ok(SqliteArguments::default()) }
    }

    #[must_use]
    pub fn set<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(mut self, column: &'static str, value: T) -> Self {
        self.columns.push(column);
        self.arguments = self.arguments.and_then(|mut arguments| arguments.add(value).map(|()| arguments));
        self
    }

    /// Inserts a row with these values. False when the table has one with the same key.
    pub async fn insert(self, db: &mut Connection, table: &'static str) -> Result<bool, Error> {
        let placeholders = vec!["?"; self.columns.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({placeholders}) ON CONFLICT DO NOTHING", self.columns.join(", "));
        self.execute(db, sql).await
    }

    /// Sets these values in the row with that key. False when there is no such row, or another one with one of the new values that must be
    /// unique.
    pub async fn update<'k, K: Encode<'k, Sqlite> + Type<Sqlite> + Copy>(
        mut self,
        db: &mut Connection,
        table: &'static str,
        key: &[(&'static str, K)],
    ) -> Result<bool, Error> {
        let assignments = self.columns.iter().map(|column| format!("{column} = ?")).collect::<Vec<_>>().join(", ");
        let conditions = key.iter().map(|(column, _)| format!("{column} = ?")).collect::<Vec<_>>().join(" AND ");
        for (column, value) in key {
            self = self.set(column, *value);
        }
        self.execute(db, format!("UPDATE {table} SET {assignments} WHERE {conditions}")).await
    }

    /// `sql` is made of names that are written in this program.
    async fn execute(self, db: &mut Connection, sql: String) -> Result<bool, Error> {
        let arguments = self.arguments.map_err(sqlx::Error::Encode)?;
        match sqlx::query_with(AssertSqlSafe(sql), arguments).execute(db).await {
            Ok(done) => Ok(done.rows_affected() == 1),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
