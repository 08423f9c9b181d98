//! Reservations: leases on keys.

use sqlx::FromRow;

use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::ids::{ClientId, HostName, TenantId, UserId};
use crate::domain::reservation::Reservation;
use crate::domain::time::Timestamp;

#[derive(FromRow)]
struct Row {
    number: i64,
    tenant_id: String,
    resid: String,
    parent_resid: String,
    client_id: String,
    user_id: String,
    host: String,
    fingerprint: String,
    pubkey: i64,
    expires_at: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Reservation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Reservation {
            number: row.number,
            tenant_id: parse_column("reservations", &row.resid, TenantId::parse(row.tenant_id))?,
            client_id: parse_column("reservations", &row.resid, ClientId::parse(row.client_id))?,
            user_id: parse_column("reservations", &row.resid, UserId::parse(row.user_id))?,
            host: parse_column("reservations", &row.resid, HostName::parse(row.host))?,
            resid: row.resid,
            parent_resid: row.parent_resid,
            fingerprint: row.fingerprint,
            pubkey: row.pubkey,
            expires_at: Timestamp::from_millis(row.expires_at),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

/// Finds a reservation of this client.
pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, client_id: &ClientId, resid: &str) -> Result<Option<Reservation>, Error> {
    let row: Option<Row> = sql::query_as(
        "SELECT r.number, r.tenant_id, r.resid, r.parent_resid, r.client_id, k.user_id, k.host, k.fingerprint, r.pubkey, r.expires_at, r.created_at,
                r.updated_at
         FROM reservations r JOIN pubkeys k ON k.number = r.pubkey
         WHERE r.tenant_id = $1 AND r.client_id = $2 AND r.resid = $3",
    )
    .bind(tenant_id.as_str())
    .bind(client_id.as_str())
    .bind(resid)
    .fetch_optional(db)
    .await?;
    row.map(Reservation::try_from).transpose()
}

/// The latest expiry of a key's reservations.
pub async fn latest_expiry(db: impl sql::Executor<'_>, pubkey: i64) -> Result<Option<Timestamp>, Error> {
    let longest: Option<i64> = sql::query_scalar("SELECT max(expires_at) FROM reservations WHERE pubkey = $1").bind(pubkey).fetch_one(db).await?;
    Ok(longest.map(Timestamp::from_millis))
}

/// Assigns the number.
pub async fn insert(db: &mut Connection, reservation: &Reservation) -> Result<(), Error> {
    let number = sequences::next(db, "reservations").await?;
    sql::query(
        "INSERT INTO reservations (number, tenant_id, resid, parent_resid, client_id, pubkey, expires_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
    )
    .bind(number)
    .bind(reservation.tenant_id.as_str())
    .bind(&reservation.resid)
    .bind(&reservation.parent_resid)
    .bind(reservation.client_id.as_str())
    .bind(reservation.pubkey)
    .bind(reservation.expires_at.as_millis())
    .bind(reservation.created_at.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the client's reservation; with `related`, also those that extend it. Returns the number of rows deleted.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, client_id: &ClientId, resid: &str, related: bool) -> Result<u64, Error> {
    let done = sql::query("DELETE FROM reservations WHERE tenant_id = $1 AND client_id = $2 AND (resid = $3 OR ($4 AND parent_resid = $3))")
        .bind(tenant_id.as_str())
        .bind(client_id.as_str())
        .bind(resid)
        .bind(related)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Deletes reservations that expired before `before`, at most `limit`. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM reservations WHERE (tenant_id, resid) IN (SELECT tenant_id, resid FROM reservations WHERE expires_at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
