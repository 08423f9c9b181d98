//! `tms-portal migrate`: opening the database updates its schema.

use super::{CommandError, open_existing};
use crate::server::config::ExistingPortal;

pub async fn run(existing: &ExistingPortal) -> Result<(), CommandError> {
    open_existing(existing).await?.close().await;
    println!("The schema in {} is up to date.", existing.data_dir.display());
    Ok(())
}
