//! Wrong guesses, counted.

use super::{Connection, Fault};
use crate::domain::time::Timestamp;

/// The guesses under a key since a time, and when the earliest of the last `most` of them was.
pub async fn since(db: &mut Connection, key: &str, most: u32, from: Timestamp) -> Result<(u32, Option<Timestamp>), Fault> {
    let times: Vec<i64> = sqlx::query_scalar("SELECT at FROM attempts WHERE key = $1 AND at > $2 ORDER BY at DESC LIMIT $3")
        .bind(key)
        .bind(from.as_millis())
        .bind(most)
        .fetch_all(db)
        .await?;
    let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
    Ok((count, times.last().copied().map(Timestamp::from_millis)))
}

pub async fn insert(db: &mut Connection, key: &str, at: Timestamp) -> Result<(), Fault> {
    sqlx::query("INSERT INTO attempts (key, at) VALUES ($1, $2)").bind(key).bind(at.as_millis()).execute(db).await?;
    Ok(())
}

pub async fn delete_old(db: &mut Connection, before: Timestamp) -> Result<(), Fault> {
    sqlx::query("DELETE FROM attempts WHERE at < $1").bind(before.as_millis()).execute(db).await?;
    Ok(())
}
