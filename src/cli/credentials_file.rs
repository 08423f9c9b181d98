//! Where sign-ins are kept: a small JSON file, readable by this person only.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::output::Output;
use super::state;

/// Such a file, with what stood in it when it was read.
pub struct CredentialsFile<T> {
    path: PathBuf,
    pub contents: T,
}

/// What can be wrong with it, and what to do.
#[derive(Debug, Error)]
pub enum CredentialsFault {
    #[error(transparent)]
    NoPlace(#[from] state::NoPlace),
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: remove it, then sign in again")]
    Damaged { path: PathBuf },
    #[error("cannot write {path}: {source}")]
    Unwritable { path: PathBuf, source: io::Error },
}

impl<T: Default + Serialize + DeserializeOwned> CredentialsFile<T> {
    /// Reads the file; none yet is no fault. A file that others can read is closed to them, and the person is told.
    pub fn read(path: PathBuf, output: &Output) -> Result<Self, CredentialsFault> {
        let text = match read_privately(&path, output) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { path, contents: T::default() }),
            Err(source) => return Err(CredentialsFault::Unreadable { path, source }),
        };
        match serde_json::from_str(&text) {
            Ok(contents) => Ok(Self { path, contents }),
            Err(_) => Err(CredentialsFault::Damaged { path }),
        }
    }

    /// Whether a sign-in could be kept: better to hear before the walk through the browser than after it.
    pub fn check_writable(&self) -> Result<(), CredentialsFault> {
        state::new_file(&self.path).map(drop).map_err(|source| self.unwritable(source))
    }

    pub fn save(&self) -> Result<(), CredentialsFault> {
        self.replace_file().map_err(|source| self.unwritable(source))
    }

    fn replace_file(&self) -> io::Result<()> {
        let mut file = state::new_file(&self.path)?;
        serde_json::to_writer_pretty(&mut file, &self.contents)?;
        file.write_all(b"\n")?;
        state::keep(file, &self.path)
    }

    fn unwritable(&self, source: io::Error) -> CredentialsFault {
        CredentialsFault::Unwritable { path: self.path.clone(), source }
    }
}

fn read_privately(path: &Path, output: &Output) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & state::OTHERS != 0 {
        fs::set_permissions(path, Permissions::from_mode(state::FILE_MODE))?;
        output.note(&format!("Others could read {}; it is yours only again. To be safe, sign out and sign in again.", path.display()));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> Result<CredentialsFile<Vec<u8>>, CredentialsFault> {
        CredentialsFile::read(path.to_owned(), &Output::Json)
    }

    #[test]
    fn a_file_that_others_can_read_is_closed_to_them() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.json");
        fs::write(&path, "[]").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();

        read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials.json");
        fs::write(&path, "[1, ").unwrap();

        assert!(matches!(read(&path), Err(CredentialsFault::Damaged { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1, ");
    }
}
