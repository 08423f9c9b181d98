//! Tenants and their admins.

use std::time::Duration;

use sqlx::{FromRow, SqliteExecutor};

use super::{Connection, Fault, parsed};
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;

#[derive(FromRow)]
struct Row {
    id: String,
    display_name: String,
    enabled: bool,
    local_passwords: bool,
    prefill_user_code: bool,
    require_started_tick: bool,
    code_lifetime_ms: i64,
    longest_access_ms: i64,
}

impl TryFrom<Row> for Tenant {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let millis = |value: i64| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        Ok(Tenant {
            id: parsed("tenants", &row.id, TenantId::parse(row.id.clone()))?,
            display_name: row.display_name,
            enabled: row.enabled,
            policy: Policy {
                local_passwords: row.local_passwords,
                prefill_user_code: row.prefill_user_code,
                require_started_tick: row.require_started_tick,
                code_lifetime: millis(row.code_lifetime_ms),
                longest_access: millis(row.longest_access_ms),
            },
        })
    }
}

pub async fn find(db: impl SqliteExecutor<'_>, id: &TenantId) -> Result<Option<Tenant>, Fault> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms, longest_access_ms
         FROM tenants WHERE id = $1",
    )
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.map(Tenant::try_from).transpose()
}

pub async fn list(db: impl SqliteExecutor<'_>) -> Result<Vec<Tenant>, Fault> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms, longest_access_ms
         FROM tenants ORDER BY display_name, id",
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// False when there is one of that name already.
pub async fn insert(db: &mut Connection, tenant: &Tenant, now: Timestamp) -> Result<bool, Fault> {
    let done = sqlx::query(
        "INSERT INTO tenants (id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms, longest_access_ms, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant.id.as_str())
    .bind(&tenant.display_name)
    .bind(tenant.enabled)
    .bind(tenant.policy.local_passwords)
    .bind(tenant.policy.prefill_user_code)
    .bind(tenant.policy.require_started_tick)
    .bind(millis(tenant.policy.code_lifetime))
    .bind(millis(tenant.policy.longest_access))
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False when there is no such tenant.
pub async fn update(db: &mut Connection, tenant: &Tenant) -> Result<bool, Fault> {
    let done = sqlx::query(
        "UPDATE tenants
         SET display_name = $2, enabled = $3, local_passwords = $4, prefill_user_code = $5, require_started_tick = $6,
             code_lifetime_ms = $7, longest_access_ms = $8
         WHERE id = $1",
    )
    .bind(tenant.id.as_str())
    .bind(&tenant.display_name)
    .bind(tenant.enabled)
    .bind(tenant.policy.local_passwords)
    .bind(tenant.policy.prefill_user_code)
    .bind(tenant.policy.require_started_tick)
    .bind(millis(tenant.policy.code_lifetime))
    .bind(millis(tenant.policy.longest_access))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn insert_admin(db: &mut Connection, tenant_id: &TenantId, admin_id: &str, secret_hash: &[u8], now: Timestamp) -> Result<(), Fault> {
    sqlx::query("INSERT INTO tenant_admins (tenant_id, admin_id, secret_hash, created_at) VALUES ($1, $2, $3, $4)")
        .bind(tenant_id.as_str())
        .bind(admin_id)
        .bind(secret_hash)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
