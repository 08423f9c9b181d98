//! What is valid and expires soon, in all tenants. Not for each request: two of the tables are read as a whole.

use sqlx::FromRow;

use super::{Error, sql};
use crate::domain::time::Timestamp;

#[derive(Clone, Copy, Debug, FromRow, PartialEq, Eq)]
pub struct ExpiringCounts {
    pub ssh_keys: i64,
    pub host_accounts: i64,
    pub mfa: i64,
}

/// Counts what is valid now and expires until `until`. The condition on keys that never expire is that of their index.
pub async fn count(db: impl sql::Executor<'_>, now: Timestamp, until: Timestamp) -> Result<ExpiringCounts, Error> {
    let query = "SELECT (SELECT count(*) FROM pubkeys
                         WHERE expires_at < 253402300799000 AND expires_at > $1 AND expires_at <= $2 AND max_uses > uses) AS ssh_keys,
                        (SELECT count(*) FROM host_accounts WHERE expires_at > $1 AND expires_at <= $2) AS host_accounts,
                        (SELECT count(*) FROM user_mfa WHERE enabled AND expires_at > $1 AND expires_at <= $2) AS mfa";
    Ok(sql::query_as(query).bind(now.as_millis()).bind(until.as_millis()).fetch_one(db).await?)
}
