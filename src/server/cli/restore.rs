//! `tms-portal restore`: checks a backup, and puts it in the place of the SQLite database.

use std::path::PathBuf;

use serde_json::json;

use super::progress::Progress;
use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::keystore;
use crate::server::service::platform::restore::{Restored, restore, verify_backup};
use crate::server::service::{Clock as _, DataLocation, SystemClock, SystemRng};

#[derive(clap::Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The backup, a file that `tms-portal backup` made
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only check whether the backup can be restored; the portal may run
    #[arg(long)]
    verify_only: bool,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &RestoreArgs) -> Result<(), CommandError> {
    let portal = args.data.portal()?;
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let mut progress = Progress::new(args.json);
    let restored = if args.verify_only {
        verify_backup(data, &args.file, &SystemRng, &mut progress).await
    } else {
        restore(data, &args.file, &SystemRng, SystemClock.now(), &mut progress).await
    };
    drop(progress);
    let restored = restored?;
    if args.json {
        print_json(&restored, !args.verify_only);
        return Ok(());
    }
    let Restored { contents, info, previous } = restored;
    println!("The backup is not damaged: {}, schema {}.", amount(&contents.rows), contents.schema);
    match &info {
        Some(info) => println!("  made    {}\n  sha256  {}", info.created_at, info.sha256),
        None => println!("There is no JSON file beside it, so its SHA-256 was not compared."),
    }
    if contents.key_fingerprints.is_empty() {
        println!("It is of a release that recorded no key fingerprints: whether the keys are those of this backup is not known.");
    } else {
        println!("The keys in {} are those of this backup.", keystore::directory(&portal.data_dir).display());
    }
    if args.verify_only {
        return Ok(());
    }
    println!(
        "It is now the database. All changes since it was made are undone, including revocations: revoke again what was revoked since, then start the portal."
    );
    if let Some(previous) = previous {
        println!(
            "The previous database is {0}; delete it, and the files whose names begin with it, when you do not need them any more.",
            previous.display()
        );
    }
    Ok(())
}

fn print_json(Restored { contents, info, previous }: &Restored, is_restored: bool) {
    let (created_at, sha256) = info.as_ref().map(|info| (&info.created_at, &info.sha256)).unzip();
    let previous = previous.as_ref().map(|previous| previous.display().to_string());
    let result = json!({
        "event": "result", "restored": is_restored, "created_at": created_at, "schema": contents.schema, "sha256": sha256, "rows": contents.rows,
        "keys_compared": !contents.key_fingerprints.is_empty(), "previous": previous,
    });
    println!("{result}");
}
