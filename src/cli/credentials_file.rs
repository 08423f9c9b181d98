//! Storage of sign-ins: a small JSON file, readable by this user only.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::output::Output;
use super::state_dir;

/// By how much the tokens of an update may be longer than those that they replace.
const RESERVED_BYTES: usize = 16 * 1024;

/// The contents of one kind of credentials file.
pub trait FileContents: Default + Serialize + DeserializeOwned {
    /// Its name in the state directory.
    const FILE_NAME: &str;
}

/// A credentials file with its contents as last read or changed.
pub struct CredentialsFile<T> {
    path: PathBuf,
    contents: T,
    /// The file was damaged; the next update replaces it.
    was_damaged: bool,
}

/// What is wrong with the file, with advice for the user.
#[derive(Debug, Error)]
pub enum CredentialsError {
    #[error(transparent)]
    NoStateDirectory(#[from] state_dir::NoStateDirectory),
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: sign in again, which replaces it, or sign out, which deletes it")]
    Damaged { path: PathBuf },
    #[error("cannot write {path}: {source}")]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("cannot delete {path}: {source}")]
    Undeletable { path: PathBuf, source: io::Error },
}

impl<T: FileContents> CredentialsFile<T> {
    /// Reads the file; a missing one counts as empty. If others can read the file, restricts its permissions and prints a note.
    pub fn load(output: &Output) -> Result<Self, CredentialsError> {
        Self::load_from(&state_dir::directory()?, output)
    }

    /// As [`Self::load`], but for a new sign-in: a damaged file counts as empty and is replaced.
    pub fn load_for_sign_in(output: &Output) -> Result<Self, CredentialsError> {
        Self::load_or_reset(&state_dir::directory()?, output)
    }

    pub(super) fn load_from(directory: &Path, output: &Output) -> Result<Self, CredentialsError> {
        let path = directory.join(T::FILE_NAME);
        restrict_permissions(&path, output);
        Ok(Self { contents: parse(&path)?, path, was_damaged: false })
    }

    fn load_or_reset(directory: &Path, output: &Output) -> Result<Self, CredentialsError> {
        match Self::load_from(directory, output) {
            Err(CredentialsError::Damaged { path }) => {
                output.note(&format!(
                    "{} is damaged and will be replaced. Sign-ins stored in it stay valid until they expire or you revoke them in their portal.",
                    path.display()
                ));
                Ok(Self { contents: T::default(), path, was_damaged: true })
            }
            loaded => loaded,
        }
    }

    /// Whether the file was damaged, so that earlier sign-ins may have been lost.
    pub fn was_damaged(&self) -> bool {
        self.was_damaged
    }

    pub fn contents(&self) -> &T {
        &self.contents
    }

    /// Checks that a sign-in could be stored, before the user is sent to the browser.
    pub fn check_writable(&self) -> Result<(), CredentialsError> {
        state_dir::new_file(&self.path).map(drop).map_err(|source| self.unwritable(source))
    }

    /// Writes the present contents, and some more bytes, to a file that is deleted when the result is dropped: until then, an update fits on the disk.
    pub fn reserve_space(&self) -> Result<NamedTempFile, CredentialsError> {
        let reserve = || {
            let mut file = state_dir::new_file(&self.path)?;
            serde_json::to_writer_pretty(&mut file, &self.contents)?;
            file.write_all(&[b' '; RESERVED_BYTES])?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        reserve().map_err(|source| self.unwritable(source))
    }

    /// Applies `change` to the file's current contents: another command may have changed it since it was read.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) -> Result<(), CredentialsError> {
        // Without file locks, the time from here to the end must be short enough.
        let _lock = state_dir::lock(self.path.parent().unwrap_or(Path::new("."))).ok();
        self.contents = match parse(&self.path) {
            Err(CredentialsError::Damaged { .. }) if self.was_damaged => T::default(),
            contents => contents?,
        };
        change(&mut self.contents);
        self.replace_file().map_err(|source| self.unwritable(source))
    }

    fn replace_file(&self) -> io::Result<()> {
        let mut file = state_dir::new_file(&self.path)?;
        serde_json::to_writer_pretty(&mut file, &self.contents)?;
        file.write_all(b"\n")?;
        state_dir::persist(file, &self.path)
    }

    fn unwritable(&self, source: io::Error) -> CredentialsError {
        CredentialsError::Unwritable { path: self.path.clone(), source }
    }
}

impl CredentialsError {
    /// The cause, without the advice.
    pub fn cause(&self) -> String {
        match self {
            Self::Damaged { path } => format!("{} is damaged", path.display()),
            fault => fault.to_string(),
        }
    }
}

/// Deletes a file that cannot be read.
pub fn delete_unreadable(error: &CredentialsError) -> Result<(), CredentialsError> {
    match error {
        CredentialsError::Damaged { path } | CredentialsError::Unreadable { path, .. } => match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CredentialsError::Undeletable { path: path.clone(), source }),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// If that is impossible, as on a read-only file system, prints a note; the file is read anyway.
fn restrict_permissions(path: &Path, output: &Output) {
    let is_open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & state_dir::GROUP_AND_OTHER_BITS != 0);
    if !is_open {
        return;
    }
    let path_shown = path.display();
    match fs::set_permissions(path, Permissions::from_mode(state_dir::FILE_MODE)) {
        Ok(()) => {
            output.note(&format!("Other users could read {path_shown}; its permissions have been corrected. To be safe, sign out and sign in again."))
        }
        Err(why) => output
            .note(&format!("Other users can read {path_shown}, and its permissions cannot be corrected ({why}): sign out, and sign in elsewhere.")),
    }
}

fn parse<T: Default + DeserializeOwned>(path: &Path) -> Result<T, CredentialsError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
        Err(source) => return Err(CredentialsError::Unreadable { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&text).map_err(|_| CredentialsError::Damaged { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FileContents for Vec<u8> {
        const FILE_NAME: &str = "credentials.json";
    }

    fn read(path: &Path) -> Result<CredentialsFile<Vec<u8>>, CredentialsError> {
        CredentialsFile::load_from(path.parent().unwrap(), &Output::Json)
    }

    #[test]
    fn open_permissions_are_restricted() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(<Vec<u8>>::FILE_NAME);
        fs::write(&path, "[]").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();

        read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn damaged_file_is_reported_and_not_changed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(<Vec<u8>>::FILE_NAME);
        for damaged in [&b"[1, "[..], b"", b"{}", b"\xff\xfe\0"] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(read(&path), Err(CredentialsError::Damaged { .. })));
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn sign_in_replaces_only_damaged_files() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(<Vec<u8>>::FILE_NAME);
        let begin = || CredentialsFile::<Vec<u8>>::load_or_reset(home.path(), &Output::Json).unwrap();
        fs::write(&path, "[1, ").unwrap();
        let (mut first, mut second) = (begin(), begin());
        assert!(first.was_damaged());
        first.update(|contents| contents.push(1)).unwrap();
        second.update(|contents| contents.push(2)).unwrap();
        assert_eq!(read(&path).unwrap().contents(), &[1, 2], "what another command kept since stays");
        assert!(!begin().was_damaged());
    }
}
