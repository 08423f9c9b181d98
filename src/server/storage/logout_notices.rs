//! Logout notices: clients that are to be told that a browser session has ended, in which a person signed in to them.

use sqlx::FromRow;

use super::sql;
use super::token_families::{self, EndedSessions};
use super::{Connection, Error, parse_column};
use crate::domain::authorization::Authorization;
use crate::domain::ids::{ClientId, SessionId, TenantId, UserId};
use crate::domain::logout::LONGEST_RETRY;
use crate::domain::time::Timestamp;

/// SQL for the sign-ins (`f`, of authorization `a`) whose clients were not told that the person $2 is no longer signed in; as in
/// [`EndedSessions`], those of session $3 only, not of $4, and with $5 of sessions that do not exist any more. A client that did not ask for
/// `openid` knows no session.
macro_rules! untold_of_sessions {
    () => {
        "f.tenant_id = $1 AND a.user_id = $2 AND f.session_id IS NOT NULL AND f.client_told = false AND ' ' || f.scope || ' ' LIKE '% openid %'
           AND f.session_id = coalesce($3, f.session_id) AND f.session_id IS DISTINCT FROM $4
           AND ($5 = false OR f.session_id NOT IN
                (SELECT s.public_id FROM browser_sessions s WHERE s.tenant_id = $1 AND s.user_id = $2))"
    };
}

/// The same for the sign-ins under the authorization $2.
macro_rules! untold_of_authorization {
    () => {
        "f.tenant_id = $1 AND a.id = $2 AND f.session_id IS NOT NULL AND f.client_told = false AND ' ' || f.scope || ' ' LIKE '% openid %'"
    };
}

