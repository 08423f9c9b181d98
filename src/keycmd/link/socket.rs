//! Where callers connect.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use thiserror::Error;

use crate::keycmd::files::{self, FileFault};

/// Everybody may connect: who they are is what this is about.
const FOR_EVERYBODY: u32 = 0o666;
const DIRECTORY: u32 = 0o755;

/// Why nobody can connect.
#[derive(Debug, Error)]
pub enum SocketFault {
    #[error("systemd passed no socket: start tms-link.socket, or pass --socket PATH")]
    NoneGiven,
    #[error("systemd did not pass a listening socket: {0}")]
    NotASocket(io::Error),
    #[error("{0} has no parent directory")]
    NoDirectory(PathBuf),
    #[error(transparent)]
    Directory(#[from] FileFault),
    #[error("another process is already listening at {0}")]
    InUse(PathBuf),
    #[error("{0} exists and is not a socket")]
    InTheWay(PathBuf),
    #[error("cannot create {path}: {source}")]
    NotMade { path: PathBuf, source: io::Error },
}

/// The socket that systemd hands over, or one of our own.
pub fn listen(path: Option<&Path>) -> Result<UnixListener, SocketFault> {
    match path {
        Some(path) => make(path),
        None => ListenFd::from_env().take_unix_listener(0).map_err(SocketFault::NotASocket)?.ok_or(SocketFault::NoneGiven),
    }
}

/// In a directory where nobody else could put one in its place.
fn make(path: &Path) -> Result<UnixListener, SocketFault> {
    let not_made = |source| SocketFault::NotMade { path: path.into(), source };
    let directory = path.parent().ok_or_else(|| SocketFault::NoDirectory(path.into()))?;
    match DirBuilder::new().mode(DIRECTORY).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(not_made(error)),
        _ => {}
    }
    files::demand_ours_alone(directory, &directory.metadata().map_err(not_made)?)?;
    make_room(path)?;
    let listener = UnixListener::bind(path).map_err(not_made)?;
    fs::set_permissions(path, Permissions::from_mode(FOR_EVERYBODY)).map_err(not_made)?;
    Ok(listener)
}

/// One that was left behind is removed; anything else is not ours.
fn make_room(path: &Path) -> Result<(), SocketFault> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketFault::InTheWay(path.into()));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(SocketFault::InUse(path.into()));
    }
    fs::remove_file(path).map_err(|source| SocketFault::NotMade { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_made_for_everybody_in_a_directory_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tms/link.sock");
        let listener = make(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o666);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o022, 0);
        assert!(matches!(make(&path), Err(SocketFault::InUse(_))));
        drop(listener);
        assert!(make(&path).is_ok(), "one that was left behind is replaced");

        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(make(&file), Err(SocketFault::InTheWay(_))) && file.exists());
    }

    #[test]
    fn not_where_others_could_put_one_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(matches!(make(&folder.path().join("link.sock")), Err(SocketFault::Directory(FileFault::Writable { .. }))));
    }
}
