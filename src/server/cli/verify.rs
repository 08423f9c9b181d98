//! `tms-portal verify`: checks the SQLite database and its keys, while the portal runs or not.

use super::CommandError;
use crate::server::config::ExistingPortal;
use crate::server::service::platform::backup::verify;
use crate::server::service::{DataLocation, SystemRng};

pub async fn run(portal: &ExistingPortal) -> Result<(), CommandError> {
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let contents = verify(data, &SystemRng).await?;
    let (rows, tables) = (contents.rows.values().sum::<i64>(), contents.rows.len());
    println!("The database is not damaged: {rows} rows of {tables} tables, schema {}.", contents.schema);
    if contents.key_fingerprints.is_empty() {
        println!("No key fingerprints are recorded yet; the next start records them.");
    } else {
        println!("The keys are those of this database.");
    }
    Ok(())
}
