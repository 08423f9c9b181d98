//! The socket for connections of `tms link`.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use thiserror::Error;

use crate::keycmd::files::{self, FileError};

/// All users may connect; they are identified by their UID.
const SOCKET_MODE: u32 = 0o666;
const DIRECTORY_MODE: u32 = 0o755;

/// Why the socket cannot be created.
#[derive(Debug, Error)]
pub enum SocketError {
    #[error("systemd passed no socket: start tms-link.socket, or pass --socket PATH")]
    NotActivated,
    #[error("systemd did not pass a listening socket: {0}")]
    InvalidActivation(io::Error),
    #[error("{0} has no parent directory")]
    NoDirectory(PathBuf),
    #[error(transparent)]
    Directory(#[from] FileError),
    #[error("another process is already listening at {0}")]
    InUse(PathBuf),
    #[error("{0} exists and is not a socket")]
    NotASocketFile(PathBuf),
    #[error("cannot create {path}: {source}")]
    Bind { path: PathBuf, source: io::Error },
}

/// The socket passed by systemd, or a new one at `path`.
pub fn listen(path: Option<&Path>) -> Result<UnixListener, SocketError> {
    match path {
        Some(path) => bind(path),
        None => {
            let passed = ListenFd::from_env().take_unix_listener(0).map_err(SocketError::InvalidActivation)?;
            check_listening(passed.ok_or(SocketError::NotActivated)?)
        }
    }
}

/// Refuses a socket on which no connection can be accepted.
fn check_listening(socket: UnixListener) -> Result<UnixListener, SocketError> {
    match socket_acceptconn(&socket) {
        Ok(true) => Ok(socket),
        Ok(false) => Err(SocketError::InvalidActivation(io::Error::other("it does not listen; tms-link.socket needs ListenStream, and Accept=no"))),
        Err(error) => Err(SocketError::InvalidActivation(error.into())),
    }
}

/// Creates the socket in a directory in which others cannot replace it.
fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let not_made = |source| SocketError::Bind { path: path.into(), source };
    let directory = path.parent().ok_or_else(|| SocketError::NoDirectory(path.into()))?;
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(not_made(error)),
        _ => {}
    }
    files::check_owner_writable_only(directory, &directory.metadata().map_err(not_made)?)?;
    remove_stale_socket(path)?;
    let listener = UnixListener::bind(path).map_err(not_made)?;
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).map_err(not_made)?;
    Ok(listener)
}

/// Removes a socket that was left behind; refuses to remove anything else.
fn remove_stale_socket(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocketFile(path.into()));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(SocketError::InUse(path.into()));
    }
    fs::remove_file(path).map_err(|source| SocketError::Bind { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn passed_socket_must_listen() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check_listening(UnixListener::bind(folder.path().join("link.sock")).unwrap()).is_ok());
        let (connected, _peer) = UnixStream::pair().unwrap();
        assert!(matches!(check_listening(OwnedFd::from(connected).into()), Err(SocketError::InvalidActivation(_))));
    }

    #[test]
    fn socket_is_open_to_all_in_a_private_directory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tms/link.sock");
        let listener = bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o666);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o022, 0);
        assert!(matches!(bind(&path), Err(SocketError::InUse(_))));
        drop(listener);
        assert!(bind(&path).is_ok(), "one that was left behind is replaced");

        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(bind(&file), Err(SocketError::NotASocketFile(_))) && file.exists());
    }

    #[test]
    fn directory_writable_by_others_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        assert!(matches!(bind(&folder.path().join("link.sock")), Err(SocketError::Directory(FileError::WritableByOthers { .. }))));
    }
}
