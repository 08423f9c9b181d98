//! The key pair stored on this machine for a host account, and the portal's record of it.
//!
//! The files are in `keys/SERVER/TENANT/HOST/ACCOUNT` in the directory of `state_dir`; the names are checked by `SshTarget`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::domain::time::Timestamp;

use super::super::state_dir::{self, DIRECTORY_VARIABLE};
use super::super::target::Target;
use super::destination::SshTarget;

const PRIVATE_KEY: &str = "id_ed25519";
/// The file name at which `ssh` looks for the public half.
const PUBLIC_KEY: &str = "id_ed25519.pub";
const RECORD: &str = "key.json";

/// What is wrong with the files of a key.
#[derive(Debug, Error)]
pub enum KeyFilesError {
    #[error(transparent)]
    NoStateDirectory(#[from] state_dir::NoStateDirectory),
    #[error("a new key is needed but cannot be stored in {directory}: {source}")]
    Unwritable { directory: PathBuf, source: io::Error },
    #[error("cannot delete the key in {directory}: {source}")]
    Undeletable { directory: PathBuf, source: io::Error },
    #[error("ssh would misread the path {0}, which contains % or $: set {DIRECTORY_VARIABLE} to another directory")]
    UnsafePath(PathBuf),
    #[error("cannot create a key: {0}")]
    Key(ssh_key::Error),
}

/// The files of one host account's key.
pub struct KeyFiles {
    directory: PathBuf,
    owner: KeyOwner,
}

/// The portal's record of the key.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    pub id: i64,
    pub fingerprint: String,
    pub expires_at: Timestamp,
}

/// A private key on disk that is deleted unless it is committed.
pub struct StagedKey {
    private_key: NamedTempFile,
    public_key: String,
}

/// The owner of a key. Some file systems do not distinguish `Vista` from `vista`, and server names are shortened for directories.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeyOwner {
    server: String,
    tenant: String,
    host: String,
    host_account: String,
}

#[derive(Serialize, Deserialize)]
struct KeyRecordFile {
    #[serde(flatten)]
    named: KeyOwner,
    #[serde(flatten)]
    record: KeyRecord,
}

/// A key stored on this machine.
pub struct LocalKey {
    directory: PathBuf,
    pub host: String,
    pub host_account: String,
    /// The server and the tenant; `None` if the record cannot be read.
    target: Option<(String, String)>,
    /// `None` if it cannot be read.
    pub record: Option<KeyRecord>,
}

/// All stored keys for a tenant of a server.
pub fn local_keys(target: &Target) -> Result<Vec<LocalKey>, KeyFilesError> {
    let (server, tenant) = (target.server.to_string(), target.tenant.to_string());
    let mut keys = local_keys_in(&tenant_directory(&state_dir::directory()?, &server, &tenant));
    // Another server with the same shortened name uses the same directory.
    let owner = (server, tenant);
    keys.retain(|key| key.target.as_ref().is_none_or(|key_target| *key_target == owner));
    Ok(keys)
}

/// All stored keys, of all servers.
pub fn all_local_keys() -> Result<Vec<LocalKey>, KeyFilesError> {
    let all = keys_directory(&state_dir::directory()?);
    let servers = subdirectories(&all).into_iter().map(|server| all.join(server));
    let tenants = servers.flat_map(|server| subdirectories(&server).into_iter().map(move |tenant| server.join(tenant)));
    Ok(tenants.flat_map(|tenant| local_keys_in(&tenant)).collect())
}

/// The keys in a tenant's directory, described by their records, else by their paths.
fn local_keys_in(tenant: &Path) -> Vec<LocalKey> {
    let hosts = subdirectories(tenant).into_iter();
    let accounts = hosts.flat_map(|host| subdirectories(&tenant.join(&host)).into_iter().map(move |account| (host.clone(), account)));
    let keys = accounts.map(|(host, host_account)| {
        let directory = tenant.join(&host).join(&host_account);
        match KeyRecordFile::read(&directory) {
            Some(KeyRecordFile { named: KeyOwner { server, tenant, host, host_account }, record }) => {
                LocalKey { directory, host, host_account, target: Some((server, tenant)), record: Some(record) }
            }
            None => LocalKey { directory, host, host_account, target: None, record: None },
        }
    });
    keys.collect()
}

