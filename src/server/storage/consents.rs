//! Remembered consents: what people are not asked again when they sign in at a client.

use super::row::{row, select};
use super::sql;
use super::{Connection, Error};
use crate::domain::consent::RememberedConsent;
use crate::domain::ids::{ClientId, TenantId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

row!(consents:
    struct Row {
        scope: String,
        redirect_host: String,
        client_name: String,
        expires_at: i64,
    }
);

pub async fn find(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    person: &UserId,
    client_id: &ClientId,
) -> Result<Option<RememberedConsent>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND user_id = $2 AND client_id = $3"));
    let row: Option<Row> = query.bind(tenant_id.as_str()).bind(person.as_str()).bind(client_id.as_str()).fetch_optional(db).await?;
    Ok(row.map(|row| RememberedConsent {
        scope: ScopeSet::parse_known(&row.scope),
        redirect_host: row.redirect_host,
        client_name: row.client_name,
        until: Timestamp::from_millis(row.expires_at),
    }))
}

/// Stores a consent in place of an earlier one.
pub async fn save(
    db: &mut Connection,
    tenant_id: &TenantId,
    person: &UserId,
    client_id: &ClientId,
    consent: &RememberedConsent,
) -> Result<(), Error> {
    sql::query(
        "INSERT INTO consents (tenant_id, user_id, client_id, scope, redirect_host, client_name, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE
             SET scope = excluded.scope, redirect_host = excluded.redirect_host, client_name = excluded.client_name, expires_at = excluded.expires_at",
    )
    .bind(tenant_id.as_str())
    .bind(person.as_str())
    .bind(client_id.as_str())
    .bind(consent.scope.to_string())
    .bind(&consent.redirect_host)
    .bind(&consent.client_name)
    .bind(consent.until.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a person's consents to a client; `None`: to all clients. They are asked again.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, person: &UserId, client_id: Option<&ClientId>) -> Result<(), Error> {
    sql::query("DELETE FROM consents WHERE tenant_id = $1 AND user_id = $2 AND client_id = coalesce($3, client_id)")
        .bind(tenant_id.as_str())
        .bind(person.as_str())
        .bind(client_id.map(ClientId::as_str))
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes consents that have expired, at most `limit`. Returns how many there were.
pub async fn delete_expired(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM consents WHERE (tenant_id, user_id, client_id) IN
             (SELECT tenant_id, user_id, client_id FROM consents WHERE expires_at <= $1 LIMIT $2)",
    );
    Ok(delete.bind(now.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
