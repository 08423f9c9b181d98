//! Reading the audit log: a person's own events, and a tenant's for administrators.

pub mod archive;
pub mod follow;
mod retention;

use super::storage::audit_log;
pub use super::storage::audit_log::AuditQuery;
use super::{Fault, Services};
use crate::domain::audit_log::{AuditEntry, ListedAuditEntry};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::pagination::Page;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin};

/// Number of events that an export reads at once.
const EXPORT_BATCH_SIZE: i64 = 1_000;

/// Whose events may be read. Only this layer can create it, for principals who may read them.
#[derive(Clone, Debug)]
pub struct AuditLogScope {
    tenant_id: TenantId,
    /// `None`: all of the tenant's.
    person: Option<UserId>,
}

impl SignedIn {
    /// The person's own events.
    pub fn own_audit_log(&self) -> AuditLogScope {
        AuditLogScope { tenant_id: self.tenant_id().clone(), person: Some(self.user_id().clone()) }
    }
}

impl TenantAdmin {
    /// All events of the tenant.
    pub fn tenant_audit_log(&self) -> AuditLogScope {
        AuditLogScope { tenant_id: self.tenant_id().clone(), person: None }
    }

    /// A person's events, as they read them.
    pub fn audit_log_of(&self, user_id: &UserId) -> AuditLogScope {
        AuditLogScope { tenant_id: self.tenant_id().clone(), person: Some(user_id.clone()) }
    }
}

impl Services {
    /// A page of events, newest first. Person and actor in `query` are used for a tenant's scope only.
    pub async fn list_audit_events(&self, scope: &AuditLogScope, query: AuditQuery) -> Result<Page<ListedAuditEntry>, Fault> {
        let actor = query.actor.filter(|_| scope.person.is_none());
        let query = AuditQuery { person: scope.person.clone().or(query.person), actor, ..query };
        let listed = audit_log::list(self.storage().reader(), &scope.tenant_id, &query, self.now()).await?;
        Ok(listed.map(|line| ListedAuditEntry { entry: scope.redacted(line.entry), ..line }))
    }

    /// The number of the newest event: an export ends there, however slowly it is downloaded.
    pub async fn last_audit_event(&self) -> Result<i64, Fault> {
        Ok(audit_log::last(self.storage().reader()).await?)
    }

    /// The next batch of an export, oldest first: after the event of number `after`, up to `end`; empty at the end.
    pub async fn export_audit_events(&self, scope: &AuditLogScope, after: i64, end: i64) -> Result<Vec<AuditEntry>, Fault> {
        let AuditLogScope { tenant_id, person } = scope;
        let lines = audit_log::export(self.storage().reader(), tenant_id, person.as_ref(), after, end, EXPORT_BATCH_SIZE).await?;
        Ok(lines.into_iter().map(|line| scope.redacted(line)).collect())
    }
}

impl AuditLogScope {
    /// Removes administrators' IP addresses from what other people read.
    fn redacted(&self, line: AuditEntry) -> AuditEntry {
        let hidden = self.person.is_some() && line.admin.is_some();
        AuditEntry { from: line.from.filter(|_| !hidden), ..line }
    }
}
