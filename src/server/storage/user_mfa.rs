//! MFA records: until when people's second factors count for keys.

use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::pagination::PageRequest;
use crate::domain::time::Timestamp;
use crate::domain::user_mfa::UserMfa;

row!(user_mfa:
    struct Row {
        number: i64,
        tenant_id: String,
        user_id: String,
        enabled: bool,
        expires_at: i64,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for UserMfa {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(UserMfa {
            number: row.number,
            tenant_id: parse_column("user_mfa", &row.user_id, TenantId::parse(row.tenant_id))?,
            user_id: parse_column("user_mfa", &row.user_id, UserId::parse(row.user_id.clone()))?,
            enabled: row.enabled,
            expires_at: Timestamp::from_millis(row.expires_at),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Option<UserMfa>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND user_id = $2")).bind(tenant_id.as_str()).bind(user_id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(UserMfa::try_from).transpose()
}

pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, page: PageRequest) -> Result<Vec<UserMfa>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.into_iter().map(UserMfa::try_from).collect()
}

/// False if the person has one.
pub async fn insert(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, expires_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let number = sequences::next(db, "user_mfa").await?;
    let done = sql::query(
        "INSERT INTO user_mfa (number, tenant_id, user_id, enabled, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, true, $4, $5, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(number)
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(expires_at.as_millis())
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False if the person has none.
pub async fn set_enabled(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, enabled: bool, now: Timestamp) -> Result<bool, Error> {
    let done = sql::query("UPDATE user_mfa SET enabled = $3, updated_at = $4 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(enabled)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// False if the person has none.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId) -> Result<bool, Error> {
    let done =
        sql::query("DELETE FROM user_mfa WHERE tenant_id = $1 AND user_id = $2").bind(tenant_id.as_str()).bind(user_id.as_str()).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

/// Enables the record and sets its expiry.
pub async fn reopen(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, expires_at: Timestamp, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE user_mfa SET enabled = true, expires_at = $3, updated_at = $4 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(expires_at.as_millis())
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Extends the record until `until`, if it expires earlier. Creates one if there is none; one that an administrator disabled is unchanged.
/// True if the expiry is later now.
pub async fn extend(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, until: Timestamp, now: Timestamp) -> Result<bool, Error> {
    if insert(db, tenant_id, user_id, until, now).await? {
        return Ok(true);
    }
    let query = "UPDATE user_mfa SET expires_at = $3, updated_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND enabled AND expires_at < $3";
    let done = sql::query(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(until.as_millis()).bind(now.as_millis()).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
