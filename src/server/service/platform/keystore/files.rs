//! The files with the keys: reading, creating, and naming them during a rotation.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::hashing::fingerprint;
use super::recorded::{NEXT, PREVIOUS, RotatedKey};
use super::{KEY_FILES, KEYS_DIR, Keystore, KeystoreError, passed, signing};
use crate::domain::signing_key::SigningAlgorithm;
use crate::server::service::Rng;
use crate::server::storage::backup::{directory_of, sync_parent};

/// The files of the keys that are rotated as files.
const ROTATED_FILES: [&str; 2] = [KEY_FILES[0], KEY_FILES[1]];

/// A file with a key of 32 bytes.
#[derive(Clone)]
pub struct KeyFile {
    pub path: PathBuf,
    pub key: Zeroizing<[u8; 32]>,
    pub fingerprint: String,
}

/// All key files that were found. The names of those of a rotation say nothing: the database says which key is used for what.
pub struct KeyFiles {
    pub codes: Vec<KeyFile>,
    pub secrets: Vec<KeyFile>,
    /// The first key that signs tokens, which is needed until the database has it.
    pub signing: Option<Zeroizing<Vec<u8>>>,
    pub signing_file: PathBuf,
    /// Why a file of a key cannot be used, which matters only if the database names a key that was not found.
    pub unusable: Vec<(&'static str, KeystoreError)>,
}

impl KeyFiles {
    /// Those that the service manager passed, then those in `data_dir/keys`; with `create`, missing ones are created there.
    pub fn find(data_dir: &Path, create: bool, entropy: &dyn Rng) -> Result<Self, KeystoreError> {
        let dir = data_dir.join(KEYS_DIR);
        if let Some(passed) = passed::directory() {
            let mut files = Self::passed(&passed)?;
            // The files of a rotation can be added there without a restart.
            files.codes.extend(usable_in(&dir, KEY_FILES[0]));
            files.secrets.extend(usable_in(&dir, KEY_FILES[1]));
            return Ok(files);
        }
        if dir.is_symlink() && !dir.exists() {
            return Err(KeystoreError::NotADirectory(dir));
        }
        if create {
            private_dir(data_dir).and_then(|()| private_dir(&dir)).map_err(|error| KeystoreError::File(dir.clone(), error))?;
        }
        for file in ROTATED_FILES.map(|name| dir.join(name)).into_iter().filter(|_| !create) {
            match file.try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(KeystoreError::Missing(file)),
                Err(error) => return Err(KeystoreError::File(file, error)),
            }
        }
        if create { Self::created_in(&dir, entropy) } else { Self::in_directory(&dir) }
    }

    /// Those in a directory, where missing ones are created.
    fn created_in(dir: &Path, entropy: &dyn Rng) -> Result<Self, KeystoreError> {
        for name in ROTATED_FILES {
            random_key(&dir.join(name), None, entropy)?;
        }
        read_or_create(&dir.join(KEY_FILES[2]), || {
            let pem = signing::generate(SigningAlgorithm::default()).map_err(io::Error::other)?;
            Ok(Zeroizing::new(pem.as_bytes().to_vec()))
        })?;
        Self::in_directory(dir)
    }

    fn in_directory(dir: &Path) -> Result<Self, KeystoreError> {
        let signing_file = dir.join(KEY_FILES[2]);
        let signing = read_private(&signing_file, Check::Owner)?;
        Ok(Self::of(dir, Check::Owner, signing, signing_file))
    }

    fn of(dir: &Path, check: Check, signing: Option<Zeroizing<Vec<u8>>>, signing_file: PathBuf) -> Self {
        let mut unusable = Vec::new();
        let [codes, secrets] = ROTATED_FILES.map(|name| files_in(dir, name, check, &mut unusable));
        Self { codes, secrets, signing, signing_file, unusable }
    }

    /// Those that the service manager passed in a directory, whose modes are its matter.
    pub fn passed(dir: &Path) -> Result<Self, KeystoreError> {
        let missing = ROTATED_FILES.map(|name| dir.join(name)).into_iter().find(|file| !file.exists());
        if let Some(file) = missing {
            return Err(KeystoreError::NotPassed(file));
        }
        let signing_file = dir.join(KEY_FILES[2]);
        let signing = read_private(&signing_file, Check::Nothing)?;
        Ok(Self::of(dir, Check::Nothing, signing, signing_file))
    }
}

