//! The database of a TMS server that is imported: a SQLite file of 0.1 and 0.2, or a plain dump of 0.3, either compressed with gzip.

mod copies;
mod hashed;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use futures_util::TryStreamExt as _;

use super::dump::Dump;
use super::rows::{Columns, Row, Table};
use super::source_error::SourceError;
use crate::domain::ids::HostName;
use crate::server::storage::backup::beside;
use crate::server::storage::tms_import::old_database::OldDatabase;
use hashed::{from_start, hash, reader};

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

    /// Whether a host has an address or a link, in any tenant.
    pub fn has_host(&self, host: &HostName) -> bool {
        let rows = self.rows(Table::Hosts).iter().chain(self.rows(Table::UserHosts));
        rows.into_iter().any(|row| row.text("host").eq_ignore_ascii_case(host.as_str()))
    }
}

/// A source that is open.
pub struct Source {
    kind: Kind,
    /// The SHA-256 of the file as it was given, in hexadecimal.
    pub sha256: String,
}

enum Kind {
    /// `fixed`: the file, if SQLite relies on it that no program changes it.
    Sqlite {
        database: OldDatabase,
        fixed: Option<File>,
    },
    Dump {
        file: File,
        gzip: bool,
    },
}

impl Source {
    /// Opens a file; `-` is standard input, which is copied to a temporary file because it is read more than once.
    pub async fn open(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() == "-" {
            let copy = copies::copy(&mut io::stdin().lock(), u64::MAX)?;
            return Self::open_file(copy).await;
        }
        // Before it is opened: that of a FIFO waits for a writer.
        let found = fs::metadata(path)?;
        if !found.is_file() {
            return Err(if found.is_dir() { SourceError::Directory } else { SourceError::NotAFile });
        }
        let file = File::open(path)?;
        if contents_of(&file)? == (Contained::Sqlite { gzip: false }) { Self::open_sqlite(path, file).await } else { Self::open_file(file).await }
    }

    /// A SQLite database that a server may have open.
    async fn open_sqlite(path: &Path, file: File) -> Result<Self, SourceError> {
        let wal = beside(path, "-wal");
        let has_wal = wal.exists();
        if has_wal && File::open(&wal).and_then(|mut file| first_bytes(&mut file)).is_err() {
            return Err(SourceError::WalUnreadable(wal));
        }
        let sha256 = if has_wal { hash([&file, &File::open(&wal)?])? } else { hash([&file])? };
        // Without a WAL or journal no server has it open, and none is created: the old database is only read.
        let unused = !has_wal && !beside(path, "-journal").exists();
        let database = OldDatabase::open(path, unused).await?;
        let (opened, hashed) = (fs::metadata(path)?, file.metadata()?);
        if (opened.dev(), opened.ino()) != (hashed.dev(), hashed.ino()) {
            return Err(SourceError::Changed);
        }
        Ok(Self { kind: Kind::Sqlite { database, fixed: unused.then_some(file) }, sha256 })
    }

    /// A file that needs no name: a dump, or a SQLite database that is compressed or a copy.
    async fn open_file(file: File) -> Result<Self, SourceError> {
        match contents_of(&file)? {
            Contained::Dump { gzip } => {
                let sha256 = hash([&file])?;
                Ok(Self { kind: Kind::Dump { file, gzip }, sha256 })
            }
            Contained::Sqlite { gzip: false } => {
                let sha256 = hash([&file])?;
                Ok(Self { kind: Kind::Sqlite { database: copies::open_database(&file).await?, fixed: None }, sha256 })
            }
            Contained::Sqlite { gzip: true } => {
                let (mut reader, hash) = reader(&file, true)?;
                let copy = copies::copy(&mut reader, copies::unpacked_limit(file.metadata()?.len()))?;
                let database = copies::open_database(&copy).await?;
                Ok(Self { kind: Kind::Sqlite { database, fixed: None }, sha256: hash.finish() })
            }
        }
    }

