//! `tms-portal copy`: copies a deployment's data to another database.

use std::time::Duration;

use serde_json::json;

use super::CommandError;
use super::progress::Progress;
use crate::server::config::{ConfigProblems, parse_database};
use crate::server::service::{self, Clock, Copied, Database, SystemClock};

/// A portal cleans up every minute; after this time none runs.
const IDLE: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct CopyArgs {
    /// The database with the data: sqlite:FILE or postgres://USER@HOST/NAME?sslmode=verify-full; the password comes from the
    /// file that PGPASSFILE names, or PGPASSWORD. Stop its portals first, or use a backup
    #[arg(long, value_name = "URL")]
    from: String,
    /// The empty database. A file is created; a PostgreSQL database must exist
    #[arg(long, value_name = "URL")]
    to: String,
    /// Copy although a portal uses the source; changes that it makes from now on are not in the copy
    #[arg(long)]
    while_running: bool,
    /// Allow a database on another machine without verified TLS; passwords and data are then sent unencrypted
    #[arg(long, env = "TMS_INSECURE_DATABASE", value_parser = clap::builder::FalseyValueParser::new())]
    insecure_database: bool,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &CopyArgs) -> Result<(), CommandError> {
    let database = |setting: &str, url: &str| {
        parse_database(url, args.insecure_database).map_err(|problem| ConfigProblems(vec![format!("{setting}: {problem}")]))
    };
    let (from, to) = (database("--from", &args.from)?, database("--to", &args.to)?);
    if let Database::File(file) = &from {
        match file.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(CommandError::Other(format!("--from: there is no file {}", file.display()))),
            Err(error) => return Err(CommandError::Other(format!("--from: cannot read {}: {error}", file.display()))),
        }
    }
    let before = service::last_cleanup(&from).await.map_err(|error| CommandError::Other(format!("--from: {error}")))?;
    if !args.while_running && before.is_some_and(|last| last.is_within(IDLE, SystemClock.now())) {
        return Err(CommandError::Other(
            "--from: a portal used this database in the last 90 seconds. Stop all portals and wait, so that no change is lost; \
             or copy a backup; or add --while-running"
                .to_owned(),
        ));
    }
    let mut progress = Progress::new(args.json);
    let copied = service::copy(&from, &to, &mut progress).await;
    drop(progress);
    let Copied { tables, rows } = copied.map_err(|error| CommandError::Other(error.to_string()))?;
    let source_changed = service::last_cleanup(&from).await.is_ok_and(|after| after != before);
    if args.json {
        let (from, to) = (from.to_string(), to.to_string());
        println!("{}", json!({ "event": "result", "tables": tables, "rows": rows, "from": from, "to": to, "source_changed": source_changed }));
        return Ok(());
    }
    println!("Copied {rows} rows of {tables} tables and compared them.");
    println!("  from  {from}\n  to    {to}");
    if source_changed {
        eprintln!("WARNING: a portal used the source meanwhile; its changes since the beginning are not in the copy.");
    }
    println!("The key files are not in a database: start the portals with the same keys directory; they refuse another one.");
    Ok(())
}
