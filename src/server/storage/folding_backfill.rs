//! Fills the folded texts of rows that were stored before lists were searched by them, or by an earlier rule.

use sqlx::sqlite::SqliteConnection;

use super::Error;
use crate::domain::folding;

/// To be increased when `domain/folding.rs` changes, or when a statement has stored wrong folded texts: all rows are then folded again.
const FOLDING_VERSION: i64 = 2;

/// Rows that are folded at a time.
const BATCH_SIZE: i64 = 1_000;

/// Runs once per version; the table `numbers` holds the last one.
pub async fn backfill(db: &mut SqliteConnection) -> Result<(), Error> {
    let done: Option<i64> = sqlx::query_scalar("SELECT last FROM numbers WHERE name = 'folding'").fetch_optional(&mut *db).await?;
    if done == Some(FOLDING_VERSION) {
        return Ok(());
    }
    for (rows, fold) in [
        (
            "SELECT rowid, display_name FROM people WHERE rowid > $1 AND display_name GLOB '*[^ -~]*' ORDER BY rowid LIMIT $2",
            "UPDATE people SET display_name_folded = $2 WHERE rowid = $1",
        ),
        (
            "SELECT rowid, app_name FROM clients WHERE rowid > $1 AND app_name GLOB '*[^ -~]*' ORDER BY rowid LIMIT $2",
            "UPDATE clients SET app_name_folded = $2 WHERE rowid = $1",
        ),
        (
            // Also rows whose label needs no folded text: until version 2, renewing a registration kept the text of its old label.
            "SELECT number, label FROM pubkeys WHERE number > $1 AND (label GLOB '*[^ -~]*' OR label_folded IS NOT NULL) ORDER BY number LIMIT $2",
            "UPDATE pubkeys SET label_folded = $2 WHERE number = $1",
        ),
        (
            "SELECT id, subject FROM activity WHERE id > $1 AND subject GLOB '*[^ -~]*' ORDER BY id LIMIT $2",
            "UPDATE activity SET subject_folded = $2 WHERE id = $1",
        ),
    ] {
        let mut behind = i64::MIN;
        loop {
            let batch: Vec<(i64, String)> = sqlx::query_as(rows).bind(behind).bind(BATCH_SIZE).fetch_all(&mut *db).await?;
            let Some((last, _)) = batch.last() else { break };
            behind = *last;
            for (row, text) in batch {
                sqlx::query(fold).bind(row).bind(folding::search_key(&text)).execute(&mut *db).await?;
            }
        }
    }
    let note = "INSERT INTO numbers (name, last) VALUES ('folding', $1) ON CONFLICT (name) DO UPDATE SET last = $1";
    sqlx::query(note).bind(FOLDING_VERSION).execute(db).await?;
    Ok(())
}
