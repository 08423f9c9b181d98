//! Administrators of tenants, with id and secret for the API.

use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{AdminId, TenantId};
use crate::domain::time::Timestamp;

/// An administrator, with the hashes of their secret.
pub struct Admin {
    pub admin_id: AdminId,
    pub secrets: SecretHashes,
    pub created_at: Timestamp,
}

/// The hash of the current secret and, during a rotation, of the previous one.
#[derive(Clone)]
pub struct SecretHashes {
    pub current: Vec<u8>,
    pub old: Option<(Vec<u8>, Timestamp)>,
    /// The hash of what a TMS server stored of a secret, and until when that secret is valid here.
    pub imported: Option<(Vec<u8>, Timestamp)>,
}

row!(tenant_admins:
    struct Row {
        admin_id: String,
        secret_hash: Vec<u8>,
        old_secret_hash: Option<Vec<u8>>,
        old_secret_until: Option<i64>,
        imported_secret_hash: Option<Vec<u8>>,
        imported_secret_until: Option<i64>,
        created_at: i64,
    }
);

impl TryFrom<Row> for Admin {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Admin {
            admin_id: parse_column("tenant_admins", &row.admin_id, AdminId::parse(row.admin_id.clone()))?,
            secrets: SecretHashes {
                current: row.secret_hash,
                old: row.old_secret_hash.zip(row.old_secret_until.map(Timestamp::from_millis)),
                imported: row.imported_secret_hash.zip(row.imported_secret_until.map(Timestamp::from_millis)),
            },
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, admin_id: &AdminId) -> Result<Option<Admin>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND admin_id = $2")).bind(tenant_id.as_str()).bind(admin_id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(Admin::try_from).transpose()
}

pub async fn list(db: impl sql::Executor<'_>, tenant_id: &TenantId) -> Result<Vec<Admin>, Error> {
    let rows: Vec<Row> = sql::query_as(select!("WHERE tenant_id = $1 ORDER BY admin_id")).bind(tenant_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(Admin::try_from).collect()
}

/// False if the tenant has an administrator of that id.
pub async fn insert(db: &mut Connection, tenant_id: &TenantId, admin_id: &AdminId, secret_hash: &[u8], now: Timestamp) -> Result<bool, Error> {
    let done = sql::query("INSERT INTO tenant_admins (tenant_id, admin_id, secret_hash, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(tenant_id.as_str())
        .bind(admin_id.as_str())
        .bind(secret_hash)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets a new secret; the old one, and an imported one, stay valid until `old_until`. False if there is no such administrator.
pub async fn set_secret(
    db: &mut Connection,
    tenant_id: &TenantId,
    admin_id: &AdminId,
    secret_hash: &[u8],
    old_until: Timestamp,
) -> Result<bool, Error> {
    let done = sql::query(
        "UPDATE tenant_admins SET old_secret_hash = secret_hash, old_secret_until = $4, secret_hash = $3,
                imported_secret_until = CASE WHEN imported_secret_until > $4 THEN $4 ELSE imported_secret_until END
         WHERE tenant_id = $1 AND admin_id = $2",
    )
    .bind(tenant_id.as_str())
    .bind(admin_id.as_str())
    .bind(secret_hash)
    .bind(old_until.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False if there is no such administrator.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, admin_id: &AdminId) -> Result<bool, Error> {
    let done = sql::query("DELETE FROM tenant_admins WHERE tenant_id = $1 AND admin_id = $2")
        .bind(tenant_id.as_str())
        .bind(admin_id.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}
