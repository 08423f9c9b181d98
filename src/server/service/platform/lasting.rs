//! Failures of a start that only an operator can correct: a service manager that repeats the start would do so for ever.

use super::backup::BackupError;
use super::data_lock::DataLockError;
use super::keystore::KeystoreError;
use crate::server::providers::profiles::ProfilesError;
use crate::server::service::Fault;
use crate::server::storage;
pub use crate::server::storage::is_lasting_io;

impl Fault {
    pub fn is_lasting(&self) -> bool {
        let of_keys = self.error.downcast_ref::<KeystoreError>().is_some_and(KeystoreError::is_lasting);
        let of_database = self.error.downcast_ref::<storage::Error>().is_some_and(storage::Error::is_lasting);
        of_keys || of_database || self.error.is::<ProfilesError>()
    }
}

impl KeystoreError {
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::File(_, error) => is_lasting_io(error),
            _ => true,
        }
    }
}

impl DataLockError {
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Held(_) | Self::Command(_) | Self::Restore(_) => false,
            Self::NoParent { .. } | Self::NotADirectory(_) | Self::OtherUser { .. } => true,
            Self::File(_, error) => is_lasting_io(error),
        }
    }
}

impl BackupError {
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::File(_, error) => is_lasting_io(error),
            Self::Lock(error) => error.is_lasting(),
            Self::Database(_, error) => error.is_lasting(),
            Self::Keys(fault) => fault.is_lasting(),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn only_what_may_end_by_itself_is_not_lasting() {
        let (file, io) = (|| PathBuf::from("x"), |kind: ErrorKind| io::Error::new(kind, "x"));
        for fault in [
            Fault::new(KeystoreError::Missing(file())),
            Fault::new(KeystoreError::Different(file())),
            Fault::new(KeystoreError::File(file(), io(ErrorKind::PermissionDenied))),
            storage::Error::UnknownMigration { found: 2, known: 1 }.into(),
            storage::Error::NewerSchema.into(),
            storage::Error::ForeignWal(file()).into(),
            storage::Error::NoPortal("x".into()).into(),
            storage::Error::File(file(), io(ErrorKind::PermissionDenied)).into(),
        ] {
            assert!(fault.is_lasting() && BackupError::Keys(fault.clone()).is_lasting(), "{fault}");
        }
        for fault in [
            Fault::new(KeystoreError::File(file(), io(ErrorKind::StorageFull))),
            storage::Error::MigrationLock.into(),
            storage::Error::WriterStopped.into(),
            Fault::new(io(ErrorKind::PermissionDenied)),
        ] {
            assert!(!fault.is_lasting(), "{fault}");
        }
        for (error, lasting) in [
            (DataLockError::Held(file()), false),
            (DataLockError::Restore(file()), false),
            (DataLockError::NotADirectory(file()), true),
            (DataLockError::File(file(), io(ErrorKind::PermissionDenied)), true),
            (DataLockError::File(file(), io(ErrorKind::StorageFull)), false),
        ] {
            assert_eq!(error.is_lasting(), lasting, "{error}");
            assert_eq!(BackupError::Lock(error).is_lasting(), lasting);
        }
        assert!(BackupError::Damaged { file: file(), problems: Vec::new() }.is_lasting());
        assert!(BackupError::Exposed(file()).is_lasting());
    }
}
