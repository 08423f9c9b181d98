//! Backups of a SQLite database, and their verification. The keys are not part of a backup.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::progress::{Amount, ProgressObserver};
use crate::domain::time::Timestamp;
use crate::server::service::platform::data_lock::{DataLockError, create_dir};
use crate::server::service::platform::file_modes::is_open_to_all;
use crate::server::service::platform::keystore::{Keystore, KeystoreError};
use crate::server::service::{DataLocation, Database, Fault, Rng};
use crate::server::storage;
use crate::server::storage::backup::{Contents, Depth, Use, contents, copy_to, problems, recorded_keys, size_of_copy};
pub use crate::server::storage::backup::{beside, directory_of, sync_parent};

/// The version of [`BackupInfo`] in files.
const FORMAT: u32 = 1;
const PREFIX: &str = "tms-portal-";
/// The same of backups before imports, and how many of them are kept.
const BEFORE_IMPORT: &str = "before-import-";
const KEPT_BEFORE_IMPORT: usize = 3;
/// How often the progress of a step is looked at that the database carries out.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Why there is no backup, or why it or the database cannot be used.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error(
        "this portal's data are in PostgreSQL: use pg_dump and pg_restore, or base backups, and copy keys/; see \"Backup and restore\" in docs/operations.md"
    )]
    NotSqlite,
    #[error("there is no database {0}")]
    NoDatabase(PathBuf),
    #[error("there are no data of a portal in {0}")]
    NoPortal(PathBuf),
    #[error("{0} can be accessed by all users of this machine: `chmod 600` it, and replace secrets if someone may have read it")]
    Exposed(PathBuf),
    #[error("{file} cannot be used, because it is damaged; use a backup, or an older one (stop the portal, then tms-portal restore FILE):\n  {}", .problems.join("\n  "))]
    Damaged { file: PathBuf, problems: Vec<String> },
    #[error("{file} is not the file that was backed up: its SHA-256 is {found}, {info} has {expected}")]
    OtherFile { file: PathBuf, info: PathBuf, found: String, expected: String },
    #[error("{0} does not describe a backup as this release makes it: {1}. Move it away to use the backup without comparing its SHA-256")]
    InvalidInfo(PathBuf, String),
    #[error("{0} describes a backup: name the database beside it, {1}")]
    Description(PathBuf, PathBuf),
    #[error("{0} is not complete: there are changes beside it in {1}. Restore a file that `tms-portal backup` made")]
    Incomplete(PathBuf, PathBuf),
    #[error("the data belong to the user with the UID {owner}: run this as that user, because the portal could not open a database of another one")]
    OtherUser { owner: u32 },
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Lock(#[from] DataLockError),
    #[error("{0}: {1}")]
    Database(PathBuf, #[source] storage::Error),
    #[error(transparent)]
    Keys(#[from] Fault),
}

impl From<KeystoreError> for BackupError {
    fn from(error: KeystoreError) -> Self {
        Self::Keys(Fault::new(error))
    }
}

/// What a backup has, in a JSON file beside it.
#[derive(Debug, Deserialize, Serialize)]
pub struct BackupInfo {
    format: u32,
    /// The release that made it.
    release: String,
    /// The number of the newest migration.
    pub schema: i64,
    pub created_at: String,
    pub sha256: String,
    /// The number of rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// The fingerprints of the key files that it needs, by file name.
    keys: BTreeMap<String, String>,
}

impl BackupInfo {
    /// The file with the information about a backup.
    pub fn path(backup: &Path) -> PathBuf {
        backup.with_extension("json")
    }

    /// `None` if there is no such file.
    pub fn read(backup: &Path) -> Result<Option<Self>, BackupError> {
        let path = Self::path(backup);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BackupError::File(path, error)),
        };
        let info: Self = serde_json::from_slice(&text).map_err(|error| BackupError::InvalidInfo(path.clone(), error.to_string()))?;
        if info.format > FORMAT {
            return Err(BackupError::InvalidInfo(path, format!("its format is {}, this release knows {FORMAT}", info.format)));
        }
        Ok(Some(info))
    }

    /// Whether both are of one deployment: keys may have been rotated since, and each rotation records the key before it and the first one.
    fn has_key_of(&self, other: &Self) -> bool {
        self.keys == other.keys || self.keys.values().any(|fingerprint| other.keys.values().any(|its| its == fingerprint))
    }
}

