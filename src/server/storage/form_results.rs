//! Results of submitted forms, for forms that are submitted twice.

use super::sql;
use super::{Connection, Error};
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};

/// Starts a submission. True if it is the first, or the previous one started before `forgotten_before`.
pub async fn begin(db: &mut Connection, id: &[u8], now: Timestamp, forgotten_before: Timestamp) -> Result<bool, Error> {
    let done = sql::query(
        "INSERT INTO form_results (id, created_at) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, result = NULL 
             WHERE form_results.created_at < $3 OR form_results.created_at > $4",
    )
    .bind(id)
    .bind(now.as_millis())
    .bind(forgotten_before.as_millis())
    .bind((now + CLOCK_TOLERANCE).as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The sealed result of a submission that started since `since`, and not later than now; `None` while it is running.
pub async fn find(db: impl sql::Executor<'_>, id: &[u8], since: Timestamp, now: Timestamp) -> Result<Option<Vec<u8>>, Error> {
    let query = sql::query_scalar("SELECT result FROM form_results WHERE id = $1 AND created_at >= $2 AND created_at <= $3 AND result IS NOT NULL");
    Ok(query.bind(id).bind(since.as_millis()).bind((now + CLOCK_TOLERANCE).as_millis()).fetch_optional(db).await?)
}

pub async fn finish(db: &mut Connection, id: &[u8], result: &[u8]) -> Result<(), Error> {
    sql::query("UPDATE form_results SET result = $2 WHERE id = $1").bind(id).bind(result).execute(db).await?;
    Ok(())
}

/// Deletes a submission that changed nothing, so that it can be sent again.
pub async fn delete(db: &mut Connection, id: &[u8]) -> Result<(), Error> {
    sql::query("DELETE FROM form_results WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Deletes submissions that started before `before`, at most `limit`. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM form_results WHERE id IN (SELECT id FROM form_results WHERE created_at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
