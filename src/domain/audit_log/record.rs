//! An audit event in exports. The fields and their meaning are stable: `docs/audit-events.md` describes them.

use serde::Serialize;

use super::AuditEntry;

/// What every export has of an event.
#[derive(Clone, Debug, Serialize)]
pub struct RecordFields {
    /// RFC 3339, in UTC.
    pub at: String,
    pub kind: String,
    pub person: Option<String>,
    pub client: Option<String>,
    pub subject: Option<String>,
    pub administrator: Option<String>,
    pub from: Option<String>,
    /// The account on a host that it is about.
    pub host: Option<String>,
    pub account: Option<String>,
}

impl From<AuditEntry> for RecordFields {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: entry.at.to_rfc3339(),
            kind: entry.kind,
            person: entry.person,
            client: entry.client_id,
            subject: entry.subject,
            administrator: entry.admin,
            from: entry.from,
            host: entry.host,
            account: entry.account,
        }
    }
}

/// An event in the export for operators, which may have several tenants: a line of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct AuditRecord {
    /// Its number: ascending in the order of commits, over all tenants.
    pub id: i64,
    pub tenant: String,
    #[serde(flatten)]
    pub fields: RecordFields,
}

impl AuditRecord {
    pub fn new(tenant: impl Into<String>, entry: AuditEntry) -> Self {
        Self { id: entry.row_id, tenant: tenant.into(), fields: entry.into() }
    }
}
