//! The database of a TMS server that is imported: a SQLite file of 0.1 and 0.2, or a plain dump of 0.3, either compressed with gzip.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use futures_util::TryStreamExt as _;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::dump::Dump;
use super::rows::{Columns, Row, Table};
use super::source_error::SourceError;
use crate::server::storage::tms_import::old_database::OldDatabase;

/// Rows that are passed on together.
const BATCH: usize = 500;
/// The newest migrations of 0.1 and 0.2, of 0.3, and of 0.4.
const OF_0_2: [i64; 2] = [20_240_315_211_037, 20_240_618_140_143];
const OF_0_3: i64 = 10_001;
const OF_0_4: i64 = 10_002;

/// The release of TMS that a database is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 0.1 and 0.2 have the same tables.
    UpTo02,
    V03,
}

impl Release {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpTo02 => "0.1 or 0.2",
            Self::V03 => "0.3",
        }
    }

    fn find(migrations: &[Row]) -> Result<Self, SourceError> {
        let numbers: Vec<i64> = migrations.iter().filter_map(|row| row.integer("version")).collect();
        if numbers.contains(&OF_0_4) {
            return Err(SourceError::Newer);
        }
        match numbers.iter().find(|number| !OF_0_2.contains(number) && **number != OF_0_3) {
            Some(unknown) => Err(SourceError::UnknownRelease(*unknown)),
            None if numbers.contains(&OF_0_3) => Ok(Self::V03),
            None if numbers.is_empty() => Err(SourceError::NoTable(Table::Migrations.as_str())),
            None => Ok(Self::UpTo02),
        }
    }
}

/// All tables but the keys, which may be too many to hold.
pub struct Contents {
    pub release: Release,
    rows: BTreeMap<Table, Vec<Row>>,
    /// The number of keys, and their highest number.
    pub keys: u64,
    pub highest_key: i64,
}

impl Contents {
    pub fn rows(&self, table: Table) -> &[Row] {
        self.rows.get(&table).map_or(&[], Vec::as_slice)
    }
}

/// A source that is open.
pub struct Source {
    kind: Kind,
    /// The SHA-256 of the file as it was given, in hexadecimal.
    pub sha256: String,
    /// A copy of standard input, or of a compressed SQLite file; deleted when this is dropped.
    _copy: Option<NamedTempFile>,
}

enum Kind {
    Sqlite(OldDatabase),
    Dump { file: PathBuf, gzip: bool },
}

impl Source {
    /// Opens a file; `-` is standard input, which is copied to a temporary file because it is read twice.
    pub async fn open(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() != "-" {
            return Self::open_file(path.to_owned(), None).await;
        }
        let mut copy = NamedTempFile::new()?;
        io::copy(&mut io::stdin().lock(), copy.as_file_mut())?;
        copy.as_file_mut().flush()?;
        Self::open_file(copy.path().to_owned(), Some(copy)).await
    }

