//! Deleting old audit events, as each tenant's retention says.

use futures_util::FutureExt;

use crate::domain::tenant::Tenant;
use crate::server::service::platform::housekeeping::BATCH;
use crate::server::service::{Fault, Services};
use crate::server::storage::audit_log::retention::{self, OldEvents};
use crate::server::storage::tenants;

impl Services {
    /// Deletes the events of all tenants that are past their retention.
    pub async fn delete_old_audit_events(&self) -> Result<(), Fault> {
        for tenant in tenants::list(self.storage().reader()).await? {
            self.delete_old_events_of(&tenant).await?;
        }
        Ok(())
    }

    /// In batches, each a change of its own. They are looked for outside of it: those that are kept longer may be many.
    async fn delete_old_events_of(&self, tenant: &Tenant) -> Result<(), Fault> {
        let Some((ordinary, all)) = tenant.policy.retention.ends(self.now()) else { return Ok(()) };
        let reader = self.storage().reader();
        let end = if tenant.policy.archive_first { retention::archived_until(reader, &tenant.id).await? } else { i64::MAX };
        let old = OldEvents { tenant_id: &tenant.id, ordinary, all, end };
        let mut after = (i64::MIN, 0);
        loop {
            let found = retention::find(reader, &old, after, BATCH).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = *last;
            let (tenant_id, ids) = (tenant.id.clone(), found.iter().map(|(_, id)| *id).collect::<Vec<_>>());
            self.write(move |db| async move { retention::delete(db, &tenant_id, &ids).await }.boxed()).await?;
        }
    }
}