/// What a file must fulfil besides having a key.
#[derive(Clone, Copy)]
pub enum Check {
    /// Only its owner can access it.
    Owner,
    Nothing,
}

/// The files of a key in a directory: the one of that name first, then those of a rotation.
fn files_in(dir: &Path, name: &'static str, check: Check, unusable: &mut Vec<(&'static str, KeystoreError)>) -> Vec<KeyFile> {
    let read = paths_in(dir, name).map(|file| read_key(name, file, check));
    let keep = |found: Result<Option<KeyFile>, _>| {
        found.unwrap_or_else(|error| {
            unusable.push((name, error));
            None
        })
    };
    read.into_iter().filter_map(keep).collect()
}

/// Those beside passed keys that this user can read, and no other.
fn usable_in(dir: &Path, name: &str) -> Vec<KeyFile> {
    paths_in(dir, name).into_iter().filter_map(|file| read_key(name, file, Check::Owner).ok().flatten()).collect()
}

fn paths_in(dir: &Path, name: &str) -> [PathBuf; 3] {
    ["", NEXT, PREVIOUS].map(|suffix| dir.join(format!("{name}{suffix}")))
}

/// `None` if there is no such file.
pub fn read_key(name: &str, path: PathBuf, check: Check) -> Result<Option<KeyFile>, KeystoreError> {
    let Some(bytes) = read_private(&path, check)? else { return Ok(None) };
    let key = key_of(&path, &bytes)?;
    Ok(Some(KeyFile { fingerprint: fingerprint(name, &key), path, key }))
}

/// `None` if there is no such file.
fn read_private(path: &Path, check: Check) -> Result<Option<Zeroizing<Vec<u8>>>, KeystoreError> {
    let failed = |error| KeystoreError::File(path.to_owned(), error);
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if matches!(check, Check::Owner) {
        require_private(path, &fs::metadata(path).map_err(failed)?)?;
    }
    Ok(Some(bytes))
}

/// Creates the missing keys in `dir`. Returns false if there is none missing. Fails if an existing one is not valid.
pub fn create(dir: &Path, entropy: &dyn Rng) -> Result<bool, KeystoreError> {
    let missing = KEY_FILES.iter().any(|name| !dir.join(name).exists());
    private_dir(dir).map_err(|error| KeystoreError::File(dir.to_owned(), error))?;
    Keystore::select(KeyFiles::created_in(dir, entropy)?, &[])?;
    Ok(missing)
}

/// Creates the file for the next key of a rotation, unless it exists, and returns it. It belongs to the owner of the key in use.
pub fn create_next(dir: &Path, key: RotatedKey, entropy: &dyn Rng) -> Result<KeyFile, KeystoreError> {
    let name = key.file_name();
    let (current, next) = (dir.join(name), dir.join(format!("{name}{NEXT}")));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| KeystoreError::File(path, error)
    };
    let owner = fs::metadata(&current).map_err(failed(&current))?;
    if next.is_symlink() {
        return Err(KeystoreError::Link(next));
    }
    random_key(&next, Some(&owner), entropy).map_err(|error| match error {
        KeystoreError::File(file, error) if error.kind() == io::ErrorKind::PermissionDenied => {
            KeystoreError::NotAllowed { file, dir: dir.to_owned(), key: name, source: error }
        }
        other => other,
    })?;
    give_to(&next, &owner)?;
    let next = read_key(name, next.clone(), Check::Owner)?.ok_or(KeystoreError::Missing(next))?;
    let in_use = read_key(name, current.clone(), Check::Owner)?.is_some_and(|file| file.fingerprint == next.fingerprint);
    if in_use { Err(KeystoreError::SameKey(next.path)) } else { Ok(next) }
}

