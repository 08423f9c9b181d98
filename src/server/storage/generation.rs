//! Which WAL belongs to which file. SQLite's WAL has no reference to its database: it is replayed over any file that is put in its place.
//!
//! A database has a random value, its generation, which its portal replaces at its start and every few minutes. The portal then moves the
//! whole WAL into the database file, and records the generation in a file beside it. So the database file has a recorded generation as long
//! as the WAL is its own; a copy from before the last replacement has another one, and so has another database. A newer copy that SQLite's
//! backup interface made (`.backup`) is known by its schema cookie, which that interface restarts from 1. A newer copy of the file itself, with
//! `cp`, has nothing that tells it from the database, of which it has the same bytes: the WAL is replayed over it, and leads to the state before
//! the crash, or to a damaged database if the WAL had begun anew since.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::sqlite::{beside, checkpoint, has_changes, reader_of_fixed, sync_parent, table_names};
use super::{Error, Storage, deployment};

/// The file beside the database with its generation, or with two while one is being replaced; a line each. Another line has the schema cookie.
pub const SUFFIX: &str = "-generation";

/// Refuses a WAL that is certainly not that of the file, and changes nothing.
pub async fn check_wal(file: &Path) -> Result<(), Error> {
    is_own_wal(file).await.map(drop)
}

/// Whether the file is that of the recorded generation. `Err`: it is not, and there is a WAL.
async fn is_own_wal(file: &Path) -> Result<bool, Error> {
    let is_own = match Header::read(file)? {
        Some(header) => header.is_in_wal_mode && header.schema_cookie >= recorded_cookie(&recorded(file)?) && is_recorded(file).await?,
        None => false,
    };
    if !is_own && has_changes(file, "-wal").map_err(sqlx::Error::Io)? {
        return Err(Error::ForeignWal(file.to_owned()));
    }
    Ok(is_own)
}

/// Refuses a WAL that is certainly not that of the file. Without one, what was recorded of another file is removed.
pub async fn refuse_foreign_wal(file: &Path) -> Result<(), Error> {
    if is_own_wal(file).await? {
        return Ok(());
    }
    // Another database than before, without a WAL.
    match fs::remove_file(beside(file, SUFFIX)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(sqlx::Error::Io(error).into()),
        _ => Ok(()),
    }
}

/// What the header of a database says (<https://sqlite.org/fileformat2.html>).
struct Header {
    /// Bytes 18 and 19, which are written before there is a WAL. A copy that `VACUUM INTO` made is not in WAL mode.
    is_in_wal_mode: bool,
    /// Bytes 40 to 43: it grows with each change of the schema.
    schema_cookie: u32,
}

impl Header {
    /// `None`: there is no file, or an empty one.
    fn read(file: &Path) -> Result<Option<Self>, Error> {
        let mut header = [0; 44];
        match File::open(file).and_then(|mut file| file.read_exact(&mut header)) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => return Ok(None),
            Err(error) => return Err(sqlx::Error::Io(error).into()),
        }
        let [.., a, b, c, d] = header;
        Ok(Some(Self { is_in_wal_mode: header.get(18..20) == Some([2, 2].as_slice()), schema_cookie: u32::from_be_bytes([a, b, c, d]) }))
    }
}

/// Whether the file, without its WAL, has a recorded generation. True if none is recorded, or if the file cannot be read without its WAL.
async fn is_recorded(file: &Path) -> Result<bool, Error> {
    let before = recorded(file)?;
    if before.is_empty() {
        return Ok(true);
    }
    let Ok(found) = generation_without_wal(file).await else { return Ok(true) };
    // A portal that runs may have replaced it meanwhile.
    Ok(before.contains(&found) || recorded(file)? != before)
}

async fn generation_without_wal(file: &Path) -> Result<String, Error> {
    let pool = reader_of_fixed(file).await?;
    let found = async {
        let mut db = pool.acquire().await?;
        let has_table = table_names(&mut db).await?.iter().any(|name| name == "deployment");
        if has_table { deployment::generation(&mut db).await } else { Ok(None) }
    };
    let found = found.await;
    pool.close().await;
    Ok(found?.unwrap_or_default())
}

