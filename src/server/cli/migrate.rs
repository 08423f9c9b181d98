//! `tms-portal migrate`: opening the database updates its schema.

use serde_json::json;

use super::{CommandError, open_existing};
use crate::server::config::{DataOptions, ExistingPortal};
use crate::server::service::schema_state;

/// With `--check`: there are migrations to apply.
const PENDING: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 done, or nothing to do; 1 failed; 2 wrong usage or settings; 3 (with --check only) migrations are pending.")]
pub struct MigrateArgs {
    #[command(flatten)]
    data: DataOptions,
    /// Only list the migrations that the database does not have yet; the portal may run
    #[arg(long)]
    check: bool,
    /// Print one JSON object, for programs
    #[arg(long, requires = "check")]
    json: bool,
}

pub async fn run(args: &MigrateArgs) -> Result<(), CommandError> {
    let portal = args.data.existing_portal()?;
    if args.check {
        return check(&portal, args.json).await;
    }
    open_existing(&portal).await?.close().await;
    println!("The schema in {} is up to date.", portal.data_dir.display());
    Ok(())
}

async fn check(portal: &ExistingPortal, json: bool) -> Result<(), CommandError> {
    let found = schema_state(&portal.database).await.map_err(|error| CommandError::Other(error.to_string()))?;
    let schema = found.ok_or_else(|| {
        let why = "there are changes in its WAL that cannot be read without creating files: start the portal, or run tms-portal migrate";
        CommandError::Other(format!("{}: {why}", portal.database))
    })?;
    if json {
        let pending: Vec<_> = schema.pending.iter().map(|(version, name)| json!({ "version": version, "name": name })).collect();
        println!("{}", json!({ "schema": schema.found, "newest": schema.newest, "pending": pending }));
    } else if schema.pending.is_empty() {
        println!("The schema {} needs no migration.", schema.found);
    } else {
        println!("The schema is {}; this release has {}. Pending migrations:", schema.found, schema.newest);
        for (version, name) in &schema.pending {
            println!("  {version:04} {name}");
        }
    }
    if schema.pending.is_empty() { Ok(()) } else { Err(CommandError::Exit(PENDING)) }
}
