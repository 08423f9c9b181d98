//! Periodic tasks of a running portal.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::server::metrics;
use crate::server::service::platform::backup::check_after_start;
use crate::server::service::platform::key_rotation::WATCH_INTERVAL;
use crate::server::service::{Database, Services};

const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(60);
/// After so many rounds of housekeeping the generation of the database is renewed.
const RENEWAL_ROUNDS: u64 = 10;

/// How often is looked for clients that are to be told of a sign-out.
const LOGOUT_NOTICE_INTERVAL: Duration = Duration::from_secs(2);

/// Counting reads whole tables.
const EXPIRING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Checks the pages of a database that is too large to be checked before the start.
pub async fn report_damage(database: Database) {
    if let Err(error) = check_after_start(&database).await {
        tracing::error!(%error, "The database is damaged, or could not be checked");
    }
}

/// Follows rotations of the keys, which commands and other portals make.
pub async fn follow_key_rotations(services: Services) {
    let mut interval = tokio::time::interval(WATCH_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reported = String::new();
    loop {
        interval.tick().await;
        reload_keys(&services, &mut reported).await;
    }
}

/// Reads keys that were rotated. `reported`: the last error, which is logged once.
async fn reload_keys(services: &Services, reported: &mut String) {
    let problem = match services.reload_keys().await {
        Ok(changed) => {
            if changed {
                tracing::info!("Reloaded the keys, of which one is being rotated");
            }
            services.missing_key().map(|name| format!("keys/{name} does not exist: copy it from where the rotation was begun")).unwrap_or_default()
        }
        // Of the database: other tasks report that.
        Err(fault) if fault.is_temporary() => return,
        Err(fault) => fault.to_string(),
    };
    if !problem.is_empty() && problem != *reported {
        tracing::error!(why = problem, "The keys of a rotation cannot be used");
    }
    *reported = problem;
}

/// Creates, rotates and removes the keys that sign tokens, when it is time.
pub async fn maintain_signing_keys(services: Services, every: Option<Duration>) {
    let mut interval = tokio::time::interval(HOUSEKEEPING_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match services.maintain_signing_keys(every).await {
            Err(fault) if !fault.is_logged() => tracing::error!(error = %fault, "The keys that sign tokens could not be maintained"),
            _ => {}
        }
    }
}

/// Tells clients that people have signed out.
pub async fn send_logout_notices(services: Services) {
    let mut interval = tokio::time::interval(LOGOUT_NOTICE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        loop {
            match services.send_logout_notices().await {
                // Others may be due.
                Ok(sent) if sent > 0 => {}
                Ok(_) => break,
                Err(fault) => {
                    if !fault.is_logged() {
                        tracing::error!(error = %fault, "Clients could not be told of sign-outs");
                    }
                    break;
                }
            }
        }
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
