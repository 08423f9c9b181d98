//! The report of an import as a file: JSON, with a line for each affected key, which are too many to hold.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};
use thiserror::Error;

use crate::server::service::platform::backup::{beside, directory_of};
use crate::server::service::tms_import::report::{KeyLine, Report};

/// How a report begins.
const BEGIN: &[u8] = b"{\"keys\":[";
/// Files of a SQLite database, by the end of their names.
const BESIDE_SOURCE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Why no report is written.
#[derive(Debug, Error)]
pub enum ReportFileError {
    #[error("{0} is in the data directory, or belongs to the old database; name another file")]
    Reserved(PathBuf),
    #[error("{0} exists and is no report of an import; name another file")]
    OtherFile(PathBuf),
    #[error("{0} has no file name")]
    NoName(PathBuf),
    #[error("cannot write {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// A file that is being written. Readable by its owner only, because it names people; it takes its name once it is complete.
pub struct ReportFile {
    out: BufWriter<File>,
    path: PathBuf,
    /// Under this name until then; `None` for a pipe or device, which is written directly.
    temporary: Option<TempPath>,
    separator: &'static str,
    /// The first error; the import goes on.
    failed: Option<io::Error>,
}

impl ReportFile {
    /// Replaces an earlier report only, and no file of the old database (`source`) or the data directory.
    pub fn create(path: &Path, source: &Path, data_dir: &Path) -> Result<Self, ReportFileError> {
        let failed = |error| ReportFileError::Io(path.to_owned(), error);
        let name = path.file_name().ok_or_else(|| ReportFileError::NoName(path.to_owned()))?;
        // A link to a report stays; its target is replaced.
        let path = &match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                directory_of(path).canonicalize().map_err(failed)?.join(name)
            }
            Err(error) => return Err(failed(error)),
        };
        let existing = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if is_inside(path, data_dir) || is_beside(path, existing.as_ref(), source) {
            return Err(ReportFileError::Reserved(path.clone()));
        }
        let (file, temporary) = match existing {
            Some(found) if found.is_file() && !is_report(path).map_err(failed)? => return Err(ReportFileError::OtherFile(path.clone())),
            Some(found) if !found.is_file() => (OpenOptions::new().write(true).open(path).map_err(failed)?, None),
            _ => {
                let (file, name) = Builder::new().prefix(".report").tempfile_in(directory_of(path)).map_err(failed)?.into_parts();
                (file, Some(name))
            }
        };
        let mut out = BufWriter::new(file);
        out.write_all(BEGIN).map_err(failed)?;
        Ok(Self { out, path: path.clone(), temporary, separator: "\n", failed: None })
    }

    pub fn add(&mut self, line: &KeyLine) {
        if self.failed.is_none() {
            let written = self.out.write_all(self.separator.as_bytes()).and_then(|()| Ok(serde_json::to_writer(&mut self.out, line)?));
            self.failed = written.err();
            self.separator = ",\n";
        }
    }

    pub fn finish(self, report: &Report) -> Result<(), ReportFileError> {
        let path = self.path.clone();
        self.write_end(report).map_err(|error| ReportFileError::Io(path, error))
    }

    fn write_end(mut self, report: &Report) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        writeln!(self.out, "\n],\"report\":{}}}", report.to_json())?;
        self.out.flush()?;
        self.temporary.map_or(Ok(()), |temporary| temporary.persist(&self.path).map_err(|error| error.error))
    }
}

/// Whether it is an earlier report, or empty.
fn is_report(file: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(file)?.take(BEGIN.len() as u64).read_to_end(&mut first)?;
    Ok(first.is_empty() || first == BEGIN)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether a file is in a directory or in one below it. The path has no links.
fn is_inside(file: &Path, dir: &Path) -> bool {
    let Ok(dir) = fs::metadata(dir) else { return false };
    file.ancestors().skip(1).any(|above| fs::metadata(above).is_ok_and(|above| is_same(&above, &dir)))
}

/// Whether a file is one of the old database, or would be taken for one.
fn is_beside(file: &Path, existing: Option<&Metadata>, source: &Path) -> bool {
    let is_one = |suffix: &&str| {
        let name = beside(source, suffix);
        file == name || fs::metadata(&name).is_ok_and(|found| existing.is_some_and(|existing| is_same(existing, &found)))
    };
    source.exists() && BESIDE_SOURCE.iter().any(is_one)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn report_takes_the_place_of_an_earlier_one_when_it_is_complete() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, source, data) = (dir.path().join("report"), dir.path().join("tms.db"), dir.path().join("data"));
        fs::create_dir(&data).expect("a folder");
        fs::write(&file, "{\"keys\":[\n],\"report\":1}").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        drop(ReportFile::create(&file, &source, &data).expect("created"));
        assert!(fs::read_to_string(&file).expect("read").ends_with("1}"), "the import failed: the earlier one stays");
        symlink("report", dir.path().join("link")).expect("a link");
        ReportFile::create(&dir.path().join("link"), &source, &data).expect("created").finish(&Report::default()).expect("written");
        assert!(fs::read_to_string(&file).expect("read").contains("\"rows\""));
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 3);
    }

    #[test]
    fn no_other_file_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let (source, data) = (at("tms.db"), at("data"));
        fs::create_dir_all(data.join("keys")).expect("folders");
        for (name, contents) in [("tms.db", "SQLite"), ("tms.db-shm", ""), ("tms.toml", "title"), ("data/tms-portal.db", "")] {
            fs::write(at(name), contents).expect("written");
        }
        fs::hard_link(at("tms.db-shm"), at("hard")).expect("a link");
        for (name, to) in [("link", "tms.db"), ("into", "data"), ("nowhere", "data/new")] {
            symlink(to, at(name)).expect("a link");
        }
        let names = ["tms.db", "tms.db-wal", "tms.db-shm", "tms.toml", "hard", "link", "nowhere"];
        let inside = ["data/tms-portal.db", "data/new", "data/keys/new", "into/new", "data/../data/new"];
        for name in names.into_iter().chain(inside) {
            assert!(ReportFile::create(&at(name), &source, &data).is_err(), "{name}");
        }
        assert_eq!(fs::read_to_string(&source).expect("read"), "SQLite");
        assert!(!at("tms.db-wal").exists() && !data.join("new").exists());
    }
}
