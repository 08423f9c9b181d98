//! `tms-portal init`: the first step of `serve`, as a separate command.

use super::{CommandError, lock_data, messages, open};
use crate::server::config::Config;
use crate::server::service::platform::backup;
use crate::server::service::platform::data_lock::DataLockError;
use crate::server::service::platform::rng::Secret;
use crate::server::service::platform::setup::SetupSummary;
use crate::server::service::{Fault, Services};

/// The environment variable with the test person's password, for tests.
const TEST_PASSWORD_VAR: &str = "TMS_TEST_PASSWORD";

pub async fn run(config: Config) -> Result<(), CommandError> {
    // One set-up at a time; a portal that runs has set up what was missing.
    let lock = match lock_data(&config) {
        Err(DataLockError::Held(_)) if backup::is_set_up(&config.database).await => {
            println!("Nothing to do: {} is already set up, and a portal uses it.", config.data_dir.display());
            return Ok(());
        }
        lock => lock?,
    };
    let services = open(&config, true).await?;
    let setup = set_up(&services, &config).await?;
    messages::print_setup(&setup)?;
    if setup.new_tenants.is_empty() && setup.test_password.is_none() {
        println!("Nothing to do: {} is already set up.", config.data_dir.display());
    }
    services.close().await;
    drop(lock);
    Ok(())
}

pub async fn set_up(services: &Services, config: &Config) -> Result<SetupSummary, Fault> {
    let test_password = std::env::var(TEST_PASSWORD_VAR).ok().filter(|password| !password.is_empty()).map(Secret::from_plaintext);
    services.initialize(config.test_tenant, test_password).await
}
