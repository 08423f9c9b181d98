//! Reading small files, with checks of ownership and permissions.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::domain::text_file::without_bom;

const ROOT: u32 = 0;
const OTHER_BITS: u32 = 0o007;
/// Write permission for group and others.
pub const GROUP_OTHER_WRITE_BITS: u32 = 0o022;

/// What is required of a file before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRequirement {
    /// It decides who may log in: writable by root or this process' user only.
    OwnerWritableOnly,
    /// A secret: accessible to its owner and group only.
    Secret,
    /// No requirement: a file of the system.
    Unchecked,
}

/// Why a file is not read.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is not a file")]
    NotAFile { path: PathBuf },
    #[error("{path} is larger than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{path} is not text")]
    NotText { path: PathBuf },
    #[error("{path} is writable by users other than its owner (mode {mode:04o}): chmod go-w it")]
    WritableByOthers { path: PathBuf, mode: u32 },
    #[error("{path} belongs to user {owner}, not to root or the user running this program: chown root it")]
    WrongOwner { path: PathBuf, owner: u32 },
    #[error("{path} contains a secret but is accessible to all users (mode {mode:04o}): chmod o-rwx it, and change the secret")]
    Exposed { path: PathBuf, mode: u32 },
}

/// Reads a text file of at most `limit` bytes, without a byte order mark.
pub fn read(path: &Path, limit: u64, requirement: FileRequirement) -> Result<String, FileError> {
    let bytes = read_bytes(path, limit, requirement)?;
    String::from_utf8(without_bom(bytes)).map_err(|_| FileError::NotText { path: path.into() })
}

/// Reads a file of at most `limit` bytes. The requirements are checked on the opened file, not on its path.
pub fn read_bytes(path: &Path, limit: u64, requirement: FileRequirement) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Unreadable { path: path.into(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile { path: path.into() });
    }
    match requirement {
        FileRequirement::OwnerWritableOnly => check_owner_writable_only(path, &metadata)?,
        FileRequirement::Secret if metadata.mode() & OTHER_BITS != 0 => {
            return Err(FileError::Exposed { path: path.into(), mode: metadata.mode() & 0o7777 });
        }
        FileRequirement::Secret | FileRequirement::Unchecked => {}
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(FileError::TooLarge { path: path.into(), limit });
    }
    Ok(bytes)
}

/// Refuses what users other than root and this process' user can change.
pub fn check_owner_writable_only(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owner != ROOT && owner != rustix::process::geteuid().as_raw() {
        return Err(FileError::WrongOwner { path: path.into(), owner });
    }
    if mode & GROUP_OTHER_WRITE_BITS != 0 {
        return Err(FileError::WritableByOthers { path: path.into(), mode });
    }
    Ok(())
}

/// The first of a file and the directories above it that is not owned by root or is writable by others: sshd refuses to run a
/// command there, also with the sticky bit.
pub fn find_not_root_owned(path: &Path) -> io::Result<Option<PathBuf>> {
    for place in path.canonicalize()?.ancestors() {
        let metadata = place.metadata()?;
        if metadata.uid() != ROOT || metadata.mode() & GROUP_OTHER_WRITE_BITS != 0 {
            return Ok(Some(place.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn file(contents: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn permissions_and_owner_are_checked() {
        for (mode, ours_alone, hidden) in
            [(0o600, true, true), (0o640, true, true), (0o644, true, false), (0o660, false, true), (0o602, false, false), (0o601, true, false)]
        {
            let (_folder, path) = file(b"text", mode);
            assert_eq!(read(&path, 10, FileRequirement::OwnerWritableOnly).is_ok(), ours_alone, "{mode:o}");
            assert_eq!(read(&path, 10, FileRequirement::Secret).is_ok(), hidden, "{mode:o}");
            assert_eq!(read(&path, 10, FileRequirement::Unchecked).unwrap(), "text");
        }
    }

    #[test]
    fn large_or_non_text_files_are_refused() {
        let (folder, path) = file(b"12345", 0o600);
        assert_eq!(read(&path, 5, FileRequirement::Unchecked).unwrap(), "12345");
        assert!(matches!(read(&path, 4, FileRequirement::Unchecked), Err(FileError::TooLarge { .. })));
        assert!(matches!(read(folder.path(), 4, FileRequirement::Unchecked), Err(FileError::NotAFile { .. })));
        assert!(matches!(read(&folder.path().join("none"), 4, FileRequirement::Unchecked), Err(FileError::Unreadable { .. })));
        let (_folder, path) = file(b"\xff", 0o600);
        assert!(matches!(read(&path, 4, FileRequirement::Unchecked), Err(FileError::NotText { .. })));
        assert_eq!(read_bytes(&path, 4, FileRequirement::Unchecked).unwrap(), b"\xff");
    }

    #[test]
    fn world_writable_directories_are_found() {
        let (folder, path) = file(b"", 0o600);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let unsafe_place = find_not_root_owned(&path).unwrap().unwrap();
        // The file itself is found first if the tests do not run as root.
        assert!(unsafe_place == folder.path().canonicalize().unwrap() || unsafe_place == path.canonicalize().unwrap());
    }
}
