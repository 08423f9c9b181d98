//! The names of key files during and after a rotation.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::KeystoreError;
use super::files::{Check, read_key};
use super::recorded::{Fingerprints, NEXT, PREVIOUS, Recorded, RotatedKey};
use crate::server::storage::backup::sync_parent;

/// Changes of key files that this user may not make, as one command line, and the error.
#[derive(Debug)]
pub struct ToDo {
    pub command: String,
    pub error: io::Error,
}

/// A change of the names of key files.
enum Step {
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    /// Gives a file a second name.
    Link(PathBuf, PathBuf),
}

impl Step {
    fn run(&self) -> io::Result<()> {
        match self {
            Self::Remove(file) => fs::remove_file(file),
            Self::Rename(from, to) => fs::rename(from, to),
            Self::Link(from, to) => fs::hard_link(from, to),
        }
    }

    /// The same for a shell.
    fn command(&self) -> String {
        match self {
            Self::Remove(file) => format!("rm {}", quoted(file)),
            Self::Rename(from, to) => format!("mv {} {}", quoted(from), quoted(to)),
            Self::Link(from, to) => format!("ln {} {}", quoted(from), quoted(to)),
        }
    }
}

/// The whole path: another user runs the command in another directory.
fn quoted(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Gives the files of a key the names that the database's record implies: the key in use its own, the previous one its suffix. The file of the
/// key that has ended is deleted; one that the record does not name is renamed. Can be repeated; the key in use always has its name.
/// Returns what has to be done by a user who may change the directory.
pub fn arrange(dir: &Path, key: RotatedKey, recorded: &Fingerprints) -> Result<Option<ToDo>, KeystoreError> {
    let steps = plan(dir, key, recorded)?;
    for (at, step) in steps.iter().enumerate() {
        if let Err(error) = step.run() {
            // Each step depends on the ones before it: `&&` ends with the first that fails.
            let command = steps.iter().skip(at).map(Step::command).collect::<Vec<_>>().join(" && ");
            return Ok(Some(ToDo { command, error }));
        }
    }
    if !steps.is_empty() {
        sync_parent(&dir.join(key.file_name())).map_err(|error| KeystoreError::File(dir.to_owned(), error))?;
    }
    Ok(None)
}

/// The steps in an order in which each key that the record names has a file after each of them.
fn plan(dir: &Path, key: RotatedKey, recorded: &Fingerprints) -> Result<Vec<Step>, KeystoreError> {
    let (name, recorded) = (key.file_name(), Recorded::of(key.file_name(), recorded));
    let path = |suffix: &str| dir.join(format!("{name}{suffix}"));
    let [current, next, previous] = ["", NEXT, PREVIOUS].map(path);
    let (in_current, in_next, in_previous) = (content(name, &current)?, content(name, &next)?, content(name, &previous)?);
    let [in_current, in_next, in_previous] = [&in_current, &in_next, &in_previous].map(Option::as_deref);
    let is = |found: Option<&str>, fingerprint: Option<&str>| found.is_some() && found == fingerprint;
    let unused = |fingerprint: &str| path(&format!(".unused-{}", fingerprint.get(..16).unwrap_or_default()));
    let has_ended = is(in_previous, recorded.ended) && !recorded.needed().any(|(_, needed)| is(in_previous, Some(needed)));
    // A next key in another's place stays there: it would lose its file.
    let next_elsewhere = is(in_current, recorded.next) || is(in_previous, recorded.next);
    let mut steps = Vec::new();
    if has_ended {
        steps.push(Step::Remove(previous.clone()));
    }
    if !is(in_next, recorded.active) || is(in_current, recorded.active) || next_elsewhere {
        return Ok(steps);
    }
    let kept = in_previous.filter(|_| !has_ended);
    let other = kept.filter(|_| !is(kept, recorded.previous));
    if let Some(other) = other {
        steps.push(Step::Rename(previous.clone(), unused(other)));
    }
    match in_current {
        Some(_) if is(in_current, recorded.ended) || is(in_current, kept) => {}
        Some(_) if is(in_current, recorded.previous) => steps.push(Step::Link(current.clone(), previous)),
        // As after an interruption: the link exists.
        Some(found) if is(content(name, &unused(found))?.as_deref(), in_current) => {}
        Some(found) => steps.push(Step::Link(current.clone(), unused(found))),
        None => {}
    }
    steps.push(Step::Rename(next, current));
    Ok(steps)
}

/// The fingerprint of the key in a file; of one without a valid key, a hash of what it has.
fn content(name: &str, path: &Path) -> Result<Option<String>, KeystoreError> {
    match read_key(name, path.to_owned(), Check::Owner) {
        Ok(file) => Ok(file.map(|file| file.fingerprint)),
        Err(KeystoreError::InvalidKey(path)) => {
            let bytes = fs::read(&path).map_err(|error| KeystoreError::File(path, error))?;
            Ok(Some(hex::encode(Sha256::digest(bytes))))
        }
        Err(error) => Err(error),
    }
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
            assert!(arrange(dir.path(), RotatedKey::Codes, record).expect("arranged").is_none());
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

    /// What the command line of `plan` does, and the files after it, in a new folder with these keys.
    fn planned(files: &[(&str, u8)], named: &[(&str, u8)]) -> (Vec<String>, Vec<(String, u8)>) {
        let dir = tempfile::tempdir().expect("a folder");
        for (name, byte) in files {
            put(dir.path(), name, *byte);
        }
        let named: Vec<_> = named.iter().map(|(name, byte)| ((*name).to_owned(), fingerprint("codes.key", &[*byte; 32]))).collect();
        let steps = plan(dir.path(), RotatedKey::Codes, &named).expect("planned");
        let command = steps.iter().map(Step::command).collect::<Vec<_>>().join(" && ");
        let ended = std::process::Command::new("sh").args(["-c", &command]).status().expect("run");
        assert!(ended.success(), "{command}");
        let by_command = contents(dir.path());
        assert!(plan(dir.path(), RotatedKey::Codes, &named).expect("planned").is_empty(), "{command}: nothing is left");
        (steps.iter().map(|step| step.command().replace(&format!("{}/", dir.path().display()), "")).collect(), by_command)
    }

    #[test]
    fn ended_previous_key_is_removed_before_the_link() {
        // The `rm` of the rotation before was not run.
        let files = [("codes.key", 2), ("codes.key.previous", 1), ("codes.key.next", 3)];
        let (steps, left) = planned(&files, &[("codes.key", 3), ("codes.key.previous", 2), ("codes.key.ended", 1)]);
        assert_eq!(steps, ["rm 'codes.key.previous'", "ln 'codes.key' 'codes.key.previous'", "mv 'codes.key.next' 'codes.key'"]);
        assert_eq!(left, [("codes.key".to_owned(), 3), ("codes.key.previous".to_owned(), 2)]);
        // The link exists.
        let files = [("codes.key", 2), ("codes.key.previous", 2), ("codes.key.next", 3)];
        let (steps, _) = planned(&files, &[("codes.key", 3), ("codes.key.previous", 2)]);
        assert_eq!(steps, ["mv 'codes.key.next' 'codes.key'"]);
        // The rotation has ended before a file was renamed.
        let (steps, left) = planned(&[("codes.key", 2), ("codes.key.next", 3)], &[("codes.key", 3), ("codes.key.ended", 2)]);
        assert_eq!((steps.len(), left), (1, vec![("codes.key".to_owned(), 3)]));
        // The record names the same key twice.
        let named = [("codes.key", 2), ("codes.key.previous", 1), ("codes.key.ended", 1)];
        assert!(planned(&[("codes.key", 2), ("codes.key.previous", 1)], &named).0.is_empty());
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }

    #[test]
    fn what_is_left_is_one_command_that_ends_with_the_first_failure() {
        let dir = tempfile::tempdir().expect("a folder");
        let (ended, old) = (put(dir.path(), "codes.key.previous", 1), put(dir.path(), "codes.key", 2));
        let new = put(dir.path(), "codes.key.next", 3);
        let record = record(&[("codes.key", &new), ("codes.key.previous", &old), ("codes.key.ended", &ended)]);
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).expect("set");
        let left = arrange(dir.path(), RotatedKey::Codes, &record).expect("arranged");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("set");
        // Root may change the directory.
        let Some(ToDo { command, .. }) = left else { return };
        assert_eq!(command.matches(" && ").count(), 2, "{command}");
        assert_eq!(contents(dir.path()).len(), 3, "nothing was changed");
    }
}
