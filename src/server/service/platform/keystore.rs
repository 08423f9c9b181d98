//! The keys of this deployment, in files beside the database: a copy of the database alone gives no access.

mod passed;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
#[expect(clippy::disallowed_types, reason = "the search for primes needs the real generator, in tests too")]
use rsa::rand_core::OsRng;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::token::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use crate::server::service::{Fault, Rng};

/// RFC 9068 §2.1: every authorization server and resource server must support RS256.
const ALGORITHM: Algorithm = Algorithm::RS256;
const RSA_BITS: usize = 2_048;
/// What is hashed with a key for its fingerprint.
const FINGERPRINT: &str = "fingerprint";
/// The key that hashes secrets, the one that encrypts secrets, and the one that signs tokens.
pub const KEY_FILES: [&str; 3] = ["codes.key", "secrets.key", "signing-key.pem"];
/// Their directory in the data directory.
pub const KEYS_DIR: &str = "keys";

/// Why the keys cannot be used.
#[derive(Debug, Error)]
pub enum KeystoreError {
    #[error("cannot use {0}: {1}")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} can be read by others (mode {1:04o}); `chmod 600` it, and replace the key if anybody may have read it")]
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
    #[error("{0} is not the key that this database was first used with; put that one there")]
    Different(PathBuf),
    #[error("{0} is not a key of 32 bytes; copy it from where the keys are kept")]
    InvalidKey(PathBuf),
    #[error("{0} is not an RSA private key: {1}; copy it from where the keys are kept")]
    InvalidSigningKey(PathBuf, String),
}

pub struct Keystore {
    /// Keyed already: most requests of machines have a secret to compare.
    hashing: Hmac<Sha256>,
    sealing: Zeroizing<[u8; 32]>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    key_id: String,
    public: JwkSet,
}

