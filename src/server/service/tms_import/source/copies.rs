//! Temporary copies of a source. They have no name, so that nothing of them remains, however the program ends: they have the hashes of secrets.

use std::env;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{AtFlags, CWD, linkat};
use tempfile::{Builder, NamedTempFile, TempPath};

use super::super::source_error::SourceError;
use crate::server::storage::tms_import::old_database::OldDatabase;

/// What a compressed file may have at least.
const MIN_LIMIT: u64 = 1 << 30;
/// How many times its size it may have beyond that. Databases have less than a tenth of it.
const MAX_RATIO: u64 = 100;

/// How much a compressed file of this size may have. Gzip reaches a thousand times the size with zeros, which would fill the disk.
pub fn unpacked_limit(size: u64) -> u64 {
    size.saturating_mul(MAX_RATIO).max(MIN_LIMIT)
}

/// Copies at most `limit` bytes to a file without a name.
pub fn copy(from: &mut dyn Read, limit: u64) -> Result<File, SourceError> {
    let mut copy = tempfile::tempfile().map_err(not_copied)?;
    // It may have a name later.
    copy.set_permissions(Permissions::from_mode(0o600)).map_err(not_copied)?;
    copy_all(from, &mut copy, limit)?;
    Ok(copy)
}

fn copy_all(from: &mut dyn Read, to: &mut dyn Write, limit: u64) -> Result<(), SourceError> {
    let (mut buffer, mut copied) = (vec![0_u8; 1 << 16], 0);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(SourceError::of_reading(error)),
        };
        copied += read.len() as u64;
        if copied > limit {
            return Err(SourceError::GzipTooLarge(limit));
        }
        to.write_all(read).map_err(not_copied)?;
    }
}

fn not_copied(error: io::Error) -> SourceError {
    SourceError::Copy(env::temp_dir(), error)
}

/// Opens a copy that is a SQLite database. SQLite opens files by name, so that it has one for as long as this takes.
pub async fn open_database(copy: &File) -> Result<OldDatabase, SourceError> {
    let name = named(copy).map_err(not_copied)?;
    Ok(OldDatabase::open(&name, true).await?)
}

/// A name for a file without one, which is removed when it is dropped. Where the file system cannot give it one, a copy with a name.
fn named(file: &File) -> io::Result<TempPath> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = Builder::new().make(|path| linkat(CWD, open.as_str(), CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from));
    if let Ok(link) = link {
        return Ok(link.into_temp_path());
    }
    let (mut from, mut copy) = (file.try_clone()?, NamedTempFile::new()?);
    from.rewind()?;
    io::copy(&mut from, copy.as_file_mut())?;
    Ok(copy.into_temp_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_no_name_unless_one_is_needed() {
        let copy = copy(&mut &b"contents"[..], 8).expect("copied");
        let links = |file: &File| std::os::unix::fs::MetadataExt::nlink(&file.metadata().expect("a file"));
        assert_eq!(links(&copy), 0);
        let name = named(&copy).expect("a name");
        assert_eq!(std::fs::read(&name).expect("read"), b"contents");
        let (path, mode) = (name.to_path_buf(), std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&name).expect("there")));
        assert_eq!(mode & 0o077, 0);
        drop(name);
        assert!(!path.exists() && links(&copy) == 0);
    }

    #[test]
    fn unpacking_is_limited() {
        let mut copied = Vec::new();
        let refused = copy_all(&mut io::repeat(0), &mut copied, 100_000).expect_err("endless");
        assert!(matches!(refused, SourceError::GzipTooLarge(100_000)) && copied.len() <= 100_000, "{refused}");
        assert_eq!((unpacked_limit(1), unpacked_limit(100 << 30)), (1 << 30, 10_000 << 30));
    }
}
