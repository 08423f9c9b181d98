//! Archiving and deleting a tenant's old audit events.

use crate::domain::audit_log::AuditKind;
use crate::domain::ids::TenantId;
use crate::domain::time::Timestamp;
use crate::server::storage::{Connection, Error, sql};

/// Old events of a tenant.
pub struct OldEvents<'a> {
    pub tenant_id: &'a TenantId,
    /// Those of ordinary kinds before this time,
    pub ordinary: Timestamp,
    /// those of all kinds before this one,
    pub all: Option<Timestamp>,
    /// up to this number.
    pub end: i64,
}

/// Time and number of at most `limit` old events after one of them, in the order of time. Kinds that this release does not know count as
/// security-relevant.
pub async fn find(db: impl sql::Executor<'_>, old: &OldEvents<'_>, after: (i64, i64), limit: u32) -> Result<Vec<(i64, i64)>, Error> {
    let ordinary: Vec<&str> = AuditKind::ALL.iter().filter(|kind| !kind.is_security_relevant()).map(|kind| kind.as_str()).collect();
    let query = "SELECT at, id FROM activity
                 WHERE tenant_id = $1 AND (at, id) > ($2, $3) AND at < $4 AND id <= $5
                   AND (at < $6 OR kind IN (SELECT atom FROM json_each($7)))
                 ORDER BY at, id LIMIT $8";
    Ok(sql::query_as(query)
        .bind(old.tenant_id.as_str())
        .bind(after.0)
        .bind(after.1)
        .bind(old.ordinary.as_millis())
        .bind(old.end)
        .bind(old.all.map_or(i64::MIN, Timestamp::as_millis))
        .bind(serde_json::to_string(&ordinary).unwrap_or_default())
        .bind(limit)
        .fetch_all(db)
        .await?)
}

/// Deletes these events of a tenant, and records up to which number some were deleted.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, ids: &[i64]) -> Result<(), Error> {
    sql::query("DELETE FROM activity WHERE tenant_id = $1 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($2))")
        .bind(tenant_id.as_str())
        .bind(serde_json::to_string(ids).unwrap_or_default())
        .execute(&mut *db)
        .await?;
    sql::query("UPDATE tenants SET activity_deleted_until = $2 WHERE id = $1 AND activity_deleted_until < $2")
        .bind(tenant_id.as_str())
        .bind(ids.iter().max().copied().unwrap_or_default())
        .execute(db)
        .await?;
    Ok(())
}

/// The number of the last event that was archived.
pub async fn archived_until(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<i64, Error> {
    let until: Option<i64> =
        sql::query_scalar("SELECT activity_archived_until FROM tenants WHERE id = $1").bind(tenant_id.as_str()).fetch_optional(db).await?;
    Ok(until.unwrap_or_default())
}

/// Whether the tenant keeps its audit events until they are archived, and has some that are not.
pub async fn must_be_archived(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM tenants t JOIN activity a ON a.tenant_id = t.id
                                WHERE t.id = $1 AND t.archive_first AND a.id > t.activity_archived_until)";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).fetch_one(db).await?)
}

pub async fn set_archived_until(db: &mut Connection, tenant_id: &TenantId, id: i64) -> Result<(), Error> {
    sql::query("UPDATE tenants SET activity_archived_until = $2 WHERE id = $1 AND activity_archived_until < $2")
        .bind(tenant_id.as_str())
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// The highest number of an event before a time.
pub async fn last_before(db: impl sql::Executor<'_>, tenant_id: &TenantId, until: Timestamp) -> Result<Option<i64>, Error> {
    let query = sql::query_scalar::<Option<i64>>("SELECT max(id) FROM activity WHERE tenant_id = $1 AND at < $2");
    Ok(query.bind(tenant_id.as_str()).bind(until.as_millis()).fetch_one(db).await?)
}
