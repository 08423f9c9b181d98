//! The audit log.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::pagination::{ListQuery, Page};
use crate::domain::time::Timestamp;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntryItem {
    pub at: Timestamp,
    /// The stable name of the kind, such as `key_created`.
    pub kind: String,
    pub person: Option<String>,
    pub client: Option<String>,
    /// A key's fingerprint, `account@host`, a host …
    pub subject: Option<String>,
    /// The administrator who caused it; `None`: the person, or a machine.
    pub admin: Option<String>,
    pub from: Option<String>,
}

/// A page of the person's audit log. `show`: `sign-ins`, `apps`, `keys`, `hosts`, `administration`; `since`: `day`, `week`, `month`.
#[server(prefix = "/api", endpoint = "activity/list")]
pub async fn list_person_audit_log(#[server(default)] query: ListQuery) -> Result<Page<AuditEntryItem>, ServerFnError> {
    use crate::server::context;
    let record = context::signed_in()?.own_audit_log();
    let listed = context::services()?.list_audit_events(&record, context::audit_query(&query)).await.map_err(context::fault)?;
    Ok(listed.map(AuditEntryItem::from))
}

/// A page of the tenant's audit log, for its administrators.
#[server(prefix = "/api", endpoint = "admin/activity/list")]
pub async fn list_tenant_audit_log(#[server(default)] query: ListQuery) -> Result<Page<AuditEntryItem>, ServerFnError> {
    use crate::server::context;
    let record = context::admin()?.tenant_audit_log();
    let listed = context::services()?.list_audit_events(&record, context::audit_query(&query)).await.map_err(context::fault)?;
    Ok(listed.map(AuditEntryItem::from))
}

#[cfg(feature = "ssr")]
impl From<crate::domain::audit_log::AuditEntry> for AuditEntryItem {
    fn from(line: crate::domain::audit_log::AuditEntry) -> Self {
        Self { at: line.at, kind: line.kind, person: line.person, client: line.client_id, subject: line.subject, admin: line.admin, from: line.from }
    }
}
