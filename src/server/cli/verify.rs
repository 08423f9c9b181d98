//! `tms-portal verify`: checks the SQLite database and its keys, while the portal runs or not.

use super::{CommandError, amount};
use crate::server::config::ExistingPortal;
use crate::server::service::platform::backup::verify;
use crate::server::service::{DataLocation, SystemRng};

pub async fn run(portal: &ExistingPortal) -> Result<(), CommandError> {
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let contents = verify(data, &SystemRng).await?;
    println!("The database is not damaged: {}, schema {}.", amount(&contents.rows), contents.schema);
    if contents.key_fingerprints.is_empty() {
        println!("No key fingerprints are recorded yet; the next start records them.");
    } else {
        println!("The keys are those of this database.");
    }
    Ok(())
}
