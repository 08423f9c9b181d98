//! Keys with the names of their files, for backups of the keys.

use std::path::Path;

use zeroize::Zeroizing;

use super::files::{KeyFile, KeyFiles, key_of};
use super::hashing::fingerprint;
use super::recorded::{Fingerprints, NEXT, PREVIOUS, Recorded};
use super::{KEY_FILES, KeystoreError};

/// A key file in a backup.
pub struct NamedKey {
    pub name: String,
    pub content: Zeroizing<Vec<u8>>,
}

impl KeyFiles {
    /// All with the names that the record implies; without one, those of the files. Fails if one is missing that the record names.
    pub fn named(&self, recorded: &Fingerprints) -> Result<Vec<NamedKey>, KeystoreError> {
        let mut named = Vec::new();
        for (name, files) in [(KEY_FILES[0], &self.codes), (KEY_FILES[1], &self.secrets)] {
            let record = Recorded::of(name, recorded);
            let named_key = |name: String, file: &KeyFile| NamedKey { name, content: Zeroizing::new(file.key.to_vec()) };
            for (suffix, fingerprint) in record.needed() {
                let place = || self.signing_file.with_file_name(format!("{name}{suffix}"));
                let file = files.iter().find(|file| file.fingerprint == fingerprint).ok_or_else(|| KeystoreError::Missing(place()))?;
                named.push(named_key(format!("{name}{suffix}"), file));
            }
            if record.active.is_none() {
                named.extend(files.iter().filter_map(|file| Some(named_key(file.path.file_name()?.to_str()?.to_owned(), file))));
            }
        }
        named.extend(self.signing.clone().map(|content| NamedKey { name: KEY_FILES[2].to_owned(), content }));
        Ok(named)
    }

    /// The same as files that are to be in `dir`. Refused, with the reason: names of other files, a missing one, what is no key.
    pub fn from_named(dir: &Path, keys: &[NamedKey]) -> Result<Self, String> {
        let ([codes, secrets, signing], mut files) = (KEY_FILES, (Vec::new(), Vec::new()));
        let mut pem = None;
        for NamedKey { name, content } in keys {
            let of = |key: &str| name.strip_prefix(key).is_some_and(|suffix| ["", NEXT, PREVIOUS].contains(&suffix));
            let file = |key: &str| {
                let path = dir.join(name);
                let bytes = key_of(&path, content).map_err(|_| format!("{name} is not a key of 32 bytes"))?;
                Ok::<_, String>(KeyFile { fingerprint: fingerprint(key, &bytes), path, key: bytes })
            };
            match name.as_str() {
                _ if of(codes) => files.0.push(file(codes)?),
                _ if of(secrets) => files.1.push(file(secrets)?),
                name if name == signing => pem = Some(content.clone()),
                other => return Err(format!("{other:?} is not the name of a key file")),
            }
        }
        let has = |files: &[KeyFile], name: &str| files.iter().any(|file| file.path.ends_with(name));
        if !has(&files.0, codes) || !has(&files.1, secrets) {
            return Err(format!("it does not have {codes} and {secrets}"));
        }
        Ok(Self { codes: files.0, secrets: files.1, signing: pem, signing_file: dir.join(signing), unusable: Vec::new() })
    }
}
