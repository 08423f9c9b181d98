//! Authorization requests (RFC 6749 §4.1.1, RFC 9126). What was asked for is sealed under the request's handle, which is not stored.

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_address, parse_column};
use crate::domain::authorization::RequestSource;
use crate::domain::authorization_request::{AuthorizationRequest, AuthorizationRequestState};
use crate::domain::device_grant::Claimant;
use crate::domain::ids::{AuthorizationId, AuthorizationRequestId, ClientId, SessionId, TenantId, UserId};
use crate::domain::time::Timestamp;

row!(authorization_requests:
    struct Row {
        tenant_id: String,
        id: String,
        client_id: String,
        pushed: bool,
        pushed_id: Option<String>,
        content_sealed: Vec<u8>,
        requested_at: i64,
        requested_from: Option<String>,
        requested_agent: String,
        expires_at: i64,
        opened_session: Option<String>,
        opened_person: Option<String>,
        state: String,
        decided_at: Option<i64>,
        reported: bool,
        authorization_id: Option<String>,
    }
);

/// A stored request, without what was asked for.
pub struct StoredRequest {
    pub tenant_id: TenantId,
    pub id: AuthorizationRequestId,
    pub client_id: ClientId,
    pub content_sealed: Vec<u8>,
    pub source: RequestSource,
    /// The client pushed it, and it is opened as other requests.
    pub is_pushed: bool,
    pub pushed: Option<AuthorizationRequestId>,
    pub expires_at: Timestamp,
    pub opened_by: Option<Claimant>,
    pub state: AuthorizationRequestState,
}

impl TryFrom<Row> for StoredRequest {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        const TABLE: &str = "authorization_requests";
        let id = row.id.clone();
        let state = row.state()?;
        let opened_by = match row.opened_session {
            None => None,
            Some(session) => Some(Claimant {
                session: parse_column(TABLE, &id, SessionId::parse(session))?,
                person: row.opened_person.map(|person| parse_column(TABLE, &id, UserId::parse(person))).transpose()?,
            }),
        };
        Ok(StoredRequest {
            tenant_id: parse_column(TABLE, &id, TenantId::parse(row.tenant_id))?,
            id: parse_column(TABLE, &id, AuthorizationRequestId::parse(row.id))?,
            client_id: parse_column(TABLE, &id, ClientId::parse(row.client_id))?,
            content_sealed: row.content_sealed,
            source: RequestSource {
                at: Timestamp::from_millis(row.requested_at),
                from: parse_address(row.requested_from),
                agent: row.requested_agent,
            },
            is_pushed: row.pushed,
            pushed: row.pushed_id.map(|pushed| parse_column(TABLE, &id, AuthorizationRequestId::parse(pushed))).transpose()?,
            expires_at: Timestamp::from_millis(row.expires_at),
            opened_by,
            state,
        })
    }
}

impl Row {
    fn state(&self) -> Result<AuthorizationRequestState, Error> {
        let inconsistent = |why: &str| Error::Inconsistent { table: "authorization_requests", id: self.id.clone(), why: why.to_owned() };
        match (self.state.as_str(), self.decided_at.map(Timestamp::from_millis), &self.authorization_id) {
            ("waiting", None, _) => Ok(AuthorizationRequestState::Waiting),
            ("answered", Some(at), Some(id)) => {
                let authorization = parse_column("authorization_requests", &self.id, AuthorizationId::parse(id.clone()))?;
                Ok(AuthorizationRequestState::Answered { at, authorization })
            }
            ("refused", Some(at), _) => Ok(AuthorizationRequestState::Refused { at, reported: self.reported }),
            _ => Err(inconsistent("an unknown state, or one without its time or authorization")),
        }
    }
}

/// Inserts a waiting request. `is_pushed`: as [`StoredRequest::is_pushed`]. False if the handle or the id is in use.
pub async fn insert(
    db: &mut Connection,
    request: &AuthorizationRequest,
    is_pushed: bool,
    handle_hash: &[u8],
    content_sealed: &[u8],
) -> Result<bool, Error> {
    Values::new()
        .set("tenant_id", request.tenant_id.as_str())
        .set("id", request.id.as_str())
        .set("handle_hash", handle_hash)
        .set("client_id", request.client_id.as_str())
        .set("pushed", is_pushed)
        .set("pushed_id", request.pushed.as_ref().map(AuthorizationRequestId::as_str))
        .set("content_sealed", content_sealed)
        .set("requested_at", request.source.at.as_millis())
        .set("requested_from", request.source.from.map(|from| from.to_string()))
        .set("requested_agent", &request.source.agent)
        .set("expires_at", request.expires_at.as_millis())
        .set("state", state_name(&request.state))
        .insert(db, table!())
        .await
}

