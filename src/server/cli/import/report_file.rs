//! The report of an import as a file: JSON, with a line for each affected key, which are too many to hold.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::server::service::tms_import::report::{KeyLine, Report};

/// A file that is being written; readable by its owner only, because it names people.
pub struct ReportFile {
    out: BufWriter<File>,
    separator: &'static str,
    /// The first error; the import goes on.
    failed: Option<io::Error>,
}

impl ReportFile {
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let mut out = BufWriter::new(file);
        out.write_all(b"{\"keys\":[")?;
        Ok(Self { out, separator: "\n", failed: None })
    }

    pub fn add(&mut self, line: &KeyLine) {
        if self.failed.is_none() {
            let written = self.out.write_all(self.separator.as_bytes()).and_then(|()| Ok(serde_json::to_writer(&mut self.out, line)?));
            self.failed = written.err();
            self.separator = ",\n";
        }
    }

    pub fn finish(mut self, report: &Report) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        writeln!(self.out, "\n],\"report\":{}}}", report.to_json())?;
        self.out.flush()
    }
}