/// Gives a file with a key to an owner, if it has another one: root may have copied it there. The owner of the directory can put anything under
/// this name, so that only the opened file counts, which must be a key without a second name.
fn give_to(path: &Path, owner: &fs::Metadata) -> Result<(), KeystoreError> {
    let failed = |error| KeystoreError::File(path.to_owned(), error);
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(KeystoreError::InvalidKey(path.to_owned()));
    }
    if found.uid() == owner.uid() {
        return Ok(());
    }
    if found.nlink() != 1 {
        return Err(KeystoreError::Link(path.to_owned()));
    }
    require_private(path, &found)?;
    let mut bytes = Zeroizing::new(Vec::new());
    (&file).take(64).read_to_end(&mut bytes).map_err(failed)?;
    key_of(path, &bytes)?;
    fchown(&file, Some(owner.uid()), Some(owner.gid())).map_err(failed)
}

/// Deletes the file of the next key if it has the key of this fingerprint.
pub fn delete_next(dir: &Path, key: RotatedKey, fingerprint: &str) -> Result<(), KeystoreError> {
    let name = key.file_name();
    match read_key(name, dir.join(format!("{name}{NEXT}")), Check::Owner)? {
        Some(file) if file.fingerprint == fingerprint => fs::remove_file(&file.path).map_err(|error| KeystoreError::File(file.path, error)),
        _ => Ok(()),
    }
}

/// Where the keys are: the directory that the service manager passed, else `data_dir/keys`.
pub fn directory(data_dir: &Path) -> PathBuf {
    passed::directory().unwrap_or_else(|| data_dir.join(KEYS_DIR))
}

/// Whether there are keys, which are created after their database, or by `keys init`.
pub fn has_keys(data_dir: &Path) -> bool {
    let dir = directory(data_dir);
    KEY_FILES.iter().any(|name| dir.join(name).exists())
}

fn random_key(file: &Path, owner: Option<&fs::Metadata>, entropy: &dyn Rng) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let bytes = read_or_create_of(file, owner, || {
        let mut key = Zeroizing::new(vec![0_u8; 32]);
        entropy.fill(&mut key);
        Ok(key)
    })?;
    key_of(file, &bytes)
}

pub fn key_of(file: &Path, bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let key: [u8; 32] = bytes.try_into().map_err(|_| KeystoreError::InvalidKey(file.to_owned()))?;
    Ok(Zeroizing::new(key))
}

/// Creates a folder that only its owner can access.
pub(in crate::server) fn private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Refuses a file that not only its owner can access.
fn require_private(file: &Path, metadata: &fs::Metadata) -> Result<(), KeystoreError> {
    let (file, mode) = (file.to_owned(), metadata.permissions().mode() & 0o7777);
    match mode {
        _ if mode & 0o077 == 0 => Ok(()),
        _ if mode & 0o007 == 0 => Err(KeystoreError::GroupAccess { file, mode, group: metadata.gid(), owner: metadata.uid() }),
        _ => Err(KeystoreError::Exposed(file, mode)),
    }
}

/// Reads a file, or creates it atomically, readable by its owner only.
pub(in crate::server) fn read_or_create(
    file: &Path,
    make: impl FnOnce() -> io::Result<Zeroizing<Vec<u8>>>,
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    read_or_create_of(file, None, make)
}

