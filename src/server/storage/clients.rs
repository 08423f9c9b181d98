//! Clients.

use sqlx::{FromRow, SqliteExecutor};

use super::{Connection, Fault, parsed};
use crate::domain::client::Client;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

#[derive(FromRow)]
struct Row {
    tenant_id: String,
    client_id: String,
    app_name: String,
    app_version: String,
    secret_hash: Option<Vec<u8>>,
    enabled: bool,
    device_grant: bool,
    scope: String,
    verified: bool,
}

/// A client with what its secret is checked against; `None` for a public client.
pub struct Registered {
    pub client: Client,
    pub secret_hash: Option<Vec<u8>>,
}

impl TryFrom<Row> for Registered {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self, Fault> {
        let client = Client {
            tenant_id: parsed("clients", &row.client_id, TenantId::parse(row.tenant_id))?,
            id: parsed("clients", &row.client_id, ClientId::parse(row.client_id.clone()))?,
            app_name: row.app_name,
            app_version: row.app_version,
            enabled: row.enabled,
            device_grant: row.device_grant,
            scope: ScopeSet::parse_known(&row.scope),
            public: row.secret_hash.is_none(),
            verified: row.verified,
        };
        Ok(Registered { client, secret_hash: row.secret_hash })
    }
}

pub async fn find(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, id: &ClientId) -> Result<Option<Registered>, Fault> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT tenant_id, client_id, app_name, app_version, secret_hash, enabled, device_grant, scope, verified
         FROM clients WHERE tenant_id = $1 AND client_id = $2",
    )
    .bind(tenant_id.as_str())
    .bind(id.as_str())
    .fetch_optional(db)
    .await?;
    row.map(Registered::try_from).transpose()
}

/// False when the tenant has one of that id already.
pub async fn insert(db: &mut Connection, client: &Client, secret_hash: Option<&[u8]>, now: Timestamp) -> Result<bool, Fault> {
    let done = sqlx::query(
        "INSERT INTO clients (tenant_id, client_id, app_name, app_version, secret_hash, enabled, device_grant, scope, verified, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
    )
    .bind(client.tenant_id.as_str())
    .bind(client.id.as_str())
    .bind(&client.app_name)
    .bind(&client.app_version)
    .bind(secret_hash)
    .bind(client.enabled)
    .bind(client.device_grant)
    .bind(client.scope.to_string())
    .bind(client.verified)
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn set_enabled(db: &mut Connection, tenant_id: &TenantId, id: &ClientId, enabled: bool) -> Result<bool, Fault> {
    let done = sqlx::query("UPDATE clients SET enabled = $3 WHERE tenant_id = $1 AND client_id = $2")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .bind(enabled)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}
