//! `tms-portal backup`: copies the SQLite database to a file, and checks the copy; or encrypts the keys to a file.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use clap::Subcommand;
use serde_json::json;

use super::progress::Progress;
use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::backup::{Backup, back_up};
use crate::server::service::platform::key_backup::{KeysHandled, back_up_keys, parse_recipient};
use crate::server::service::platform::keystore;
use crate::server::service::{Clock as _, DataLocation, SystemClock, SystemRng};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct BackupArgs {
    #[command(subcommand)]
    what: Option<BackupPart>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Subcommand)]
enum BackupPart {
    /// Encrypt the keys to a new file, for recipients of age
    Keys {
        #[command(flatten)]
        data: DataOptions,
        /// The new file
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// A public key that age-keygen printed (age1…); can be repeated
        #[arg(long = "recipient", value_name = "KEY", required = true, value_parser = parse_recipient)]
        recipients: Vec<Recipient>,
    },
}

#[derive(clap::Args)]
struct DatabaseArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The directory for the backup; it is created if its parent exists
    #[arg(long, value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    /// Afterwards, delete older backups of this portal in DIR that this command made, except the newest N
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    json: bool,
}

impl BackupArgs {
    /// Whether the output is JSON lines.
    pub fn json(&self) -> bool {
        self.what.is_none() && self.database.json
    }
}

pub async fn run(args: BackupArgs) -> Result<(), CommandError> {
    match args.what {
        Some(BackupPart::Keys { data, to, recipients }) => run_keys(&data, &to, &recipients).await,
        None => run_database(&args.database).await,
    }
}

async fn run_keys(options: &DataOptions, to: &Path, recipients: &[Recipient]) -> Result<(), CommandError> {
    let portal = options.portal()?;
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let KeysHandled { names, compared } = back_up_keys(data, to, recipients, &SystemRng, SystemClock.now()).await?;
    println!("Encrypted {} to {}.", names.join(", "), to.display());
    println!("{}", if compared { "They are the keys of the database." } else { "There is no database to compare them with." });
    println!("Keep the file, and the recipients' identities, in other places than the backups of the database.");
    Ok(())
}

async fn run_database(args: &DatabaseArgs) -> Result<(), CommandError> {
    let portal = args.data.existing_portal()?;
    let Some(to) = &args.to else { return Err(CommandError::Other("--to DIR is missing".to_owned())) };
    let mut progress = Progress::new(args.json);
    let made = back_up(&portal.database, to, args.keep, SystemClock.now(), &mut progress).await;
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
        "The keys in {} are not in it, and it is of no use without them: keep a copy of them in another place (tms-portal backup keys).",
        keystore::directory(&portal.data_dir).display()
    );
    Ok(())
}
