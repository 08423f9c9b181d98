//! The audit log.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::audit_log::{AuditGroup, AuditKind, AuditObjects};
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
    /// The host that it is about, and the account there.
    pub host: Option<String>,
    pub account: Option<String>,
    pub objects: AuditObjects,
}

impl AuditEntryItem {
    /// The client's name, or the id of one that was deleted.
    pub fn app(&self) -> Option<&str> {
        self.objects.client_name.as_deref().or(self.client.as_deref())
    }

    /// Whether its subject is a key's fingerprint.
    pub fn is_about_key(&self) -> bool {
        let of_keys = AuditKind::parse(&self.kind).is_some_and(|kind| kind.group() == AuditGroup::Keys);
        of_keys && self.subject.as_deref().is_some_and(|subject| subject.starts_with("SHA256:"))
    }
}

/// A page of the person's audit log. `show`: `sign-ins`, `apps`, `keys`, `hosts`, `administration`; `since`: `day`, `week`, `month`; `from`, `to`:
/// days in the reader's time zone.
#[server(prefix = "/api", endpoint = "activity/list")]
pub async fn list_person_audit_log(#[server(default)] query: ListQuery) -> Result<Page<AuditEntryItem>, ServerFnError> {
    use crate::server::context;
    let record = context::signed_in()?.own_audit_log();
    let listed = context::services()?.list_audit_events(&record, context::audit_query(&query)?).await.map_err(context::fault)?;
    Ok(listed.map(AuditEntryItem::from))
}

/// A page of the tenant's audit log, for its administrators. `actor`: the id of a person or administrator.
#[server(prefix = "/api", endpoint = "admin/activity/list")]
pub async fn list_tenant_audit_log(#[server(default)] query: ListQuery) -> Result<Page<AuditEntryItem>, ServerFnError> {
    use crate::server::context;
    let record = context::admin()?.tenant_audit_log();
    let listed = context::services()?.list_audit_events(&record, context::audit_query(&query)?).await.map_err(context::fault)?;
    Ok(listed.map(AuditEntryItem::from))
}

#[cfg(feature = "ssr")]
impl From<crate::domain::audit_log::ListedAuditEntry> for AuditEntryItem {
    fn from(line: crate::domain::audit_log::ListedAuditEntry) -> Self {
        let crate::domain::audit_log::ListedAuditEntry { entry, objects } = line;
        let (host, account) = entry.place();
        Self {
            at: entry.at,
            kind: entry.kind,
            person: entry.person,
            client: entry.client_id,
            subject: entry.subject,
            admin: entry.admin,
            from: entry.from,
            host,
            account,
            objects,
        }
    }
}
