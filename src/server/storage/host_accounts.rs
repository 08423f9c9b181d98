//! Linked host accounts.

use sqlx::{FromRow, SqliteExecutor};

use super::{Connection, Fault, parsed};
use crate::domain::host_account::HostAccount;
use crate::domain::ids::{DeviceGrantId, HostAccountId, TenantId, UserId};
use crate::domain::time::Timestamp;

#[derive(FromRow)]
struct Row {
    id: String,
    user_id: String,
    host: String,
    account: String,
    linked_at: i64,
    expires_at: i64,
}

impl TryFrom<Row> for HostAccount {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        Ok(HostAccount {
            user_id: parsed("host_accounts", &row.id, UserId::parse(row.user_id))?,
            id: parsed("host_accounts", &row.id, HostAccountId::parse(row.id.clone()))?,
            host: row.host,
            account: row.account,
            linked_at: Timestamp::from_millis(row.linked_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

pub async fn of_person(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<HostAccount>, Fault> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, user_id, host, account, linked_at, expires_at
         FROM host_accounts WHERE tenant_id = $1 AND user_id = $2 ORDER BY host, account",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .fetch_all(db)
    .await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

/// Those the person left ticked when they consented to this grant.
pub async fn of_grant(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, grant_id: &DeviceGrantId) -> Result<Vec<HostAccount>, Fault> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT a.id, a.user_id, a.host, a.account, a.linked_at, a.expires_at
         FROM delegations d
         JOIN delegation_host_accounts t ON t.tenant_id = d.tenant_id AND t.delegation_id = d.id
         JOIN host_accounts a ON a.tenant_id = t.tenant_id AND a.id = t.host_account_id AND a.user_id = d.user_id
         WHERE d.tenant_id = $1 AND d.device_grant_id = $2 AND d.ended_at IS NULL
         ORDER BY a.host, a.account",
    )
    .bind(tenant_id.as_str())
    .bind(grant_id.as_str())
    .fetch_all(db)
    .await?;
    rows.into_iter().map(HostAccount::try_from).collect()
}

/// False when that account is linked to the person already.
pub async fn insert(db: &mut Connection, tenant_id: &TenantId, account: &HostAccount) -> Result<bool, Fault> {
    let done = sqlx::query(
        "INSERT INTO host_accounts (tenant_id, id, user_id, host, account, linked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant_id.as_str())
    .bind(account.id.as_str())
    .bind(account.user_id.as_str())
    .bind(&account.host)
    .bind(&account.account)
    .bind(account.linked_at.as_millis())
    .bind(account.expires_at.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
