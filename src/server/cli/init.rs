//! `tms-portal init`: the first step of `serve`, as a separate command.

use std::path::PathBuf;

use super::secrets::SecretsTarget;
use super::{CommandError, lock_data, open};
use crate::server::config::{Config, ServerOptions};
use crate::server::service::Services;
use crate::server::service::platform::backup;
use crate::server::service::platform::data_lock::DataLockError;
use crate::server::service::platform::rng::Secret;
use crate::server::service::platform::setup::SetupSummary;

/// The environment variable with the test person's password, for tests.
const TEST_PASSWORD_VAR: &str = "TMS_TEST_PASSWORD";

/// The options of `init` and `serve`, which set up a portal.
#[derive(clap::Args)]
pub struct SetupOptions {
    #[command(flatten)]
    pub server: ServerOptions,
    /// Write the secrets that a first start creates to this new file, with mode 0600 [default: init writes them to standard output;
    /// serve does so on a terminal, otherwise it writes them to the file first-secrets in the data directory]
    #[arg(long, env = "TMS_SECRETS_TO", value_name = "FILE")]
    pub secrets_to: Option<PathBuf>,
}

pub async fn run(config: Config, secrets_to: Option<PathBuf>) -> Result<(), CommandError> {
    // One set-up at a time; a portal that runs has set up what was missing.
    let lock = match lock_data(&config) {
        Err(DataLockError::Held(_)) if backup::is_set_up(&config.database).await => {
            println!("Nothing to do: {} is already set up, and a portal uses it.", config.data_dir.display());
            return Ok(());
        }
        lock => lock?,
    };
    let services = open(&config, true).await?;
    let set_up = set_up(&services, &config, &SecretsTarget::of_init(secrets_to)).await;
    services.close().await;
    if set_up?.is_empty() {
        println!("Nothing to do: {} is already set up.", config.data_dir.display());
    }
    drop(lock);
    Ok(())
}

/// Creates what is missing. Its secrets are written first, because later they cannot be shown.
pub async fn set_up(services: &Services, config: &Config, target: &SecretsTarget) -> Result<SetupSummary, CommandError> {
    let test_password = std::env::var(TEST_PASSWORD_VAR).ok().filter(|password| !password.is_empty()).map(Secret::from_plaintext);
    let plan = services.plan_setup(config.test_tenant, test_password).await?;
    let contents = |setup: &SetupSummary| (setup.new_tenants.len(), setup.test_password.is_some());
    let (is_empty, planned) = (plan.is_empty(), contents(&plan));
    if !is_empty {
        target.write(&plan)?;
    }
    let made = match services.initialize(config.test_tenant, plan).await {
        Ok(made) => made,
        Err(fault) => {
            // The response to the commit may have been lost.
            let is_missing = services.plan_setup(config.test_tenant, None).await.is_ok_and(|plan| !plan.is_empty());
            if !is_empty {
                target.withdraw(is_missing);
            }
            return Err(fault.into());
        }
    };
    if contents(&made) != planned {
        eprintln!(
            "tms-portal: another portal was set up at the same time: of the secrets shown here, those of the tenants that it created are not valid"
        );
    }
    if !made.is_empty() {
        target.announce();
    }
    services.update_tenants(config.test_tenant).await?;
    Ok(made)
}
