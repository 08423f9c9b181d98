//! The audit log: append-only.

use std::time::Duration;

use sqlx::SqliteExecutor;

use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::{Connection, Error};
use crate::domain::audit_log::{AuditEntry, AuditEvent, AuditGroup, AuditKind, AuditPeriod};
use crate::domain::folding;
use crate::domain::ids::{AdminId, ClientId, DeviceGrantId, TenantId, UserId};
use crate::domain::pagination::{Cursor, Page};
use crate::domain::time::Timestamp;

pub async fn insert(db: &mut Connection, event: &AuditEvent) -> Result<(), Error> {
    insert_all(db, std::slice::from_ref(event)).await
}

/// Appends events in their order. The only place that writes to the audit log.
pub async fn insert_all(db: &mut Connection, events: &[AuditEvent]) -> Result<(), Error> {
    let rows: Vec<serde_json::Value> = events.iter().map(as_json).collect();
    sqlx::query(
        "INSERT INTO activity (tenant_id, at, kind, user_id, client_id, device_grant_id, from_address, admin_id, subject, subject_folded)
         SELECT value ->> 'tenant_id', value ->> 'at', value ->> 'kind', value ->> 'user_id', value ->> 'client_id', value ->> 'device_grant_id',
                value ->> 'from_address', value ->> 'admin_id', value ->> 'subject', value ->> 'subject_folded'
         FROM json_each($1)",
    )
    .bind(serde_json::Value::from(rows).to_string())
    .execute(db)
    .await?;
    Ok(())
}

fn as_json(event: &AuditEvent) -> serde_json::Value {
    serde_json::json!({
        "tenant_id": event.tenant_id.as_str(),
        "at": event.at.as_millis(),
        "kind": event.kind.as_str(),
        "user_id": event.person.as_ref().map(UserId::as_str),
        "client_id": event.client_id.as_ref().map(ClientId::as_str),
        "device_grant_id": event.device_grant_id.as_ref().map(DeviceGrantId::as_str),
        "from_address": event.from.map(|from| from.to_string()),
        "admin_id": event.admin.as_ref().map(AdminId::as_str),
        "subject": event.subject,
        "subject_folded": event.subject.as_deref().and_then(folding::search_key),
    })
}

/// Appends an event that callers can repeat at will: at most once within `span`.
pub async fn insert_throttled(db: &mut Connection, activity: &AuditEvent, span: Duration) -> Result<(), Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant_id = $1 AND user_id IS $2 AND at > $3 AND kind = $4
                                  AND device_grant_id IS $5 AND subject IS $6 AND from_address IS $7)";
    let recorded: bool = sqlx::query_scalar(query)
        .bind(activity.tenant_id.as_str())
        .bind(activity.person.as_ref().map(UserId::as_str))
        .bind((activity.at - span).as_millis())
        .bind(activity.kind.as_str())
        .bind(activity.device_grant_id.as_ref().map(DeviceGrantId::as_str))
        .bind(&activity.subject)
        .bind(activity.from.map(|from| from.to_string()))
        .fetch_one(&mut *db)
        .await?;
    if recorded { Ok(()) } else { insert(db, activity).await }
}

/// Whether the person's audit log mentions a key with this fingerprint.
pub async fn mentions_key(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, user_id: &UserId, fingerprint: &str) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant_id = $1 AND user_id = $2 AND subject = $3 AND kind IN ($4, $5, $6))";
    let kinds = [AuditKind::KeyCreated, AuditKind::KeyUsed, AuditKind::KeyRevoked].map(AuditKind::as_str);
    let query = sqlx::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(fingerprint);
    Ok(query.bind(kinds[0]).bind(kinds[1]).bind(kinds[2]).fetch_one(db).await?)
}

/// Parameters of an audit log query; newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only this person's; `None`: the whole tenant's.
    pub person: Option<UserId>,
    pub search: Option<String>,
    pub group: AuditGroup,
    pub since: AuditPeriod,
    pub after: Option<Cursor>,
}

row!(activity:
    struct Row {
        id: i64,
        at: i64,
        kind: String,
        user_id: Option<String>,
        client_id: Option<String>,
        admin_id: Option<String>,
        subject: Option<String>,
        from_address: Option<String>,
    }
);

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            row_id: row.id,
            at: Timestamp::from_millis(row.at),
            kind: row.kind,
            person: row.user_id,
            client_id: row.client_id,
            admin: row.admin_id,
            subject: row.subject,
            from: row.from_address,
        }
    }
}

pub async fn list(db: &sqlx::SqlitePool, tenant_id: &TenantId, query: &AuditQuery, now: Timestamp) -> Result<Page<AuditEntry>, Error> {
    let order = Order::integer("id", "id").descending();
    let mut listing = KeysetQuery::new(columns!(), "activity WHERE tenant_id = ", tenant_id.as_str().to_owned(), order);
    if let Some(person) = &query.person {
        listing.and_bound("user_id = ", person.as_str().to_owned());
    }
    if query.group != AuditGroup::All {
        let kinds: Vec<&str> = AuditKind::ALL.iter().filter(|kind| kind.group() == query.group).map(|kind| kind.as_str()).collect();
        listing.and_bound("kind IN (SELECT value FROM json_each(", serde_json::to_string(&kinds).unwrap_or_default()).close_paren().close_paren();
    }
    if let Some(span) = query.since.span() {
        listing.and_bound("at >= ", (now - span).as_millis());
    }
    listing.search(query.search.as_deref(), &["kind", "user_id", "client_id", "coalesce(subject_folded, subject)", "from_address", "admin_id"]);
    Ok(listing.fetch::<Row>(db, query.after.as_ref()).await?.map(AuditEntry::from))
}

/// The number of the newest event of all tenants; 0 if there is none.
pub async fn last(db: impl SqliteExecutor<'_>) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM activity").fetch_one(db).await?)
}

/// A batch of events for exports, oldest first: after one number, up to another.
pub async fn export(
    db: impl SqliteExecutor<'_>,
    tenant_id: &TenantId,
    person: Option<&UserId>,
    after: i64,
    end: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>, Error> {
    let rows: Vec<Row> =
        sqlx::query_as(select!("WHERE tenant_id = $1 AND ($2 IS NULL OR user_id = $2) AND id > $3 AND id <= $4 ORDER BY id LIMIT $5"))
            .bind(tenant_id.as_str())
            .bind(person.map(UserId::as_str))
            .bind(after)
            .bind(end)
            .bind(limit)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}