/// A new backup.
pub struct Backup {
    pub file: PathBuf,
    pub info: BackupInfo,
    /// Older ones that were deleted.
    pub deleted: Vec<PathBuf>,
}

/// Copies the database to a new file in `dir`, while portals may use it, and checks the copy. Then deletes older backups of this deployment that
/// this function made, except the newest `keep`.
pub async fn back_up(
    database: &Database,
    dir: &Path,
    keep: Option<NonZeroUsize>,
    now: Timestamp,
    progress: &mut dyn ProgressObserver,
) -> Result<Backup, BackupError> {
    let source = sqlite_file(database)?;
    create_dir(dir)?;
    make(source, dir, PREFIX, keep.map(NonZeroUsize::get), now, progress).await
}

/// The same in the data directory, before an import. `None` with PostgreSQL, whose operators make a dump.
pub async fn back_up_before_import(
    data: DataLocation<'_>,
    now: Timestamp,
    progress: &mut dyn ProgressObserver,
) -> Result<Option<Backup>, BackupError> {
    match data.database {
        Database::File(file) => make(file, data.dir, BEFORE_IMPORT, Some(KEPT_BEFORE_IMPORT), now, progress).await.map(Some),
        Database::Postgres(_) => Ok(None),
    }
}

/// `prefix`: the beginning of the names of such backups, of which the newest `keep` are kept.
async fn make(
    source: &Path,
    dir: &Path,
    prefix: &str,
    keep: Option<usize>,
    now: Timestamp,
    progress: &mut dyn ProgressObserver,
) -> Result<Backup, BackupError> {
    let (_lock, mut deleted) = begin_in(dir)?;
    let file = dir.join(format!("{prefix}{}.db", in_file_name(now)));
    let partial = file.with_extension("partial");
    let made = write_backup(source, &partial, &file, now, progress).await;
    if made.is_err() && !file.exists() {
        // The error that is reported came before.
        let _ = (fs::remove_file(&partial), fs::remove_file(BackupInfo::path(&file)));
    }
    let info = made?;
    if let Some(keep) = keep {
        deleted.extend(delete_older(&file, prefix, keep, &info)?);
    }
    Ok(Backup { file, info, deleted })
}

impl Backup {
    /// Deletes it.
    pub fn discard(self) -> Result<(), BackupError> {
        for file in [&self.file, &BackupInfo::path(&self.file)] {
            fs::remove_file(file).map_err(file_error(file))?;
        }
        Ok(())
    }
}

/// Deletes what backups that were killed have left in a directory, unless another backup is being made there, and returns a lock that tells
/// others that one is. The lock is on the directory (`flock`) and ends with its process; backups share it. On a file system without such locks
/// nothing is deleted.
fn begin_in(dir: &Path) -> Result<(File, Vec<PathBuf>), BackupError> {
    let lock = File::open(dir).map_err(file_error(dir))?;
    let mut deleted = Vec::new();
    if lock.try_lock().is_ok() {
        deleted = delete_partial(dir)?;
        let _ = lock.unlock();
    }
    // Waits while another one deletes. There is no file of this one yet.
    let _ = lock.lock_shared();
    Ok((lock, deleted))
}

/// Deletes incomplete backups, with the information about them. A file that cannot be deleted stays; it does not prevent a backup.
fn delete_partial(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(file_error(dir))?;
    let is_partial = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let named = [PREFIX, BEFORE_IMPORT].iter().any(|prefix| name.starts_with(prefix))
            && (name.ends_with("Z.partial") || name.ends_with("Z.partial-journal"));
        named && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    };
    let delete = |path: &PathBuf| {
        if !path.with_extension("db").exists() {
            let _ = fs::remove_file(BackupInfo::path(path));
        }
        fs::remove_file(path).is_ok()
    };
    Ok(entries.into_iter().map(|entry| entry.path()).filter(is_partial).filter(delete).collect())
}

