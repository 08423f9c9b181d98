//! Browser sessions. Their data are sealed under a key derived from the cookie's value, which is not stored.

use sqlx::FromRow;

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};

row!(browser_sessions:
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
        /// The provider through which the session was signed in; `None`: with the local password.
        pub provider_id: Option<String>,
    }
);

/// The longest list of a person's sessions.
pub const SESSIONS_SHOWN: i64 = 100;

/// A person's session, as listed on the sessions page.
pub struct SessionSummary {
    pub id: SessionId,
    pub signed_in_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub from: Option<String>,
    pub agent: String,
    /// The name of the provider through which the person signed in; `None`: with the local password.
    pub provider: Option<String>,
    /// The names of the clients that the person is signed in to, as long as this session lasts.
    pub clients: Vec<String>,
}

pub async fn find(db: impl sql::Executor<'_>, id_hash: &[u8], now: Timestamp) -> Result<Option<SessionRow>, Error> {
    Ok(sql::query_as(select!("WHERE id_hash = $1 AND expires_at > $2")).bind(id_hash).bind(now.as_millis()).fetch_optional(db).await?)
}

pub async fn insert(db: &mut Connection, session: &SessionRow) -> Result<(), Error> {
    let new = values(session).set("id_hash", &session.id_hash).set("public_id", &session.public_id);
    if new.insert(db, table!()).await? {
        return Ok(());
    }
    Err(Error::Inconsistent { table: "browser_sessions", id: session.public_id.clone(), why: "the id is in use".into() })
}

/// False if the session was ended: it must not be created again.
pub async fn update(db: &mut Connection, session: &SessionRow) -> Result<bool, Error> {
    values(session).update(db, table!(), &[("id_hash", session.id_hash.as_slice())]).await
}

/// What changes while a session lives.
fn values(session: &SessionRow) -> Values<'_> {
    Values::new()
        .set("sealed", &session.sealed)
        .set("tenant_id", &session.tenant_id)
        .set("user_id", &session.user_id)
        .set("signed_in_at", session.signed_in_at)
        .set("last_seen_at", session.last_seen_at)
        .set("from_address", &session.from_address)
        .set("agent", &session.agent)
        .set("expires_at", session.expires_at)
        .set("idp_issuer", &session.idp_issuer)
        .set("idp_subject", &session.idp_subject)
        .set("idp_sid", &session.idp_sid)
        .set("provider_id", &session.provider_id)
}

/// Updates the time a session was last seen and its expiry only, so that concurrent requests do not overwrite each other's data.
pub async fn touch(db: &mut Connection, id_hash: &[u8], last_seen_at: Timestamp, expires_at: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE browser_sessions SET last_seen_at = $2, expires_at = $3 WHERE id_hash = $1")
        .bind(id_hash)
        .bind(last_seen_at.as_millis())
        .bind(expires_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a person's session is alive, or their pending sign-in.
pub async fn is_live(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId, id: &SessionId, now: Timestamp) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id = $3 AND expires_at > $4)";
    let query = sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(id.as_str()).bind(now.as_millis());
    Ok(query.fetch_one(db).await?)
}

pub async fn delete(db: &mut Connection, id_hash: &[u8]) -> Result<(), Error> {
    sql::query("DELETE FROM browser_sessions WHERE id_hash = $1").bind(id_hash).execute(db).await?;
    Ok(())
}