    /// Reads all tables, counts the keys, and finds out the release. Reads the whole file, so that a damaged one is refused here.
    pub async fn contents(&mut self) -> Result<Contents, SourceError> {
        let (mut rows, mut keys, mut highest_key) = (BTreeMap::<Table, Vec<Row>>::new(), 0, 0);
        let mut add = |row: Row| {
            if row.table == Table::Pubkeys {
                keys += 1;
                highest_key = highest_key.max(row.number());
            } else {
                rows.entry(row.table).or_default().push(row);
            }
        };
        let (found, column_error) = match &mut self.kind {
            Kind::Dump { file, gzip } => {
                let (reader, hash) = reader(file, *gzip)?;
                let mut dump = Dump::new(reader);
                while let Some(row) = dump.next_row(Table::ALL)? {
                    add(row);
                }
                refuse_other(&hash.finish(), &self.sha256)?;
                (dump.tables().to_vec(), dump.column_error.take())
            }
            Kind::Sqlite { database, .. } => {
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

    /// Passes on all keys, some hundred at a time. Fails at the end if the file was changed since it was opened.
    pub async fn keys<E: From<SourceError>>(&mut self, mut take: impl AsyncFnMut(Vec<Row>) -> Result<(), E>) -> Result<(), E> {
        let mut batch = Vec::with_capacity(BATCH);
        let sha256 = match &mut self.kind {
            Kind::Dump { file, gzip } => {
                let (reader, hash) = reader(file, *gzip).map_err(SourceError::from)?;
                let mut dump = Dump::new(reader);
                while let Some(row) = dump.next_row(&[Table::Pubkeys])? {
                    batch.push(row);
                    if batch.len() == BATCH {
                        take(std::mem::take(&mut batch)).await?;
                    }
                }
                hash.finish()
            }
            Kind::Sqlite { database, fixed } => {
                let names = database.columns(Table::Pubkeys.as_str()).await.map_err(SourceError::from)?;
                let columns = Columns::find(Table::Pubkeys, &names)?;
                let mut stream = database.rows(Table::Pubkeys.as_str(), &names);
                while let Some(values) = stream.try_next().await.map_err(SourceError::from)? {
                    batch.push(columns.row(values, None)?);
                    if batch.len() == BATCH {
                        take(std::mem::take(&mut batch)).await?;
                    }
                }
                drop(stream);
                match fixed {
                    Some(file) => hash([&*file]).map_err(SourceError::from)?,
                    None => self.sha256.clone(),
                }
            }
        };
        refuse_other(&sha256, &self.sha256)?;
        if batch.is_empty() { Ok(()) } else { take(batch).await }
    }
}

/// What a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contained {
    Sqlite { gzip: bool },
    Dump { gzip: bool },
}

fn contents_of(file: &File) -> Result<Contained, SourceError> {
    let gzip = first_bytes(&mut from_start(file)?)?.starts_with(&[0x1f, 0x8b]);
    let first = first_bytes(&mut reader(file, gzip)?.0).map_err(|error| if gzip { SourceError::GzipCutOff } else { error.into() })?;
    Ok(if check_kind(&first)? { Contained::Sqlite { gzip } } else { Contained::Dump { gzip } })
}

fn refuse_other(found: &str, expected: &str) -> Result<(), SourceError> {
    if found == expected { Ok(()) } else { Err(SourceError::Changed) }
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

/// At most 16 bytes.
fn first_bytes(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut first = Vec::with_capacity(16);
    reader.take(16).read_to_end(&mut first)?;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dump with one tenant.
    fn dump(tenant: &str) -> String {
        let mut text = "--\nCOPY tms._sqlx_migrations (version) FROM stdin;\n10001\n\\.\n".to_owned();
        for table in Table::ALL.iter().filter(|table| **table != Table::Migrations) {
            text.push_str(&format!("COPY tms.{} ({}) FROM stdin;\n", table.as_str(), table.columns().join(", ")));
            if *table == Table::Tenants {
                text.push_str(&format!("1\t{tenant}\tt\t2026-01-01 00:00:00+00\t2026-01-01 00:00:00+00\n"));
            }
            text.push_str("\\.\n");
        }
        text + "-- PostgreSQL database dump complete\n"
    }

    async fn keys(source: &mut Source) -> Result<(), SourceError> {
        source.keys(async |_| Ok::<_, SourceError>(())).await
    }

    #[tokio::test]
    async fn file_that_changes_while_it_is_read_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("dump.sql");
        fs::write(&file, dump("one")).expect("written");
        let mut source = Source::open(&file).await.expect("opened");
        assert_eq!(source.contents().await.expect("tables").rows(Table::Tenants)[0].text("tenant"), "one");
        keys(&mut source).await.expect("no change");
        // Another file takes its name: the one that was opened is read.
        fs::write(dir.path().join("new"), dump("two")).expect("written");
        fs::rename(dir.path().join("new"), &file).expect("renamed");
        assert_eq!(source.contents().await.expect("tables").rows(Table::Tenants)[0].text("tenant"), "one");
        keys(&mut source).await.expect("no change");
        // It is overwritten, as a shell's redirection does.
        let mut source = Source::open(&file).await.expect("opened");
        source.contents().await.expect("tables");
        fs::write(&file, dump("six")).expect("written");
        assert!(matches!(keys(&mut source).await, Err(SourceError::Changed)));
        assert!(matches!(source.contents().await, Err(SourceError::Changed)));
    }

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
