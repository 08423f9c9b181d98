//! `tms-portal init`: what `serve` does first, on its own.

use super::{Failed, open, words};
use crate::server::config::Config;
use crate::server::service::entropy::Secret;
use crate::server::service::setup::FirstStart;
use crate::server::service::{Fault, Services};

/// A password for the test person that is known beforehand, for tests.
const TEST_PASSWORD: &str = "TMS_TEST_PASSWORD";

pub async fn run(config: Config) -> Result<(), Failed> {
    let services = open(&config).await?;
    let made = set_up(&services, &config).await?;
    words::first_start(&made)?;
    if made.new_tenants.is_empty() && made.test_password.is_none() {
        println!("Nothing to do: {} is already set up.", config.data_dir.display());
    }
    services.close().await;
    Ok(())
}

pub async fn set_up(services: &Services, config: &Config) -> Result<FirstStart, Fault> {
    let chosen = std::env::var(TEST_PASSWORD).ok().filter(|password| !password.is_empty()).map(Secret::given);
    services.set_up(config.test_tenant, chosen).await
}
