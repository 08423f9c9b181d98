//! `tms-portal restore`: checks a backup, and puts it in the place of the SQLite database; or restores the keys.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::progress::Progress;
use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::key_backup::{KeysHandled, restore_keys};
use crate::server::service::platform::keystore;
use crate::server::service::platform::restore::{Restored, restore, verify_backup};
use crate::server::service::{Clock as _, DataLocation, SystemClock, SystemRng};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RestoreArgs {
    #[command(subcommand)]
    what: Option<RestorePart>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum RestorePart {
    /// Decrypt keys into a directory that has no others
    Keys {
        #[command(flatten)]
        data: DataOptions,
        /// The file that `tms-portal backup keys` made
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The file with the identity of a recipient (AGE-SECRET-KEY-1…)
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// The directory for the keys [default: keys in the data directory]
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct DatabaseArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The backup, a file that `tms-portal backup` made
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// Only check whether the backup can be restored; the portal may run
    #[arg(long)]
    verify_only: bool,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    json: bool,
}

impl RestoreArgs {
    /// Whether the output is JSON lines.
    pub fn json(&self) -> bool {
        self.what.is_none() && self.database.json
    }
}

pub async fn run(args: RestoreArgs) -> Result<(), CommandError> {
    match args.what {
        Some(RestorePart::Keys { data, file, identity, to }) => run_keys(&data, &file, &identity, to).await,
        None => run_database(&args.database).await,
    }
}

async fn run_keys(options: &DataOptions, file: &Path, identity: &Path, to: Option<PathBuf>) -> Result<(), CommandError> {
    let portal = options.portal()?;
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let dir = to.unwrap_or_else(|| keystore::directory(&portal.data_dir));
    let KeysHandled { names, compared } = restore_keys(data, &dir, file, identity).await?;
    println!("{} has {}.", dir.display(), names.join(", "));
    println!("{}", if compared { "They are the keys of the database." } else { "There is no database to compare them with." });
    Ok(())
}

async fn run_database(args: &DatabaseArgs) -> Result<(), CommandError> {
    let portal = args.data.portal()?;
    let Some(file) = &args.file else { return Err(CommandError::Other("the backup's FILE is missing".to_owned())) };
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let mut progress = Progress::new(args.json);
    let restored = if args.verify_only {
        verify_backup(data, file, &SystemRng, &mut progress).await
    } else {
        restore(data, file, &SystemRng, SystemClock.now(), &mut progress).await
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
