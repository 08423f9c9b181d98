//! Rows that only the test tenant's data need for now: hosts and the second factor, whose real doors come with the TMS API.

use super::{Connection, Fault};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::time::Timestamp;

pub async fn insert_host(db: &mut Connection, tenant_id: &TenantId, host: &str, address: &str, now: Timestamp) -> Result<(), Fault> {
    sqlx::query("INSERT INTO hosts (tenant_id, host, address, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(tenant_id.as_str())
        .bind(host)
        .bind(address)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

pub async fn insert_user_mfa(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, expires_at: Timestamp) -> Result<(), Fault> {
    sqlx::query("INSERT INTO user_mfa (tenant_id, user_id, enabled, expires_at) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(expires_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}