/// Replaces the generation of an open database, and truncates its WAL. If others read or write for long, that is left to the next call.
pub async fn renew(storage: &Storage, file: &Path, new: String) -> Result<(), Error> {
    if let Some(current) = settle(storage, file).await? {
        record(file, &format!("{current}\n{new}\n{}", cookie_line(file)?))?;
        let replace = storage.write(move |db| Box::pin(async move { deployment::set_generation(db, &new).await }));
        replace.await?;
        settle(storage, file).await?;
    }
    Ok(())
}

/// Moves the WAL into the file, and records the generation that the file then has. `None` if the WAL could not be moved completely.
async fn settle(storage: &Storage, file: &Path) -> Result<Option<String>, Error> {
    if !checkpoint(file).await? {
        return Ok(None);
    }
    let current = deployment::generation(storage.reader()).await?.unwrap_or_default();
    record(file, &format!("{current}\n{}", cookie_line(file)?))?;
    Ok(Some(current))
}

/// Begins the line with the schema cookie.
const COOKIE: &str = "schema-cookie ";

fn cookie_line(file: &Path) -> Result<String, Error> {
    Ok(Header::read(file)?.map_or_else(String::new, |header| format!("{COOKIE}{}\n", header.schema_cookie)))
}

/// The schema cookie that the file had when this was recorded; 0 if none was.
fn recorded_cookie(lines: &[String]) -> u32 {
    lines.iter().find_map(|line| line.strip_prefix(COOKIE)?.parse().ok()).unwrap_or_default()
}

fn recorded(file: &Path) -> Result<Vec<String>, Error> {
    match fs::read_to_string(beside(file, SUFFIX)) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(sqlx::Error::Io(error).into()),
    }
}

/// Replaces the file as a whole.
fn record(file: &Path, text: &str) -> Result<(), Error> {
    let (there, new) = (beside(file, SUFFIX), beside(file, "-generation.new"));
    let write = || {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&new, &there)?;
        sync_parent(&there)
    };
    Ok(write().map_err(sqlx::Error::Io)?)
}

#[cfg(test)]
mod tests {
    use super::super::{Database, sql};
    use super::*;

    #[tokio::test]
    async fn wal_is_refused_beside_a_copy_from_before_the_renewal() {
        let (dir, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (file, moved) = (dir.path().join("test.db"), there.path().join("test.db"));
        let storage = Storage::open(&Database::File(file.clone()), true).await.expect("a database");
        renew(&storage, &file, "first".into()).await.expect("renewed");
        let older = fs::read(&file).expect("read");
        renew(&storage, &file, "second".into()).await.expect("renewed");
        let lines = recorded(&file).expect("read");
        let cookie = recorded_cookie(&lines);
        assert!(lines[0] == "second" && lines.len() == 2 && cookie > 1, "{lines:?}");
        let insert = "INSERT INTO attempts VALUES ('a', 0)";
        let write = storage.write(move |db| Box::pin(async move { Ok::<_, Error>(sql::query(insert).execute(db).await.map(drop)?) }));
        write.await.expect("written");
        // As a killed portal leaves them.
        for suffix in ["", "-wal", SUFFIX] {
            fs::copy(beside(&file, suffix), there.path().join(format!("test.db{suffix}"))).expect("copied");
        }
        refuse_foreign_wal(&moved).await.expect("its own");
        let own = fs::read(&moved).expect("read");
        fs::write(&moved, &older).expect("written");
        assert!(matches!(refuse_foreign_wal(&moved).await, Err(Error::ForeignWal(_))));
        // A copy of the same generation, as SQLite's backup interface makes it.
        for (cookie, is_refused) in [(1, true), (cookie - 1, true), (cookie, false), (cookie + 1, false)] {
            let mut copy = own.clone();
            copy[40..44].copy_from_slice(&cookie.to_be_bytes());
            fs::write(&moved, copy).expect("written");
            assert_eq!(matches!(refuse_foreign_wal(&moved).await, Err(Error::ForeignWal(_))), is_refused, "{cookie}");
        }
        fs::write(&moved, &older).expect("written");
        // While it is replaced, both are its own.
        record(&moved, "first\nsecond\n").expect("recorded");
        refuse_foreign_wal(&moved).await.expect("its own");
        record(&moved, "other\n").expect("recorded");
        fs::write(&moved, own).expect("written");
        fs::remove_file(beside(&moved, "-wal")).expect("removed");
        refuse_foreign_wal(&moved).await.expect("no WAL");
        assert!(recorded(&moved).expect("read").is_empty(), "what is recorded was of another file");
        storage.close().await;
    }
}
