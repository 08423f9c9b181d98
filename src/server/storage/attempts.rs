//! Failed attempts, counted per key.

use super::sql;
use super::{Connection, Error};
use crate::domain::time::Timestamp;

/// The number of attempts under a key since `from`, and the time of the earliest of the last `limit` of them.
pub async fn count_since(db: &mut Connection, key: &str, limit: u32, from: Timestamp) -> Result<(u32, Option<Timestamp>), Error> {
    let times: Vec<i64> = sql::query_scalar("SELECT at FROM attempts WHERE key = $1 AND at > $2 ORDER BY at DESC LIMIT $3")
        .bind(key)
        .bind(from.as_millis())
        .bind(limit)
        .fetch_all(db)
        .await?;
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
    Ok((count, times.last().copied().map(Timestamp::from_millis)))
}

/// Attempts in the future become attempts made now: they were stored while the clock was ahead, or it was set back since.
pub async fn bring_back(db: &mut Connection, key: &str, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE attempts SET at = $2 WHERE key = $1 AND at > $2").bind(key).bind(now.as_millis()).execute(db).await?;
    Ok(())
}

/// As [`bring_back`], for all keys; at most `limit` attempts and their equals: of one key and millisecond. Returns how many there were.
pub async fn bring_all_back(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, Error> {
    let update = "UPDATE attempts SET at = $1 WHERE (key, at) IN (SELECT key, at FROM attempts WHERE at > $1 LIMIT $2)";
    Ok(sql::query(update).bind(now.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// Keys that begin with `prefix`, a text that ends with `/`, with their attempts since two times. At most `limit` keys.
pub async fn counts_below(
    db: impl sql::Executor<'_>,
    prefix: &str,
    one: Timestamp,
    all: Timestamp,
    limit: i64,
) -> Result<Vec<(String, i64, i64)>, Error> {
    // The character after `/`.
    let end = prefix.strip_suffix('/').map(|start| format!("{start}0")).unwrap_or_default();
    let query = "SELECT key, count(CASE WHEN at > $3 THEN 1 END), count(CASE WHEN at > $4 THEN 1 END)
                 FROM attempts WHERE key >= $1 AND key < $2 AND at > $5 GROUP BY key ORDER BY 3 DESC LIMIT $6";
    Ok(sql::query_as(query)
        .bind(prefix)
        .bind(end)
        .bind(one.as_millis())
        .bind(all.as_millis())
        .bind(one.min(all).as_millis())
        .bind(limit)
        .fetch_all(db)
        .await?)
}

/// The end of the range of keys that begin with an account's: the account is followed by nothing or a blank, and no user id has either.
fn end_of_account(key: &str) -> String {
    format!("{key}!")
}

/// Attempts at an account since `from`, by counter, newest first. `key`: the counter of all addresses together.
pub async fn of_account(db: impl sql::Executor<'_>, key: &str, from: Timestamp) -> Result<Vec<(String, Timestamp)>, Error> {
    let query = "SELECT key, at FROM attempts WHERE key >= $1 AND key < $2 AND at > $3 ORDER BY key, at DESC LIMIT 2000";
    let rows: Vec<(String, i64)> = sql::query_as(query).bind(key).bind(end_of_account(key)).bind(from.as_millis()).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(key, at)| (key, Timestamp::from_millis(at))).collect())
}

/// Deletes the attempts at an account, of all its counters that begin with `key`.
pub async fn delete_of_account(db: &mut Connection, key: &str) -> Result<(), Error> {
    sql::query("DELETE FROM attempts WHERE key >= $1 AND key < $2").bind(key).bind(end_of_account(key)).execute(db).await?;
    Ok(())
}

pub async fn insert(db: &mut Connection, key: &str, at: Timestamp) -> Result<(), Error> {
    sql::query("INSERT INTO attempts (key, at) VALUES ($1, $2)").bind(key).bind(at.as_millis()).execute(db).await?;
    Ok(())
}

/// Deletes attempts before `before`, at most `limit` and their equals: of one key and millisecond. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM attempts WHERE (key, at) IN (SELECT key, at FROM attempts WHERE at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
