//! The key that this machine holds for a host account: the private half, which never leaves it, the public one, and
//! what the portal said about it.
//!
//! They lie in `keys/SERVER/TENANT/HOST/ACCOUNT` in the directory of `state`, by names that `Account` has checked.

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

use super::super::state::{self, DIRECTORY_VARIABLE};
use super::super::target::Target;
use super::destination::Account;

const PRIVATE_KEY: &str = "id_ed25519";
/// Where `ssh` looks for the public half.
const PUBLIC_KEY: &str = "id_ed25519.pub";
const RECORD: &str = "key.json";

/// What can be wrong with the files of a key.
#[derive(Debug, Error)]
pub enum KeyFilesFault {
    #[error(transparent)]
    NoPlace(#[from] state::NoPlace),
    #[error("a new key is needed but cannot be stored in {directory}: {source}")]
    Unwritable { directory: PathBuf, source: io::Error },
    #[error("cannot delete the key in {directory}: {source}")]
    Undeletable { directory: PathBuf, source: io::Error },
    #[error("ssh would misread the path {0}, which contains % or $: set {DIRECTORY_VARIABLE} to another directory")]
    Misread(PathBuf),
    #[error("cannot create a key: {0}")]
    Key(ssh_key::Error),
}

/// The files of one host account's key.
pub struct KeyFiles {
    directory: PathBuf,
    named: Named,
}

/// What the portal said about the key.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: i64,
    pub fingerprint: String,
    pub expires_at: Timestamp,
}

/// A private key on the disk that is gone again unless it is kept.
pub struct Draft {
    private_key: NamedTempFile,
    public_key: String,
}

/// Whose key it is. Not every file system tells `Vista` from `vista`, and a server's name is shortened for its directory.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Named {
    server: String,
    tenant: String,
    host: String,
    host_account: String,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    #[serde(flatten)]
    named: Named,
    #[serde(flatten)]
    record: Record,
}

/// A key that is kept on this machine.
pub struct KeptKey {
    directory: PathBuf,
    pub host: String,
    pub host_account: String,
    /// The server and the tenant; they are unknown when what is kept beside it cannot be read.
    place: Option<(String, String)>,
    /// `None` when what is kept beside it cannot be read.
    pub record: Option<Record>,
}

/// All keys that are kept here for a tenant of a server.
pub fn kept_keys(target: &Target) -> Result<Vec<KeptKey>, KeyFilesFault> {
    let (server, tenant) = (target.server.to_string(), target.tenant.to_string());
    let mut kept = kept_in(&tenant_directory(&state::directory()?, &server, &tenant));
    // A server whose name is shortened to the same has its keys there as well.
    let place = (server, tenant);
    kept.retain(|key| key.place.as_ref().is_none_or(|of| *of == place));
    Ok(kept)
}

/// All keys that are kept here, for whatever server.
pub fn all_kept_keys() -> Result<Vec<KeptKey>, KeyFilesFault> {
    let all = keys_directory(&state::directory()?);
    let servers = folders(&all).into_iter().map(|server| all.join(server));
    let tenants = servers.flat_map(|server| folders(&server).into_iter().map(move |tenant| server.join(tenant)));
    Ok(tenants.flat_map(|tenant| kept_in(&tenant)).collect())
}

/// The keys in a tenant's directory, by what is kept beside them, else by where they are.
fn kept_in(tenant: &Path) -> Vec<KeptKey> {
    let hosts = folders(tenant).into_iter();
    let accounts = hosts.flat_map(|host| folders(&tenant.join(&host)).into_iter().map(move |account| (host.clone(), account)));
    let kept = accounts.map(|(host, host_account)| {
        let directory = tenant.join(&host).join(&host_account);
        match Contents::read(&directory) {
            Some(Contents { named: Named { server, tenant, host, host_account }, record }) => {
                KeptKey { directory, host, host_account, place: Some((server, tenant)), record: Some(record) }
            }
            None => KeptKey { directory, host, host_account, place: None, record: None },
        }
    });
    kept.collect()
}