    async fn open_file(path: PathBuf, copy: Option<NamedTempFile>) -> Result<Self, SourceError> {
        if path.is_dir() {
            return Err(SourceError::Directory);
        }
        let gzip = first_bytes(&mut File::open(&path)?)?.starts_with(&[0x1f, 0x8b]);
        let first = first_bytes(&mut reader(&path, gzip)?).map_err(|error| if gzip { SourceError::GzipCutOff } else { error.into() })?;
        if !check_kind(&first)? {
            let sha256 = hash(&[&path])?;
            return Ok(Self { kind: Kind::Dump { file: path, gzip }, sha256, _copy: copy });
        }
        let wal = with_suffix(&path, "-wal");
        let has_wal = !gzip && wal.exists();
        if has_wal && File::open(&wal).and_then(|mut file| first_bytes(&mut file)).is_err() {
            return Err(SourceError::WalUnreadable(wal));
        }
        let sha256 = if has_wal { hash(&[&path, &wal])? } else { hash(&[&path])? };
        if !gzip {
            // Without a WAL or journal no server has it open, and none is created: the old database is only read.
            let unused = !has_wal && !with_suffix(&path, "-journal").exists();
            return Ok(Self { kind: Kind::Sqlite(OldDatabase::open(&path, unused).await?), sha256, _copy: copy });
        }
        let mut plain = NamedTempFile::new()?;
        io::copy(&mut reader(&path, true)?, plain.as_file_mut()).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SourceError::GzipCutOff,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => SourceError::GzipDamaged,
            _ => SourceError::Io(error),
        })?;
        let kind = Kind::Sqlite(OldDatabase::open(plain.path(), true).await?);
        Ok(Self { kind, sha256, _copy: Some(plain) })
    }

    /// Reads all tables, counts the keys, and finds out the release. Reads the whole file, so that a damaged one is refused here.
    pub async fn contents(&mut self) -> Result<Contents, SourceError> {
        let (mut rows, mut keys, mut highest_key) = (BTreeMap::<Table, Vec<Row>>::new(), 0, 0);
        let mut add = |row: Row| {
            if row.table == Table::Pubkeys {
                keys += 1;
                highest_key = highest_key.max(row.integer("id").unwrap_or_default());
            } else {
                rows.entry(row.table).or_default().push(row);
            }
        };
        let (found, column_error) = match &mut self.kind {
            Kind::Dump { file, gzip } => {
                let mut dump = Dump::new(reader(file, *gzip)?);
                while let Some(row) = dump.next_row(Table::ALL)? {
                    add(row);
                }
                (dump.tables().to_vec(), dump.column_error.take())
            }
            Kind::Sqlite(database) => {
                let names = database.tables().await?;
                if names.iter().any(|name| name == "tenant_admins") {
                    return Err(SourceError::Portal);
                }
                let found: Vec<Table> = Table::ALL.iter().copied().filter(|table| names.iter().any(|name| name == table.as_str())).collect();
                let mut column_error = None;
                for table in &found {
                    let columns = database.columns(table.as_str()).await?;
                    match Columns::find(*table, &columns) {
                        Ok(found) => {
                            let mut stream = database.rows(table.as_str(), &columns);
                            while let Some(values) = stream.try_next().await? {
                                add(found.row(values, None)?);
                            }
                        }
                        Err(error) => drop(column_error.get_or_insert(error)),
                    }
                }
                (found, column_error)
            }
        };
        let release = Release::find(rows.get(&Table::Migrations).map_or(&[], Vec::as_slice))?;
        if let Some(error) = column_error {
            return Err(error);
        }
        let optional = |table: &Table| matches!(table, Table::Hosts | Table::Reservations);
        match Table::ALL.iter().find(|table| !optional(table) && !found.contains(table)) {
            Some(missing) => Err(SourceError::NoTable(missing.as_str())),
            None => Ok(Contents { release, rows, keys, highest_key }),
        }
    }

    /// Passes on all keys, some hundred at a time.
    pub async fn keys<E: From<SourceError>>(&mut self, mut take: impl AsyncFnMut(Vec<Row>) -> Result<(), E>) -> Result<(), E> {
        let mut batch = Vec::with_capacity(BATCH);
        match &mut self.kind {
            Kind::Dump { file, gzip } => {
                let mut dump = Dump::new(reader(file, *gzip).map_err(SourceError::from)?);
                while let Some(row) = dump.next_row(&[Table::Pubkeys])? {
                    batch.push(row);
                    if batch.len() == BATCH {
                        take(std::mem::take(&mut batch)).await?;
                    }
                }
            }
            Kind::Sqlite(database) => {
                let names = database.columns(Table::Pubkeys.as_str()).await.map_err(SourceError::from)?;
                let columns = Columns::find(Table::Pubkeys, &names)?;
                let mut stream = database.rows(Table::Pubkeys.as_str(), &names);
                while let Some(values) = stream.try_next().await.map_err(SourceError::from)? {
                    batch.push(columns.row(values, None)?);
                    if batch.len() == BATCH {
                        take(std::mem::take(&mut batch)).await?;
                    }
                }
            }
        }
        if batch.is_empty() { Ok(()) } else { take(batch).await }
    }
}

/// Whether it is a SQLite database; false for a dump. Other contents are refused.
fn check_kind(first: &[u8]) -> Result<bool, SourceError> {
    const COMPRESSED: [(&[u8], &str); 5] = [
        (&[0x1f, 0x8b], "gzip twice"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (&[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip"),
    ];
    if let Some((_, name)) = COMPRESSED.iter().find(|(magic, _)| first.starts_with(magic)) {
        return Err(SourceError::Compressed(name));
    }
    match first {
        [] => Err(SourceError::Empty),
        _ if first.starts_with(b"SQLite format 3\0") => Ok(true),
        // `toc.dat` is the first file of a dump in the tar format.
        _ if first.starts_with(b"PGDMP") || first.starts_with(b"toc.dat") => Err(SourceError::CustomFormat),
        // Dumps begin with a comment; some have a command or a byte order mark before it.
        _ if first.starts_with(b"--") || first.starts_with(b"\\") || first.starts_with(b"\n") || first.starts_with(b"SET ") => Ok(false),
        _ => Err(SourceError::Unknown),
    }
}

fn reader(file: &Path, gzip: bool) -> io::Result<Box<dyn BufRead + Send>> {
    let plain = BufReader::with_capacity(1 << 16, File::open(file)?);
    Ok(if gzip { Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(plain))) } else { Box::new(plain) })
}

/// At most 16 bytes.
fn first_bytes(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(16);
    reader.take(16).read_to_end(&mut first)?;
    Ok(first)
}

fn hash(files: &[&Path]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        io::copy(&mut File::open(file)?, &mut hash)?;
    }
    Ok(hex::encode(hash.finalize()))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_of_files_are_named() {
        for (first, why) in [
            (&b""[..], "empty"),
            (b"PGDMP\x01\x0f", "pg_restore -f - FILE | tms-portal import --from -"),
            (b"toc.dat\0", "pg_restore"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"\x1f\x8b\x08", "gzip twice"),
            (b"hello", "neither"),
        ] {
            let refused = check_kind(first).expect_err(why).to_string();
            assert!(refused.contains(why), "{refused}");
        }
        assert!(check_kind(b"SQLite format 3\0").expect("SQLite"));
        assert!(!check_kind(b"--\n-- PostgreSQL").expect("a dump"));
    }
}
