//! The locks of a data directory: one keeps a second server, and a restore, away from the database in it; the other keeps a restore, and a
//! rotation of keys, away from commands that change data.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use thiserror::Error;

/// File name of the lock in the data directory. The file stays there; what counts is the operating system's lock on it (`flock`), which ends
/// with its process.
const LOCK_FILE: &str = "lock";

/// The same for the lock that commands share, and a restore has alone.
const COMMANDS_FILE: &str = "lock.commands";

/// Both files.
pub const LOCK_FILES: [&str; 2] = [LOCK_FILE, COMMANDS_FILE];

/// Why a lock was not taken.
#[derive(Debug, Error)]
pub enum DataLockError {
    #[error("another tms-portal uses the data directory {0}: stop it first")]
    Held(PathBuf),
    #[error("a command of tms-portal changes the data in {0}: wait until it has ended")]
    Command(PathBuf),
    #[error("a backup is being restored or a key rotated in {0}: wait until this has ended")]
    Restore(PathBuf),
    #[error("the directory {parent} does not exist, so {dir} is not created in it: create it, or mount its file system")]
    NoParent { dir: PathBuf, parent: PathBuf },
    #[error("{0} is no directory, or a link to one that does not exist: is its file system mounted?")]
    NotADirectory(PathBuf),
    #[error(
        "{dir} belongs to the user {owner}, who could not open what root creates in it: run the command as that user (runuser -u NAME -- tms-portal …)"
    )]
    OtherUser { dir: PathBuf, owner: u32 },
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] io::Error),
}

/// The lock, held until it is dropped. The data directory is then removed if it was created with the lock and has no other file: nothing was
/// set up.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
    dir: PathBuf,
    created_dir: bool,
}

impl DataLock {
    /// Takes the lock without waiting. Creates the data directory if its parent exists.
    pub fn acquire(dir: &Path) -> Result<Self, DataLockError> {
        let mut created_dir = false;
        let path = dir.join(LOCK_FILE);
        loop {
            created_dir |= create_dir(dir)?;
            let file = match lock_file(&path, File::try_lock, || DataLockError::Held(dir.to_owned())) {
                // A start that failed has removed it just now.
                Err(DataLockError::File(..)) if !dir.exists() => continue,
                file => file?,
            };
            // A start that failed may have removed the file after it was opened here.
            let locked = file.metadata().map_err(|error| DataLockError::File(path.clone(), error))?;
            if fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == (locked.dev(), locked.ino())) {
                return Ok(Self { _file: file, dir: dir.to_owned(), created_dir });
            }
        }
    }

    /// Whether the directory has files besides this lock, or cannot be read.
    fn has_other_files(&self) -> bool {
        let entries = fs::read_dir(&self.dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        !entries.is_ok_and(|entries| entries.iter().all(|entry| entry.file_name() == LOCK_FILE))
    }
}

impl Drop for DataLock {
    fn drop(&mut self) {
        if self.created_dir && !self.has_other_files() {
            // What cannot be removed is an empty directory, as an operator may create it.
            let _ = fs::remove_file(self.dir.join(LOCK_FILE)).and_then(|()| fs::remove_dir(&self.dir));
        }
    }
}

/// Held by a command that changes data, until it is dropped. Several commands can hold it.
pub fn share_with_commands(dir: &Path) -> Result<File, DataLockError> {
    lock_file(&dir.join(COMMANDS_FILE), File::try_lock_shared, || DataLockError::Restore(dir.to_owned()))
}

/// Keeps commands that change data away, until it is dropped.
pub fn keep_commands_away(dir: &Path) -> Result<File, DataLockError> {
    lock_file(&dir.join(COMMANDS_FILE), File::try_lock, || DataLockError::Command(dir.to_owned()))
}

