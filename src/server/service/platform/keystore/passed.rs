//! Keys that the service manager passes (systemd's `LoadCredential=`) instead of those in the data directory. Nothing is created or changed in
//! that directory, and who can read it is the service manager's matter.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KEY_FILES, Keystore, KeystoreError};

/// The directory that the service manager passed, if it has one of the keys.
pub(super) fn directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|dir| has_a_key(dir))
}

fn has_a_key(dir: &Path) -> bool {
    KEY_FILES.iter().any(|name| dir.join(name).exists())
}

impl Keystore {
    /// Reads the keys in `dir`, which must be complete.
    pub(super) fn open_passed(dir: &Path) -> Result<Self, KeystoreError> {
        let [hashing, sealing, signing] = KEY_FILES.map(|name| dir.join(name));
        let key = |file: &Path| -> Result<Zeroizing<[u8; 32]>, KeystoreError> { super::key_of(file, &read(file)?) };
        Self::from_keys(key(&hashing)?, key(&sealing)?, &read(&signing)?, &signing)
    }
}

fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    fs::read(file).map(Zeroizing::new).map_err(|error| match error.kind() {
        ErrorKind::NotFound => KeystoreError::NotPassed(file.to_owned()),
        _ => KeystoreError::File(file.to_owned(), error),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::server::service::SystemRng;

    #[test]
    fn passed_keys_are_read_and_none_is_created() {
        let data = tempfile::tempdir().expect("a folder");
        Keystore::create(&data.path().join("passed"), &SystemRng).expect("created");
        let dir = data.path().join("passed");
        let read = Keystore::open_passed(&dir).expect("read");
        let again = Keystore::open_passed(&dir).expect("read");
        assert_eq!(read.fingerprints().expect("three"), again.fingerprints().expect("three"));
        // As systemd sets it if the file system has access control lists.
        fs::set_permissions(dir.join(KEY_FILES[0]), fs::Permissions::from_mode(0o440)).expect("set");
        assert!(Keystore::open_passed(&dir).is_ok());
        for name in KEY_FILES {
            let moved = dir.join("moved");
            fs::rename(dir.join(name), &moved).expect("moved");
            assert!(matches!(Keystore::open_passed(&dir), Err(KeystoreError::NotPassed(file)) if file.ends_with(name)), "{name}");
            assert!(!dir.join(name).exists(), "{name}");
            fs::rename(&moved, dir.join(name)).expect("moved");
        }
        fs::write(dir.join(KEY_FILES[1]), "short").expect("written");
        assert!(matches!(Keystore::open_passed(&dir), Err(KeystoreError::InvalidKey(_))));
    }

    #[test]
    fn directory_without_keys_is_another_credentials() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("tls-key.pem"), "").expect("written");
        assert!(!has_a_key(dir.path()));
        fs::write(dir.path().join(KEY_FILES[2]), "").expect("written");
        assert!(has_a_key(dir.path()));
    }
}
