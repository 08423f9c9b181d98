//! Keys that the service manager passes (systemd's `LoadCredential=`) instead of those in the data directory. Nothing is created or changed in
//! that directory, and who can read it is the service manager's matter.

use std::path::{Path, PathBuf};

use super::KEY_FILES;

/// The directory that the service manager passed, if it has one of the keys.
pub(super) fn directory() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).filter(|dir| has_a_key(dir))
}

fn has_a_key(dir: &Path) -> bool {
    KEY_FILES.iter().any(|name| dir.join(name).exists())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::files::{KeyFiles, create};
    use super::super::{Keystore, KeystoreError};
    use super::*;
    use crate::server::service::SystemRng;

    fn open_passed(dir: &Path) -> Result<Keystore, KeystoreError> {
        Keystore::select(KeyFiles::passed(dir)?, &[])
    }

    #[test]
    fn passed_keys_are_read_and_none_is_created() {
        let data = tempfile::tempdir().expect("a folder");
        create(&data.path().join("passed"), &SystemRng).expect("created");
        let dir = data.path().join("passed");
        let read = open_passed(&dir).expect("read");
        let again = open_passed(&dir).expect("read");
        assert_eq!(read.fingerprints(), again.fingerprints());
        // As systemd sets it if the file system has access control lists.
        fs::set_permissions(dir.join(KEY_FILES[0]), fs::Permissions::from_mode(0o440)).expect("set");
        assert!(open_passed(&dir).is_ok());
        for (name, is_needed) in KEY_FILES.into_iter().zip([true, true, false]) {
            let moved = dir.join("moved");
            fs::rename(dir.join(name), &moved).expect("moved");
            let opened = open_passed(&dir);
            assert_eq!(matches!(&opened, Err(KeystoreError::NotPassed(file)) if file.ends_with(name)), is_needed, "{name}");
            assert_eq!(opened.is_err(), is_needed, "{name}: after the first start the database has it");
            assert!(!dir.join(name).exists(), "{name}");
            fs::rename(&moved, dir.join(name)).expect("moved");
        }
        fs::write(dir.join(KEY_FILES[1]), "short").expect("written");
        assert!(matches!(open_passed(&dir), Err(KeystoreError::InvalidKey(_))));
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
