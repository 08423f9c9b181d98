//! Puts a backup in the place of the database. All checks come first; the previous database is kept.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::domain::progress::ProgressObserver;
use crate::domain::time::Timestamp;
use crate::server::service::platform::backup::{
    BackupError, BackupInfo, check, create_private, file_error, in_file_name, read_into, sha256, sync_name,
};
use crate::server::service::platform::data_lock::{DataLock, keep_commands_away};
use crate::server::service::platform::keystore::{self, KEY_FILES, KEYS_DIR, Keystore};
use crate::server::service::{DataLocation, Database, Rng};
use crate::server::storage::backup::{Contents, GENERATION_SUFFIX, Use, beside, has_changes};

/// Files beside a database; they belong to that database only.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", GENERATION_SUFFIX];

/// What was restored.
pub struct Restored {
    pub contents: Contents,
    /// The information beside the backup, if there was any.
    pub info: Option<BackupInfo>,
    /// Where the previous database is now.
    pub previous: Option<PathBuf>,
}

/// Checks a backup: that it is complete, undamaged, of this release or an older one, and that the keys in the data directory are its keys.
pub async fn verify_backup(
    data: DataLocation<'_>,
    backup: &Path,
    entropy: &dyn Rng,
    progress: &mut dyn ProgressObserver,
) -> Result<Restored, BackupError> {
    database_file(data.database)?;
    refuse_description(backup)?;
    let info = BackupInfo::read(backup)?;
    refuse_incomplete(backup)?;
    let contents = verify_copy(data, backup, backup, info.as_ref(), entropy, progress).await?;
    Ok(Restored { contents, info, previous: None })
}

/// Replaces the database by a backup, unless a portal uses the data directory.
pub async fn restore(
    data: DataLocation<'_>,
    backup: &Path,
    entropy: &dyn Rng,
    now: Timestamp,
    progress: &mut dyn ProgressObserver,
) -> Result<Restored, BackupError> {
    let file = database_file(data.database)?;
    // A link to a database stays; its target is replaced.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    refuse_description(backup)?;
    // Before the lock, which would create the data directory.
    Keystore::open(data.dir, false, entropy, &[])?;
    refuse_other_user(data.dir)?;
    let _lock = DataLock::acquire(data.dir)?;
    let _commands = keep_commands_away(data.dir)?;
    let info = BackupInfo::read(backup)?;
    refuse_incomplete(backup)?;
    let copy = beside(file, ".restoring");
    let verified = match copy_file(backup, &copy, progress) {
        Ok(()) => verify_copy(data, backup, &copy, info.as_ref(), entropy, progress).await,
        Err(error) => Err(error),
    };
    if verified.is_err() {
        // The error that is reported came before.
        let _ = fs::remove_file(&copy);
    }
    let contents = verified?;
    let previous = replace(file, &copy, now)?;
    Ok(Restored { contents, info, previous })
}

/// `copy` has the bytes of `backup`, or is the same file.
async fn verify_copy(
    data: DataLocation<'_>,
    backup: &Path,
    copy: &Path,
    info: Option<&BackupInfo>,
    entropy: &dyn Rng,
    progress: &mut dyn ProgressObserver,
) -> Result<Contents, BackupError> {
    if let Some(BackupInfo { sha256: expected, .. }) = info {
        let found = sha256(copy, progress)?;
        if found != *expected {
            return Err(BackupError::OtherFile { file: backup.to_owned(), info: BackupInfo::path(backup), found, expected: expected.clone() });
        }
    }
    // Its name in errors is that which the operator knows.
    let contents = check(copy, Use::Fixed, progress).await.map_err(|error| match error {
        BackupError::Damaged { problems, .. } => BackupError::Damaged { file: backup.to_owned(), problems },
        BackupError::NoPortal(_) => BackupError::NoPortal(backup.to_owned()),
        BackupError::Database(_, error) => BackupError::Database(backup.to_owned(), error),
        other => other,
    })?;
    Keystore::open_for_database(data.dir, entropy, &contents.key_fingerprints)?;
    Ok(contents)
}

fn copy_file(from: &Path, to: &Path, progress: &mut dyn ProgressObserver) -> Result<(), BackupError> {
    drop(File::open(from).map_err(file_error(from))?);
    match fs::remove_file(to) {
        // Left by a restore that was killed.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(file_error(to)(error)),
    }
    let mut copy = create_private(to)?;
    read_into(&mut copy, from, "copying", progress).and_then(|()| copy.sync_all()).map_err(file_error(to))
}

/// Moves the previous database away with the files beside it, and the new one to its place. If this is interrupted, there is no database or one
/// that the next start refuses, and the restore can be repeated: a database is never there without its own WAL, or with another one.
fn replace(file: &Path, new: &Path, now: Timestamp) -> Result<Option<PathBuf>, BackupError> {
    let kept = beside(file, &format!(".before-restore-{}", in_file_name(now)));
    let was_there = rename_if_exists(file, &kept)?;
    for suffix in BESIDE {
        rename_if_exists(&beside(file, suffix), &beside(&kept, suffix))?;
    }
    sync_name(file)?;
    fs::rename(new, file).map_err(file_error(file))?;
    sync_name(file)?;
    Ok(was_there.then_some(kept))
}

fn rename_if_exists(from: &Path, to: &Path) -> Result<bool, BackupError> {
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(file_error(from)(error)),
    }
}

fn database_file(database: &Database) -> Result<&Path, BackupError> {
    match database {
        Database::File(file) => Ok(file),
        Database::Postgres(_) => Err(BackupError::NotSqlite),
    }
}

/// Refuses the JSON file beside a backup, which is easily named in place of the backup.
fn refuse_description(backup: &Path) -> Result<(), BackupError> {
    if BackupInfo::path(backup) != backup {
        return Ok(());
    }
    Err(BackupError::Description(backup.to_owned(), backup.with_extension("db")))
}

/// Refuses a file whose newest changes are in another one, such as the database of a portal.
fn refuse_incomplete(backup: &Path) -> Result<(), BackupError> {
    for suffix in ["-wal", "-journal"] {
        let changes = beside(backup, suffix);
        if has_changes(backup, suffix).map_err(file_error(&changes))? {
            return Err(BackupError::Incomplete(backup.to_owned(), changes));
        }
    }
    Ok(())
}

/// Refuses to create a file that the portal could not open: only its user can read the keys. Whose those are that the service manager passes
/// says nothing.
fn refuse_other_user(data_dir: &Path) -> Result<(), BackupError> {
    let keys = data_dir.join(KEYS_DIR);
    let owned = if keystore::directory(data_dir) == keys { keys.join(KEY_FILES[0]) } else { data_dir.to_owned() };
    let owner = fs::metadata(&owned).map_err(file_error(&owned))?.uid();
    if owner == rustix::process::geteuid().as_raw() { Ok(()) } else { Err(BackupError::OtherUser { owner }) }
}
