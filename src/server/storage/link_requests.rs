//! Requests to link host accounts.

use super::claims::{Claimed, claim, claim_ends, claims, select_requests};
use super::row::{Values, row};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::device_grant::Claimant;
use crate::domain::ids::{AccountName, HostName, LinkRequestId, TenantId, UserId};
use crate::domain::link_request::{LinkRequest, LinkRequestState};
use crate::domain::time::Timestamp;

row!(link_requests:
    struct Row {
        tenant_id: String,
        id: String,
        host: String,
        account: String,
        #[sqlx(try_from = "i64")]
        uid: u32,
        asked_at: i64,
        expires_at: i64,
        claimed_session: Option<String>,
        claimed_person: Option<String>,
        state: String,
        person: Option<String>,
        link_until: Option<i64>,
    }
);

impl TryFrom<Claimed<Row>> for LinkRequest {
    type Error = Error;

    fn try_from(Claimed { row, claim_ends }: Claimed<Row>) -> Result<Self, Error> {
        let id = row.id.clone();
        let state = row.state()?;
        let claim = claim("link_requests", &id, row.claimed_session.as_ref(), row.claimed_person.as_ref(), claim_ends)?;
        Ok(LinkRequest {
            tenant_id: parse_column("link_requests", &id, TenantId::parse(row.tenant_id))?,
            id: parse_column("link_requests", &id, LinkRequestId::parse(row.id))?,
            host: parse_column("link_requests", &id, HostName::parse(row.host))?,
            account: parse_column("link_requests", &id, AccountName::parse(row.account))?,
            uid: row.uid,
            requested_at: Timestamp::from_millis(row.asked_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            claim,
            state,
        })
    }
}

impl Row {
    fn state(&self) -> Result<LinkRequestState, Error> {
        match (self.state.as_str(), &self.person, self.link_until) {
            ("waiting", ..) => Ok(LinkRequestState::Pending),
            ("refused", ..) => Ok(LinkRequestState::Refused),
            ("linked", Some(person), Some(until)) => Ok(LinkRequestState::Linked {
                person: parse_column("link_requests", &self.id, UserId::parse(person.clone()))?,
                until: Timestamp::from_millis(until),
            }),
            _ => {
                Err(Error::Inconsistent { table: "link_requests", id: self.id.clone(), why: "an unknown state, or one that lacks something".into() })
            }
        }
    }
}

/// Inserts a request, replacing an earlier one of the host for this account. False if one of the secrets is in use: draw again.
pub async fn replace(db: &mut Connection, request: &LinkRequest, secret_hash: &[u8], user_code_hash: &[u8]) -> Result<bool, Error> {
    sql::query("DELETE FROM link_requests WHERE tenant_id = $1 AND host = $2 AND account = $3")
        .bind(request.tenant_id.as_str())
        .bind(request.host.as_str())
        .bind(request.account.as_str())
        .execute(&mut *db)
        .await?;
    Values::new()
        .set("tenant_id", request.tenant_id.as_str())
        .set("host", request.host.as_str())
        .set("account", request.account.as_str())
        .set("id", request.id.as_str())
        .set("uid", request.uid)
        .set("secret_hash", secret_hash)
        .set("user_code_hash", user_code_hash)
        .set("asked_at", request.requested_at.as_millis())
        .set("expires_at", request.expires_at.as_millis())
        .set("state", "waiting")
        .insert(db, table!())
        .await
}

/// Number of pending requests for other accounts of the host.
pub async fn count_other_pending(db: &mut Connection, request: &LinkRequest) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM link_requests WHERE tenant_id = $1 AND host = $2 AND account <> $3 AND state = 'waiting' AND expires_at > $4";
    let query = sql::query_scalar(query).bind(request.tenant_id.as_str()).bind(request.host.as_str()).bind(request.account.as_str());
    Ok(query.bind(request.requested_at.as_millis()).fetch_one(db).await?)
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &LinkRequestId) -> Result<Option<LinkRequest>, Error> {
    let row: Option<Claimed<Row>> =
        sql::query_as(select_requests!("tenant_id = $1 AND id = $2")).bind(tenant_id.as_str()).bind(id.as_str()).fetch_optional(db).await?;
    row.map(LinkRequest::try_from).transpose()
}

/// Finds a request by its secret, only for the host that made it.
pub async fn find_of_host(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    host: &HostName,
    secret_hash: &[u8],
) -> Result<Option<LinkRequest>, Error> {
    let query = sql::query_as(select_requests!("tenant_id = $1 AND host = $2 AND secret_hash = $3"));
    let row: Option<Claimed<Row>> = query.bind(tenant_id.as_str()).bind(host.as_str()).bind(secret_hash).fetch_optional(db).await?;
    row.map(LinkRequest::try_from).transpose()
}

/// Finds a request of any tenant: user codes are unique across tenants.
pub async fn find_by_user_code(db: impl sql::Executor<'_>, hash: &[u8]) -> Result<Option<LinkRequest>, Error> {
    let row: Option<Claimed<Row>> = sql::query_as(select_requests!("user_code_hash = $1")).bind(hash).fetch_optional(db).await?;
    row.map(LinkRequest::try_from).transpose()
}

claims!(
    LinkRequest,
    waiting: "waiting",
    of_person: "tenant_id = $1 AND claimed_person = $2 AND state = 'waiting' AND expires_at > $3 ORDER BY asked_at DESC"
);

/// Writes the answer of a pending request. False if it was answered before.
pub async fn save_answer(db: &mut Connection, request: &LinkRequest) -> Result<bool, Error> {
    let (state, person, until) = match &request.state {
        LinkRequestState::Pending => ("waiting", None, None),
        LinkRequestState::Refused => ("refused", None, None),
        LinkRequestState::Linked { person, until } => ("linked", Some(person.as_str()), Some(until.as_millis())),
    };
    let done =
        sql::query("UPDATE link_requests SET state = $3, claimed_code = NULL, person = $4, link_until = $5 WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'")
            .bind(request.tenant_id.as_str())
            .bind(request.id.as_str())
            .bind(state)
            .bind(person)
            .bind(until)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a pending request of the host. Returns the number of requests deleted.
pub async fn cancel(db: &mut Connection, tenant_id: &TenantId, host: &HostName, secret_hash: &[u8]) -> Result<u64, Error> {
    let done = sql::query("DELETE FROM link_requests WHERE tenant_id = $1 AND host = $2 AND secret_hash = $3 AND state = 'waiting'")
        .bind(tenant_id.as_str())
        .bind(host.as_str())
        .bind(secret_hash)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Deletes all pending requests of a host.
pub async fn delete_pending(db: &mut Connection, tenant_id: &TenantId, host: &HostName) -> Result<(), Error> {
    sql::query("DELETE FROM link_requests WHERE tenant_id = $1 AND host = $2 AND state = 'waiting'")
        .bind(tenant_id.as_str())
        .bind(host.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes requests whose code expired before `before`, at most `limit`. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM link_requests WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM link_requests WHERE expires_at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
