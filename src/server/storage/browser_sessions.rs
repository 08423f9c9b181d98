//! Browser sessions.

use sqlx::{FromRow, SqliteExecutor};

use super::{Connection, Error, parse_column};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::time::Timestamp;

/// A stored session. Its data are sealed under a key derived from the cookie's value, which is not stored.
#[derive(Clone, FromRow)]
pub struct SessionRow {
    pub id_hash: Vec<u8>,
    pub public_id: String,
    pub sealed: Vec<u8>,
    pub tenant_id: Option<String>,
    /// The person who signed in, or whose second factor is pending.
    pub user_id: Option<String>,
    /// `None`: anonymous, or the second factor is pending.
    pub signed_in_at: Option<i64>,
    pub last_seen_at: i64,
    pub from_address: Option<String>,
    pub agent: String,
    pub expires_at: i64,
    /// Issuer of the provider's session on which this one depends.
    pub idp_issuer: Option<String>,
    pub idp_subject: Option<String>,
    pub idp_sid: Option<String>,
}

/// A person's session, as listed on the sessions page.
pub struct SessionSummary {
    pub id: SessionId,
    pub signed_in_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub from: Option<String>,
    pub agent: String,
}

pub async fn find(db: impl SqliteExecutor<'_>, id_hash: &[u8], now: Timestamp) -> Result<Option<SessionRow>, Error> {
    Ok(sqlx::query_as(
        "SELECT id_hash, public_id, sealed, tenant_id, user_id, signed_in_at, last_seen_at, from_address, agent, expires_at,
                idp_issuer, idp_subject, idp_sid
         FROM browser_sessions WHERE id_hash = $1 AND expires_at > $2",
    )
    .bind(id_hash)
    .bind(now.as_millis())
    .fetch_optional(db)
    .await?)
}

pub async fn insert(db: &mut Connection, session: &SessionRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO browser_sessions (id_hash, public_id, sealed, tenant_id, user_id, signed_in_at, last_seen_at, from_address, agent, expires_at,
                                       idp_issuer, idp_subject, idp_sid)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&session.id_hash)
    .bind(&session.public_id)
    .bind(&session.sealed)
    .bind(&session.tenant_id)
    .bind(&session.user_id)
    .bind(session.signed_in_at)
    .bind(session.last_seen_at)
    .bind(&session.from_address)
    .bind(&session.agent)
    .bind(session.expires_at)
    .bind(&session.idp_issuer)
    .bind(&session.idp_subject)
    .bind(&session.idp_sid)
    .execute(db)
    .await?;
    Ok(())
}

/// False if the session was ended: it must not be created again.
pub async fn update(db: &mut Connection, session: &SessionRow) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE browser_sessions
         SET sealed = $2, tenant_id = $3, user_id = $4, signed_in_at = $5, last_seen_at = $6, from_address = $7, agent = $8, expires_at = $9,
             idp_issuer = $10, idp_subject = $11, idp_sid = $12
         WHERE id_hash = $1",
    )
    .bind(&session.id_hash)
    .bind(&session.sealed)
    .bind(&session.tenant_id)
    .bind(&session.user_id)
    .bind(session.signed_in_at)
    .bind(session.last_seen_at)
    .bind(&session.from_address)
    .bind(&session.agent)
    .bind(session.expires_at)
    .bind(&session.idp_issuer)
    .bind(&session.idp_subject)
    .bind(&session.idp_sid)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Updates the time a session was last seen and its expiry only, so that concurrent requests do not overwrite each other's data.
pub async fn touch(db: &mut Connection, id_hash: &[u8], last_seen_at: Timestamp, expires_at: Timestamp) -> Result<(), Error> {
    sqlx::query("UPDATE browser_sessions SET last_seen_at = $2, expires_at = $3 WHERE id_hash = $1")
        .bind(id_hash)
        .bind(last_seen_at.as_millis())
        .bind(expires_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a person's session is alive, or their pending sign-in.
pub async fn is_live(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, user_id: &UserId, id: &SessionId, now: Timestamp) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id = $3 AND expires_at > $4)";
    let query = sqlx::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(id.as_str()).bind(now.as_millis());
    Ok(query.fetch_one(db).await?)
}

