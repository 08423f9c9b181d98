//! Cached responses of the portal, used during outages: one small file for each key that logged in.
//!
//! A key that is revoked while the portal is unreachable works until its entry is too old, so that time is short, and the cache is
//! off unless the operator enables it.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ssh_key::HashAlg;
use thiserror::Error;

use crate::domain::time::Timestamp;

use super::config::{CacheSettings, KeycmdConfig};
use super::files::{self, FileError, FileRequirement};
use super::key_line::{KeyLine, KeyLineError};
use super::key_query::KeyQuery;
use super::portal::Key;

const MAX_FILE_BYTES: u64 = 32 * 1024;
const FILE_MODE: u32 = 0o600;

/// The cache entry of one query.
pub struct Cache<'a> {
    directory: &'a Path,
    lifetime: Duration,
    query: &'a KeyQuery,
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct CacheEntry {
    user: String,
    public_key: String,
    expires_at: Option<Timestamp>,
    #[serde(rename = "kept_at")]
    cached_at: Timestamp,
}

/// Why the cache cannot be used.
#[derive(Debug, Error)]
pub enum CacheError {
    #[error("no entry")]
    NotFound,
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the directory is not usable: {0}")]
    Directory(io::Error),
    #[error("the entry cannot be written: {0}")]
    Unwritable(io::Error),
    #[error("the file is damaged")]
    Damaged,
    #[error("the entry is too old")]
    Stale,
    #[error("the entry is from the future: check whether the clock was set back")]
    FromTheFuture,
    #[error("the file belongs to another user")]
    UserMismatch,
    #[error("the file has been tampered with: {0}")]
    KeyMismatch(#[from] KeyLineError),
}

impl<'a> Cache<'a> {
    pub fn new(settings: &'a CacheSettings, config: &KeycmdConfig, query: &'a KeyQuery) -> Self {
        // As JSON, different queries are always written differently; the hash keeps names from leaving the directory.
        let asked = serde_json::json!([
            config.portal.as_uri().to_string(),
            config.tenant,
            config.host_name,
            query.user,
            query.uid,
            query.fingerprint.to_string()
        ]);
        let mut name = String::new();
        for byte in HashAlg::Sha256.digest(asked.to_string().as_bytes()) {
            // Writing to a `String` cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        Self { directory: &settings.directory, lifetime: settings.lifetime, query, file: settings.directory.join(name) }
    }

    /// Stores a response atomically, so that partial files are never read.
    pub fn store(&self, key: &Key, now: Timestamp) -> Result<(), CacheError> {
        check_directory(self.directory)?;
        let entry =
            CacheEntry { user: self.query.user.clone(), public_key: key.line.as_str().to_owned(), expires_at: key.expires_at, cached_at: now };
        let write = || {
            let mut file = new_file(self.directory)?;
            serde_json::to_writer(&mut file, &entry)?;
            file.flush()?;
            file.persist(&self.file)?;
            Ok(())
        };
        write().map_err(CacheError::Unwritable)
    }

    /// The cached key, if it is recent enough and has the queried fingerprint. The caller checks its expiry, as for any key.
    pub fn load(&self, now: Timestamp) -> Result<Key, CacheError> {
        check_directory(self.directory)?;
        let text = files::read(&self.file, MAX_FILE_BYTES, FileRequirement::OwnerWritableOnly).map_err(|fault| match fault {
            FileError::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => CacheError::NotFound,
            fault => fault.into(),
        })?;
        let entry: CacheEntry = serde_json::from_str(&text).map_err(|_| CacheError::Damaged)?;
        if entry.user != self.query.user {
            return Err(CacheError::UserMismatch);
        }
        if entry.cached_at > now {
            return Err(CacheError::FromTheFuture);
        }
        if now.since(entry.cached_at) >= self.lifetime {
            return Err(CacheError::Stale);
        }
        Ok(Key { line: KeyLine::verify(&entry.public_key, &self.query.fingerprint, &self.query.key_type)?, expires_at: entry.expires_at })
    }

    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.file)
    }
}

