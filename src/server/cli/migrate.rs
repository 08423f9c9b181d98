//! `tms-portal migrate`: opening the database brings its schema up to date.

use super::{Failed, open_existing};
use crate::server::config::Existing;

pub async fn run(existing: &Existing) -> Result<(), Failed> {
    open_existing(existing).await?.close().await;
    println!("The schema in {} is up to date.", existing.data_dir.display());
    Ok(())
}