pub async fn delete(db: &mut Connection, id_hash: &[u8]) -> Result<(), Error> {
    sqlx::query("DELETE FROM browser_sessions WHERE id_hash = $1").bind(id_hash).execute(db).await?;
    Ok(())
}

/// Ends one of a person's sessions. False if it does not exist or is another person's.
pub async fn delete_of_person(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, id: &SessionId) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id = $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a person's sessions except `keep`. Returns their number.
pub async fn delete_others(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, keep: Option<&SessionId>) -> Result<u64, Error> {
    let done = sqlx::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id IS NOT $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(keep.map(SessionId::as_str))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Ends the sessions that depend on an identity, except `keep`.
pub async fn delete_of_identity(
    db: &mut Connection,
    tenant_id: &TenantId,
    issuer: &str,
    subject: &str,
    keep: Option<&SessionId>,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND idp_issuer = $2 AND idp_subject = $3 AND public_id IS NOT $4")
        .bind(tenant_id.as_str())
        .bind(issuer)
        .bind(subject)
        .bind(keep.map(SessionId::as_str))
        .execute(db)
        .await?;
    Ok(())
}

/// A logout that a provider reports (OpenID Connect Back-Channel Logout 1.0 §2.4).
pub struct UpstreamLogout<'a> {
    pub issuer: &'a str,
    pub subject: Option<&'a str>,
    /// The provider's id of the session that ended; `None`: all of the subject's.
    pub sid: Option<&'a str>,
    /// Sessions that signed in later depend on a newer session of the provider.
    pub before: Timestamp,
}

/// Ends the sessions that depend on the ended session of the provider. Returns the people who were signed in, without duplicates. A session
/// without a recorded `sid` ends with any of its subject's.
pub async fn delete_of_upstream_session(db: &mut Connection, tenant_id: &TenantId, logout: &UpstreamLogout<'_>) -> Result<Vec<UserId>, Error> {
    let people: Vec<Option<String>> = sqlx::query_scalar(
        "DELETE FROM browser_sessions WHERE tenant_id = $1 AND idp_issuer = $2 AND idp_subject = coalesce($3, idp_subject)
           AND ($4 IS NULL OR idp_sid = $4 OR (idp_sid IS NULL AND $3 IS NOT NULL))
           AND coalesce(signed_in_at, 0) < $5
         RETURNING CASE WHEN signed_in_at IS NOT NULL THEN user_id END",
    )
    .bind(tenant_id.as_str())
    .bind(logout.issuer)
    .bind(logout.subject)
    .bind(logout.sid)
    .bind(logout.before.as_millis())
    .fetch_all(db)
    .await?;
    let people: std::collections::BTreeSet<String> = people.into_iter().flatten().collect();
    people.into_iter().map(|user| parse_column("browser_sessions", &user, UserId::parse(user.clone()))).collect()
}

#[derive(FromRow)]
struct SessionSummaryRow {
    public_id: String,
    signed_in_at: i64,
    last_seen_at: i64,
    from_address: Option<String>,
    agent: String,
}

pub async fn of_person(db: impl SqliteExecutor<'_>, tenant_id: &TenantId, user_id: &UserId, now: Timestamp) -> Result<Vec<SessionSummary>, Error> {
    let rows: Vec<SessionSummaryRow> = sqlx::query_as(
        "SELECT public_id, signed_in_at, last_seen_at, from_address, agent
         FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND signed_in_at IS NOT NULL AND expires_at > $3 ORDER BY last_seen_at DESC",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(now.as_millis())
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SessionSummary {
                id: parse_column("browser_sessions", &row.public_id, SessionId::parse(row.public_id.clone()))?,
                signed_in_at: Timestamp::from_millis(row.signed_in_at),
                last_seen_at: Timestamp::from_millis(row.last_seen_at),
                from: row.from_address,
                agent: row.agent,
            })
        })
        .collect()
}

pub async fn delete_expired(db: &mut Connection, now: Timestamp) -> Result<(), Error> {
    sqlx::query("DELETE FROM browser_sessions WHERE expires_at <= $1").bind(now.as_millis()).execute(db).await?;
    Ok(())
}
