//! Counting wrong guesses, in the caller's transaction.

use std::time::Duration;

use super::storage::{Connection, Fault, attempts};
use crate::domain::attempts::{Guessed, Guesser, Limit, limits, wait_until};
use crate::domain::time::Timestamp;

/// How long this guesser has to wait; `None` when they may try. What all visitors share is left out.
pub(super) async fn wait(db: &mut Connection, guessed: Guessed, guesser: &Guesser<'_>, now: Timestamp) -> Result<Option<Duration>, Fault> {
    longest_wait(db, limits(guessed, guesser).into_iter().filter(|limit| !limit.shared), now).await
}

/// Whether so many guess at the moment that this one cannot be looked at.
pub(super) async fn too_many_of_all(db: &mut Connection, guessed: Guessed, guesser: &Guesser<'_>, now: Timestamp) -> Result<bool, Fault> {
    Ok(longest_wait(db, limits(guessed, guesser).into_iter().filter(|limit| limit.shared), now).await?.is_some())
}

async fn longest_wait(db: &mut Connection, limits: impl Iterator<Item = Limit>, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let mut longest = None;
    for limit in limits {
        let (count, oldest) = attempts::since(db, &limit.key, limit.most, now - limit.window).await?;
        longest = longest.max(wait_until(&limit, count, oldest, now));
    }
    Ok(longest)
}

/// Counts a wrong guess. True when it was the last one for now.
pub(super) async fn count(db: &mut Connection, guessed: Guessed, guesser: &Guesser<'_>, now: Timestamp) -> Result<bool, Fault> {
    for limit in limits(guessed, guesser) {
        attempts::insert(db, &limit.key, now).await?;
    }
    Ok(wait(db, guessed, guesser, now).await?.is_some())
}
