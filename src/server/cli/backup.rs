//! `tms-portal backup`: copies the SQLite database to a file, and checks the copy.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde_json::json;

use super::progress::Progress;
use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::backup::{Backup, back_up};
use crate::server::service::platform::keystore;
use crate::server::service::{Clock as _, SystemClock};

#[derive(clap::Args)]
pub struct BackupArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The directory for the backup; it is created if its parent exists
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Afterwards, delete older backups of this portal in DIR that this command made, except the newest N
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &BackupArgs) -> Result<(), CommandError> {
    let portal = args.data.existing_portal()?;
    let mut progress = Progress::new(args.json);
    let made = back_up(&portal.database, &args.to, args.keep, SystemClock.now(), &mut progress).await;
    drop(progress);
    let Backup { file, info, deleted } = made?;
    if args.json {
        let (file, deleted) = (file.display().to_string(), deleted.iter().map(|old| old.display().to_string()).collect::<Vec<_>>());
        let result = json!({
            "event": "result", "file": file, "created_at": info.created_at, "schema": info.schema, "sha256": info.sha256, "rows": info.rows,
            "deleted": deleted,
        });
        println!("{result}");
        return Ok(());
    }
    println!("Backed up {}, and checked the copy.", amount(&info.rows));
    println!("  file    {}", file.display());
    println!("  schema  {}\n  sha256  {}", info.schema, info.sha256);
    for old in deleted {
        println!("Deleted {}", old.display());
    }
    println!(
        "The keys in {} are not in it, and it is of no use without them: keep a copy of them in another place.",
        keystore::directory(&portal.data_dir).display()
    );
    Ok(())
}
