//! Authorizations: what people allowed clients, by device flow or authorization code flow.

use std::net::IpAddr;

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, end_state, granted_resources, parse_address, parse_column};
use crate::domain::authorization::{Authorization, AuthorizationEnd, AuthorizationOrigin, AuthorizationState, RequestSource, TokenUse};
use crate::domain::ids::{AuthorizationId, ClientId, TenantId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

row!(authorizations:
    struct Row {
        tenant_id: String,
        id: String,
        client_id: String,
        user_id: String,
        origin: String,
        scope: String,
        resources: String,
        given_at: i64,
        given_from: Option<String>,
        given_agent: String,
        access_until: i64,
        last_used_at: Option<i64>,
        last_used_from: Option<String>,
        ended_at: Option<i64>,
        end_reason: Option<String>,
    }
);

impl TryFrom<Row> for Authorization {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let id = row.id;
        let state = end_state("authorizations", &id, (row.ended_at, row.end_reason), AuthorizationEnd::parse)?;
        let last_used_from = parse_address(row.last_used_from);
        Ok(Authorization {
            tenant_id: parse_column("authorizations", &id, TenantId::parse(row.tenant_id))?,
            client_id: parse_column("authorizations", &id, ClientId::parse(row.client_id))?,
            person: parse_column("authorizations", &id, UserId::parse(row.user_id))?,
            origin: parse_column("authorizations", &id, AuthorizationOrigin::parse(&row.origin).ok_or(row.origin))?,
            scope: ScopeSet::parse_known(&row.scope),
            resources: parse_column("authorizations", &id, granted_resources::read(&row.resources))?,
            given: RequestSource { at: Timestamp::from_millis(row.given_at), from: parse_address(row.given_from), agent: row.given_agent },
            access_until: Timestamp::from_millis(row.access_until),
            last_used: row.last_used_at.map(|at| TokenUse { at: Timestamp::from_millis(at), from: last_used_from }),
            state,
            id: parse_column("authorizations", &id, AuthorizationId::parse(id.clone()))?,
        })
    }
}

/// Inserts a live authorization. False if the id is in use.
pub async fn insert(db: &mut Connection, new: &Authorization) -> Result<bool, Error> {
    Values::new()
        .set("tenant_id", new.tenant_id.as_str())
        .set("id", new.id.as_str())
        .set("client_id", new.client_id.as_str())
        .set("user_id", new.person.as_str())
        .set("origin", new.origin.as_str())
        .set("scope", new.scope.to_string())
        .set("resources", granted_resources::stored(&new.resources))
        .set("given_at", new.given.at.as_millis())
        .set("given_from", new.given.from.map(|from| from.to_string()))
        .set("given_agent", &new.given.agent)
        .set("access_until", new.access_until.as_millis())
        .insert(db, table!())
        .await
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &AuthorizationId) -> Result<Option<Authorization>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND id = $2")).bind(tenant_id.as_str()).bind(id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(Authorization::try_from).transpose()
}

/// The people with an authorization of a client that has not ended, or with a delegation to it, also one whose date has passed, or with a remembered
/// consent: those after `after` in the order of their ids, at most `limit`.
pub async fn people_of_client(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    client_id: &ClientId,
    after: &str,
    limit: u32,
) -> Result<Vec<UserId>, Error> {
    let people: Vec<String> = sql::query_scalar(
        "SELECT user_id FROM authorizations WHERE tenant_id = $1 AND client_id = $2 AND ended_at IS NULL AND user_id > $3
         UNION
         SELECT user_id FROM delegations WHERE tenant_id = $1 AND client_id = $2 AND ended_at IS NULL AND user_id > $3
         UNION
         SELECT user_id FROM consents WHERE tenant_id = $1 AND client_id = $2 AND user_id > $3
         ORDER BY user_id LIMIT $4",
    )
    .bind(tenant_id.as_str())
    .bind(client_id.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await?;
    people.into_iter().map(|person| parse_column("authorizations", client_id.as_str(), UserId::parse(person))).collect()
}

/// The authorizations of a person that have not ended, oldest first, also those whose date has passed; restricted to a client if given.
pub async fn live_of_person(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    person: &UserId,
    client_id: Option<&ClientId>,
) -> Result<Vec<Authorization>, Error> {
    let rows: Vec<Row> = sql::query_as(select!(
        "WHERE tenant_id = $1 AND user_id = $2 AND client_id = coalesce($3, client_id) AND ended_at IS NULL ORDER BY given_at, id"
    ))
    .bind(tenant_id.as_str())
    .bind(person.as_str())
    .bind(client_id.map(ClientId::as_str))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Authorization::try_from).collect()
}

