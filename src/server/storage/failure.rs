//! Kinds of failures of the database, from the codes of SQLite and PostgreSQL.

use std::io;

use sqlx::postgres::PgDatabaseError;
use thiserror::Error;

/// What a failure means to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The same request will fail again.
    Permanent,
    /// A retry may succeed: the database is away, locked or overloaded.
    Temporary,
    /// The database accepts no writes: it is a standby, or the server or the file is read-only.
    ReadOnly,
    /// No space is left for changes, on the disk or in a quota.
    DiskFull,
}

impl FailureKind {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        match error {
            // After the last three the connection is not used again.
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Temporary
            }
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                match code.parse() {
                    Ok(number) if error.try_downcast_ref::<PgDatabaseError>().is_none() => Self::of_sqlite(number),
                    _ => Self::of_postgres(&code),
                }
            }
            _ => Self::Permanent,
        }
    }

    /// By the extended result code, whose low byte is the primary one.
    fn of_sqlite(code: u32) -> Self {
        /// `SQLITE_IOERR_WRITE`, also beyond a quota or a limit of file sizes, and `SQLITE_IOERR_SHMSIZE`.
        const WRITE_FAILED: [u32; 2] = [778, 4874];
        const READONLY: u32 = 8;
        const FULL: u32 = 13;
        /// `SQLITE_BUSY`, `_LOCKED`, `_NOMEM`, `_IOERR`, `_CANTOPEN` (too many open files) and `_PROTOCOL` (a race for locks).
        const TEMPORARY: [u32; 6] = [5, 6, 7, 10, 14, 15];
        match code & 0xff {
            READONLY => Self::ReadOnly,
            FULL => Self::DiskFull,
            _ if WRITE_FAILED.contains(&code) => Self::DiskFull,
            primary if TEMPORARY.contains(&primary) => Self::Temporary,
            _ => Self::Permanent,
        }
    }

    /// By SQLSTATE.
    fn of_postgres(code: &str) -> Self {
        /// `read_only_sql_transaction`; `feature_not_supported`, for a transaction that writes on a standby.
        const READ_ONLY: [&str; 2] = ["25006", "0A000"];
        const DISK_FULL: &str = "53100";
        /// The classes connection, transaction rollback, insufficient resources, operator intervention, system error.
        const CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];
        /// `idle_in_transaction_session_timeout` and `lock_not_available`.
        const TEMPORARY: [&str; 2] = ["25P03", "55P03"];
        if READ_ONLY.contains(&code) {
            Self::ReadOnly
        } else if code == DISK_FULL {
            Self::DiskFull
        } else if TEMPORARY.contains(&code) || CLASSES.iter().any(|class| code.starts_with(class)) {
            Self::Temporary
        } else {
            Self::Permanent
        }
    }
}

/// Whether only an operator can correct it: this user may not use a file, or its path leads through another file.
pub fn is_lasting_io(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotADirectory)
}

/// A failure that several callers are told of.
#[derive(Clone, Debug, Error)]
#[error("{why}")]
pub struct SharedFailure {
    pub(super) why: String,
    pub(super) kind: FailureKind,
}

impl From<&sqlx::Error> for SharedFailure {
    fn from(error: &sqlx::Error) -> Self {
        Self { why: error.to_string(), kind: FailureKind::of(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::FailureKind::{DiskFull, Permanent, ReadOnly, Temporary};
    use super::*;

    #[test]
    fn codes_have_kinds() {
        let sqlite = [
            (5, Temporary),
            (517, Temporary),
            (13, DiskFull),
            (778, DiskFull),
            (266, Temporary),
            (1032, ReadOnly),
            (11, Permanent),
            (787, Permanent),
        ];
        for (code, kind) in sqlite {
            assert_eq!(FailureKind::of_sqlite(code), kind, "{code}");
        }
        let postgres = [("53100", DiskFull), ("53300", Temporary), ("57P01", Temporary), ("25006", ReadOnly), ("23505", Permanent), ("", Permanent)];
        for (code, kind) in postgres {
            assert_eq!(FailureKind::of_postgres(code), kind, "{code}");
        }
    }
}
