//! The file in which a follower keeps its position.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::server::service::audit_log::follow::Position;
use crate::server::service::platform::backup::sync_parent;

/// What is in the file, as JSON.
#[derive(Deserialize, Serialize)]
struct Stored {
    after: i64,
    /// The time of that event, in milliseconds since 1970.
    at: Option<i64>,
}

/// The file, which no other follower uses meanwhile.
pub struct PositionFile {
    path: PathBuf,
    position: Position,
    /// A file beside it, because the file itself is replaced.
    _lock: File,
}

impl PositionFile {
    /// Without a file, the position is before the oldest event. Errors are sentences for the operator.
    pub fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("--state: cannot use {}: {error}", path.display());
        let lock =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(beside(path, ".lock")).map_err(|error| failed(&error))?;
        if lock.try_lock().is_err() {
            return Err(format!("--state: another command follows the audit log with {}", path.display()));
        }
        let position = match fs::read(path) {
            Ok(text) => {
                let Stored { after, at } = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
                if after < 0 {
                    return Err(failed(&"the number is negative"));
                }
                Position { after, at: at.map(Timestamp::from_millis) }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Position::default(),
            Err(error) => return Err(failed(&error)),
        };
        Ok(Self { path: path.to_owned(), position, _lock: lock })
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Replaces the file as a whole, and waits until that is on disk.
    pub fn store(&mut self, position: Position) -> Result<(), String> {
        if position == self.position {
            return Ok(());
        }
        replace(&self.path, position)
            .map_err(|error| format!("--state: cannot write {}: {error}; the last events will be repeated", self.path.display()))?;
        self.position = position;
        Ok(())
    }
}

fn replace(path: &Path, position: Position) -> io::Result<()> {
    let new = beside(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let stored = Stored { after: position.after, at: position.at.map(Timestamp::as_millis) };
    out.write_all(serde_json::to_string(&stored)?.as_bytes())?;
    out.sync_all()?;
    fs::rename(&new, path)?;
    sync_parent(path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn position_is_kept_in_a_private_file_of_one_follower() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("state");
        let position = Position { after: 7, at: Some(Timestamp::from_millis(5)) };
        let mut file = PositionFile::open(&path).expect("opened");
        assert_eq!(file.position(), Position::default());
        file.store(position).expect("stored");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(PositionFile::open(&path).is_err_and(|why| why.contains("another command follows")));
        drop(file);
        assert_eq!(PositionFile::open(&path).expect("opened").position(), position);
    }

    #[test]
    fn damaged_file_is_not_a_first_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("state");
        for text in ["", "7", "{\"after\":-1}", "{\"after\":\"x\"}"] {
            fs::write(&path, text).expect("written");
            assert!(PositionFile::open(&path).is_err(), "{text}");
        }
    }
}
