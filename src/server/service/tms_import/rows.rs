//! Rows of TMS' tables, as both kinds of its databases have them: texts by the names of their columns.

use std::sync::Arc;

use super::source_error::SourceError;
use super::times::{self, OldTime};

macro_rules! tables {
    ($($name:ident = $word:literal: $($column:literal),*;)*) => {
        /// A table that is read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Table { $($name,)* }

        impl Table {
            pub const ALL: &'static [Table] = &[$(Table::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Table::$name => $word,)* }
            }

            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|table| table.as_str() == name)
            }

            /// The columns that are read.
            pub fn columns(self) -> &'static [&'static str] {
                match self { $(Table::$name => &[$($column,)*],)* }
            }
        }
    };
}

tables! {
    Migrations = "_sqlx_migrations": "version";
    Tenants = "tenants": "id", "tenant", "enabled", "created", "updated";
    Admins = "admin": "tenant", "admin_user", "admin_secret", "privilege", "created";
    Clients = "clients": "id", "tenant", "app_name", "app_version", "client_id", "client_secret", "enabled", "created", "updated";
    UserMfa = "user_mfa": "id", "tenant", "tms_user_id", "expires_at", "enabled", "created", "updated";
    UserHosts = "user_hosts": "id", "tenant", "tms_user_id", "host", "host_account", "expires_at", "created", "updated";
    Delegations = "delegations": "id", "tenant", "client_id", "client_user_id", "expires_at", "created", "updated";
    Hosts = "hosts": "id", "tenant", "host", "addr", "created", "updated";
    Reservations = "reservations": "id", "resid", "parent_resid", "tenant", "client_id", "client_user_id", "host", "public_key_fingerprint",
                                   "expires_at", "created", "updated";
    Pubkeys = "pubkeys": "id", "tenant", "client_id", "client_user_id", "host", "host_account", "public_key_fingerprint", "public_key", "max_uses",
                         "remaining_uses", "initial_ttl_minutes", "expires_at", "created", "updated";
}

/// The highest number of a row that is kept: each program that reads JSON has it exactly. The next ones, for new rows, are far from the largest
/// number of the database.
const MAX_NUMBER: i64 = 1 << 53;

/// A row, with the values of [`Table::columns`] in their order.
#[derive(Clone, Debug)]
pub struct Row {
    pub table: Table,
    values: Vec<Option<String>>,
}

/// Where the columns that are read are in the rows of a source.
#[derive(Clone, Debug)]
pub struct Columns {
    table: Table,
    places: Arc<[usize]>,
    /// How many columns the source's rows have.
    count: usize,
}

impl Columns {
    /// Finds the columns by their names.
    pub fn find(table: Table, names: &[String]) -> Result<Self, SourceError> {
        let place = |column: &&'static str| {
            names.iter().position(|name| name == column).ok_or(SourceError::NoColumn { table: table.as_str(), column: (*column).to_owned() })
        };
        Ok(Self { table, places: table.columns().iter().map(place).collect::<Result<_, _>>()?, count: names.len() })
    }

    pub fn table(&self) -> Table {
        self.table
    }

    /// Picks the values that are read. `line`: of the file, for errors.
    pub fn row(&self, mut values: Vec<Option<String>>, line: Option<u64>) -> Result<Row, SourceError> {
        let table = self.table.as_str();
        if values.len() != self.count {
            return Err(SourceError::Fields { table, line: line.unwrap_or_default(), found: values.len(), expected: self.count });
        }
        let picked: Vec<_> = self.places.iter().map(|place| values.get_mut(*place).and_then(Option::take)).collect();
        if picked.iter().flatten().any(|value| value.contains('\0')) {
            return Err(SourceError::Nul { table, id: picked.iter().flatten().next().map_or_else(String::new, |id| id.escape_debug().to_string()) });
        }
        Ok(Row { table: self.table, values: picked })
    }
}

impl Row {
    /// The value of a column; `None` if it is NULL.
    pub fn value(&self, column: &str) -> Option<&str> {
        let place = self.table.columns().iter().position(|name| *name == column)?;
        self.values.get(place)?.as_deref()
    }

    /// The value of a column, NULL as an empty text.
    pub fn text(&self, column: &str) -> &str {
        self.value(column).unwrap_or_default()
    }

    /// `None` if it is no number.
    pub fn integer(&self, column: &str) -> Option<i64> {
        self.text(column).trim().parse().ok()
    }

    /// The row's number; 0, which no row has, if it cannot be kept.
    pub fn number(&self) -> i64 {
        self.integer("id").filter(|number| (1..=MAX_NUMBER).contains(number)).unwrap_or_default()
    }

    /// `None` if it is no boolean of SQLite (0, 1) or PostgreSQL (f, t).
    pub fn boolean(&self, column: &str) -> Option<bool> {
        match self.text(column) {
            "1" | "t" | "true" => Some(true),
            "0" | "f" | "false" => Some(false),
            _ => None,
        }
    }

    /// `None` if it is no time.
    pub fn time(&self, column: &str) -> Option<OldTime> {
        times::parse(self.text(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        list.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn numbers_that_cannot_be_kept_are_none() {
        let columns = Columns::find(Table::Tenants, &names("id tenant enabled created updated")).expect("all columns");
        for (id, number) in [
            ("1", 1),
            ("9007199254740992", MAX_NUMBER),
            ("9007199254740993", 0),
            ("9223372036854775807", 0),
            ("9223372036854775808", 0),
            ("0", 0),
            ("-1", 0),
            ("x", 0),
        ] {
            let row = columns.row([id, "tacc", "t", "c", "u"].map(|value| Some(value.to_owned())).to_vec(), None).expect("a row");
            assert_eq!(row.number(), number, "{id}");
        }
    }

    #[test]
    fn columns_are_found_by_name_and_rows_must_be_complete() {
        let columns = Columns::find(Table::Tenants, &names("updated tenant extra enabled id created")).expect("all columns");
        let values = || ["u", "tacc", "x", "t", "3", "c"].map(|value| Some(value.to_owned())).to_vec();
        let row = columns.row(values(), Some(7)).expect("a row");
        assert_eq!((row.integer("id"), row.text("tenant"), row.boolean("enabled"), row.text("created")), (Some(3), "tacc", Some(true), "c"));
        assert_eq!((row.time("created"), row.value("nothing")), (None, None));
        let short = columns.row(values().into_iter().skip(1).collect(), Some(7)).expect_err("short");
        assert_eq!(short.to_string(), "line 7: a row of the table tenants has 5 values, its columns are 6; the file is damaged or cut off");
        let nul = columns.row(["u", "ta\0cc", "x", "t", "3", "c"].map(|value| Some(value.to_owned())).to_vec(), None).expect_err("NUL");
        assert_eq!(nul.to_string(), "the row 3 of the table tenants has a NUL character; correct it in the old database first");
        let missing = Columns::find(Table::Tenants, &names("id tenant")).expect_err("columns are missing");
        assert_eq!(missing.to_string(), "the table tenants has no column enabled; this is not a database of TMS 0.1 to 0.3");
    }
}
