//! Identifiers of tokens that are accepted once, or no more: of client assertions that were used (RFC 7523 §3), and of tokens that clients got
//! for themselves and revoked. Each is kept until it expires.

use super::sql;
use super::{Connection, Error};
use crate::domain::time::Timestamp;

/// False if it was used before.
pub async fn insert(db: &mut Connection, hash: &[u8], expires_at: Timestamp) -> Result<bool, Error> {
    let insert = sql::query("INSERT INTO used_assertions (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    Ok(insert.bind(hash).bind(expires_at.as_millis()).execute(db).await?.rows_affected() == 1)
}

pub async fn exists(db: impl sql::Executor<'_>, hash: &[u8]) -> Result<bool, Error> {
    Ok(sql::query_scalar("SELECT EXISTS (SELECT 1 FROM used_assertions WHERE hash = $1)").bind(hash).fetch_one(db).await?)
}

/// Deletes at most `limit` that expired before `before`. Returns how many there were.
pub async fn delete_expired(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query("DELETE FROM used_assertions WHERE hash IN (SELECT hash FROM used_assertions WHERE expires_at < $1 LIMIT $2)");
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
