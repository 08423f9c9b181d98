//! The names of key files during and after a rotation.

use std::fs;
use std::io;
use std::path::Path;

use super::KeystoreError;
use super::files::{Check, read_key};
use super::recorded::{Fingerprints, NEXT, PREVIOUS, Recorded, RotatedKey};
use crate::server::storage::backup::sync_parent;

/// A change of key files that this user may not make, as a command, and the error.
pub struct ToDo {
    pub command: String,
    pub error: io::Error,
}

/// Gives the files of a key the names that the database's record implies: the key in use its own, the previous one its suffix. The file of the
/// key that has ended is deleted; one that the record does not name is renamed. Can be repeated; the key in use always has its name.
/// Returns what has to be done by a user who may change the directory.
pub fn arrange(dir: &Path, key: RotatedKey, recorded: &Fingerprints) -> Result<Vec<ToDo>, KeystoreError> {
    let (name, recorded) = (key.file_name(), Recorded::of(key.file_name(), recorded));
    let [current, next, previous] = ["", NEXT, PREVIOUS].map(|suffix| dir.join(format!("{name}{suffix}")));
    let mut fingerprints = Vec::new();
    for path in [&current, &next, &previous] {
        fingerprints.push(read_key(name, path.clone(), Check::Owner)?.map(|file| file.fingerprint));
    }
    let [in_current, in_next, in_previous] = [0, 1, 2].map(|at| fingerprints.get(at).and_then(Option::as_deref));
    let is = |found: Option<&str>, fingerprint: Option<&str>| found.is_some() && found == fingerprint;
    let unused = |fingerprint: &str| dir.join(format!("{name}.unused-{}", fingerprint.get(..16).unwrap_or_default()));
    let mut left = Vec::new();
    let mut run = |change: fn(&Path, &Path) -> io::Result<()>, verb: &str, from: &Path, to: &Path| {
        // After one that failed, the others would lose a key.
        let done = if left.is_empty() { change(from, to) } else { Err(io::ErrorKind::PermissionDenied.into()) };
        let command = format!("{verb} {} {}", from.display(), to.display()).trim_end().to_owned();
        left.extend(done.err().map(|error| ToDo { command, error }));
    };
    if is(in_next, recorded.active) && !is(in_current, recorded.active) {
        if let Some(other) = in_previous.filter(|_| !is(in_previous, recorded.previous) && !is(in_previous, recorded.ended)) {
            run(|from, to| fs::rename(from, to), "mv", &previous, &unused(other));
        }
        match in_current {
            Some(_) if is(in_current, recorded.ended) || is(in_previous, in_current) => {}
            Some(_) if is(in_current, recorded.previous) => run(|from, to| fs::hard_link(from, to), "ln", &current, &previous),
            Some(other) => run(|from, to| fs::hard_link(from, to), "ln", &current, &unused(other)),
            None => {}
        }
        run(|from, to| fs::rename(from, to), "mv", &next, &current);
    }
    if is(in_previous, recorded.ended) {
        run(|file, _| fs::remove_file(file), "rm", &previous, Path::new(""));
    }
    if left.is_empty() {
        sync_parent(&current).map_err(|error| KeystoreError::File(dir.to_owned(), error))?;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::hashing::fingerprint;
    use super::*;

    fn record(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        entries.iter().map(|(name, fingerprint)| ((*name).to_owned(), (*fingerprint).to_owned())).collect()
    }

    /// The names of the files of `codes.key` with the first bytes of their keys.
    fn contents(dir: &Path) -> Vec<(String, u8)> {
        let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry"));
        let codes = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("codes.key"));
        let mut found: Vec<_> =
            codes.map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("read")[0])).collect();
        found.sort();
        found
    }

    fn put(dir: &Path, name: &str, byte: u8) -> String {
        fs::write(dir.join(name), [byte; 32]).expect("written");
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o600)).expect("set");
        fingerprint("codes.key", &[byte; 32])
    }

    #[test]
    fn files_are_named_as_the_database_says_and_no_key_is_lost() {
        let dir = tempfile::tempdir().expect("a folder");
        let (old, new) = (put(dir.path(), "codes.key", 1), put(dir.path(), "codes.key.next", 2));
        let named = |record: &Fingerprints| {
            assert!(arrange(dir.path(), RotatedKey::Codes, record).expect("arranged").is_empty());
            contents(dir.path()).iter().map(|(name, byte)| format!("{name} {byte}")).collect::<Vec<_>>().join(", ")
        };
        let prepared = record(&[("codes.key", &old), ("codes.key.next", &new)]);
        assert_eq!(named(&prepared), "codes.key 1, codes.key.next 2");
        let activated = record(&[("codes.key", &new), ("codes.key.previous", &old)]);
        // As after a kill between two changes.
        fs::hard_link(dir.path().join("codes.key"), dir.path().join("codes.key.previous")).expect("linked");
        for _ in 0..2 {
            assert_eq!(named(&activated), "codes.key 2, codes.key.previous 1");
        }
        // A backup from before was restored: the old key is in use again, and is replaced once more.
        let third = put(dir.path(), "codes.key.next", 3);
        let again = record(&[("codes.key", &third), ("codes.key.previous", &old)]);
        let kept = named(&again);
        assert!(kept.starts_with("codes.key 3, codes.key.previous 1, codes.key.unused-") && kept.ends_with(" 2"), "{kept}");
        let ended = named(&record(&[("codes.key", &third), ("codes.key.ended", &old)]));
        assert!(ended.starts_with("codes.key 3, codes.key.unused-") && !ended.contains("previous"), "{ended}");
    }
}