/// Write access to the directory allows logins during an outage, so only its owner may have it.
fn check_directory(directory: &Path) -> Result<(), CacheError> {
    let metadata = fs::metadata(directory).map_err(CacheError::Directory)?;
    if !metadata.is_dir() {
        return Err(CacheError::Directory(io::ErrorKind::NotADirectory.into()));
    }
    Ok(files::check_owner_writable_only(directory, &metadata)?)
}

/// Checks that an entry could be stored.
pub fn check_writable(directory: &Path) -> Result<(), CacheError> {
    check_directory(directory)?;
    new_file(directory).map(drop).map_err(CacheError::Unwritable)
}

/// A temporary file: private from its creation, deleted unless persisted.
fn new_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keycmd::key_query::RawArgs;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";
    const NOW: Timestamp = Timestamp::from_millis(1_795_210_927_000);

    struct CacheFixture {
        _folder: tempfile::TempDir,
        config: KeycmdConfig,
    }

    impl CacheFixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = format!("tms_url = 'https://a/b'\nhost_name = 'h'\ncache_dir = '{}'\ncache_seconds = 30\n", folder.path().display());
            let file = folder.path().join("settings");
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            Self { config: KeycmdConfig::load(&file).unwrap(), _folder: folder }
        }

        fn cache<'a>(&'a self, query: &'a KeyQuery) -> Cache<'a> {
            Cache::new(self.config.cache.as_ref().unwrap(), &self.config, query)
        }
    }

    fn query(user: &str) -> KeyQuery {
        KeyQuery::parse(&RawArgs::new(user, "1000", FINGERPRINT, "ssh-ed25519")).unwrap()
    }

    fn key() -> Key {
        Key { line: KeyLine::verify(LINE, &FINGERPRINT.parse().unwrap(), "ssh-ed25519").unwrap(), expires_at: Some(NOW) }
    }

    #[test]
    fn entry_is_found_until_too_old_or_removed() {
        let (fixture, query) = (CacheFixture::new(), query("jdoe"));
        let cache = fixture.cache(&query);
        assert!(matches!(cache.load(NOW), Err(CacheError::NotFound)));
        cache.store(&key(), NOW).unwrap();
        assert_eq!(fs::metadata(&cache.file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(cache.load(NOW).unwrap(), key());
        assert_eq!(cache.load(NOW + Duration::from_millis(29_999)).unwrap(), key());
        assert!(matches!(cache.load(NOW + Duration::from_secs(30)), Err(CacheError::Stale)));
        assert!(matches!(cache.load(NOW - Duration::from_millis(1)), Err(CacheError::FromTheFuture)));
        cache.remove().unwrap();
        assert!(matches!(cache.load(NOW), Err(CacheError::NotFound)));
    }

    #[test]
    fn entry_is_for_one_query_only() {
        let (fixture, jdoe, root) = (CacheFixture::new(), query("jdoe"), query("root"));
        fixture.cache(&jdoe).store(&key(), NOW).unwrap();
        assert!(matches!(fixture.cache(&root).load(NOW), Err(CacheError::NotFound)));
        fs::rename(fixture.cache(&jdoe).file, fixture.cache(&root).file).unwrap();
        assert!(matches!(fixture.cache(&root).load(NOW), Err(CacheError::UserMismatch)));
    }

    #[test]
    fn entries_writable_by_others_are_not_used() {
        let (fixture, query) = (CacheFixture::new(), query("jdoe"));
        let cache = fixture.cache(&query);
        cache.store(&key(), NOW).unwrap();
        let text = fs::read_to_string(&cache.file).unwrap();
        fs::write(&cache.file, text.replace("ILM+", "ILM/")).unwrap();
        assert!(matches!(cache.load(NOW), Err(CacheError::KeyMismatch(_))));
        fs::write(&cache.file, "{").unwrap();
        assert!(matches!(cache.load(NOW), Err(CacheError::Damaged)));

        fs::write(&cache.file, text).unwrap();
        fs::set_permissions(&cache.file, Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(cache.load(NOW), Err(CacheError::File(FileError::WritableByOthers { .. }))));
        cache.store(&key(), NOW).unwrap();
        fs::set_permissions(cache.directory, Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(cache.load(NOW), Err(CacheError::File(FileError::WritableByOthers { .. }))));
        assert!(cache.store(&key(), NOW).is_err());
    }
}
