//! What the portal said a moment ago, for when it says nothing: one small file for each key that logged in.
//!
//! A key that is revoked while the portal cannot be reached works for as long as its file is believed, so that is short, and
//! nothing is kept unless the operator asks for it.

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

use super::config::{CacheSettings, Config};
use super::files::{self, Demand, FileFault};
use super::key_line::{KeyLine, NotTheKey};
use super::portal::Key;
use super::question::Question;

const LONGEST_FILE: u64 = 32 * 1024;
const FILE_MODE: u32 = 0o600;

/// The place of one question's answer.
pub struct Cache<'a> {
    directory: &'a Path,
    lifetime: Duration,
    question: &'a Question,
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    user: String,
    public_key: String,
    expires_at: Option<Timestamp>,
    kept_at: Timestamp,
}

/// Why the cache is of no use.
#[derive(Debug, Error)]
pub enum CacheFault {
    #[error("no entry")]
    Nothing,
    #[error(transparent)]
    File(#[from] FileFault),
    #[error("the directory is not usable: {0}")]
    Directory(io::Error),
    #[error("the entry cannot be written: {0}")]
    Unwritable(io::Error),
    #[error("the file is damaged")]
    Damaged,
    #[error("the entry is too old")]
    TooOld,
    #[error("the entry is from the future: check whether the clock was set back")]
    FromTheFuture,
    #[error("the file belongs to another user")]
    AnotherUser,
    #[error("the file has been tampered with: {0}")]
    NotTheKey(#[from] NotTheKey),
}

impl<'a> Cache<'a> {
    pub fn new(settings: &'a CacheSettings, config: &Config, question: &'a Question) -> Self {
        // As JSON, no two questions can be written alike; as a hash, no name can lead out of the directory.
        let asked = serde_json::json!([
            config.portal.as_uri().to_string(),
            config.tenant,
            config.host_name,
            question.user,
            question.uid,
            question.fingerprint.to_string()
        ]);
        let mut name = String::new();
        for byte in HashAlg::Sha256.digest(asked.to_string().as_bytes()) {
            // Writing to a `String` cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        Self { directory: &settings.directory, lifetime: settings.lifetime, question, file: settings.directory.join(name) }
    }

    /// Keeps what the portal said. All or nothing: nobody ever reads half a file.
    pub fn keep(&self, key: &Key, now: Timestamp) -> Result<(), CacheFault> {
        demand_usable(self.directory)?;
        let kept = Kept { user: self.question.user.clone(), public_key: key.line.as_str().to_owned(), expires_at: key.expires_at, kept_at: now };
        let write = || {
            let mut file = new_file(self.directory)?;
            serde_json::to_writer(&mut file, &kept)?;
            file.flush()?;
            file.persist(&self.file)?;
            Ok(())
        };
        write().map_err(CacheFault::Unwritable)
    }

    /// What was kept, if it is young enough and still the key asked for. Whether it has expired is for the caller to look at, as with
    /// any key.
    pub fn find(&self, now: Timestamp) -> Result<Key, CacheFault> {
        demand_usable(self.directory)?;
        let text = files::read(&self.file, LONGEST_FILE, Demand::OursAlone).map_err(|fault| match fault {
            FileFault::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound => CacheFault::Nothing,
            fault => fault.into(),
        })?;
        let kept: Kept = serde_json::from_str(&text).map_err(|_| CacheFault::Damaged)?;
        if kept.user != self.question.user {
            return Err(CacheFault::AnotherUser);
        }
        if kept.kept_at > now {
            return Err(CacheFault::FromTheFuture);
        }
        if now.since(kept.kept_at) >= self.lifetime {
            return Err(CacheFault::TooOld);
        }
        Ok(Key { line: KeyLine::verify(&kept.public_key, &self.question.fingerprint, &self.question.key_type)?, expires_at: kept.expires_at })
    }

    pub fn forget(&self) -> io::Result<()> {
        fs::remove_file(&self.file)
    }
}

/// Who can write to the directory can log in during an outage, so it must be ours alone.
fn demand_usable(directory: &Path) -> Result<(), CacheFault> {
    let metadata = fs::metadata(directory).map_err(CacheFault::Directory)?;
    if !metadata.is_dir() {
        return Err(CacheFault::Directory(io::ErrorKind::NotADirectory.into()));
    }
    Ok(files::demand_ours_alone(directory, &metadata)?)
}

/// Whether an answer could be kept.
pub fn try_out(directory: &Path) -> Result<(), CacheFault> {
    demand_usable(directory)?;
    new_file(directory).map(drop).map_err(CacheFault::Unwritable)
}

/// A file that is private from its first byte on, and gone again unless it is kept.
fn new_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(FILE_MODE)).tempfile_in(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keycmd::question::Asked;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";
    const NOW: Timestamp = Timestamp::from_millis(1_795_210_927_000);

    struct Desk {
        _folder: tempfile::TempDir,
        config: Config,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = format!("tms_url = 'https://a/b'\nhost_name = 'h'\ncache_dir = '{}'\ncache_seconds = 30\n", folder.path().display());
            let file = folder.path().join("settings");
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            Self { config: Config::load(&file).unwrap(), _folder: folder }
        }

        fn cache<'a>(&'a self, question: &'a Question) -> Cache<'a> {
            Cache::new(self.config.cache.as_ref().unwrap(), &self.config, question)
        }
    }

    fn question(user: &str) -> Question {
        Question::parse(&Asked::new(user, "1000", FINGERPRINT, "ssh-ed25519")).unwrap()
    }

    fn key() -> Key {
        Key { line: KeyLine::verify(LINE, &FINGERPRINT.parse().unwrap(), "ssh-ed25519").unwrap(), expires_at: Some(NOW) }
    }

    #[test]
    fn what_was_kept_is_found_until_it_is_too_old_or_forgotten() {
        let (desk, question) = (Desk::new(), question("jdoe"));
        let cache = desk.cache(&question);
        assert!(matches!(cache.find(NOW), Err(CacheFault::Nothing)));
        cache.keep(&key(), NOW).unwrap();
        assert_eq!(fs::metadata(&cache.file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(cache.find(NOW).unwrap(), key());
        assert_eq!(cache.find(NOW + Duration::from_millis(29_999)).unwrap(), key());
        assert!(matches!(cache.find(NOW + Duration::from_secs(30)), Err(CacheFault::TooOld)));
        assert!(matches!(cache.find(NOW - Duration::from_millis(1)), Err(CacheFault::FromTheFuture)));
        cache.forget().unwrap();
        assert!(matches!(cache.find(NOW), Err(CacheFault::Nothing)));
    }

    #[test]
    fn an_answer_is_for_one_question_only() {
        let (desk, jdoe, root) = (Desk::new(), question("jdoe"), question("root"));
        desk.cache(&jdoe).keep(&key(), NOW).unwrap();
        assert!(matches!(desk.cache(&root).find(NOW), Err(CacheFault::Nothing)));
        fs::rename(desk.cache(&jdoe).file, desk.cache(&root).file).unwrap();
        assert!(matches!(desk.cache(&root).find(NOW), Err(CacheFault::AnotherUser)));
    }

    #[test]
    fn what_others_could_have_written_is_not_believed() {
        let (desk, question) = (Desk::new(), question("jdoe"));
        let cache = desk.cache(&question);
        cache.keep(&key(), NOW).unwrap();
        let text = fs::read_to_string(&cache.file).unwrap();
        fs::write(&cache.file, text.replace("ILM+", "ILM/")).unwrap();
        assert!(matches!(cache.find(NOW), Err(CacheFault::NotTheKey(_))));
        fs::write(&cache.file, "{").unwrap();
        assert!(matches!(cache.find(NOW), Err(CacheFault::Damaged)));

        fs::write(&cache.file, text).unwrap();
        fs::set_permissions(&cache.file, Permissions::from_mode(0o666)).unwrap();
        assert!(matches!(cache.find(NOW), Err(CacheFault::File(FileFault::Writable { .. }))));
        cache.keep(&key(), NOW).unwrap();
        fs::set_permissions(cache.directory, Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(cache.find(NOW), Err(CacheFault::File(FileFault::Writable { .. }))));
        assert!(cache.keep(&key(), NOW).is_err());
    }
}
