//! The record of what happened, as it is read: a person's own, and for administrators the tenant's.

use super::storage::audit_log;
pub use super::storage::audit_log::AuditQuery;
use super::{Fault, Services};
use crate::domain::audit_log::AuditEntry;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::pagination::Page;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin};

/// Lines of an export that are read at once.
const EXPORT_BATCH_SIZE: i64 = 1_000;

/// Whose record an export holds. Only this room can make it, for those who may read it.
#[derive(Clone, Debug)]
pub struct AuditLogScope {
    tenant_id: TenantId,
    /// `None`: all of the tenant's.
    person: Option<UserId>,
}

impl SignedIn {
    /// The person's own record.
    pub fn own_audit_log(&self) -> AuditLogScope {
        AuditLogScope { tenant_id: self.tenant_id().clone(), person: Some(self.user_id().clone()) }
    }
}

impl TenantAdmin {
    /// The tenant's record.
    pub fn tenant_audit_log(&self) -> AuditLogScope {
        AuditLogScope { tenant_id: self.tenant_id().clone(), person: None }
    }
}

impl Services {
    /// A piece of a record, the newest first. What `wanted` says of a person holds only for a tenant's record.
    pub async fn list_audit_events(&self, scope: &AuditLogScope, query: AuditQuery) -> Result<Page<AuditEntry>, Fault> {
        let wanted = AuditQuery { person: scope.person.clone().or(query.person), ..query };
        let listed = audit_log::list(self.storage().reader(), &scope.tenant_id, &wanted, self.now()).await?;
        Ok(listed.map(|line| scope.redacted(line)))
    }

    /// How far the record goes now: an export goes no further, however slowly it is fetched.
    pub async fn last_audit_event(&self) -> Result<i64, Fault> {
        Ok(audit_log::last(self.storage().reader()).await?)
    }

    /// The next lines of an export, the oldest first, behind the line with that number, up to `end`; none after that.
    pub async fn export_audit_events(&self, scope: &AuditLogScope, after: i64, end: i64) -> Result<Vec<AuditEntry>, Fault> {
        let AuditLogScope { tenant_id, person } = scope;
        let lines = audit_log::export(self.storage().reader(), tenant_id, person.as_ref(), after, end, EXPORT_BATCH_SIZE).await?;
        Ok(lines.into_iter().map(|line| scope.redacted(line)).collect())
    }
}

impl AuditLogScope {
    /// Where an administrator sits is none of other people's business.
    fn redacted(&self, line: AuditEntry) -> AuditEntry {
        let hidden = self.person.is_some() && line.admin.is_some();
        AuditEntry { from: line.from.filter(|_| !hidden), ..line }
    }
}
