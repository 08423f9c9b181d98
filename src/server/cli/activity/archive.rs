//! `tms-portal activity archive`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::super::{CommandError, TenantOptions, out};
use crate::domain::time::{CalendarDate, Timestamp, Zone};
use crate::server::service::Services;
use crate::server::service::audit_log::archive::Archive;
use crate::server::service::platform::backup::sync_parent;

#[derive(clap::Args)]
pub struct ArchiveArgs {
    #[command(flatten)]
    target: TenantOptions,
    /// Archive the events before this day, such as 2026-11-30 (UTC)
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    until: Timestamp,
    /// A new file, readable by its owner only: a line of JSON for each event, compressed with gzip
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Also events that were archived before and still exist, such as after an archive was lost
    #[arg(long)]
    again: bool,
}

fn parse_day(text: &str) -> Result<Timestamp, String> {
    CalendarDate::parse(text).and_then(|day| day.start(&Zone::UTC)).ok_or_else(|| "use a date such as 2026-11-30".to_owned())
}

pub async fn run(args: &ArchiveArgs) -> Result<(), CommandError> {
    let (services, operator) = args.target.open_as_operator().await?;
    let result = match services.plan_archive(&operator, args.until, args.again).await {
        Ok(Some(archive)) => write(&services, archive, &args.to).await,
        Ok(None) => {
            println!("Nothing to archive: there are no events before that day that were not archived.");
            Ok(())
        }
        Err(fault) => Err(fault.into()),
    };
    services.close().await;
    result
}

/// Writes the file, and records the archive once the file is on disk.
async fn write(services: &Services, archive: Archive, path: &Path) -> Result<(), CommandError> {
    let failed = |error: io::Error| {
        let advice = out::advice_on_new_file(&error);
        CommandError::Other(format!("--to {}: {error}; nothing was archived{advice}", path.display()))
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let written = match write_events(services, &archive, file).await {
        Ok(written) => written,
        Err(error) => {
            // The first error is reported.
            let _ = fs::remove_file(path);
            return Err(match error {
                WriteError::File(error) => failed(error),
                WriteError::Database(error) => error,
            });
        }
    };
    sync_parent(path).map_err(failed)?;
    services.record_archive(archive).await?;
    println!("Archived {} events, with the numbers {} to {}.", written.events, written.first, written.last);
    println!("{}  {}", written.sha256, path.display());
    Ok(())
}

struct Written {
    events: u64,
    first: i64,
    last: i64,
    sha256: String,
}

enum WriteError {
    File(io::Error),
    Database(CommandError),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

async fn write_events(services: &Services, archive: &Archive, file: File) -> Result<Written, WriteError> {
    let mut out = GzEncoder::new(BufWriter::new(Hashed { file, hash: Sha256::new() }), Compression::default());
    let mut written = Written { events: 0, first: 0, last: archive.after, sha256: String::new() };
    loop {
        let events = services.archived_events(archive, written.last).await.map_err(|fault| WriteError::Database(fault.into()))?;
        let Some(last) = events.last() else { break };
        if written.events == 0 {
            written.first = events.first().map_or(0, |first| first.id);
        }
        written.last = last.id;
        for event in &events {
            serde_json::to_writer(&mut out, event).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
            written.events += 1;
        }
    }
    let Hashed { file, hash } = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    written.sha256 = hex::encode(hash.finalize());
    Ok(written)
}

/// A file and the SHA-256 of what was written to it.
struct Hashed {
    file: File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hash.update(bytes.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
