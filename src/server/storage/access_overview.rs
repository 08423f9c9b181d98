//! What the home page states about a person's access. Each statement uses an index on the person and reads a bounded number of rows.

use std::cmp::Reverse;

use sqlx::FromRow;

use super::Error;
use super::clients::client_name;
use super::sql;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::pagination::MAX_COUNTED;
use crate::domain::time::Timestamp;

/// Active host accounts and delegations that are read of a person.
const MAX_ACCESS: i64 = 1_000;

/// Numbers of a person's keys, each up to [`MAX_COUNTED`].
#[derive(FromRow)]
pub struct KeyCounts {
    pub active: i64,
    /// Of those, the ones that expire before the given time.
    pub expiring: i64,
    /// The earliest expiry of the active ones.
    pub next_expiry: Option<i64>,
}

/// A name, and when it was created and expires.
pub struct AccessSpan {
    pub name: String,
    /// The host, of a host account.
    pub host: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(FromRow)]
struct AccessRow {
    what: String,
    name: String,
    host: String,
    created_at: i64,
    expires_at: i64,
}

impl From<AccessRow> for AccessSpan {
    fn from(row: AccessRow) -> Self {
        let AccessRow { name, host, created_at, expires_at, .. } = row;
        Self { name, host, created_at: Timestamp::from_millis(created_at), expires_at: Timestamp::from_millis(expires_at) }
    }
}

/// A sign-in in the audit log.
#[derive(FromRow)]
pub struct SignInRow {
    pub at: i64,
    pub from_address: Option<String>,
}

/// Whether the person has any host account, delegation or key, active or not.
pub async fn has_any(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM host_accounts WHERE tenant_id = $1 AND user_id = $2)
                     OR EXISTS (SELECT 1 FROM delegations WHERE tenant_id = $1 AND user_id = $2)
                     OR EXISTS (SELECT 1 FROM pubkeys WHERE tenant_id = $1 AND user_id = $2)";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_one(db).await?)
}

pub async fn count_keys(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    now: Timestamp,
    soon: Timestamp,
) -> Result<KeyCounts, Error> {
    let query = "SELECT count(*) AS active, count(CASE WHEN expires_at <= $4 THEN 1 END) AS expiring, min(expires_at) AS next_expiry
                 FROM (SELECT expires_at FROM pubkeys
                       WHERE tenant_id = $1 AND user_id = $2 AND max_uses > uses AND expires_at > $3 LIMIT $5) AS active_keys";
    let query = sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(now.as_millis()).bind(soon.as_millis());
    Ok(query.bind(i64::try_from(MAX_COUNTED).unwrap_or(i64::MAX)).fetch_one(db).await?)
}

/// What can act for the person now, with names and times.
#[derive(Default)]
pub struct ActiveAccess {
    pub newest_key: Option<AccessSpan>,
    /// Most recently linked first.
    pub host_accounts: Vec<AccessSpan>,
    /// The clients of the person's delegations, newest first; a client as often as it has delegations.
    pub clients: Vec<AccessSpan>,
}

pub async fn active_access(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId, now: Timestamp) -> Result<ActiveAccess, Error> {
    let query = concat!(
        "SELECT what, name, host, created_at, expires_at
                 FROM (SELECT 'key' AS what, account AS name, host, created_at, expires_at FROM pubkeys
                       WHERE tenant_id = $1 AND user_id = $2 AND max_uses > uses AND expires_at > $3 ORDER BY number DESC LIMIT 1) AS newest_key
                 UNION ALL
                 SELECT what, name, host, created_at, expires_at
                 FROM (SELECT 'host_account' AS what, account AS name, host, linked_at AS created_at, expires_at FROM host_accounts
                       WHERE tenant_id = $1 AND user_id = $2 AND expires_at > $3 ORDER BY linked_at DESC, number DESC LIMIT $4) AS linked
                 UNION ALL
                 SELECT what, name, '' AS host, created_at, expires_at
                 FROM (SELECT 'client' AS what, ",
        client_name!("c"),
        " AS name, d.created_at, d.expires_at
                       FROM delegations d JOIN clients c ON c.tenant_id = d.tenant_id AND c.client_id = d.client_id
                       WHERE d.tenant_id = $1 AND d.user_id = $2 AND d.ended_at IS NULL AND d.expires_at > $3
                       ORDER BY d.created_at DESC, d.number DESC LIMIT $4) AS delegated"
    );
    let query = sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(now.as_millis()).bind(MAX_ACCESS);
    let mut rows: Vec<AccessRow> = query.fetch_all(db).await?;
    rows.sort_by_key(|row| Reverse(row.created_at));
    let mut access = ActiveAccess::default();
    for row in rows {
        match row.what.as_str() {
            "key" => access.newest_key = Some(row.into()),
            "host_account" => access.host_accounts.push(row.into()),
            _ => access.clients.push(row.into()),
        }
    }
    Ok(access)
}

/// The person's last two sign-ins, newest first. The kind is that of the index `activity_of_person_sign_ins`.
pub async fn last_sign_ins(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<SignInRow>, Error> {
    let query =
        "SELECT at, from_address FROM activity WHERE tenant_id = $1 AND user_id = $2 AND kind = 'signed_in' ORDER BY at DESC, id DESC LIMIT 2";
    Ok(sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?)
}

/// When the person signed in to a session.
pub async fn session_start(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    session_id: &SessionId,
) -> Result<Option<Timestamp>, Error> {
    let query = "SELECT signed_in_at FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id = $3 AND signed_in_at IS NOT NULL";
    let query = sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(session_id.as_str());
    Ok(query.fetch_optional(db).await?.map(Timestamp::from_millis))
}
