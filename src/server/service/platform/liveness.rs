//! Whether this process still gets responses of its database, for the service manager's watchdog.

use crate::server::service::Services;

impl Services {
    /// Waits until a write and a read of the database have come back, with or without an error.
    pub async fn await_database(&self) {
        let check = async {
            self.storage().check_write(self.now()).await?;
            self.storage().state().await
        };
        if let Err(error) = check.await {
            tracing::debug!(%error, "The database responded with an error");
        }
    }
}
