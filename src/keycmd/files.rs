//! Small files, and who else could have written them.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::domain::text_file::without_bom;

const ROOT: u32 = 0;
const OTHERS: u32 = 0o007;
/// What lets anybody but the owner write.
pub const WRITABLE: u32 = 0o022;

/// What a file must be before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Who can write it decides who logs in: only root, or the user we run as.
    OursAlone,
    /// A secret, kept from everybody but its owner and group.
    Hidden,
    /// Nothing: the system's own.
    Nothing,
}

/// Why a file is not read.
#[derive(Debug, Error)]
pub enum FileFault {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is not a file")]
    NotAFile { path: PathBuf },
    #[error("{path} is larger than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{path} is not text")]
    NotText { path: PathBuf },
    #[error("{path} is writable by users other than its owner (mode {mode:04o}): chmod go-w it")]
    Writable { path: PathBuf, mode: u32 },
    #[error("{path} belongs to user {owner}, not to root or the user running this program: chown root it")]
    Foreign { path: PathBuf, owner: u32 },
    #[error("{path} contains a secret but is accessible to all users (mode {mode:04o}): chmod o-rwx it, and change the secret")]
    Exposed { path: PathBuf, mode: u32 },
}

/// Reads a text file of at most `limit` bytes, without the byte order mark that some editors put first.
pub fn read(path: &Path, limit: u64, demand: Demand) -> Result<String, FileFault> {
    let bytes = read_bytes(path, limit, demand)?;
    String::from_utf8(without_bom(bytes)).map_err(|_| FileFault::NotText { path: path.into() })
}

/// Reads a file of at most `limit` bytes. What is demanded is demanded of the file that was opened, not of a name.
pub fn read_bytes(path: &Path, limit: u64, demand: Demand) -> Result<Vec<u8>, FileFault> {
    let unreadable = |source| FileFault::Unreadable { path: path.into(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(FileFault::NotAFile { path: path.into() });
    }
    match demand {
        Demand::OursAlone => demand_ours_alone(path, &metadata)?,
        Demand::Hidden if metadata.mode() & OTHERS != 0 => {
            return Err(FileFault::Exposed { path: path.into(), mode: metadata.mode() & 0o7777 });
        }
        Demand::Hidden | Demand::Nothing => {}
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(FileFault::TooLarge { path: path.into(), limit });
    }
    Ok(bytes)
}

/// Refuses what others than root and the user we run as could change.
pub fn demand_ours_alone(path: &Path, metadata: &Metadata) -> Result<(), FileFault> {
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owner != ROOT && owner != rustix::process::geteuid().as_raw() {
        return Err(FileFault::Foreign { path: path.into(), owner });
    }
    if mode & WRITABLE != 0 {
        return Err(FileFault::Writable { path: path.into(), mode });
    }
    Ok(())
}

/// The first of a file and the directories above it that is not root's or that others can write: sshd refuses to run a command in
/// such a place, sticky or not.
pub fn not_roots_alone(path: &Path) -> io::Result<Option<PathBuf>> {
    for place in path.canonicalize()?.ancestors() {
        let metadata = place.metadata()?;
        if metadata.uid() != ROOT || metadata.mode() & WRITABLE != 0 {
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
    fn who_may_write_or_read_it_is_looked_at() {
        for (mode, ours_alone, hidden) in
            [(0o600, true, true), (0o640, true, true), (0o644, true, false), (0o660, false, true), (0o602, false, false), (0o601, true, false)]
        {
            let (_folder, path) = file(b"text", mode);
            assert_eq!(read(&path, 10, Demand::OursAlone).is_ok(), ours_alone, "{mode:o}");
            assert_eq!(read(&path, 10, Demand::Hidden).is_ok(), hidden, "{mode:o}");
            assert_eq!(read(&path, 10, Demand::Nothing).unwrap(), "text");
        }
    }

    #[test]
    fn what_is_no_small_text_is_refused() {
        let (folder, path) = file(b"12345", 0o600);
        assert_eq!(read(&path, 5, Demand::Nothing).unwrap(), "12345");
        assert!(matches!(read(&path, 4, Demand::Nothing), Err(FileFault::TooLarge { .. })));
        assert!(matches!(read(folder.path(), 4, Demand::Nothing), Err(FileFault::NotAFile { .. })));
        assert!(matches!(read(&folder.path().join("none"), 4, Demand::Nothing), Err(FileFault::Unreadable { .. })));
        let (_folder, path) = file(b"\xff", 0o600);
        assert!(matches!(read(&path, 4, Demand::Nothing), Err(FileFault::NotText { .. })));
        assert_eq!(read_bytes(&path, 4, Demand::Nothing).unwrap(), b"\xff");
    }

    #[test]
    fn a_place_that_everybody_can_write_to_is_found() {
        let (folder, path) = file(b"", 0o600);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let unsafe_place = not_roots_alone(&path).unwrap().unwrap();
        // Its own owner comes first where the tests do not run as root.
        assert!(unsafe_place == folder.path().canonicalize().unwrap() || unsafe_place == path.canonicalize().unwrap());
    }
}
