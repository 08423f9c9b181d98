//! Periodic tasks of a running portal.

use std::time::Duration;

use crate::server::metrics;
use crate::server::service::platform::backup::check_after_start;
use crate::server::service::{Database, Services};

const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);
/// After so many rounds of housekeeping the generation of the database is renewed.
const RENEWAL_ROUNDS: u64 = 10;

/// Counting reads whole tables.
const EXPIRING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Checks the pages of a database that is too large to be checked before the start.
pub async fn report_damage(database: Database) {
    if let Err(error) = check_after_start(&database).await {
        tracing::error!(%error, "The database is damaged, or could not be checked");
    }
}

pub async fn renew_generation(services: &Services, database: &Database) {
    if let Err(fault) = services.renew_generation(database).await {
        tracing::error!(error = %fault, "Could not renew the generation of the database");
    }
}

pub async fn run_housekeeping(services: Services, database: Database) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    for round in 1.. {
        interval.tick().await;
        if round % RENEWAL_ROUNDS == 0 {
            renew_generation(&services, &database).await;
        }
        match services.run_due_housekeeping().await {
            Ok(()) => metrics::record(|metrics| metrics.set_housekeeping_success(services.now())),
            Err(fault) if fault.is_logged() => {}
            Err(fault) => tracing::error!(error = %fault, "Housekeeping failed"),
        }
    }
}

/// Counts what expires soon.
pub async fn measure_expiring(services: Services) {
    let mut interval = tokio::time::interval(EXPIRING_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(fault) = services.measure_expiring().await {
            tracing::warn!(error = %fault, "Could not count what expires soon, for metrics");
        }
    }
}