/// Finds a request of any tenant: handles are unique across tenants, because the page is shared.
pub async fn find_by_handle(db: impl sql::Executor<'_>, hash: &[u8]) -> Result<Option<StoredRequest>, Error> {
    let row: Option<Row> = sql::query_as(select!("WHERE handle_hash = $1")).bind(hash).fetch_optional(db).await?;
    row.map(StoredRequest::try_from).transpose()
}

/// Whether a request waits for a decision, or expired without one.
pub async fn is_waiting(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &AuthorizationRequestId) -> Result<bool, Error> {
    let query = sql::query_scalar("SELECT EXISTS (SELECT 1 FROM authorization_requests WHERE tenant_id = $1 AND id = $2 AND state = 'waiting')");
    Ok(query.bind(tenant_id.as_str()).bind(id.as_str()).fetch_one(db).await?)
}

/// Stores which browser session has opened a waiting request, and who is signed in to it. False if it is not waiting, or another session
/// opened it first.
pub async fn set_opened(db: &mut Connection, request: &AuthorizationRequest) -> Result<bool, Error> {
    let opened = request.opened_by.as_ref();
    let done = sql::query(
        "UPDATE authorization_requests SET opened_session = $3, opened_person = $4
         WHERE tenant_id = $1 AND id = $2 AND state = 'waiting' AND (opened_session IS NULL OR opened_session = $3)",
    )
    .bind(request.tenant_id.as_str())
    .bind(request.id.as_str())
    .bind(opened.map(|opened| opened.session.as_str()))
    .bind(opened.and_then(|opened| opened.person.as_ref()).map(UserId::as_str))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the decision on a waiting request. False if another one came first.
pub async fn decide(db: &mut Connection, request: &AuthorizationRequest) -> Result<bool, Error> {
    transition(db, &request.tenant_id, &request.id, &request.state).await
}

/// Stores the decision on one of the requests that were opened from a pushed one as that on the pushed one. False if another one came first.
pub async fn decide_pushed(
    db: &mut Connection,
    tenant_id: &TenantId,
    pushed: &AuthorizationRequestId,
    state: &AuthorizationRequestState,
) -> Result<bool, Error> {
    transition(db, tenant_id, pushed, state).await
}

async fn transition(
    db: &mut Connection,
    tenant_id: &TenantId,
    id: &AuthorizationRequestId,
    state: &AuthorizationRequestState,
) -> Result<bool, Error> {
    let (decided_at, reported, authorization) = match state {
        AuthorizationRequestState::Waiting => return Ok(false),
        AuthorizationRequestState::Answered { at, authorization } => (*at, false, Some(authorization)),
        AuthorizationRequestState::Refused { at, reported } => (*at, *reported, None),
    };
    let done = sql::query(
        "UPDATE authorization_requests SET state = $3, decided_at = $4, reported = $5, authorization_id = $6
         WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'",
    )
    .bind(tenant_id.as_str())
    .bind(id.as_str())
    .bind(state_name(state))
    .bind(decided_at.as_millis())
    .bind(reported)
    .bind(authorization.map(AuthorizationId::as_str))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes requests that no browser session opened and that expired before `before`, at most `limit`; also pushed ones, of which only other
/// requests are opened. Returns how many there were.
pub async fn delete_unopened(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM authorization_requests WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM authorization_requests WHERE expires_at < $1 AND opened_session IS NULL ORDER BY expires_at LIMIT $2)",
    );
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// Deletes requests that expired before `before`, with their codes, at most `limit`. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM authorization_requests WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM authorization_requests WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
    );
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

fn state_name(state: &AuthorizationRequestState) -> &'static str {
    match state {
        AuthorizationRequestState::Waiting => "waiting",
        AuthorizationRequestState::Answered { .. } => "answered",
        AuthorizationRequestState::Refused { .. } => "refused",
    }
}
