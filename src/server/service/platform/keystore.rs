//! The keys of this deployment, in files beside the database: a copy of the database alone gives no access.

pub(super) mod arrangement;
pub(super) mod files;
mod hashing;
pub(super) mod key_ring;
pub(super) mod named;
mod passed;
pub(super) mod recorded;
pub(super) mod signing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hmac::Mac;
use jsonwebtoken::jwk::JwkSet;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::signing_key::SigningAlgorithm;
use crate::domain::token::SignedClaims;
use crate::server::service::{Fault, Rng};

use self::files::{KeyFile, KeyFiles};
pub use self::files::{create, create_next, delete_next, directory, has_keys};
pub(in crate::server) use self::files::{private_dir, read_or_create};
use self::hashing::{HASH_LENGTH, HashingKey};
use self::key_ring::KeyRing;
pub use self::recorded::{ENDED, FIRST, Fingerprints, NEXT, PREVIOUS, Recorded, RotatedKey};

/// The key that hashes secrets, the one that encrypts secrets, and the first one that signs tokens, which the database has after the first start.
pub const KEY_FILES: [&str; 3] = ["codes.key", "secrets.key", "signing-key.pem"];
/// Their directory in the data directory.
pub const KEYS_DIR: &str = "keys";

/// Why the keys cannot be used.
#[derive(Debug, Error)]
pub enum KeystoreError {
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} can be read by others (mode {1:04o}); `chmod 600` it, and replace the key if someone may have read it")]
    Exposed(PathBuf, u32),
    #[error(
        "{file} can be read by group {group} (mode {mode:04o}); as user {owner}, `chmod 600` it. If Kubernetes sets this mode because the pod has \
         fsGroup: remove fsGroup, and let the user that runs the portal own the volume; or set fsGroupChangePolicy to OnRootMismatch, and \
         use a data directory below the volume's root"
    )]
    GroupAccess { file: PathBuf, mode: u32, group: u32, owner: u32 },
    #[error("{0} does not exist, but the database depends on it; copy it from where the keys are kept, or from another portal of this deployment")]
    Missing(PathBuf),
    #[error("{0} does not exist, but its directory has others of the keys: the service manager has to pass them all")]
    NotPassed(PathBuf),
    #[error(
        "{database} is empty, but there are keys of a deployment in {keys}: restore the database (tms-portal restore), or, for a new deployment, \
         delete the empty file"
    )]
    EmptyDatabase { keys: PathBuf, database: PathBuf },
    #[error("{0} is no directory, or a link to one that does not exist: is its file system mounted?")]
    NotADirectory(PathBuf),
    #[error(
        "{0} is not the key that this database is used with; put that one there, or, if a newer one has replaced it (tms-portal keys rotate), \
         beside it with the suffix .previous"
    )]
    Different(PathBuf),
    #[error(
        "{0} does not have the key that the database names: copy it from where `tms-portal keys rotate prepare` was run, or, if it \
         is lost, run `tms-portal keys rotate cancel`"
    )]
    NotCopied(PathBuf),
    #[error("cannot create {file} ({source}): as a user who may (root), run `tms-portal keys next {key} --to {dir}` first")]
    NotAllowed { file: PathBuf, dir: PathBuf, key: &'static str, source: io::Error },
    #[error("{0} has a key that is in use or was in use: a new one is needed; delete this file")]
    SameKey(PathBuf),
    #[error("{0} is a link: delete it, the next key is a file of its own")]
    Link(PathBuf),
    #[error("{0} is not a key of 32 bytes; copy it from where the keys are kept")]
    InvalidKey(PathBuf),
    #[error("{0} is not an RSA private key: {1}; copy it from where the keys are kept")]
    InvalidSigningKey(PathBuf, String),
}

#[derive(Clone)]
pub struct Keystore {
    /// The first one hashes; a rotation has further ones, whose hashes are accepted.
    hashing: (HashingKey, Vec<HashingKey>),
    /// The first one encrypts; a rotation has further ones, which only decrypt.
    sealing: (Zeroizing<[u8; 32]>, Vec<Zeroizing<[u8; 32]>>),
    /// The fingerprints of the key files in use.
    fingerprints: [String; 2],
    /// Those of all keys here, with those of a rotation.
    known: Vec<String>,
    /// What the database had about the keys when they were read.
    recorded: Vec<(String, String)>,
    /// The content of `signing-key.pem`, if there is one.
    first_signing_key: Option<Zeroizing<Vec<u8>>>,
    /// The keys that sign tokens, from the database.
    ring: Arc<KeyRing>,
}

