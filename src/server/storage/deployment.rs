//! What all portals of a deployment must agree on, and the tasks that one of them runs at a time.

use super::sql;
use super::{Connection, Error, sqlite};
use crate::domain::time::Timestamp;

/// The fingerprints of the keys, by file name: those in use, those of a rotation with a suffix, and the first one of each that was rotated. That of
/// `signing-key.pem` is one of an older release, which depends on the file; this release has it in `signing_keys`.
pub async fn key_fingerprints(db: impl sql::Executor<'_>) -> Result<Vec<(String, String)>, Error> {
    let query = "SELECT substr(name, 5), value FROM deployment
                 WHERE name LIKE 'key:%' AND NOT (name = 'key:signing-key.pem' AND EXISTS (SELECT 1 FROM signing_keys)) ORDER BY name";
    Ok(sql::query_as(query).fetch_all(db).await?)
}

/// The same of a database of any release: older ones had no signing keys, and the oldest recorded none of the others.
pub async fn key_fingerprints_if_recorded(db: &mut Connection, has_table: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, Error> {
    if has_table("signing_keys") {
        return key_fingerprints(db).await;
    }
    if !has_table("deployment") {
        return Ok(Vec::new());
    }
    Ok(sql::query_as("SELECT substr(name, 5), value FROM deployment WHERE name LIKE 'key:%' ORDER BY name").fetch_all(db).await?)
}

/// Whether this release can use the schema. A later migration that ends that stores the number of the oldest one whose release still can.
pub async fn supports_this_release(db: impl sql::Executor<'_>) -> Result<bool, Error> {
    let value: Option<String> = sql::query_scalar("SELECT value FROM deployment WHERE name = 'oldest-schema'").fetch_optional(db).await?;
    Ok(value.and_then(|number| number.parse::<i64>().ok()).is_none_or(|oldest| oldest <= sqlite::newest_migration()))
}

/// The database's generation; see [`generation`](super::generation).
pub async fn generation(db: impl sql::Executor<'_>) -> Result<Option<String>, Error> {
    Ok(sql::query_scalar("SELECT value FROM deployment WHERE name = 'generation'").fetch_optional(db).await?)
}

pub async fn set_generation(db: &mut Connection, generation: &str) -> Result<(), Error> {
    set(db, "generation", generation).await
}

async fn set(db: &mut Connection, name: &str, value: &str) -> Result<(), Error> {
    let upsert = sql::query("INSERT INTO deployment (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    upsert.bind(name).bind(value).execute(db).await?;
    Ok(())
}

/// Records the fingerprint of a key file, unless one is recorded.
pub async fn insert_key_fingerprint(db: &mut Connection, file_name: &str, fingerprint: &str) -> Result<(), Error> {
    let insert = sql::query("INSERT INTO deployment (name, value) VALUES ('key:' || $1, $2) ON CONFLICT DO NOTHING");
    insert.bind(file_name).bind(fingerprint).execute(db).await?;
    Ok(())
}

/// Records a fingerprint in the place of another one.
pub async fn set_key_fingerprint(db: &mut Connection, name: &str, fingerprint: &str) -> Result<(), Error> {
    set(db, &format!("key:{name}"), fingerprint).await
}

pub async fn delete_key_fingerprint(db: &mut Connection, name: &str) -> Result<(), Error> {
    sql::query("DELETE FROM deployment WHERE name = 'key:' || $1").bind(name).execute(db).await?;
    Ok(())
}

/// When the key of this name came into use by a rotation.
pub async fn key_activation(db: impl sql::Executor<'_>, name: &str) -> Result<Option<Timestamp>, Error> {
    let value: Option<String> =
        sql::query_scalar("SELECT value FROM deployment WHERE name = 'key-activated:' || $1").bind(name).fetch_optional(db).await?;
    Ok(value.and_then(|millis| millis.parse().ok()).map(Timestamp::from_millis))
}

pub async fn set_key_activation(db: &mut Connection, name: &str, at: Timestamp) -> Result<(), Error> {
    set(db, &format!("key-activated:{name}"), &at.as_millis().to_string()).await
}

/// Whether the database has data that may depend on keys.
pub async fn is_in_use(db: impl sql::Executor<'_>) -> Result<bool, Error> {
    Ok(sql::query_scalar("SELECT EXISTS (SELECT 1 FROM tenants)").fetch_one(db).await?)
}

/// When a periodic task last began, at any portal. `None` if it never did.
pub async fn last_begin(db: impl sql::Executor<'_>, name: &str) -> Result<Option<Timestamp>, Error> {
    let begun: Option<i64> = sql::query_scalar("SELECT begun_at FROM periodic_tasks WHERE name = $1").bind(name).fetch_optional(db).await?;
    Ok(begun.filter(|begun| *begun > 0).map(Timestamp::from_millis))
}

/// Records that the database was checked. The stored time differs each time, so that each change has to be written to the disk.
pub async fn record_check(db: &mut Connection, now: Timestamp) -> Result<(), Error> {
    let record = sql::query(
        "INSERT INTO periodic_tasks (name, begun_at) VALUES ('check', $1)
         ON CONFLICT (name) DO UPDATE SET
             begun_at = CASE WHEN excluded.begun_at > periodic_tasks.begun_at THEN excluded.begun_at ELSE periodic_tasks.begun_at + 1 END",
    );
    record.bind(now.as_millis()).execute(db).await?;
    Ok(())
}

/// Begins a periodic task. False if it was begun after `previous`, here or by another portal.
pub async fn begin_task(db: &mut Connection, name: &str, now: Timestamp, previous: Timestamp) -> Result<bool, Error> {
    let update = sql::query("UPDATE periodic_tasks SET begun_at = $2 WHERE name = $1 AND (begun_at <= $3 OR begun_at > $2)");
    let done = update.bind(name).bind(now.as_millis()).bind(previous.as_millis()).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
