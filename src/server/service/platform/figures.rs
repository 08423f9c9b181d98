//! What metrics read of the portal.

use std::time::Duration;

use crate::server::metrics::{self, DatabaseFiles, Expiring};
use crate::server::service::ssh_keys::key_pairs::MAX_QUEUED_RSA_KEYS;
use crate::server::service::{Fault, Services};
use crate::server::storage::expiring;

/// As on the home page.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Services {
    /// The number of changes that wait for the writer of the database.
    pub fn waiting_writes(&self) -> usize {
        self.storage().waiting_writes()
    }

    /// The number of RSA keys being generated or waiting for it.
    pub fn rsa_keys_waiting(&self) -> usize {
        MAX_QUEUED_RSA_KEYS.saturating_sub(self.shared.rsa_queue.available_permits())
    }

    /// The sizes of the embedded database's files; `None` if the database is a server.
    pub async fn database_files(&self) -> Option<DatabaseFiles> {
        self.storage().file_sizes().await
    }

    /// Counts what expires soon, if metrics are on.
    pub async fn measure_expiring(&self) -> Result<(), Fault> {
        let Some(metrics) = metrics::get() else { return Ok(()) };
        let now = self.now();
        let counts = expiring::count(self.storage().reader(), now, now + SOON).await?;
        metrics.set_expiring(Expiring::SshKey, counts.ssh_keys);
        metrics.set_expiring(Expiring::HostAccount, counts.host_accounts);
        metrics.set_expiring(Expiring::Mfa, counts.mfa);
        Ok(())
    }
}