/// The information is written first: a complete backup always has it.
async fn write_backup(
    source: &Path,
    partial: &Path,
    file: &Path,
    now: Timestamp,
    progress: &mut dyn ProgressObserver,
) -> Result<BackupInfo, BackupError> {
    let failed = |error| BackupError::Database(source.to_owned(), error);
    drop(create_private(partial)?);
    let size = size_of_copy(source).await.map_err(failed)?;
    progress.begin("copying", Amount::Bytes(size));
    watched(copy_to(source, partial), progress, || partial.metadata().map_or(0, |metadata| metadata.len())).await.map_err(failed)?;
    progress.advance_to(size);
    File::open(partial).and_then(|copy| copy.sync_all()).map_err(file_error(partial))?;
    let contents = check(partial, Use::Fixed, progress).await?;
    let info = BackupInfo {
        format: FORMAT,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        schema: contents.schema,
        created_at: now.to_rfc3339(),
        sha256: sha256(partial, progress)?,
        rows: contents.rows,
        keys: contents.key_fingerprints.into_iter().collect(),
    };
    let path = BackupInfo::path(file);
    let text = serde_json::to_vec_pretty(&info).map_err(|error| BackupError::File(path.clone(), error.into()))?;
    create_private(&path)?.write_all(&text).and_then(|()| File::open(&path)?.sync_all()).map_err(file_error(&path))?;
    fs::rename(partial, file).map_err(file_error(file))?;
    sync_name(file)?;
    Ok(info)
}

/// Deletes all but `keep` backups of the deployment with these keys: the new one, and the newest before it. Those that were made while the
/// clock was ahead are deleted first.
fn delete_older(new: &Path, prefix: &str, keep: usize, newest: &BackupInfo) -> Result<Vec<PathBuf>, BackupError> {
    let dir = directory_of(new);
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(file_error(dir))?;
    let is_backup = |path: &Path| {
        let info = || BackupInfo::read(path).ok().flatten();
        is_named_as_backup(path, prefix)
            && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
            && info().is_some_and(|info| info.has_key_of(newest))
    };
    let mut backups: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_backup(path)).collect();
    // The names begin with the time.
    backups.sort_by_key(|backup| (backup.as_path() <= new, backup.clone()));
    backups.truncate(backups.len().saturating_sub(keep));
    for backup in &backups {
        fs::remove_file(backup).map_err(file_error(backup))?;
        let info = BackupInfo::path(backup);
        fs::remove_file(&info).map_err(file_error(&info))?;
    }
    Ok(backups)
}

fn is_named_as_backup(path: &Path, prefix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix) && name.ends_with("Z.db"))
}

/// When the newest backup in `dir` was completed: it then gets its name. `None` if there is none, or the directory cannot be read.
pub fn last_backup(dir: &Path) -> Option<Timestamp> {
    let entries = fs::read_dir(dir).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let complete = entries.filter(|path| is_named_as_backup(path, PREFIX) && BackupInfo::path(path).exists());
    let written = complete.filter_map(|path| path.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    written.max().and_then(|since| i64::try_from(since.as_millis()).ok()).map(Timestamp::from_millis)
}

/// Checks the database of a portal, which may be running, and that it has the keys.
pub async fn verify(data: DataLocation<'_>, entropy: &dyn Rng, progress: &mut dyn ProgressObserver) -> Result<Contents, BackupError> {
    let file = sqlite_file(data.database)?;
    refuse_exposed(file)?;
    let contents = check(file, Use::Live, progress).await?;
    Keystore::open_for_database(data.dir, entropy, &contents.key_fingerprints)?;
    Ok(contents)
}

/// Checks all pages and references of a database of this release or an older one.
pub(super) async fn check(file: &Path, used: Use, progress: &mut dyn ProgressObserver) -> Result<Contents, BackupError> {
    let failed = |error| BackupError::Database(file.to_owned(), error);
    progress.begin("checking", Amount::Unknown);
    let problems = watched(problems(file, used, Depth::All), progress, || 0).await.map_err(failed)?;
    if !problems.is_empty() {
        return Err(BackupError::Damaged { file: file.to_owned(), problems });
    }
    let contents = watched(contents(file, used), progress, || 0).await.map_err(failed)?;
    if contents.in_use { Ok(contents) } else { Err(BackupError::NoPortal(file.to_owned())) }
}

/// Waits for the end of what the database does, and meanwhile reports how much is done.
async fn watched<T>(work: impl Future<Output = T>, progress: &mut dyn ProgressObserver, done: impl Fn() -> u64) -> T {
    let mut work = pin!(work);
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = look.tick() => progress.advance_to(done()),
        }
    }
}

