//! `tms-portal verify`: checks the SQLite database and its keys, while the portal runs or not.

use serde_json::json;

use super::progress::Progress;
use super::{CommandError, amount};
use crate::server::config::DataOptions;
use crate::server::service::platform::backup::verify;
use crate::server::service::{DataLocation, SystemRng};

#[derive(clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    data: DataOptions,
    /// Print JSON lines: progress, then the result
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &VerifyArgs) -> Result<(), CommandError> {
    let portal = args.data.existing_portal()?;
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let mut progress = Progress::new(args.json);
    let verified = verify(data, &SystemRng, &mut progress).await;
    drop(progress);
    let contents = verified?;
    let keys_compared = !contents.key_fingerprints.is_empty();
    if args.json {
        println!("{}", json!({ "event": "result", "schema": contents.schema, "rows": contents.rows, "keys_compared": keys_compared }));
        return Ok(());
    }
    println!("The database is not damaged: {}, schema {}.", amount(&contents.rows), contents.schema);
    if keys_compared {
        println!("The keys are those of this database.");
    } else {
        println!("No key fingerprints are recorded yet; the next start records them.");
    }
    Ok(())
}
