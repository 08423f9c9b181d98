//! The directory for data kept between commands, accessible to this user only.
//!
//! It is the state directory, not the configuration directory: configuration is copied between machines and put under version
//! control, and neither tokens nor private keys must be.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use rustix::io::Errno;
use tempfile::NamedTempFile;
use thiserror::Error;

pub const DIRECTORY_VARIABLE: &str = "TMS_CONFIG_DIR";
const DIRECTORY_MODE: u32 = 0o700;
pub const FILE_MODE: u32 = 0o600;
const LOCK_FILE: &str = "lock";
/// Permission bits of group and others.
pub const GROUP_AND_OTHER_BITS: u32 = 0o077;

/// No directory for state could be determined.
#[derive(Debug, Error)]
#[error("no home directory is set for you on this machine: set {DIRECTORY_VARIABLE} to one of your directories")]
pub struct NoStateDirectory;

/// The directory; it may not exist yet.
pub fn directory() -> Result<PathBuf, NoStateDirectory> {
    if let Some(directory) = std::env::var_os(DIRECTORY_VARIABLE).filter(|directory| !directory.is_empty()) {
        return Ok(directory.into());
    }
    let project = ProjectDirs::from("", "", "tms").ok_or(NoStateDirectory)?;
    // Only Linux has a state directory; elsewhere local data stays on the machine.
    Ok(project.state_dir().unwrap_or(project.data_local_dir()).to_owned())
}

/// Creates `directory` and its parents if they do not exist.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)
}

/// Waits for an exclusive lock on the directory. The lock ends with the file or this process.
pub fn lock(directory: &Path) -> io::Result<File> {
    lock_file(directory, LOCK_FILE)
}

/// Waits for an exclusive lock on the file `name` in the directory, which is created if necessary.
pub fn lock_file(directory: &Path, name: &str) -> io::Result<File> {
    make_directory(directory)?;
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(directory.join(name))?;
    lock.lock()?;
    Ok(lock)
}

/// Whether the file system does not support locks, as some shared ones (Lustre without `flock`, NFS).
pub fn is_lock_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported || Errno::from_io_error(error) == Some(Errno::NOLCK)
}

/// A temporary file to become `path`: private from its creation, deleted unless persisted.
pub fn new_file(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(directory)
}

/// Atomic: the old file stays until the new one is completely on disk.
pub fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name too; some file systems do not support this, and have nothing to write.
    let _unsupported = File::open(path.parent().unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all());
    Ok(())
}
