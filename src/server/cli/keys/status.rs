//! `tms-portal keys status`.

use std::collections::BTreeMap;

use super::signing;
use crate::server::cli::CommandError;
use crate::server::cli::open_existing;
use crate::server::config::DataOptions;
use crate::server::service::platform::key_rotation::{Dependent, KeyStatus};
use crate::server::service::platform::keystore::RotatedKey;

#[derive(clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    data: DataOptions,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

pub async fn run(args: &StatusArgs) -> Result<(), CommandError> {
    let services = open_existing(&args.data.existing_portal()?).await?;
    let mut all = Vec::new();
    for key in RotatedKey::ALL {
        all.push(services.key_status(key).await?);
    }
    if args.json {
        let signing_keys = services.signing_key_status().await?;
        println!("{}", serde_json::json!({ "keys": all, "signing_keys": signing_keys }));
    } else {
        all.iter().for_each(print);
        signing::print(&services).await?;
    }
    services.close().await;
    Ok(())
}

/// As much of a fingerprint as tells keys apart.
pub fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect()
}

fn print(status: &KeyStatus) {
    println!("{}  {}", status.key, short(&status.fingerprint));
    if let Some(activated_at) = &status.activated_at {
        println!("  in use since  {activated_at}");
    }
    if let Some(next) = &status.next {
        println!("  next          {}, prepared: `tms-portal keys rotate activate {}` uses it", short(next), status.key);
    }
    if let Some(previous) = &status.previous {
        println!("  previous      {}, still accepted: `tms-portal keys rotate finish {}` ends it", short(previous), status.key);
    }
    if status.dependents.is_empty() {
        return;
    }
    println!(
        "  {}",
        if status.previous.is_some() { "depending on the previous key:" } else { "not valid, because their key has ended; to be set anew:" }
    );
    print_dependents(&status.dependents);
}

/// The number of each kind, and which they are.
pub fn print_dependents(dependents: &[Dependent]) {
    /// So many of a kind are named.
    const NAMED: usize = 20;
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for Dependent { kind, tenant, id } in dependents {
        kinds.entry(kind).or_default().push(format!("{tenant}/{id}"));
    }
    for (kind, names) in kinds {
        let more = names.len().saturating_sub(NAMED);
        let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if more == 0 { String::new() } else { format!(", and {more} more (--json names all)") };
        println!("    {kind}: {}: {shown}{more}", names.len());
    }
}