/// Opens a file, which is created if it is missing, and locks it without waiting. `held`: another program has the lock.
fn lock_file(path: &Path, lock: fn(&File) -> Result<(), TryLockError>, held: impl FnOnce() -> DataLockError) -> Result<File, DataLockError> {
    let failed = |error| DataLockError::File(path.to_owned(), error);
    let dir = path.parent().unwrap_or(path);
    refuse_root_of_other(dir, fs::metadata(dir).map_err(failed)?.uid(), geteuid().as_raw())?;
    // The name may be a link that the directory's owner has made to a file of another user.
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(path).map_err(failed)?;
    match lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(held()),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Refuses root in the directory of another user: this user, who runs the portal, could not open the files that root creates.
fn refuse_root_of_other(dir: &Path, owner: u32, user: u32) -> Result<(), DataLockError> {
    if user == 0 && owner != 0 { Err(DataLockError::OtherUser { dir: dir.to_owned(), owner }) } else { Ok(()) }
}

/// Creates a directory that only its owner can access, but not its parent: a missing parent may be a file system that is not mounted. False
/// if it exists.
pub fn create_dir(dir: &Path) -> Result<bool, DataLockError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => Ok(true),
        Err(_) if dir.is_dir() => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(DataLockError::NotADirectory(dir.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = dir.parent().map(Path::to_owned).unwrap_or_default();
            Err(DataLockError::NoParent { dir: dir.to_owned(), parent })
        }
        Err(error) => Err(DataLockError::File(dir.to_owned(), error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn lock_is_exclusive_and_ends_with_its_holder() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let lock = DataLock::acquire(&data).expect("the lock");
        for path in [&data, &data.join(LOCK_FILE)] {
            assert_eq!(fs::metadata(path).expect("there").permissions().mode() & 0o077, 0, "{}", path.display());
        }
        let refused = DataLock::acquire(&data).expect_err("held");
        assert!(matches!(refused, DataLockError::Held(_)) && refused.to_string().contains(&data.display().to_string()), "{refused}");
        drop(lock);
        DataLock::acquire(&data).expect("free again");
    }

    #[test]
    fn restore_and_commands_exclude_each_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let commands = [share_with_commands(dir.path()).expect("one"), share_with_commands(dir.path()).expect("another")];
        assert!(matches!(keep_commands_away(dir.path()), Err(DataLockError::Command(_))));
        drop(commands);
        let restore = keep_commands_away(dir.path()).expect("free");
        assert!(matches!(share_with_commands(dir.path()), Err(DataLockError::Restore(_))));
        drop(restore);
        share_with_commands(dir.path()).expect("free again");
    }

    #[test]
    fn root_uses_no_directory_of_another_user() {
        let dir = Path::new("data");
        for (owner, user, refused) in [(998, 0, true), (0, 0, false), (998, 998, false), (0, 998, false)] {
            assert_eq!(refuse_root_of_other(dir, owner, user).is_err(), refused, "{user} in the directory of {owner}");
        }
        if geteuid().is_root() {
            let dir = tempfile::tempdir().expect("a folder");
            std::os::unix::fs::chown(dir.path(), Some(998), None).expect("chown");
            for refused in [DataLock::acquire(dir.path()).map(drop), share_with_commands(dir.path()).map(drop)] {
                assert!(refused.expect_err("root").to_string().contains("belongs to the user 998"));
            }
            assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0, "nothing is created");
        }
    }

    #[test]
    fn lock_that_is_a_link_is_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("data")).expect("a folder");
        for name in [LOCK_FILE, COMMANDS_FILE] {
            symlink(dir.path().join("other"), dir.path().join("data").join(name)).expect("a link");
        }
        let data = dir.path().join("data");
        for refused in [DataLock::acquire(&data).map(drop), share_with_commands(&data).map(drop), keep_commands_away(&data).map(drop)] {
            assert!(matches!(refused.expect_err("a link"), DataLockError::File(..)));
        }
        assert!(!dir.path().join("other").exists());
    }

    #[test]
    fn exactly_one_of_many_takes_the_lock() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let results: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| DataLock::acquire(&data))).collect();
            starts.into_iter().map(|start| start.join().expect("no panic")).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(DataLockError::Held(_)))), "{results:?}");
    }

    #[test]
    fn a_failed_start_leaves_no_directory_that_it_created() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        drop(DataLock::acquire(&data).expect("the lock"));
        assert!(!data.exists());
        let lock = DataLock::acquire(&data).expect("the lock");
        fs::write(data.join("tms-portal.db"), "").expect("written");
        drop(lock);
        assert!(data.join(LOCK_FILE).exists(), "something was set up");
        fs::remove_dir_all(&data).and_then(|()| fs::create_dir(&data)).expect("a folder");
        drop(DataLock::acquire(&data).expect("the lock"));
        assert!(data.exists(), "it was there before");
    }

    #[test]
    fn directories_that_may_not_be_mounted_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let refused = DataLock::acquire(&dir.path().join("mnt/data")).expect_err("no parent");
        assert!(matches!(refused, DataLockError::NoParent { .. }) && !dir.path().join("mnt").exists(), "{refused}");
        symlink(dir.path().join("gone"), dir.path().join("link")).expect("a link");
        assert!(matches!(DataLock::acquire(&dir.path().join("link")).expect_err("dangling"), DataLockError::NotADirectory(_)));
        fs::write(dir.path().join("file"), "").expect("written");
        assert!(matches!(DataLock::acquire(&dir.path().join("file")).expect_err("a file"), DataLockError::NotADirectory(_)));
    }
}
