//! `tms-portal restore`: checks a backup, and puts it in the place of the SQLite database.

use std::path::PathBuf;

use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::keystore::KEYS_DIR;
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
}

pub async fn run(args: &RestoreArgs) -> Result<(), CommandError> {
    let portal = args.data.portal()?;
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let Restored { contents, info, previous } = if args.verify_only {
        verify_backup(data, &args.file, &SystemRng).await?
    } else {
        restore(data, &args.file, &SystemRng, SystemClock.now()).await?
    };
    println!("The backup is not damaged: {}, schema {}.", amount(&contents.rows), contents.schema);
    match &info {
        Some(info) => println!("  made    {}\n  sha256  {}", info.created_at, info.sha256),
        None => println!("There is no JSON file beside it, so its SHA-256 was not compared."),
    }
    if contents.key_fingerprints.is_empty() {
        println!("It is of a release that recorded no key fingerprints: whether the keys are those of this backup is not known.");
    } else {
        println!("The keys in {} are those of this backup.", portal.data_dir.join(KEYS_DIR).display());
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
