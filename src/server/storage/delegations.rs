//! People's permissions for clients.

use super::{Connection, Fault};
use crate::domain::ids::{ClientId, DelegationId, DeviceGrantId, HostAccountId, TenantId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

/// A permission to write down.
pub struct NewDelegation<'a> {
    pub tenant_id: &'a TenantId,
    pub id: DelegationId,
    pub client_id: &'a ClientId,
    pub user_id: &'a UserId,
    /// `None` where the tenant's admin sets it up.
    pub device_grant_id: Option<&'a DeviceGrantId>,
    pub scope: &'a ScopeSet,
    pub expires_at: Timestamp,
}

/// For the host accounts named.
pub async fn insert(db: &mut Connection, new: &NewDelegation<'_>, host_accounts: &[HostAccountId], now: Timestamp) -> Result<(), Fault> {
    insert_row(db, new, false, now).await?;
    for host_account in host_accounts {
        sqlx::query("INSERT INTO delegation_host_accounts (tenant_id, delegation_id, host_account_id) VALUES ($1, $2, $3)")
            .bind(new.tenant_id.as_str())
            .bind(new.id.as_str())
            .bind(host_account.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// For every host account of the person, present and future.
pub async fn insert_for_every_host(db: &mut Connection, new: &NewDelegation<'_>, now: Timestamp) -> Result<(), Fault> {
    insert_row(db, new, true, now).await
}

async fn insert_row(db: &mut Connection, new: &NewDelegation<'_>, every_host_account: bool, now: Timestamp) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO delegations (tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.tenant_id.as_str())
    .bind(new.id.as_str())
    .bind(new.client_id.as_str())
    .bind(new.user_id.as_str())
    .bind(new.device_grant_id.map(DeviceGrantId::as_str))
    .bind(new.scope.to_string())
    .bind(every_host_account)
    .bind(now.as_millis())
    .bind(new.expires_at.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// Ends the permission that a consent gave.
pub async fn end_of_grant(db: &mut Connection, tenant_id: &TenantId, grant_id: &DeviceGrantId, now: Timestamp) -> Result<(), Fault> {
    sqlx::query("UPDATE delegations SET ended_at = $3 WHERE tenant_id = $1 AND device_grant_id = $2 AND ended_at IS NULL")
        .bind(tenant_id.as_str())
        .bind(grant_id.as_str())
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(())
}