/// The names of the folders in a directory, in order; none if it cannot be read, or is not there.
fn folders(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = folders.filter_map(|folder| folder.file_name().into_string().ok()).collect();
    names.sort();
    names
}

impl KeptKey {
    /// The server that it is for, if that is known.
    pub fn server(&self) -> Option<&str> {
        self.place.as_ref().map(|(server, _)| server.as_str())
    }

    /// Whether it is the key that the portal lists under this number.
    pub fn is(&self, id: i64, fingerprint: &str) -> bool {
        self.record.as_ref().is_some_and(|record| record.id == id && record.fingerprint == fingerprint)
    }

    /// Whether there is a private key, as far as can be seen.
    fn is_there(&self) -> bool {
        match fs::symlink_metadata(self.directory.join(PRIVATE_KEY)) {
            Ok(_) => true,
            Err(why) => why.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Deletes the private key, and everything that lies with it.
    pub fn delete(&self) -> Result<(), KeyFilesFault> {
        match fs::remove_dir_all(&self.directory) {
            Err(source) if self.is_there() => return Err(KeyFilesFault::Undeletable { directory: self.directory.clone(), source }),
            // An empty directory that stays, such as in one that cannot be written to, does no harm.
            _ => {}
        }
        // The directories of the host, the tenant, the server: where they are not empty, they stay.
        for directory in self.directory.ancestors().skip(1).take(3) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl Contents {
    fn read(directory: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.join(RECORD)).ok()?).ok()
    }
}

impl KeyFiles {
    pub fn of(target: &Target, account: &Account) -> Result<Self, KeyFilesFault> {
        let named = Named {
            server: target.server.to_string(),
            tenant: target.tenant.to_string(),
            host: account.host.clone(),
            host_account: account.host_account.clone(),
        };
        let directory = named.directory(&state::directory()?);
        if is_misread(&directory) {
            return Err(KeyFilesFault::Misread(directory));
        }
        Ok(Self { directory, named })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits for another `tms` that makes a key for the same host account. The lock ends with what is returned.
    pub async fn lock(&self) -> io::Result<File> {
        let place = self.directory.clone();
        // On a thread of its own, so that Ctrl-C is heard.
        tokio::task::spawn_blocking(move || state::lock(&place)).await.map_err(io::Error::other).flatten()
    }

    pub fn private_key(&self) -> PathBuf {
        self.directory.join(PRIVATE_KEY)
    }

    /// What is known of the key that is kept. One that cannot be read is as good as none.
    pub fn record(&self) -> Option<Record> {
        let contents = Contents::read(&self.directory)?;
        (contents.named == self.named).then_some(contents.record)
    }

    /// Whether the private key is there, is the recorded one, and has been this person's only.
    pub fn holds(&self, record: &Record) -> bool {
        let path = self.private_key();
        let private = fs::metadata(&path).is_ok_and(|file| file.permissions().mode() & state::OTHERS == 0);
        let key = PrivateKey::read_openssh_file(&path);
        private && key.is_ok_and(|key| key.fingerprint(HashAlg::Sha256).to_string() == record.fingerprint)
    }

    /// Writes a key down, so that nothing but its registration is missing.
    pub fn draft(&self, key: &PrivateKey) -> Result<Draft, KeyFilesFault> {
        let text = key.to_openssh(LineEnding::LF).map_err(KeyFilesFault::Key)?;
        let public_key = key.public_key().to_openssh().map_err(KeyFilesFault::Key)?;
        let private_key = self.new_file(PRIVATE_KEY, text.as_bytes()).map_err(|source| self.unwritable(source))?;
        Ok(Draft { private_key, public_key })
    }

    /// Keeps a key instead of the one before.
    pub fn keep(&self, draft: Draft, record: Record) -> Result<(), KeyFilesFault> {
        self.replace(draft, Contents { named: self.named.clone(), record }).map_err(|source| self.unwritable(source))
    }

    /// The record comes last: without it, or with an older one, what is there does not count as a key.
    fn replace(&self, draft: Draft, contents: Contents) -> io::Result<()> {
        let public_key = self.new_file(PUBLIC_KEY, format!("{}\n", draft.public_key).as_bytes())?;
        let record = self.new_file(RECORD, &serde_json::to_vec_pretty(&contents)?)?;
        state::keep(draft.private_key, &self.private_key())?;
        state::keep(public_key, &self.directory.join(PUBLIC_KEY))?;
        state::keep(record, &self.directory.join(RECORD))
    }

    fn new_file(&self, name: &str, text: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = state::new_file(&self.directory.join(name))?;
        file.write_all(text)?;
        Ok(file)
    }

    fn unwritable(&self, source: io::Error) -> KeyFilesFault {
        KeyFilesFault::Unwritable { directory: self.directory.clone(), source }
    }
}

impl Named {
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
    // `ssh` takes a `~` in front for a home directory.
    std::path::absolute(&directory).unwrap_or(directory)
}

/// `ssh` puts other things in the place of `%h` and `${HOME}`, and has no way to write a name with these in it.
fn is_misread(path: &Path) -> bool {
    path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'%' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_key::Algorithm;
    #[expect(clippy::disallowed_types, reason = "any key will do")]
    use ssh_key::rand_core::OsRng;

    fn named(server: &str, host: &str) -> Named {
        Named { server: server.to_owned(), tenant: "lab".to_owned(), host: host.to_owned(), host_account: "jdoe".to_owned() }
    }

    fn open(state: &Path, named: &Named) -> KeyFiles {
        KeyFiles { named: named.clone(), directory: named.directory(state) }
    }

    fn keep_new(files: &KeyFiles) -> Record {
        let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap();
        let record = || Record { id: 7, fingerprint: key.fingerprint(HashAlg::Sha256).to_string(), expires_at: Timestamp::FOREVER };
        files.keep(files.draft(&key).unwrap(), record()).unwrap();
        record()
    }

    #[test]
    fn each_server_has_a_directory_with_a_plain_name() {
        for (server, directory) in [
            ("https://portal.example.org", "/s/keys/https_portal.example.org/lab/vista/jdoe"),
            ("https://portal.example.org:8443", "/s/keys/https_portal.example.org_8443/lab/vista/jdoe"),
            ("http://[::1]:3000", "/s/keys/http____1__3000/lab/vista/jdoe"),
        ] {
            assert_eq!(named(server, "vista").directory(Path::new("/s")), Path::new(directory));
        }
    }

    #[test]
    fn a_key_is_kept_for_its_person_only() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let record = keep_new(&files);
        assert!(files.holds(&record));
        assert_eq!(files.record().unwrap().fingerprint, record.fingerprint);

        let mut names: Vec<_> = fs::read_dir(&files.directory).unwrap().map(|file| file.unwrap()).collect();
        names.sort_by_key(|file| file.file_name());
        assert_eq!(names.iter().map(|file| file.file_name()).collect::<Vec<_>>(), ["id_ed25519", "id_ed25519.pub", "key.json"]);
        assert!(names.iter().all(|file| file.metadata().unwrap().permissions().mode() & 0o777 == 0o600));
        assert_eq!(fs::metadata(&files.directory).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_key_that_others_could_read_is_none() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let record = keep_new(&files);
        fs::set_permissions(files.private_key(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(!files.holds(&record));
    }

    #[test]
    fn a_record_of_another_key_does_not_count() {
        let state = tempfile::tempdir().unwrap();
        let files = open(state.path(), &named("https://a.example", "vista"));
        let older = keep_new(&files);
        let newer = keep_new(&files);
        assert!(!files.holds(&older) && files.holds(&newer));

        // As on a file system that takes both names for one.
        let other = KeyFiles { directory: files.directory.clone(), named: named("https://a.example", "Vista") };
        assert!(other.record().is_none());
        fs::write(files.directory.join(RECORD), "{").unwrap();
        assert!(files.record().is_none());
    }
}
