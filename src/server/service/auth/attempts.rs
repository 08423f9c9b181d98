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
        let (count, oldest) = attempts::count_since(db, &limit.key, limit.max, now - limit.window).await?;
        longest = longest.max(crate::domain::attempts::retry_after(&limit, count, oldest, now));
    }
    Ok(longest)
}

/// Counts a failed attempt. True if it was the last one allowed for now.
pub(in crate::server::service) async fn record_failure(
    db: &mut Connection,
    kind: AttemptKind,
    source: &AttemptSource<'_>,
    now: Timestamp,
) -> Result<bool, Error> {
    for limit in limits(kind, source) {
        attempts::insert(db, &limit.key, now).await?;
    }
    Ok(retry_after(db, kind, source, now).await?.is_some())
}
