//! `tms-portal migrate`: opening the database brings its schema up to date.

use super::{Failed, open};
use crate::server::config::Config;

pub async fn run(config: &Config) -> Result<(), Failed> {
    open(config).await?.close().await;
    println!("The schema in {} is up to date.", config.data_dir.display());
    Ok(())
}
