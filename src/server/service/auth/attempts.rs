//! Counting failed attempts, in the caller's transaction.

use std::time::Duration;

use crate::domain::attempts::{AttemptKind, AttemptLimit, AttemptSource, limits};
use crate::domain::time::Timestamp;
use crate::server::storage::{Connection, Error, attempts};

/// How long this caller has to wait; `None` if they may try. Ignores limits shared by all callers.
pub(in crate::server::service) async fn retry_after(
    db: &mut Connection,
    kind: AttemptKind,
    source: &AttemptSource<'_>,
    now: Timestamp,
) -> Result<Option<Duration>, Error> {
    longest_wait(db, limits(kind, source).into_iter().filter(|limit| !limit.shared), now).await
}

/// Whether a limit shared by all callers is used up.
pub(in crate::server::service) async fn is_globally_limited(
    db: &mut Connection,
    kind: AttemptKind,
    source: &AttemptSource<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(longest_wait(db, limits(kind, source).into_iter().filter(|limit| limit.shared), now).await?.is_some())
}

async fn longest_wait(db: &mut Connection, limits: impl Iterator<Item = AttemptLimit>, now: Timestamp) -> Result<Option<Duration>, Error> {
    let mut longest = None;
    for limit in limits {
        longest = longest.max(wait(db, &limit, now).await?);
    }
    Ok(longest)
}

/// How long a limit is used up.
async fn wait(db: &mut Connection, limit: &AttemptLimit, now: Timestamp) -> Result<Option<Duration>, Error> {
    let (count, oldest) = count(db, &limit.key, limit.max, limit.window, now).await?;
    Ok(crate::domain::attempts::retry_after(limit, count, oldest, now))
}

async fn count(db: &mut Connection, key: &str, max: u32, window: Duration, now: Timestamp) -> Result<(u32, Option<Timestamp>), Error> {
    attempts::bring_back(db, key, now).await?;
    attempts::count_since(db, key, max, now - window).await
}

/// Counts a failed attempt. True if it was the last one allowed for now, and this was not reported before: once per counter and window.
pub(in crate::server::service) async fn record_failure(
    db: &mut Connection,
    kind: AttemptKind,
    source: &AttemptSource<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    let mut report = false;
    for limit in limits(kind, source) {
        attempts::insert(db, &limit.key, now).await?;
        if !limit.shared && wait(db, &limit, now).await?.is_some() {
            report |= is_first_report(db, &limit.key, limit.window, now).await?;
        }
    }
    Ok(report)
}

/// Whether a counter that is used up was not reported within its window; it then is. The report is a row of the same table, under a key
/// that begins with the counter's, so that it is deleted with it.
pub(in crate::server::service) async fn is_first_report(db: &mut Connection, counter: &str, window: Duration, now: Timestamp) -> Result<bool, Error> {
    let key = format!("{counter} reported");
    let (reports, _) = count(db, &key, 1, window, now).await?;
    if reports == 0 {
        attempts::insert(db, &key, now).await?;
    }
    Ok(reports == 0)
}