impl Keystore {
    /// Reads the keys that the service manager passed, and those in `data_dir/keys`; with `create`, creates missing ones there. `recorded`, from
    /// the database, says which of them are used, and for what. Refused: a file that cannot be read or has no valid key, and keys without
    /// those that are recorded. The next key of a rotation may be absent. There are no signing keys yet; see [`with_ring`](Self::with_ring).
    pub fn open(data_dir: &Path, create: bool, entropy: &dyn Rng, recorded: &Fingerprints) -> Result<Self, KeystoreError> {
        Self::select(KeyFiles::find(data_dir, create, entropy)?, recorded)
    }

    /// The keys of a database that is in use. Also refused without the first signing key, if no release that stores signing keys has used the database.
    pub fn open_for_database(data_dir: &Path, entropy: &dyn Rng, recorded: &Fingerprints) -> Result<Self, KeystoreError> {
        let keys = Self::open(data_dir, false, entropy, recorded)?;
        if recorded.is_empty() && keys.first_signing_key.is_none() {
            return Err(KeystoreError::Missing(directory(data_dir).join(KEY_FILES[2])));
        }
        Ok(keys)
    }

    pub(super) fn select(mut files: KeyFiles, recorded: &Fingerprints) -> Result<Self, KeystoreError> {
        let [codes, secrets, _] = KEY_FILES;
        for (name, found) in [(codes, &files.codes), (secrets, &files.secrets)] {
            let unusable = files.unusable.iter().position(|(of, _)| *of == name);
            if let Some(at) = unusable.filter(|_| lacks_one(name, found, recorded)) {
                return Err(files.unusable.swap_remove(at).1);
            }
        }
        let (hashing, others) = choose(codes, files.codes, recorded)?;
        let (sealing, further) = choose(secrets, files.secrets, recorded)?;
        let first_id = check_first_signing_key(files.signing.as_deref(), &files.signing_file, recorded)?;
        let known = others.iter().chain(&further).map(|file| file.fingerprint.clone());
        let fingerprints = [hashing.fingerprint.clone(), sealing.fingerprint.clone()];
        let known = known.chain(fingerprints.iter().cloned()).chain(first_id).collect();
        let first = Recorded::of(codes, recorded).first.unwrap_or(&hashing.fingerprint).to_owned();
        let hashing_key = |file: &KeyFile| HashingKey::new(&file.key, &file.fingerprint, file.fingerprint == first);
        Ok(Self {
            hashing: (hashing_key(&hashing), others.iter().map(hashing_key).collect()),
            sealing: (sealing.key, further.into_iter().map(|file| file.key).collect()),
            fingerprints,
            known,
            recorded: recorded.to_vec(),
            first_signing_key: files.signing,
            ring: Arc::new(KeyRing::empty()),
        })
    }

    /// The same keys, with these for tokens.
    #[must_use]
    pub fn with_ring(&self, ring: KeyRing) -> Self {
        Self { ring: Arc::new(ring), ..self.clone() }
    }

    /// The keys that sign tokens.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// The public keys (RFC 7517), for resource servers that verify tokens.
    pub fn public(&self) -> &JwkSet {
        self.ring.public()
    }

    /// The content of `signing-key.pem`, in PEM; `None` if there is no such file.
    pub fn first_signing_key(&self) -> Option<&[u8]> {
        self.first_signing_key.as_deref().map(Vec::as_slice)
    }