/// SQL that queues notices to the clients of sign-ins that have an address for them. `$now`: the parameter with the time.
macro_rules! queue {
    ($now:literal, $untold:expr) => {
        concat!(
            "INSERT INTO logout_notices (tenant_id, client_id, session_id, user_id, created_at, due_at)
             SELECT DISTINCT f.tenant_id, f.client_id, f.session_id, a.user_id, CAST(",
            $now,
            " AS BIGINT), CAST(",
            $now,
            " AS BIGINT)
             FROM token_families f
             JOIN authorizations a ON a.tenant_id = f.tenant_id AND a.id = f.authorization_id
             JOIN client_uris u ON u.tenant_id = f.tenant_id AND u.client_id = f.client_id AND u.kind = 'backchannel_logout'
             WHERE ",
            $untold,
            " ON CONFLICT (tenant_id, client_id, session_id, user_id) DO UPDATE
                 SET created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0"
        )
    };
}

/// SQL that marks sign-ins as told.
macro_rules! mark_told {
    ($untold:expr) => {
        concat!(
            "UPDATE token_families SET client_told = true WHERE (tenant_id, id) IN
                 (SELECT f.tenant_id, f.id FROM token_families f
                  JOIN authorizations a ON a.tenant_id = f.tenant_id AND a.id = f.authorization_id
                  WHERE ",
            $untold,
            ")"
        )
    };
}

/// What follows from the end of browser sessions of a person: the sign-ins of programs that do not outlive them end, and the clients are told.
pub async fn sessions_ended(
    db: &mut Connection,
    tenant_id: &TenantId,
    person: &UserId,
    ended: EndedSessions<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    token_families::end_of_sessions(db, tenant_id, person, ended, now).await?;
    queue_of_sessions(db, tenant_id, person, ended, now).await
}

/// Queues notices to the clients that the person signed in to in these sessions, each once.
pub async fn queue_of_sessions(
    db: &mut Connection,
    tenant_id: &TenantId,
    person: &UserId,
    ended: EndedSessions<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let (only, keep, deleted) = ended.parameters();
    sql::query(queue!("$6", untold_of_sessions!()))
        .bind(tenant_id.as_str())
        .bind(person.as_str())
        .bind(only)
        .bind(keep)
        .bind(deleted)
        .bind(now.as_millis())
        .execute(&mut *db)
        .await?;
    sql::query(mark_told!(untold_of_sessions!()))
        .bind(tenant_id.as_str())
        .bind(person.as_str())
        .bind(only)
        .bind(keep)
        .bind(deleted)
        .execute(db)
        .await?;
    Ok(())
}

/// Queues notices about the sessions in which the person signed in under an authorization that has ended. Returns their number.
pub async fn queue_of_authorization(db: &mut Connection, ended: &Authorization, now: Timestamp) -> Result<u64, Error> {
    let queued = sql::query(queue!("$3", untold_of_authorization!()))
        .bind(ended.tenant_id.as_str())
        .bind(ended.id.as_str())
        .bind(now.as_millis())
        .execute(&mut *db)
        .await?;
    sql::query(mark_told!(untold_of_authorization!())).bind(ended.tenant_id.as_str()).bind(ended.id.as_str()).execute(db).await?;
    Ok(queued.rows_affected())
}

/// A notice that its sender has claimed.
#[derive(Clone, Debug)]
pub struct ClaimedNotice {
    pub tenant_id: TenantId,
    pub client_id: ClientId,
    pub session: SessionId,
    pub person: UserId,
    pub created_at: Timestamp,
    /// With this one.
    pub attempts: i64,
}

#[derive(FromRow)]
struct ClaimedRow {
    tenant_id: String,
    client_id: String,
    session_id: String,
    user_id: String,
    created_at: i64,
    attempts: i64,
}

impl TryFrom<ClaimedRow> for ClaimedNotice {
    type Error = Error;

    fn try_from(row: ClaimedRow) -> Result<Self, Error> {
        let ClaimedRow { tenant_id, client_id, session_id, user_id, created_at, attempts } = row;
        Ok(Self {
            tenant_id: parse_column("logout_notices", &session_id, TenantId::parse(tenant_id))?,
            client_id: parse_column("logout_notices", &session_id, ClientId::parse(client_id))?,
            person: parse_column("logout_notices", &session_id, UserId::parse(user_id))?,
            session: parse_column("logout_notices", &session_id, SessionId::parse(session_id.clone()))?,
            created_at: Timestamp::from_millis(created_at),
            attempts,
        })
    }
}

pub async fn is_any_due(db: impl sql::Executor<'_>, now: Timestamp) -> Result<bool, Error> {
    Ok(sql::query_scalar("SELECT EXISTS (SELECT 1 FROM logout_notices WHERE due_at <= $1)").bind(now.as_millis()).fetch_one(db).await?)
}

/// How many notices are sent at once: in all, and to one client, so that one that does not answer leaves places for others.
#[derive(Clone, Copy)]
pub struct ClaimLimits {
    pub total: i64,
    pub of_client: i64,
}

/// Claims notices that are due, first attempts before repeated ones: until `claimed_until` no other sender takes them.
pub async fn claim(db: &mut Connection, now: Timestamp, claimed_until: Timestamp, limits: ClaimLimits) -> Result<Vec<ClaimedNotice>, Error> {
    let rows: Vec<ClaimedRow> = sql::query_as(
        "UPDATE logout_notices SET attempts = attempts + 1, due_at = $2
         WHERE (tenant_id, client_id, session_id, user_id) IN
             (SELECT q.tenant_id, q.client_id, q.session_id, q.user_id
              FROM (SELECT n.tenant_id, n.client_id, n.session_id, n.user_id, n.attempts, n.due_at,
                           row_number() OVER (PARTITION BY n.tenant_id, n.client_id ORDER BY n.attempts, n.due_at) AS place
                    FROM logout_notices n WHERE n.due_at <= $1) q
              WHERE q.place <= $3 ORDER BY q.attempts, q.due_at LIMIT $4)
         RETURNING tenant_id, client_id, session_id, user_id, created_at, attempts",
    )
    .bind(now.as_millis())
    .bind(claimed_until.as_millis())
    .bind(limits.of_client)
    .bind(limits.total)
    .fetch_all(db)
    .await?;
    rows.into_iter().map(ClaimedNotice::try_from).collect()
}

/// Deletes a notice that was delivered or is given up. False if it was queued anew, or deleted with its person or client.
pub async fn delete(db: &mut Connection, notice: &ClaimedNotice) -> Result<bool, Error> {
    let deleted =
        sql::query("DELETE FROM logout_notices WHERE tenant_id = $1 AND client_id = $2 AND session_id = $3 AND user_id = $4 AND created_at = $5")
            .bind(notice.tenant_id.as_str())
            .bind(notice.client_id.as_str())
            .bind(notice.session.as_str())
            .bind(notice.person.as_str())
            .bind(notice.created_at.as_millis())
            .execute(db)
            .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Sets the next attempt, unless it was queued anew.
pub async fn postpone(db: &mut Connection, notice: &ClaimedNotice, due_at: Timestamp) -> Result<(), Error> {
    sql::query(
        "UPDATE logout_notices SET due_at = $6
         WHERE tenant_id = $1 AND client_id = $2 AND session_id = $3 AND user_id = $4 AND created_at = $5",
    )
    .bind(notice.tenant_id.as_str())
    .bind(notice.client_id.as_str())
    .bind(notice.session.as_str())
    .bind(notice.person.as_str())
    .bind(notice.created_at.as_millis())
    .bind(due_at.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// Makes due what was stored while the clock was ahead: what is later than any retry.
pub async fn correct_times(db: &mut Connection, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE logout_notices SET due_at = $1 WHERE due_at > $2")
        .bind(now.as_millis())
        .bind((now + LONGEST_RETRY).as_millis())
        .execute(db)
        .await?;
    Ok(())
}