/// The number of people who ever gave a client an authorization that is still listed, and when the first was given.
pub async fn count_people_of_client(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    client_id: &ClientId,
) -> Result<(i64, Option<Timestamp>), Error> {
    let query = sql::query_as("SELECT count(DISTINCT user_id), min(given_at) FROM authorizations WHERE tenant_id = $1 AND client_id = $2");
    let (people, since): (i64, Option<i64>) = query.bind(tenant_id.as_str()).bind(client_id.as_str()).fetch_one(db).await?;
    Ok((people, since.map(Timestamp::from_millis)))
}

/// Stores the end of an authorization. False if it had ended before.
pub async fn end(db: &mut Connection, ended: &Authorization) -> Result<bool, Error> {
    let AuthorizationState::Ended { at, reason } = ended.state else { return Ok(false) };
    let query = sql::query("UPDATE authorizations SET ended_at = $3, end_reason = $4 WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL");
    let query = query.bind(ended.tenant_id.as_str()).bind(ended.id.as_str()).bind(at.as_millis()).bind(reason.as_str());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Sets the date of an authorization that has not ended, and with it that of the keys made with its tokens: none outlives it, and those that
/// ended with the old date end with the new one, or when the lifetime that was requested or set for them is over.
pub async fn set_access_until(
    db: &mut Connection,
    tenant_id: &TenantId,
    id: &AuthorizationId,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    sql::query(
        "UPDATE pubkeys
         SET expires_at = CASE WHEN pubkeys.expires_at > $3 OR coalesce(limited_until, created_at + initial_ttl_minutes * 60000) > $3 THEN $3
                               ELSE coalesce(limited_until, created_at + initial_ttl_minutes * 60000) END,
             updated_at = $4
         FROM authorizations a
         WHERE a.tenant_id = $1 AND a.id = $2 AND a.ended_at IS NULL AND pubkeys.tenant_id = a.tenant_id AND pubkeys.device_grant_id = a.id
           AND (pubkeys.expires_at > $3 OR pubkeys.expires_at = a.access_until)",
    )
    .bind(tenant_id.as_str())
    .bind(id.as_str())
    .bind(until.as_millis())
    .bind(now.as_millis())
    .execute(&mut *db)
    .await?;
    sql::query("UPDATE authorizations SET access_until = $3 WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .bind(until.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Records when and from where a token was used.
pub async fn set_used(db: &mut Connection, tenant_id: &TenantId, id: &AuthorizationId, from: Option<IpAddr>, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE authorizations SET last_used_at = $3, last_used_from = $4 WHERE tenant_id = $1 AND id = $2")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .bind(now.as_millis())
        .bind(from.map(|from| from.to_string()))
        .execute(db)
        .await?;
    Ok(())
}

/// SQL for the `$2` authorizations whose date passed first, of those for which it did before `$1`: in the order of an index, so that each
/// statement of a transaction finds the same ones.
macro_rules! oldest {
    () => {
        "SELECT tenant_id, id FROM authorizations WHERE access_until < $1 ORDER BY access_until, tenant_id, id LIMIT $2"
    };
}

/// Deletes authorizations whose date passed before `before`, with their token families, delegations and keys; at most `limit` authorizations,
/// and `limit` keys. Returns how many there were, of authorizations or of keys: one with many keys stays until these are deleted. Audit
/// events remain.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = |statement: &'static str| sql::query(statement).bind(before.as_millis()).bind(limit);
    let keys = delete(concat!(
        "DELETE FROM pubkeys WHERE number IN
             (SELECT k.number FROM (",
        oldest!(),
        ") a JOIN pubkeys k ON k.tenant_id = a.tenant_id AND k.device_grant_id = a.id LIMIT $2)"
    ));
    let keys = keys.execute(&mut *db).await?.rows_affected();
    if keys >= u64::from(limit) {
        return Ok(keys);
    }
    delete(concat!("DELETE FROM delegations WHERE (tenant_id, device_grant_id) IN (", oldest!(), ")")).execute(&mut *db).await?;
    // The device's request, whose date may be later: the person shortened the access.
    delete(concat!("DELETE FROM device_grants WHERE expires_at < $1 AND (tenant_id, id) IN (", oldest!(), ")")).execute(&mut *db).await?;
    let authorizations = delete(concat!("DELETE FROM authorizations WHERE (tenant_id, id) IN (", oldest!(), ")"));
    Ok(authorizations.execute(db).await?.rows_affected())
}
