//! Archiving a tenant's audit events before they are deleted.

use futures_util::FutureExt;

use super::EXPORT_BATCH_SIZE;
use crate::domain::audit_log::record::AuditRecord;
use crate::domain::ids::TenantId;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Fault, Services};
use crate::server::storage::audit_log::{self, retention};

/// The events of a tenant that are archived: after one number, up to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    tenant_id: TenantId,
    pub after: i64,
    pub until: i64,
}

impl Services {
    /// The events before a time that were not archived yet; with `again`, also those that were and still exist. `None` if there are none.
    ///
    /// All events up to the last one before that time belong to it: one in between that was written while the clock was ahead, too. So
    /// a number tells what was archived.
    pub async fn plan_archive(&self, operator: &TenantAdmin, before: Timestamp, again: bool) -> Result<Option<Archive>, Fault> {
        let (reader, tenant_id) = (self.storage().reader(), operator.tenant_id().clone());
        let after = if again { 0 } else { retention::archived_until(reader, &tenant_id).await? };
        let until = retention::last_before(reader, &tenant_id, before).await?.unwrap_or_default();
        Ok((until > after).then_some(Archive { tenant_id, after, until }))
    }

    /// The next events of an archive, after the one of number `after`; none at the end.
    pub async fn archived_events(&self, archive: &Archive, after: i64) -> Result<Vec<AuditRecord>, Fault> {
        let entries = audit_log::export(self.storage().reader(), &archive.tenant_id, None, after, archive.until, EXPORT_BATCH_SIZE).await?;
        Ok(entries.into_iter().map(|entry| AuditRecord::new(archive.tenant_id.as_str(), entry)).collect())
    }

    /// Records that the archive is complete and stored: its events may be deleted.
    pub async fn record_archive(&self, archive: Archive) -> Result<(), Fault> {
        self.write(move |db| async move { retention::set_archived_until(db, &archive.tenant_id, archive.until).await }.boxed()).await
    }
}
