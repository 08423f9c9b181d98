//! Why the database of a TMS server cannot be read.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::server::storage;

/// Why a file cannot be imported. Each is a sentence for the operator.
#[derive(Debug, ThisError)]
pub enum SourceError {
    #[error("cannot read the file: {0}")]
    Io(#[from] io::Error),
    #[error("the file is empty")]
    Empty,
    #[error("it is a directory; name a SQLite file or a plain dump (pg_dump without -F)")]
    Directory,
    #[error("it is no regular file, but is read more than once; pipe it to tms-portal import --from -")]
    NotAFile,
    #[error("the file was changed while it was read; import a file that no other program writes")]
    Changed,
    #[error("it cannot be copied to {}, which the variable TMPDIR selects: {}", .0.display(), .1)]
    Copy(PathBuf, #[source] io::Error),
    #[error("it is a dump in PostgreSQL's custom format; use: pg_restore -f - FILE | tms-portal import --from -")]
    CustomFormat,
    #[error("it is compressed with {0}; decompress it first, or pipe it to tms-portal import --from -")]
    Compressed(&'static str),
    #[error("it is neither a SQLite database nor a plain dump of PostgreSQL")]
    Unknown,
    #[error("the file ends early: the dump was cut off, or is still being written")]
    CutOff,
    #[error("the file ends early: its gzip data are cut off")]
    GzipCutOff,
    #[error("its gzip data are damaged")]
    GzipDamaged,
    #[error("it unpacks to more than {} MiB; decompress it first", .0 >> 20)]
    GzipTooLarge(u64),
    #[error("line {line}: a row of the table {table} has {found} values, its columns are {expected}; the file is damaged or cut off")]
    Fields { table: &'static str, line: u64, found: usize, expected: usize },
    #[error("line {line} has an incomplete escape or bytes that are not UTF-8; the file is damaged")]
    Escape { line: u64 },
    #[error("line {line} is longer than 1 MiB; the file is damaged")]
    LongLine { line: u64 },
    #[error("line {line} has a NUL character, which a dump cannot have; the file is damaged")]
    NulInLine { line: u64 },
    #[error("the row {id} of the table {table} has a NUL character; correct it in the old database first")]
    Nul { table: &'static str, id: String },
    #[error("line {line} is not UTF-8; make the dump with pg_dump --encoding=UTF8")]
    NotUtf8 { line: u64 },
    #[error("the dump's encoding is {0}; make it with pg_dump --encoding=UTF8")]
    Encoding(String),
    #[error("line {line}: the COPY statement cannot be read")]
    CopyStatement { line: u64 },
    #[error("the dump has INSERT statements; make it with pg_dump without --inserts and --column-inserts")]
    Inserts,
    #[error("the dump has the table {0} twice; dump one database alone")]
    Twice(&'static str),
    #[error("the table {table} has no column {column}; this is not a database of TMS 0.1 to 0.3")]
    NoColumn { table: &'static str, column: String },
    #[error("it has no table {0}; this is not a database of TMS 0.1 to 0.3")]
    NoTable(&'static str),
    #[error("it is a database of tms-portal; tms-portal copy copies it")]
    Portal,
    #[error(
        "it is a database of TMS 0.4, whose migration has removed tenants, administrators and the versions of applications; import the backup from before that upgrade"
    )]
    Newer,
    #[error("it has the migration {0}, which is not one of TMS 0.1 to 0.3")]
    UnknownRelease(i64),
    #[error("{} cannot be read, but the newest changes are in it; copy the database with sqlite3 FILE \".backup COPY\", not with cp", .0.display())]
    WalUnreadable(PathBuf),
    #[error("the SQLite file cannot be read: {0}; copy it with sqlite3 FILE \".backup COPY\", and import the copy")]
    Database(#[from] storage::Error),
}

impl SourceError {
    /// Of reading a file that may be compressed with gzip.
    pub fn of_reading(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::GzipCutOff,
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Self::GzipDamaged,
            _ => Self::Io(error),
        }
    }
}