/// Whether the pages of a database are checked before the start rather than during it: this takes a fraction of a second.
fn is_small(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() <= 64 * 1_024 * 1_024)
}

/// Refuses a SQLite database that all users of the machine can access, or changes of it in a file beside it.
pub fn refuse_exposed(file: &Path) -> Result<(), BackupError> {
    let files = ["", "-wal", "-journal"].map(|suffix| beside(file, suffix));
    let exposed = files.into_iter().find(|file| file.metadata().is_ok_and(|metadata| is_open_to_all(&metadata)));
    exposed.map_or(Ok(()), |file| Err(BackupError::Exposed(file)))
}

/// Refuses a SQLite database that is exposed, or has damaged pages, unless checking them would delay the start.
pub async fn check_before_start(database: &Database) -> Result<(), BackupError> {
    let Database::File(file) = database else { return Ok(()) };
    refuse_exposed(file)?;
    if file.exists() && is_small(file) { check_pages(file).await } else { Ok(()) }
}

/// Checks the pages of a large SQLite database, while it is served.
pub async fn check_after_start(database: &Database) -> Result<(), BackupError> {
    match database {
        Database::File(file) if !is_small(file) => check_pages(file).await,
        _ => Ok(()),
    }
}

async fn check_pages(file: &Path) -> Result<(), BackupError> {
    let problems = problems(file, Use::Live, Depth::Pages).await.map_err(|error| BackupError::Database(file.to_owned(), error))?;
    if problems.is_empty() { Ok(()) } else { Err(BackupError::Damaged { file: file.to_owned(), problems }) }
}

/// Whether a SQLite database has the data of a portal.
pub async fn is_set_up(database: &Database) -> bool {
    matches!(database, Database::File(file) if matches!(recorded_keys(file).await, Ok(Some(_))))
}

fn sqlite_file(database: &Database) -> Result<&Path, BackupError> {
    match database {
        Database::File(file) if file.exists() => Ok(file),
        Database::File(file) => Err(BackupError::NoDatabase(file.clone())),
        Database::Postgres(_) => Err(BackupError::NotSqlite),
    }
}

/// A time as a part of a file name, in UTC; names sort by it.
pub(super) fn in_file_name(at: Timestamp) -> String {
    let seconds: String = at.to_rfc3339().chars().take(19).filter(char::is_ascii_alphanumeric).collect();
    format!("{seconds}.{:03}Z", at.as_millis().rem_euclid(1_000))
}

/// Creates a file that only its owner can access, with any umask.
pub(super) fn create_private(path: &Path) -> Result<File, BackupError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file_error(path))?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(file_error(path))?;
    Ok(file)
}

pub(super) fn sha256(path: &Path, progress: &mut dyn ProgressObserver) -> Result<String, BackupError> {
    let mut hash = Sha256::new();
    read_into(&mut hash, path, "hashing", progress).map_err(file_error(path))?;
    Ok(hex::encode(hash.finalize()))
}

/// Writes all that a file has.
pub(super) fn read_into(out: &mut dyn Write, path: &Path, step: &'static str, progress: &mut dyn ProgressObserver) -> io::Result<()> {
    let mut file = File::open(path)?;
    progress.begin(step, Amount::Bytes(file.metadata()?.len()));
    let (mut done, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        let length = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        out.write_all(bytes)?;
        done += bytes.len() as u64;
        progress.advance_to(done);
    }
}

/// Makes a renamed file's name durable.
pub(super) fn sync_name(file: &Path) -> Result<(), BackupError> {
    sync_parent(file).map_err(file_error(directory_of(file)))
}

pub(super) fn file_error(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::File(path.clone(), error)
}