/// `owner`: that of a file which is created.
fn read_or_create_of(
    file: &Path,
    owner: Option<&fs::Metadata>,
    make: impl FnOnce() -> io::Result<Zeroizing<Vec<u8>>>,
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let failed = |error| KeystoreError::File(file.to_owned(), error);
    match fs::read(file) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            require_private(file, &fs::metadata(file).map_err(failed)?)?;
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = make().map_err(failed)?;
            // A new file with a random name, of mode 0600: the directory may belong to a user who has made links.
            let mut fresh = tempfile::Builder::new().prefix(".new-key").tempfile_in(directory_of(file)).map_err(failed)?;
            fresh.write_all(&bytes).and_then(|()| fresh.as_file().sync_all()).map_err(failed)?;
            let created = fresh.as_file().metadata().map_err(failed)?;
            if let Some(owner) = owner.filter(|owner| owner.uid() != created.uid()) {
                fchown(fresh.as_file(), Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
            }
            // Never replaces a key that another process has created meanwhile: that one is read.
            match fresh.persist_noclobber(file).map_err(|unnamed| unnamed.error) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return fs::read(file).map(Zeroizing::new).map_err(failed),
                named => drop(named.map_err(failed)?),
            }
            // What depends on the key may be on disk a moment later.
            sync_parent(file).map_err(failed)?;
            Ok(bytes)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::service::SystemRng;

    fn open(data_dir: &Path) -> Result<Keystore, KeystoreError> {
        Keystore::open(data_dir, true, &SystemRng, &[])
    }

    #[test]
    fn keys_are_created_once_with_private_mode() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = open(dir.path()).expect("keys");
        let second = open(dir.path()).expect("the same keys");
        assert_eq!(first.fingerprints(), second.fingerprints());
        assert!(second.matches("device code", "secret", &first.hash("device code", "secret")));
        assert!(!second.matches("client secret", "secret", &first.hash("device code", "secret")));
        for file in ["codes.key", "secrets.key", "signing-key.pem"] {
            let mode = fs::metadata(dir.path().join("keys").join(file)).expect("the key file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn key_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        open(dir.path()).expect("keys");
        let file = dir.path().join("keys/codes.key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(open(dir.path()).is_err_and(|error| error.to_string().contains("by others (mode 0644)")));
        // As Kubernetes sets it with fsGroup.
        for mode in [0o640, 0o660, 0o440] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("chmod");
            let refused = open(dir.path()).err().expect("refused").to_string();
            for part in [&format!("(mode {mode:04o})"), "fsGroup", "chmod 600", "codes.key"] {
                assert!(refused.contains(part), "{part}: {refused}");
            }
        }
    }

    #[test]
    fn no_link_is_followed_when_a_key_is_created() {
        let dir = tempfile::tempdir().expect("a folder");
        put(dir.path(), "codes.key", 1);
        put(dir.path(), "victim", 5);
        let before = fs::read(dir.path().join("victim")).expect("read");
        let create = || create_next(dir.path(), RotatedKey::Codes, &SystemRng);
        let next = dir.path().join("codes.key.next");
        for target in ["victim", "missing"] {
            std::os::unix::fs::symlink(dir.path().join(target), &next).expect("linked");
            assert!(matches!(create(), Err(KeystoreError::Link(_))), "{target}");
            fs::remove_file(&next).expect("removed");
        }
        let foreseeable = dir.path().join(format!("codes.key.new.{}", std::process::id()));
        std::os::unix::fs::symlink(dir.path().join("victim"), foreseeable).expect("linked");
        create().expect("created");
        assert_eq!(fs::read(dir.path().join("victim")).expect("read"), before);
        assert!(!dir.path().join("missing").exists());
        // Only root can give files away.
        if rustix::process::geteuid().is_root() {
            let (other, current) = (65_534, dir.path().join("codes.key"));
            std::os::unix::fs::chown(&current, Some(other), Some(other)).expect("given away");
            let owner = |name: &str| fs::symlink_metadata(dir.path().join(name)).expect("there").uid();
            create().expect("the one of root is given to the owner");
            assert_eq!(owner("codes.key.next"), other);
            fs::remove_file(&next).expect("removed");
            fs::hard_link(dir.path().join("victim"), &next).expect("linked");
            assert!(matches!(create(), Err(KeystoreError::Link(_))));
            assert_eq!(owner("victim"), 0);
            fs::remove_file(&next).expect("removed");
            create().expect("created");
            assert_eq!(owner("codes.key.next"), other);
        }
    }

    fn put(dir: &Path, name: &str, byte: u8) {
        fs::write(dir.join(name), [byte; 32]).expect("written");
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).expect("set");
    }

    #[test]
    fn next_key_is_created_once_and_must_be_another() {
        let dir = tempfile::tempdir().expect("a folder");
        put(dir.path(), "codes.key", 1);
        let first = create_next(dir.path(), RotatedKey::Codes, &SystemRng).expect("created").fingerprint;
        assert_eq!(create_next(dir.path(), RotatedKey::Codes, &SystemRng).expect("there").fingerprint, first);
        assert_eq!(fs::metadata(dir.path().join("codes.key.next")).expect("there").permissions().mode() & 0o777, 0o600);
        put(dir.path(), "codes.key.next", 1);
        assert!(matches!(create_next(dir.path(), RotatedKey::Codes, &SystemRng), Err(KeystoreError::SameKey(_))));
        fs::write(dir.path().join("codes.key.next"), [7; 31]).expect("written");
        assert!(matches!(create_next(dir.path(), RotatedKey::Codes, &SystemRng), Err(KeystoreError::InvalidKey(_))), "a truncated one");
    }
}