/// Ends one of a person's sessions. False if it does not exist or is another person's.
pub async fn delete_of_person(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, id: &SessionId) -> Result<bool, Error> {
    let done = sql::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id = $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(id.as_str())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a person's sessions except `keep`. Returns their number.
pub async fn delete_others(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, keep: Option<&SessionId>) -> Result<u64, Error> {
    let done = sql::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND user_id = $2 AND public_id IS DISTINCT FROM $3")
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
    sql::query("DELETE FROM browser_sessions WHERE tenant_id = $1 AND idp_issuer = $2 AND idp_subject = $3 AND public_id IS DISTINCT FROM $4")
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
    let people: Vec<Option<String>> = sql::query_scalar(
        "DELETE FROM browser_sessions WHERE tenant_id = $1 AND idp_issuer = $2 AND idp_subject = coalesce($3, idp_subject)
           AND (CAST($4 AS TEXT) IS NULL OR idp_sid = $4 OR (idp_sid IS NULL AND $3 IS NOT NULL))
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
    provider: Option<String>,
    clients: Option<String>,
}

/// A person's live sessions: `current` first, then by their last use; at most [`SESSIONS_SHOWN`].
pub async fn of_person(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    current: Option<&SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionSummary>, Error> {
    let rows: Vec<SessionSummaryRow> = sql::query_as(
        "SELECT s.public_id, s.signed_in_at, s.last_seen_at, s.from_address, s.agent, coalesce(p.display_name, s.idp_issuer) AS provider,
           (SELECT string_agg(c.app_name, '\n') FROM clients c
            WHERE c.tenant_id = s.tenant_id AND c.client_id IN
              (SELECT f.client_id FROM token_families f
               WHERE f.tenant_id = s.tenant_id AND f.session_id = s.public_id AND f.ended_at IS NULL AND f.offline = false)) AS clients
         FROM browser_sessions s LEFT JOIN identity_providers p ON p.tenant_id = s.tenant_id AND p.id = s.provider_id
         WHERE s.tenant_id = $1 AND s.user_id = $2 AND s.signed_in_at IS NOT NULL AND s.expires_at > $3
         ORDER BY CASE WHEN s.public_id = $4 THEN 0 ELSE 1 END, s.last_seen_at DESC LIMIT $5",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(now.as_millis())
    .bind(current.map_or("", SessionId::as_str))
    .bind(SESSIONS_SHOWN)
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
                provider: row.provider,
                clients: {
                    let mut names: Vec<String> = row.clients.unwrap_or_default().lines().map(str::to_owned).collect();
                    names.sort();
                    names
                },
            })
        })
        .collect()
}

/// Deletes the sessions that were signed in while the clock was ahead, at most `limit`. Returns how many there were. `end`: when a signed-in
/// session that is used now ends at the latest; the condition is for the expiry's index.
pub async fn delete_signed_in_ahead(db: &mut Connection, now: Timestamp, end: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM browser_sessions
                  WHERE id_hash IN (SELECT id_hash FROM browser_sessions WHERE expires_at > $1 AND signed_in_at > $2 LIMIT $3)";
    let deleted = sql::query(delete).bind(end.as_millis()).bind((now + CLOCK_TOLERANCE).as_millis()).bind(limit).execute(db).await?;
    Ok(deleted.rows_affected())
}

/// Sets the last use of sessions that were used while the clock was ahead to now, of at most `limit`. Returns how many there were. `ends`: when
/// an anonymous and a signed-in session that is used now end at the latest.
pub async fn correct_last_use(db: &mut Connection, now: Timestamp, ends: (Timestamp, Timestamp), limit: u32) -> Result<u64, Error> {
    let update = "UPDATE browser_sessions SET last_seen_at = $1,
                      expires_at = CASE WHEN signed_in_at IS NULL AND expires_at > $2 THEN $2 WHEN expires_at > $3 THEN $3 ELSE expires_at END
                  WHERE id_hash IN (SELECT id_hash FROM browser_sessions WHERE expires_at > $2 AND last_seen_at > $4 LIMIT $5)";
    let update = sql::query(update).bind(now.as_millis()).bind(ends.0.as_millis()).bind(ends.1.as_millis());
    Ok(update.bind((now + CLOCK_TOLERANCE).as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// Deletes expired sessions, at most `limit`. Returns how many there were.
pub async fn delete_expired(db: &mut Connection, now: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM browser_sessions WHERE id_hash IN (SELECT id_hash FROM browser_sessions WHERE expires_at <= $1 LIMIT $2)";
    Ok(sql::query(delete).bind(now.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
