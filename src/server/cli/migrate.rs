//! `tms-portal migrate`: opening the database brings its schema up to date.

use std::path::Path;

use super::{Failed, open_data};

pub async fn run(data_dir: &Path) -> Result<(), Failed> {
    open_data(data_dir).await?.close().await;
    println!("The schema in {} is up to date.", data_dir.display());
    Ok(())
}
