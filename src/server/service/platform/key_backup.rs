//! Backups of the keys: one file, encrypted with age for recipients whose identities are kept elsewhere. The database's backup has no keys.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::x25519::{Identity, Recipient};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use super::backup::{BackupError, create_private, directory_of, file_error, sync_name};
use super::keystore::files::KeyFiles;
use super::keystore::named::NamedKey;
use super::keystore::{self, KEYS_DIR, Keystore, KeystoreError, private_dir, read_or_create};
use crate::domain::time::Timestamp;
use crate::server::service::{DataLocation, Database, DatabaseFound, Fault, Rng};
use crate::server::storage::backup::recorded_keys;
use crate::server::storage::inspection;

/// The version of [`Content`].
const FORMAT: u32 = 1;
/// A backup has a few kilobytes.
const MAX_SIZE: u64 = 1 << 20;

/// Why keys were not backed up or restored.
#[derive(Debug, Error)]
pub enum KeyBackupError {
    #[error("{0} can be read by others: `chmod 600` it, and make a new identity if someone may have read it")]
    ExposedIdentity(PathBuf),
    #[error("{0} has no identity of age (AGE-SECRET-KEY-1…); SSH keys and passphrases are not supported")]
    NoIdentity(PathBuf),
    #[error("{file} cannot be decrypted with the identity in {identity}: {why}")]
    Undecryptable { file: PathBuf, identity: PathBuf, why: String },
    #[error("{0} is not a backup of keys that `tms-portal backup keys` made: {1}")]
    NotABackup(PathBuf, String),
    #[error("{0} exists and has another key: nothing was restored. Move it away if the database does not need it")]
    OtherKey(PathBuf),
    #[error("these are not the keys of the database: {0}")]
    OtherDatabase(KeystoreError),
    #[error("{0} is in the directory of the keys, where it could be taken for one of them: write the backup to another place")]
    InKeyDirectory(PathBuf),
    #[error("cannot encrypt: {0}")]
    Encrypt(String),
    #[error(transparent)]
    Keys(#[from] KeystoreError),
    #[error(transparent)]
    File(#[from] BackupError),
    #[error(transparent)]
    Database(#[from] Fault),
}

/// What is encrypted, as JSON.
#[derive(Deserialize, Serialize)]
struct Content {
    format: u32,
    /// The release that made it.
    release: String,
    created_at: String,
    /// The content of each file in base64, by file name.
    keys: BTreeMap<String, String>,
}

/// What was backed up or restored.
pub struct KeysHandled {
    /// The names of the key files.
    pub names: Vec<String>,
    /// Whether the keys were compared with the database, which names its keys.
    pub compared: bool,
}

/// Parses a recipient.
pub fn parse_recipient(text: &str) -> Result<Recipient, String> {
    let hint = "a recipient is the public key that age-keygen prints (age1…); SSH keys, plugins and passphrases are not supported";
    text.parse().map_err(|_| hint.to_owned())
}

/// What the database has about the keys; `None` if there is no database.
async fn recorded(database: &Database) -> Result<Option<Vec<(String, String)>>, Fault> {
    let found = match database {
        Database::File(file) => recorded_keys(file).await?,
        Database::Postgres(_) => match inspection::inspect(database).await? {
            DatabaseFound::Read(inspection) if inspection.in_use => Some(inspection.key_fingerprints),
            _ => None,
        },
    };
    Ok(found.filter(|recorded| !recorded.is_empty()))
}

/// Encrypts all keys, with those of a rotation, to a new file that only its owner can read.
pub async fn back_up_keys(
    data: DataLocation<'_>,
    to: &Path,
    recipients: &[Recipient],
    entropy: &dyn Rng,
    now: Timestamp,
) -> Result<KeysHandled, KeyBackupError> {
    if is_in_key_directory(data.dir, to) {
        return Err(KeyBackupError::InKeyDirectory(to.to_owned()));
    }
    let recorded = recorded(data.database).await?;
    let compared = recorded.is_some();
    let recorded = recorded.unwrap_or_default();
    let files = KeyFiles::find(data.dir, false, entropy)?;
    let named = files.named(&recorded);
    // Its refusals come first.
    Keystore::select(files, &recorded)?;
    let keys = named?;
    let names = keys.iter().map(|key| key.name.clone()).collect();
    let content = Content {
        format: FORMAT,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: now.to_rfc3339(),
        keys: keys.iter().map(|key| (key.name.clone(), STANDARD.encode(key.content.as_slice()))).collect(),
    };
    let text = Zeroizing::new(serde_json::to_vec(&content).map_err(|error| KeyBackupError::Encrypt(error.to_string()))?);
    let encrypted = encrypt(&text, recipients).map_err(KeyBackupError::Encrypt)?;
    let mut file = create_private(to)?;
    let written = file.write_all(&encrypted).and_then(|()| file.sync_all()).map_err(file_error(to)).and_then(|()| sync_name(to));
    if written.is_err() {
        // The error that is reported came before.
        let _ = fs::remove_file(to);
    }
    written?;
    Ok(KeysHandled { names, compared })
}

fn is_in_key_directory(data_dir: &Path, file: &Path) -> bool {
    let keys = [data_dir.join(KEYS_DIR), keystore::directory(data_dir)];
    // Of a folder that does not exist nothing is written.
    fs::canonicalize(directory_of(file)).is_ok_and(|folder| keys.iter().any(|keys| fs::canonicalize(keys).is_ok_and(|keys| folder.starts_with(keys))))
}

fn encrypt(text: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, String> {
    let all = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(all).map_err(|error| error.to_string())?;
    let mut encrypted = Vec::new();
    let write = |encrypted: &mut Vec<u8>| -> io::Result<()> {
        let mut out = encryptor.wrap_output(encrypted)?;
        out.write_all(text)?;
        out.finish().map(drop)
    };
    write(&mut encrypted).map_err(|error| error.to_string())?;
    Ok(encrypted)
}

/// Decrypts keys into `dir`, where no other keys may be. All checks come before the first file is written; a restore that was interrupted can be
/// repeated.
pub async fn restore_keys(data: DataLocation<'_>, dir: &Path, file: &Path, identity: &Path) -> Result<KeysHandled, KeyBackupError> {
    let keys = decrypt(file, identity)?;
    let recorded = recorded(data.database).await?;
    let files = KeyFiles::from_named(dir, &keys).map_err(|why| KeyBackupError::NotABackup(file.to_owned(), why))?;
    let compared = recorded.is_some();
    Keystore::select(files, &recorded.unwrap_or_default()).map_err(KeyBackupError::OtherDatabase)?;
    for key in &keys {
        let path = dir.join(&key.name);
        match fs::read(&path).map(Zeroizing::new) {
            Ok(there) if *there == *key.content => {}
            Ok(_) => return Err(KeyBackupError::OtherKey(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_error(&path)(error).into()),
        }
    }
    private_dir(dir).map_err(file_error(dir))?;
    for key in &keys {
        let path = dir.join(&key.name);
        let there = read_or_create(&path, || Ok(key.content.clone()))?;
        if *there != *key.content {
            return Err(KeyBackupError::OtherKey(path));
        }
        sync_name(&path)?;
    }
    Ok(KeysHandled { names: keys.into_iter().map(|key| key.name).collect(), compared })
}

fn decrypt(file: &Path, identity_file: &Path) -> Result<Vec<NamedKey>, KeyBackupError> {
    let identities = identities(identity_file)?;
    let encrypted = read_small(file)?;
    let undecryptable = |why: String| KeyBackupError::Undecryptable { file: file.to_owned(), identity: identity_file.to_owned(), why };
    let decryptor = age::Decryptor::new(encrypted.as_slice()).map_err(|error| KeyBackupError::NotABackup(file.to_owned(), error.to_string()))?;
    let all = identities.iter().map(|identity| identity as &dyn age::Identity);
    let mut text = Zeroizing::new(Vec::new());
    let mut reader = decryptor.decrypt(all).map_err(|error| undecryptable(error.to_string()))?;
    reader.read_to_end(&mut text).map_err(|error| undecryptable(error.to_string()))?;
    let not_a_backup = |why: String| KeyBackupError::NotABackup(file.to_owned(), why);
    let content: Content = serde_json::from_slice(&text).map_err(|error| not_a_backup(error.to_string()))?;
    if content.format > FORMAT {
        return Err(not_a_backup(format!("its format is {}, this release knows {FORMAT}", content.format)));
    }
    let decoded = content.keys.into_iter().map(|(name, key)| {
        let content = STANDARD.decode(key).map(Zeroizing::new).map_err(|error| not_a_backup(format!("{name}: {error}")))?;
        Ok(NamedKey { name, content })
    });
    decoded.collect()
}

/// The identities in a file, one a line, with comments that begin with `#`.
fn identities(path: &Path) -> Result<Vec<Identity>, KeyBackupError> {
    let metadata = fs::metadata(path).map_err(file_error(path))?;
    if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyBackupError::ExposedIdentity(path.to_owned()));
    }
    let text = read_small(path)?;
    let text = std::str::from_utf8(&text).map_err(|_| KeyBackupError::NoIdentity(path.to_owned()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identities = lines.map(|line| line.parse::<Identity>().map_err(|_| KeyBackupError::NoIdentity(path.to_owned())));
    let identities = identities.collect::<Result<Vec<_>, _>>()?;
    if identities.is_empty() { Err(KeyBackupError::NoIdentity(path.to_owned())) } else { Ok(identities) }
}

fn read_small(path: &Path) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut bytes)).map_err(file_error(path))?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_SIZE {
        return Err(file_error(path)(io::Error::new(io::ErrorKind::FileTooLarge, "too large")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret;

    use super::*;
    use crate::server::service::SystemRng;
    use crate::server::service::platform::keystore::create;

    struct Place {
        dir: tempfile::TempDir,
        database: Database,
        identity: Identity,
    }

    impl Place {
        /// Keys without a database.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            create(&dir.path().join(KEYS_DIR), &SystemRng).expect("keys");
            let database = Database::File(dir.path().join("none.db"));
            Self { dir, database, identity: Identity::generate() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn data(&self) -> DataLocation<'_> {
            DataLocation { dir: self.dir.path(), database: &self.database, create: false }
        }

        fn write(&self, name: &str, text: &[u8]) -> PathBuf {
            fs::write(self.path(name), text).expect("written");
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).expect("set");
            self.path(name)
        }

        async fn back_up(&self, name: &str) -> Result<KeysHandled, KeyBackupError> {
            back_up_keys(self.data(), &self.path(name), &[self.identity.to_public()], &SystemRng, Timestamp::from_millis(0)).await
        }

        async fn restore(&self, to: &str, file: &Path) -> Result<KeysHandled, KeyBackupError> {
            let identity = self.write("identity", format!("# mine\n{}\n", self.identity.to_string().expose_secret()).as_bytes());
            restore_keys(self.data(), &self.path(to), file, &identity).await
        }
    }

    #[tokio::test]
    async fn keys_are_restored_to_an_empty_directory_only() {
        let place = Place::new();
        let made = place.back_up("backup").await.expect("backed up");
        assert_eq!((made.names, made.compared), (vec!["codes.key".into(), "secrets.key".into(), "signing-key.pem".into()], false));
        let (file, key) = (fs::read(place.path("backup")).expect("read"), fs::read(place.path("keys/codes.key")).expect("read"));
        assert_eq!(fs::metadata(place.path("backup")).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(!file.windows(8).any(|window| window == &key[..8] || window == STANDARD.encode(&key).as_bytes()[..8].to_vec()), "it is encrypted");
        assert!(place.back_up("backup").await.is_err(), "it replaces no file");

        for turn in 0..2 {
            place.restore("restored", &place.path("backup")).await.expect("restored");
            for name in ["codes.key", "secrets.key", "signing-key.pem"] {
                let [old, new] = ["keys", "restored"].map(|dir| fs::read(place.path(dir).join(name)).expect("read"));
                assert_eq!(old, new, "{name}, turn {turn}");
                assert_eq!(fs::metadata(place.path("restored").join(name)).expect("there").permissions().mode() & 0o777, 0o600);
            }
            // As after a kill; the second restore completes it.
            fs::remove_file(place.path("restored/signing-key.pem")).expect("removed");
        }
        place.write("restored/codes.key", &[7; 32]);
        let refused = place.restore("restored", &place.path("backup")).await;
        assert!(matches!(refused, Err(KeyBackupError::OtherKey(file)) if file.ends_with("codes.key")));
        assert!(!place.path("restored/signing-key.pem").exists(), "nothing was written");
    }

    #[tokio::test]
    async fn what_is_no_backup_of_keys_is_refused() {
        let place = Place::new();
        place.back_up("backup").await.expect("backed up");
        let bytes = fs::read(place.path("backup")).expect("read");
        let content = |keys: serde_json::Value| serde_json::json!({ "format": 1, "release": "", "created_at": "", "keys": keys }).to_string();
        let sealed = |text: &str| encrypt(text.as_bytes(), &[place.identity.to_public()]).expect("encrypted");
        let mut changed = bytes.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        let broken = [
            bytes[..bytes.len() - 1].to_vec(),
            bytes[..40].to_vec(),
            Vec::new(),
            changed,
            sealed("{}"),
            sealed(&content(serde_json::json!({}))),
            sealed(&content(serde_json::json!({ "codes.key": "AAAA", "secrets.key": "AAAA", "signing-key.pem": "AAAA" }))),
            sealed(&content(serde_json::json!({ "../codes.key": STANDARD.encode([1; 32]) }))),
            sealed(&content(serde_json::json!({ "codes.key": "?" }))),
            vec![0; 2 << 20],
        ];
        for (number, bytes) in broken.iter().enumerate() {
            let file = place.write("broken", bytes);
            assert!(place.restore("restored", &file).await.is_err(), "{number}");
            assert!(!place.path("restored").exists(), "{number}");
        }
        let other = Place { identity: Identity::generate(), ..Place::new() };
        let refused = other.restore("restored", &place.path("backup")).await;
        assert!(matches!(refused, Err(KeyBackupError::Undecryptable { .. })));
        let exposed = place.write("exposed", place.identity.to_string().expose_secret().as_bytes());
        fs::set_permissions(&exposed, fs::Permissions::from_mode(0o644)).expect("set");
        let refused = restore_keys(place.data(), &place.path("restored"), &place.path("backup"), &exposed).await;
        assert!(matches!(refused, Err(KeyBackupError::ExposedIdentity(_))));
        for text in ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "age1", "", "AGE-SECRET-KEY-1"] {
            assert!(parse_recipient(text).is_err(), "{text}");
        }
    }
}