/// The names of a directory's subdirectories, sorted; empty if it cannot be read or does not exist.
fn subdirectories(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = directories.filter_map(|directory| directory.file_name().into_string().ok()).collect();
    names.sort();
    names
}

impl LocalKey {
    /// The server of the key, if known.
    pub fn server(&self) -> Option<&str> {
        self.target.as_ref().map(|(server, _)| server.as_str())
    }

    /// Whether it is the key with this id and fingerprint.
    pub fn matches(&self, id: i64, fingerprint: &str) -> bool {
        self.record.as_ref().is_some_and(|record| record.id == id && record.fingerprint == fingerprint)
    }

    /// Whether a private key exists, as far as can be determined.
    fn private_key_exists(&self) -> bool {
        match fs::symlink_metadata(self.directory.join(PRIVATE_KEY)) {
            Ok(_) => true,
            Err(why) => why.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Deletes the private key and all other files of the key.
    pub fn delete(&self) -> Result<(), KeyFilesError> {
        match fs::remove_dir_all(&self.directory) {
            Err(source) if self.private_key_exists() => return Err(KeyFilesError::Undeletable { directory: self.directory.clone(), source }),
            // An empty directory that cannot be removed does no harm.
            _ => {}
        }
        // The directories of the host, the tenant and the server are kept if they are not empty.
        for directory in self.directory.ancestors().skip(1).take(3) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl KeyRecordFile {
    fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()
    }
}

impl KeyFiles {
    pub fn of(target: &Target, account: &SshTarget) -> Result<Self, KeyFilesError> {
        let named = KeyOwner {
            server: target.server.to_string(),
            tenant: target.tenant.to_string(),
            host: account.host.clone(),
            host_account: account.host_account.clone(),
        };
        let directory = named.directory(&state_dir::directory()?);
        if is_unsafe_for_ssh(&directory) {
            return Err(KeyFilesError::UnsafePath(directory));
        }
        Ok(Self { directory, owner: named })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits for another `tms` that creates a key for the same host account. The lock ends when the returned file is dropped.
    pub async fn lock(&self) -> io::Result<File> {
        let place = self.directory.clone();
        // On a separate thread, so that Ctrl-C still works.
        tokio::task::spawn_blocking(move || state_dir::lock(&place)).await.map_err(io::Error::other).flatten()
    }

    pub fn private_key(&self) -> PathBuf {
        self.directory.join(PRIVATE_KEY)
    }

    /// The record of the stored key. An unreadable record counts as none.
    pub fn record(&self) -> Option<KeyRecord> {
        let contents = KeyRecordFile::read(&self.directory)?;
        (contents.named == self.owner).then_some(contents.record)
    }

    /// Whether the private key exists, matches the record, and is readable by this user only.
    pub fn has_private_key(&self, record: &KeyRecord) -> bool {
        let path = self.private_key();
        let private = fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & state_dir::GROUP_AND_OTHER_BITS == 0);
        let key = PrivateKey::read_openssh_file(&path);
        private && key.is_ok_and(|key| key.fingerprint(HashAlg::Sha256).to_string() == record.fingerprint)
    }

    /// Writes a key to disk before its registration.
    pub fn stage(&self, key: &PrivateKey) -> Result<StagedKey, KeyFilesError> {
        let text = key.to_openssh(LineEnding::LF).map_err(KeyFilesError::Key)?;
        let public_key = key.public_key().to_openssh().map_err(KeyFilesError::Key)?;
        let private_key = self.new_file(PRIVATE_KEY, text.as_bytes()).map_err(|source| self.unwritable(source))?;
        Ok(StagedKey { private_key, public_key })
    }

    /// Replaces the stored key by the staged one.
    pub fn commit(&self, staged: StagedKey, record: KeyRecord) -> Result<(), KeyFilesError> {
        self.replace(staged, KeyRecordFile { named: self.owner.clone(), record }).map_err(|source| self.unwritable(source))
    }

    /// The record is written last: without a matching record, the files do not count as a key.
    fn replace(&self, staged: StagedKey, contents: KeyRecordFile) -> io::Result<()> {
        let public_key = self.new_file(PUBLIC_KEY, format!("{}\n", staged.public_key).as_bytes())?;
        let record = self.new_file(RECORD, &serde_json::to_vec_pretty(&contents)?)?;
        state_dir::persist(staged.private_key, &self.private_key())?;
        state_dir::persist(public_key, &self.directory.join(PUBLIC_KEY))?;
        state_dir::persist(record, &self.directory.join(RECORD))
    }

    fn new_file(&self, name: &str, text: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = state_dir::new_file(&self.directory.join(name))?;
        file.write_all(text)?;
        Ok(file)
    }

    fn unwritable(&self, source: io::Error) -> KeyFilesError {
        KeyFilesError::Unwritable { directory: self.directory.clone(), source }
    }
}

impl KeyOwner {
    fn directory(&self, state: &Path) -> PathBuf {
        tenant_directory(state, &self.server, &self.tenant).join(&self.host).join(&self.host_account)
    }
}

fn tenant_directory(state: &Path, server: &str, tenant: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    let server: String = server.replace("://", "_").chars().map(plain).collect();
    keys_directory(state).join(server).join(tenant)
}

fn keys_directory(state: &Path) -> PathBuf {
    let directory = state.join("keys");
    // `ssh` expands a leading `~`.
    std::path::absolute(&directory).unwrap_or(directory)
}

/// `ssh` expands `%h` and `${HOME}`, and has no way to quote them.
fn is_unsafe_for_ssh(path: &Path) -> bool {
    path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'%' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_key::Algorithm;
    #[expect(clippy::disallowed_types, reason = "any key will do")]
    use ssh_key::rand_core::OsRng;

    fn named(server: &str, host: &str) -> KeyOwner {
        KeyOwner { server: server.to_owned(), tenant: "lab".to_owned(), host: host.to_owned(), host_account: "jdoe".to_owned() }
    }

    fn open(state: &Path, named: &KeyOwner) -> KeyFiles {
        KeyFiles { owner: named.clone(), directory: named.directory(state) }
    }

    fn keep_new(files: &KeyFiles) -> KeyRecord {
        let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap();
        let record = || KeyRecord { id: 7, fingerprint: key.fingerprint(HashAlg::Sha256).to_string(), expires_at: Timestamp::FOREVER };
        files.commit(files.stage(&key).unwrap(), record()).unwrap();
        record()
    }

    #[test]
    fn each_server_has_a_plain_directory_name() {
        for (server, directory) in [
            ("https://portal.example.org", "/s/keys/https_portal.example.org/lab/vista/jdoe"),
            ("https://portal.example.org:8443", "/s/keys/https_portal.example.org_8443/lab/vista/jdoe"),
            ("http://[::1]:3000", "/s/keys/http____1__3000/lab/vista/jdoe"),
        ] {
            assert_eq!(named(server, "vista").directory(Path::new("/s")), Path::new(directory));
        }
    }

    #[test]
    fn key_files_have_mode_0600() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let record = keep_new(&files);
        assert!(files.has_private_key(&record));
        assert_eq!(files.record().unwrap().fingerprint, record.fingerprint);

        let mut names: Vec<_> = fs::read_dir(&files.directory).unwrap().map(|file| file.unwrap()).collect();
        names.sort_by_key(|file| file.file_name());
        assert_eq!(names.iter().map(|file| file.file_name()).collect::<Vec<_>>(), ["id_ed25519", "id_ed25519.pub", "key.json"]);
        assert!(names.iter().all(|file| file.metadata().unwrap().permissions().mode() & 0o777 == 0o600));
        assert_eq!(fs::metadata(&files.directory).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn key_with_open_permissions_is_not_used() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let record = keep_new(&files);
        fs::set_permissions(files.private_key(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(!files.has_private_key(&record));
    }

    #[test]
    fn record_of_another_key_is_ignored() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let older = keep_new(&files);
        let newer = keep_new(&files);
        assert!(!files.has_private_key(&older) && files.has_private_key(&newer));

        // As on a case-insensitive file system.
        let other = KeyFiles { directory: files.directory.clone(), owner: named("https://a.example", "Vista") };
        assert!(other.record().is_none());
        fs::write(files.directory.join(RECORD), "{").unwrap();
        assert!(files.record().is_none());
    }
}