impl Keystore {
    /// Reads the keys that the service manager passed, else those in `data_dir/keys`; with `create`, creates missing ones there. Fails if a file
    /// cannot be read or has no valid key.
    pub fn open(data_dir: &Path, create: bool, entropy: &dyn Rng) -> Result<Self, Fault> {
        if let Some(passed) = passed::directory() {
            return Self::open_passed(&passed).map_err(Fault::new);
        }
        let dir = data_dir.join(KEYS_DIR);
        if dir.is_symlink() && !dir.exists() {
            return Err(Fault::new(KeystoreError::NotADirectory(dir)));
        }
        if create {
            private_dir(data_dir).and_then(|()| private_dir(&dir)).map_err(|error| Fault::new(KeystoreError::File(dir.clone(), error)))?;
        }
        for file in KEY_FILES.iter().map(|name| dir.join(name)).filter(|_| !create) {
            match file.try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(Fault::new(KeystoreError::Missing(file))),
                Err(error) => return Err(Fault::new(KeystoreError::File(file, error))),
            }
        }
        let [hashing, sealing, signing] = KEY_FILES.map(|name| dir.join(name));
        let (hashing, sealing) = (random_key(&hashing, entropy).map_err(Fault::new)?, random_key(&sealing, entropy).map_err(Fault::new)?);
        Self::with_signing_key(hashing, sealing, &signing).map_err(Fault::new)
    }

    /// Creates the missing keys in `dir`. Returns false if there is none missing. Fails if an existing one is not valid.
    pub fn create(dir: &Path, entropy: &dyn Rng) -> Result<bool, Fault> {
        let missing = KEY_FILES.iter().any(|name| !dir.join(name).exists());
        private_dir(dir).map_err(|error| Fault::new(KeystoreError::File(dir.to_owned(), error)))?;
        let [hashing, sealing, signing] = KEY_FILES.map(|name| dir.join(name));
        let (hashing, sealing) = (random_key(&hashing, entropy).map_err(Fault::new)?, random_key(&sealing, entropy).map_err(Fault::new)?);
        Self::with_signing_key(hashing, sealing, &signing).map_err(Fault::new)?;
        Ok(missing)
    }

    fn with_signing_key(hashing: Zeroizing<[u8; 32]>, sealing: Zeroizing<[u8; 32]>, file: &Path) -> Result<Self, KeystoreError> {
        let pem = read_or_create(file, || {
            let key = RsaPrivateKey::new(&mut OsRng, RSA_BITS).map_err(io::Error::other)?;
            let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(io::Error::other)?;
            Ok(Zeroizing::new(pem.as_bytes().to_vec()))
        })?;
        Self::from_keys(hashing, sealing, &pem, file)
    }

    /// `file` is where the signing key is from.
    fn from_keys(hashing: Zeroizing<[u8; 32]>, sealing: Zeroizing<[u8; 32]>, pem: &[u8], file: &Path) -> Result<Self, KeystoreError> {
        let not_a_key = |error: jsonwebtoken::errors::Error| KeystoreError::InvalidSigningKey(file.to_owned(), error.to_string());
        let encoding = EncodingKey::from_rsa_pem(pem).map_err(not_a_key)?;
        let mut public = Jwk::from_encoding_key(&encoding, ALGORITHM).map_err(not_a_key)?;
        // The key's thumbprint (RFC 7638), so that a new key never has an old one's id.
        let key_id = public.thumbprint(ThumbprintHash::SHA256).map_err(not_a_key)?;
        public.common.key_id = Some(key_id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        public.common.key_algorithm = Some(KeyAlgorithm::RS256);
        let decoding = DecodingKey::from_jwk(&public).map_err(not_a_key)?;
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let hashing = Hmac::new_from_slice(hashing.as_ref()).expect("HMAC takes any key");
        Ok(Self { hashing, sealing, encoding, decoding, key_id, public: JwkSet { keys: vec![public] } })
    }

    /// The name and the fingerprint of each key file, which tells keys apart and reveals nothing about them.
    pub fn fingerprints(&self) -> Result<[(&'static str, String); 3], Fault> {
        let sealing = Hmac::<Sha256>::new_from_slice(self.sealing.as_ref()).map_err(Fault::new)?.chain_update(FINGERPRINT).finalize();
        let fingerprints = [hex::encode(self.hash(FINGERPRINT, "")), hex::encode(sealing.into_bytes()), self.key_id.clone()];
        let [hashing, sealing, signing] = fingerprints;
        Ok([(KEY_FILES[0], hashing), (KEY_FILES[1], sealing), (KEY_FILES[2], signing)])
    }

    /// The first key file whose recorded fingerprint, by file name, is another key's.
    pub fn first_different(&self, recorded: &[(String, String)]) -> Result<Option<&'static str>, Fault> {
        let differs = |(name, fingerprint): &(&str, String)| recorded.iter().any(|(of, expected)| of == name && expected != fingerprint);
        Ok(self.fingerprints()?.into_iter().find(differs).map(|(name, _)| name))
    }

    /// Refuses keys of which one is not that of the recorded fingerprint.
    pub fn check(&self, data_dir: &Path, recorded: &[(String, String)]) -> Result<(), Fault> {
        let different = self.first_different(recorded)?;
        different.map_or(Ok(()), |name| Err(Fault::new(KeystoreError::Different(directory(data_dir).join(name)))))
    }

    /// The stored form of a secret: an HMAC under a key that is not in the database. `kind` separates the kinds of secrets.
    pub fn hash(&self, kind: &str, secret: &str) -> Vec<u8> {
        self.mac(kind, secret).finalize().into_bytes().to_vec()
    }

    /// The key that seals secrets which must be recoverable.
    pub fn sealing(&self) -> &[u8; 32] {
        &self.sealing
    }

    /// Whether `hash` is that of `secret`, compared in constant time.
    pub fn matches(&self, kind: &str, secret: &str, hash: &[u8]) -> bool {
        self.mac(kind, secret).verify_slice(hash).is_ok()
    }

    fn mac(&self, kind: &str, secret: &str) -> Hmac<Sha256> {
        let mut mac = self.hashing.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(secret.as_bytes());
        mac
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

/// Where the keys are: the directory that the service manager passed, else `data_dir/keys`.
pub fn directory(data_dir: &Path) -> PathBuf {
    passed::directory().unwrap_or_else(|| data_dir.join(KEYS_DIR))
}

/// Whether there are keys, which are created after their database, or by `keys init`.
pub fn has_keys(data_dir: &Path) -> bool {
    let dir = directory(data_dir);
    KEY_FILES.iter().any(|name| dir.join(name).exists())
}

fn random_key(file: &Path, entropy: &dyn Rng) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let bytes = read_or_create(file, || {
        let mut key = Zeroizing::new(vec![0_u8; 32]);
        entropy.fill(&mut key);
        Ok(key)
    })?;
    key_of(file, &bytes)
}

fn key_of(file: &Path, bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
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
    let failed = |error| KeystoreError::File(file.to_owned(), error);
    match fs::read(file) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            require_private(file, &fs::metadata(file).map_err(failed)?)?;
            Ok(bytes)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let bytes = make().map_err(failed)?;
            let fresh = file.with_extension(format!("new.{}", std::process::id()));
            let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(failed)?;
            out.write_all(&bytes).and_then(|()| out.sync_all()).map_err(failed)?;
            // Never replaces a key that another process has created meanwhile: that one is read.
            let linked = fs::hard_link(&fresh, file);
            fs::remove_file(&fresh).map_err(failed)?;
            match linked {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return fs::read(file).map(Zeroizing::new).map_err(failed),
                linked => linked.map_err(failed)?,
            }
            Ok(bytes)
        }
        Err(error) => Err(failed(error)),
    }
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
    fn keys_are_created_once_with_private_mode() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Keystore::open(dir.path(), true, &SystemRng).expect("keys");
        let second = Keystore::open(dir.path(), true, &SystemRng).expect("the same keys");
        assert_eq!(first.key_id, second.key_id);
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
        Keystore::open(dir.path(), true, &SystemRng).expect("keys");
        let file = dir.path().join("keys/codes.key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(Keystore::open(dir.path(), true, &SystemRng).is_err_and(|error| error.to_string().contains("by others (mode 0644)")));
        // As Kubernetes sets it with fsGroup.
        for mode in [0o640, 0o660, 0o440] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("chmod");
            let refused = Keystore::open(dir.path(), true, &SystemRng).err().expect("refused").to_string();
            for part in [&format!("(mode {mode:04o})"), "fsGroup", "chmod 600", "codes.key"] {
                assert!(refused.contains(part), "{part}: {refused}");
            }
        }
    }

    #[test]
    fn only_own_access_tokens_for_the_audience_are_valid() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = Keystore::open(dir.path(), true, &SystemRng).expect("keys");
        let other_dir = tempfile::tempdir().expect("a folder");
        let other = Keystore::open(other_dir.path(), true, &SystemRng).expect("keys");
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
