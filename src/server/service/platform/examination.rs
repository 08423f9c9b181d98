//! Looks at the data of a deployment without changing anything, for the operator.

use crate::domain::signing_key::SigningKey;
use crate::server::service::platform::keystore::{self, KEY_FILES, Keystore, KeystoreError};
use crate::server::service::platform::signing_keys::open_ring;
use crate::server::service::{DataLocation, DatabaseFound, Fault, SystemRng};
use crate::server::storage::inspection;

/// What was found.
pub struct Examination {
    pub database: Result<DatabaseFound, Fault>,
    pub keys: Result<KeysFound, Fault>,
    /// Signing keys that these keys do not open.
    pub lost_signing_keys: Vec<SigningKey>,
}

/// The keys of this portal.
#[derive(Debug, PartialEq, Eq)]
pub enum KeysFound {
    /// There are none.
    Absent,
    /// The file of this name does not have the key that the database is used with.
    Different(&'static str),
    /// The file of this name, which a rotation made on another machine, is not here.
    NotCopied(String),
    /// They are those of the database; `recorded`: as far as it has fingerprints.
    Usable { recorded: usize },
}

/// Examines a database and the keys beside it.
pub async fn examine(data: DataLocation<'_>) -> Examination {
    let database = inspection::inspect(data.database).await.map_err(Fault::from);
    let recorded = match &database {
        Ok(DatabaseFound::Read(inspection)) => inspection.key_fingerprints.as_slice(),
        _ => &[],
    };
    let keys = find_keys(data, recorded);
    let lost_signing_keys = match (&database, &keys) {
        (Ok(DatabaseFound::Read(inspection)), Ok(KeysFound::Usable { .. })) => {
            let keys = Keystore::open(data.dir, false, &SystemRng, recorded);
            keys.map(|keys| open_ring(&keys, &inspection.signing_keys).lost().to_vec()).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    Examination { database, keys, lost_signing_keys }
}

fn find_keys(data: DataLocation<'_>, recorded: &[(String, String)]) -> Result<KeysFound, Fault> {
    let mut found = 0;
    for name in KEY_FILES {
        let file = keystore::directory(data.dir).join(name);
        found += usize::from(file.try_exists().map_err(|error| Fault::new(KeystoreError::File(file, error)))?);
    }
    if found == 0 {
        return Ok(KeysFound::Absent);
    }
    // At least one is there, so that no folder is created.
    match Keystore::open(data.dir, false, &SystemRng, recorded) {
        Ok(keys) => Ok(keys.first_missing(recorded).map_or(KeysFound::Usable { recorded: recorded.len() }, KeysFound::NotCopied)),
        Err(KeystoreError::Different(file)) => {
            let name = KEY_FILES.into_iter().find(|name| file.ends_with(name));
            name.map_or_else(|| Err(Fault::new(KeystoreError::Different(file.clone()))), |name| Ok(KeysFound::Different(name)))
        }
        Err(error) => Err(error.into()),
    }
}