    /// The name and the fingerprint of each key file in use, which tells keys apart and reveals nothing about them.
    pub fn fingerprints(&self) -> [(&'static str, &str); 2] {
        let [codes, secrets] = &self.fingerprints;
        [(KEY_FILES[0], codes), (KEY_FILES[1], secrets)]
    }

    /// The first key file that the database names, in use or for a rotation, and that is not here.
    pub fn first_missing(&self, recorded: &Fingerprints) -> Option<String> {
        let is_missing = |fingerprint: &str| !self.known.iter().any(|known| known == fingerprint);
        KEY_FILES.iter().find_map(|name| {
            let missing = Recorded::of(name, recorded).needed().find(|(_, fingerprint)| is_missing(fingerprint));
            missing.map(|(suffix, _)| format!("{name}{suffix}"))
        })
    }

    /// The same as of when they were read.
    pub fn missing(&self) -> Option<String> {
        self.first_missing(&self.recorded)
    }

    /// Whether these are the keys that the database names, each for its purpose.
    pub fn is_current(&self, recorded: &Fingerprints) -> bool {
        self.recorded == recorded && self.first_missing(recorded).is_none()
    }

    /// Whether both have the same keys in use, and the same others.
    pub fn has_same_keys(&self, other: &Self) -> bool {
        self.fingerprints == other.fingerprints && self.known == other.known && self.ring.is_current(other.ring.states())
    }

    /// The stored form of a secret: an HMAC under a key that is not in the database. `kind` separates the kinds of secrets.
    pub fn hash(&self, kind: &str, secret: &str) -> Vec<u8> {
        self.hashing.0.hash(kind, secret)
    }

    /// All forms in which a secret may be stored, to look it up: that of [`hash`](Self::hash) and, during a rotation, those of the other keys.
    pub fn hashes(&self, kind: &str, secret: &str) -> Vec<Vec<u8>> {
        self.hashing_keys().map(|key| key.hash(kind, secret)).collect()
    }

    /// Whether `hash` is that of `secret`, compared in constant time.
    pub fn matches(&self, kind: &str, secret: &str, hash: &[u8]) -> bool {
        let Some((hash, mark)) = hash.split_at_checked(HASH_LENGTH) else { return false };
        self.hashing_keys().find(|key| key.mark == mark).is_some_and(|key| key.mac(kind, secret).verify_slice(hash).is_ok())
    }

    /// The HMAC of a text under the key in use, without the key's mark: for what is computed again instead of being stored.
    pub fn mac(&self, kind: &str, text: &str) -> Vec<u8> {
        self.hashing.0.mac(kind, text).finalize().into_bytes().to_vec()
    }

    /// The mark of the key under which `mac` is that of the text, in use or of a rotation; compared in constant time. `None`: of none.
    pub fn verify_mac(&self, kind: &str, text: &str, mac: &[u8]) -> Option<&[u8]> {
        self.hashing_keys().find(|key| key.mac(kind, text).verify_slice(mac).is_ok()).map(|key| &*key.mark)
    }

    /// Whether a hash is one of another key than that in use.
    pub fn is_outdated(&self, hash: &[u8]) -> bool {
        hash.get(HASH_LENGTH..) != Some(self.mark())
    }

    /// What hashes under the key in use end with.
    pub fn mark(&self) -> &[u8] {
        &self.hashing.0.mark
    }

    fn hashing_keys(&self) -> impl Iterator<Item = &HashingKey> {
        std::iter::once(&self.hashing.0).chain(&self.hashing.1)
    }

    /// The key that seals secrets which must be recoverable.
    pub fn sealing(&self) -> &[u8; 32] {
        &self.sealing.0
    }

    /// Further keys under which such secrets may be sealed, during a rotation.
    pub fn other_sealing(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.sealing.1.iter().map(|key| &**key)
    }

    /// Signs a token with the active key of an algorithm. Fails if there is none.
    pub fn sign<C: SignedClaims>(&self, claims: &C, algorithm: SigningAlgorithm) -> Result<String, Fault> {
        self.ring.sign(claims, algorithm)
    }

    /// The claims of a token signed here for `audience`; `None` for any other. The caller checks issuer and times.
    pub fn verify<C: SignedClaims>(&self, token: &str, audience: &str) -> Option<C> {
        self.ring.verify(token, audience)
    }
}

/// Whether a key that the database names is in none of the files; without a record, whether the one of that name is none of them.
fn lacks_one(name: &str, files: &[KeyFile], recorded: &Fingerprints) -> bool {
    let recorded = Recorded::of(name, recorded);
    let is_there = |fingerprint: &str| files.iter().any(|file| file.fingerprint == fingerprint);
    let unnamed = recorded.active.is_none() && !files.iter().any(|file| file.path.ends_with(name));
    unnamed || recorded.needed().any(|(_, fingerprint)| !is_there(fingerprint))
}

/// The file with the key in use, and those of a rotation. Without a record it is the first file.
fn choose(name: &str, files: Vec<KeyFile>, recorded: &Fingerprints) -> Result<(KeyFile, Vec<KeyFile>), KeystoreError> {
    let recorded = Recorded::of(name, recorded);
    let place = files.first().map_or_else(|| PathBuf::from(name), |file| file.path.clone());
    // Two entries of the record may name the same key.
    let find = |fingerprint: &str| files.iter().find(|file| file.fingerprint == fingerprint).cloned();
    let previous =
        recorded.previous.map(|previous| find(previous).ok_or_else(|| KeystoreError::Missing(place.with_file_name(format!("{name}{PREVIOUS}")))));
    let next = recorded.usable_next().and_then(find);
    let active = match recorded.active {
        Some(fingerprint) => find(fingerprint),
        None => files.into_iter().next(),
    };
    let active = active.ok_or_else(|| KeystoreError::Different(place.clone()))?;
    Ok((active, previous.transpose()?.into_iter().chain(next).collect()))
}

/// The id of the key in `file`, where older releases have their only signing key. Refused if it is not the one that the database names; ignored if it
/// names none.
fn check_first_signing_key(pem: Option<&Vec<u8>>, file: &Path, recorded: &Fingerprints) -> Result<Option<String>, KeystoreError> {
    let expected = Recorded::of(KEY_FILES[2], recorded).active;
    match pem {
        None if expected.is_some() => Err(KeystoreError::Missing(file.to_owned())),
        Some(pem) if expected.is_some() || recorded.is_empty() => {
            let id = first_signing_key_id(pem, file)?;
            if expected.is_some_and(|expected| expected != id) { Err(KeystoreError::Different(file.to_owned())) } else { Ok(Some(id)) }
        }
        _ => Ok(None),
    }
}

fn first_signing_key_id(pem: &[u8], file: &Path) -> Result<String, KeystoreError> {
    let key = signing::from_pem(pem, SigningAlgorithm::Rs256).and_then(|(_, public)| signing::id_of(&public));
    key.map(String::from).map_err(|error| KeystoreError::InvalidSigningKey(file.to_owned(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::service::SystemRng;

    #[test]
    fn hashes_of_two_keys_are_valid_during_a_rotation() {
        let dir = tempfile::tempdir().expect("a folder");
        let open = |recorded: &[(&str, &str)]| {
            let recorded: Vec<_> = recorded.iter().map(|(name, fingerprint)| ((*name).to_owned(), (*fingerprint).to_owned())).collect();
            Keystore::open(dir.path(), true, &SystemRng, &recorded)
        };
        let first = open(&[]).expect("keys");
        let old_hash = first.hash("client secret", "s");
        assert_eq!((old_hash.len(), first.hashes("client secret", "s").len()), (32, 1), "no rotation: nothing is looked up twice");
        let old = first.fingerprints()[0].1.to_owned();
        let new = create_next(&dir.path().join(KEYS_DIR), RotatedKey::Codes, &SystemRng).expect("created").fingerprint;

        let prepared = open(&[("codes.key", &*old), ("codes.key.next", &*new)]).expect("keys");
        assert_eq!(prepared.hash("client secret", "s"), old_hash, "the old one is in use");
        // The file names do not matter.
        let activated_record = [("codes.key", &*new), ("codes.key.previous", &*old), ("codes.key.first", &*old)];
        let activated = open(&activated_record).expect("keys");
        let new_hash = activated.hash("client secret", "s");
        for keys in [&prepared, &activated] {
            assert!(keys.matches("client secret", "s", &old_hash) && keys.matches("client secret", "s", &new_hash));
            assert!(!keys.matches("client secret", "t", &new_hash) && !keys.matches("host credential", "s", &new_hash));
            assert_eq!(keys.hashes("client secret", "s").len(), 2);
        }
        assert_eq!((activated.is_outdated(&old_hash), activated.is_outdated(&new_hash), new_hash.ends_with(activated.mark())), (true, false, true));
        for broken in [&new_hash[..39], &new_hash[..32], &new_hash[..31], &[]] {
            assert!(!activated.matches("client secret", "s", broken), "{} bytes", broken.len());
        }
        let (old_mac, new_mac) = (prepared.mac("refresh token", "s"), activated.mac("refresh token", "s"));
        for keys in [&prepared, &activated] {
            assert_eq!((old_mac.len(), keys.verify_mac("refresh token", "s", &old_mac)), (32, Some(&[][..])));
            assert_eq!(keys.verify_mac("refresh token", "s", &new_mac), Some(activated.mark()));
            assert_eq!(keys.verify_mac("refresh token", "t", &new_mac).or(keys.verify_mac("client secret", "s", &new_mac)), None);
            assert_eq!(keys.verify_mac("refresh token", "s", &new_mac[..31]), None);
        }
        let finished = open(&[("codes.key", &*new), ("codes.key.first", &*old)]).expect("keys");
        assert_eq!((finished.verify_mac("refresh token", "s", &old_mac), finished.mac("refresh token", "s")), (None, new_mac));
        assert!(finished.matches("client secret", "s", &new_hash) && !finished.matches("client secret", "s", &old_hash));

        let recorded: Vec<_> = activated_record.iter().map(|(name, fingerprint)| ((*name).to_owned(), (*fingerprint).to_owned())).collect();
        assert_eq!((first.first_missing(&recorded), activated.first_missing(&recorded)), (Some("codes.key".to_owned()), None));
        assert!(activated.is_current(&recorded) && !prepared.is_current(&recorded));
        assert!(matches!(open(&[("codes.key", "another")]), Err(KeystoreError::Different(file)) if file.ends_with("codes.key")));
        let without_previous = open(&[("codes.key", &*old), ("codes.key.previous", "another")]);
        assert!(matches!(without_previous, Err(KeystoreError::Missing(file)) if file.ends_with("codes.key.previous")));
        let twice = [("codes.key", &*new), ("codes.key.next", &*new), ("codes.key.first", &*old)];
        let twice = open(&twice).expect("one file for two entries of the record");
        assert_eq!((twice.hash("client secret", "s") == new_hash, twice.hashes("client secret", "s").len()), (true, 1));
        let (next, good) = (dir.path().join("keys/codes.key.next"), dir.path().join("keys/codes.key.previous"));
        std::fs::rename(&next, &good).expect("renamed");
        std::fs::write(&next, "no key").expect("written");
        std::fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
        assert!(open(&[("codes.key", &*old)]).is_ok() && open(&[]).is_ok(), "the database does not name it");
        let invalid = open(&[("codes.key", &*old), ("codes.key.next", "another")]);
        assert!(matches!(invalid, Err(KeystoreError::InvalidKey(file)) if file == next));
        std::fs::rename(&good, &next).expect("renamed");
        let without_next = open(&[("codes.key", &*old), ("codes.key.next", "another")]).expect("it is not needed yet");
        let recorded = [("codes.key.next".to_owned(), "another".to_owned())];
        assert_eq!(without_next.first_missing(&recorded), Some("codes.key.next".to_owned()));
    }

    #[test]
    fn first_signing_key_is_needed_while_the_database_names_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("keys/signing-key.pem");
        let first = Keystore::open(dir.path(), true, &SystemRng, &[]).expect("keys");
        let id = first_signing_key_id(first.first_signing_key().expect("a key"), &file).expect("an id");
        let others: Vec<_> = first.fingerprints().map(|(name, fingerprint)| (name.to_owned(), fingerprint.to_owned())).into();
        let open = |signing: Option<&str>| {
            let signing = signing.map(|id| (KEY_FILES[2].to_owned(), id.to_owned()));
            let recorded: Vec<_> = others.iter().cloned().chain(signing).collect();
            Keystore::open(dir.path(), false, &SystemRng, &recorded).map(|keys| keys.first_missing(&recorded))
        };
        assert!(matches!(open(Some(&id)), Ok(None)));
        assert!(matches!(open(Some("another")), Err(KeystoreError::Different(different)) if different == file));
        std::fs::write(&file, "no key").expect("written");
        assert!(matches!(open(Some(&id)), Err(KeystoreError::InvalidSigningKey(..))));
        assert!(matches!(open(None), Ok(None)), "the database does not name it");
        std::fs::remove_file(&file).expect("removed");
        assert!(matches!(open(Some(&id)), Err(KeystoreError::Missing(missing)) if missing == file));
        assert!(matches!(open(None), Ok(None)));
        assert!(!file.exists(), "it is not created again");
    }
}
