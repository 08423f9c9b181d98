//! `tms-portal import status`: who has not used the old secret yet.

use serde_json::json;

use super::super::{CommandError, open_existing};
use crate::server::config::DataOptions;

#[derive(clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    data: DataOptions,
    /// Print a JSON line for each
    #[arg(long)]
    pub json: bool,
}

pub async fn run(args: &StatusArgs) -> Result<(), CommandError> {
    let services = open_existing(&args.data.existing_portal()?).await?;
    let unused = services.unused_imported_secrets().await;
    services.close().await;
    let unused = unused?;
    for secret in &unused {
        if args.json {
            let until = secret.until.to_rfc3339();
            println!("{}", json!({ "tenant": secret.tenant_id, "owner": secret.owner, "id": secret.id, "until": until }));
        } else {
            println!("{}: {} {}, old secret valid until {}", secret.tenant_id, secret.owner, secret.id, secret.until.humanize());
        }
    }
    if !args.json {
        println!("{} old secrets have not been used here yet.", unused.len());
    }
    Ok(())
}
