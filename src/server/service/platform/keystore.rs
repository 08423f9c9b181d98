//! The keys of this deployment, in files beside the database: a copy of the database alone gives no access.

pub(super) mod arrangement;
pub(super) mod files;
mod hashing;
pub(super) mod named;
mod passed;
pub(super) mod recorded;

use std::io;
use std::path::{Path, PathBuf};

use hmac::Mac;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::token::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use crate::server::service::{Fault, Rng};

use self::files::{KeyFile, KeyFiles};
pub use self::files::{create, create_next, delete_next, directory, has_keys};
pub(in crate::server) use self::files::{private_dir, read_or_create};
use self::hashing::{HASH_LENGTH, HashingKey};
pub use self::recorded::{ENDED, FIRST, Fingerprints, NEXT, PREVIOUS, Recorded, RotatedKey};

/// RFC 9068 §2.1: every authorization server and resource server must support RS256.
const ALGORITHM: Algorithm = Algorithm::RS256;
/// The key that hashes secrets, the one that encrypts secrets, and the one that signs tokens.
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
    #[error("{0} does not exist, but its directory has others of the keys: the service manager has to pass all three")]
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

pub struct Keystore {
    /// The first one hashes; a rotation has further ones, whose hashes are accepted.
    hashing: (HashingKey, Vec<HashingKey>),
    /// The first one encrypts; a rotation has further ones, which only decrypt.
    sealing: (Zeroizing<[u8; 32]>, Vec<Zeroizing<[u8; 32]>>),
    /// The fingerprints of the key files in use.
    fingerprints: [String; 3],
    /// Those of all keys here, with those of a rotation.
    known: Vec<String>,
    /// What the database had about the keys when they were read.
    recorded: Vec<(String, String)>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    key_id: String,
    public: JwkSet,
}

impl Keystore {
    /// Reads the keys that the service manager passed, and those in `data_dir/keys`; with `create`, creates missing ones there. `recorded`, from
    /// the database, says which of them are used, and for what. Refused: a file that cannot be read or has no valid key, and keys without
    /// those that are recorded. The next key of a rotation may be absent.
    pub fn open(data_dir: &Path, create: bool, entropy: &dyn Rng, recorded: &Fingerprints) -> Result<Self, KeystoreError> {
        Self::select(KeyFiles::find(data_dir, create, entropy)?, recorded)
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
        let (encoding, public, key_id) = signing_key(&files.signing, &files.signing_file)?;
        if Recorded::of(KEY_FILES[2], recorded).active.is_some_and(|expected| expected != key_id) {
            return Err(KeystoreError::Different(files.signing_file));
        }
        let decoding = DecodingKey::from_jwk(&public).map_err(|error| invalid_signing_key(&files.signing_file, &error))?;
        let known = others.iter().chain(&further).map(|file| file.fingerprint.clone());
        let fingerprints = [hashing.fingerprint.clone(), sealing.fingerprint.clone(), key_id.clone()];
        let known = known.chain(fingerprints.iter().cloned()).collect();
        let first = Recorded::of(codes, recorded).first.unwrap_or(&hashing.fingerprint).to_owned();
        let hashing_key = |file: &KeyFile| HashingKey::new(&file.key, &file.fingerprint, file.fingerprint == first);
        Ok(Self {
            hashing: (hashing_key(&hashing), others.iter().map(hashing_key).collect()),
            sealing: (sealing.key, further.into_iter().map(|file| file.key).collect()),
            fingerprints,
            known,
            recorded: recorded.to_vec(),
            encoding,
            decoding,
            key_id,
            public: JwkSet { keys: vec![public] },
        })
    }

    /// The name and the fingerprint of each key file in use, which tells keys apart and reveals nothing about them.
    pub fn fingerprints(&self) -> [(&'static str, &str); 3] {
        let [codes, secrets, signing] = &self.fingerprints;
        [(KEY_FILES[0], codes), (KEY_FILES[1], secrets), (KEY_FILES[2], signing)]
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
        self.fingerprints == other.fingerprints && self.known == other.known
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

    /// Signs an access token.
    pub fn sign(&self, claims: &AccessTokenClaims) -> Result<String, Fault> {
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Fault::new)
    }

    /// The claims of a token signed here for `audience`; `None` for any other. The caller checks issuer and times.
    pub fn verify(&self, token: &str, audience: &str) -> Option<AccessTokenClaims> {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Checked with our own clock, which tests can set.
        validation.validate_exp = false;
        let token = jsonwebtoken::decode::<AccessTokenClaims>(token, &self.decoding, &validation).ok()?;
        let typed = token.header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case(ACCESS_TOKEN_TYPE));
        (typed && token.header.kid.as_deref() == Some(&self.key_id)).then_some(token.claims)
    }

    /// The public keys (RFC 7517), for resource servers that verify tokens.
    pub fn public(&self) -> &JwkSet {
        &self.public
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

fn invalid_signing_key(file: &Path, error: &jsonwebtoken::errors::Error) -> KeystoreError {
    KeystoreError::InvalidSigningKey(file.to_owned(), error.to_string())
}

/// `file` is where the key is from.
fn signing_key(pem: &[u8], file: &Path) -> Result<(EncodingKey, Jwk, String), KeystoreError> {
    let not_a_key = |error| invalid_signing_key(file, &error);
    let encoding = EncodingKey::from_rsa_pem(pem).map_err(not_a_key)?;
    let mut public = Jwk::from_encoding_key(&encoding, ALGORITHM).map_err(not_a_key)?;
    // The key's thumbprint (RFC 7638), so that a new key never has an old one's id.
    let key_id = public.thumbprint(ThumbprintHash::SHA256).map_err(not_a_key)?;
    public.common.key_id = Some(key_id.clone());
    public.common.public_key_use = Some(PublicKeyUse::Signature);
    public.common.key_algorithm = Some(KeyAlgorithm::RS256);
    Ok((encoding, public, key_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::service::SystemRng;

    fn claims(audience: &str) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://tms.example/t/test".into(),
            sub: "jdoe".into(),
            aud: audience.into(),
            client_id: "tms-cli".into(),
            scope: "hosts:read".into(),
            jti: "tok_1".into(),
            iat: 1,
            exp: 2,
        }
    }

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
    fn only_own_access_tokens_for_the_audience_are_valid() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = Keystore::open(dir.path(), true, &SystemRng, &[]).expect("keys");
        let other_dir = tempfile::tempdir().expect("a folder");
        let other = Keystore::open(other_dir.path(), true, &SystemRng, &[]).expect("keys");
        let token = keys.sign(&claims("api")).expect("a token");
        assert_eq!(keys.verify(&token, "api").map(|claims| claims.sub), Some("jdoe".into()));
        assert!(keys.verify(&token, "another api").is_none());
        assert!(other.verify(&token, "api").is_none());
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(keys.key_id.clone());
        let untyped = jsonwebtoken::encode(&header, &claims("api"), &keys.encoding).expect("a token");
        assert!(keys.verify(&untyped, "api").is_none(), "a JWT of another type is no access token");
        for broken in ["", "a.b.c", "....", token.trim_end_matches(|c| c != '.'), "eyJhbGciOiJub25lIn0.e30."] {
            assert!(keys.verify(broken, "api").is_none(), "{broken}");
        }
    }
}
