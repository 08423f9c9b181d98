//! Token families: the sign-ins of programs under authorizations.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::FromRow;

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, clients, end_state, granted_resources, parse_address, parse_column, tenants};
use crate::domain::authorization::{AuthorizationOrigin, RequestSource, TokenUse};
use crate::domain::client::Client;
use crate::domain::ids::{AuthorizationId, ClientId, HostAccountId, SessionId, TenantId, TokenFamilyId, UserId};
use crate::domain::resource_server::GrantedResource;
use crate::domain::scope::ScopeSet;
use crate::domain::step_up::AuthenticationTimes;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::token_family::{FamilyEnd, TokenFamily, TokenFamilyState};

row!(token_families:
    struct Row {
        tenant_id: String,
        id: String,
        authorization_id: String,
        client_id: String,
        scope: String,
        resources: String,
        salt: Vec<u8>,
        generation: i64,
        rotated_at: i64,
        successor_seen: bool,
        retries: i64,
        offline: bool,
        session_id: Option<String>,
        authenticated_at: Option<i64>,
        second_factor_at: Option<i64>,
        username_account_id: Option<String>,
        begun_at: i64,
        begun_from: Option<String>,
        begun_agent: String,
        refreshed_at: Option<i64>,
        refreshed_from: Option<String>,
        idle_until: Option<i64>,
        ended_at: Option<i64>,
        end_reason: Option<String>,
    }
);

impl TryFrom<Row> for TokenFamily {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let id = row.id;
        let state = end_state("token_families", &id, (row.ended_at, row.end_reason), FamilyEnd::parse)?;
        let refreshed_from = parse_address(row.refreshed_from);
        Ok(TokenFamily {
            tenant_id: parse_column("token_families", &id, TenantId::parse(row.tenant_id))?,
            authorization_id: parse_column("token_families", &id, AuthorizationId::parse(row.authorization_id))?,
            client_id: parse_column("token_families", &id, ClientId::parse(row.client_id))?,
            scope: ScopeSet::parse_known(&row.scope),
            resources: parse_column("token_families", &id, granted_resources::read(&row.resources))?,
            salt: parse_column("token_families", &id, row.salt.try_into().map_err(|_| "the salt has another length"))?,
            generation: parse_column("token_families", &id, u32::try_from(row.generation))?,
            rotated_at: Timestamp::from_millis(row.rotated_at),
            successor_seen: row.successor_seen,
            retries: parse_column("token_families", &id, u32::try_from(row.retries))?,
            offline: row.offline,
            session: row.session_id.map(|session| parse_column("token_families", &id, SessionId::parse(session))).transpose()?,
            authenticated: row
                .authenticated_at
                .map(|at| AuthenticationTimes { at: Timestamp::from_millis(at), second_at: row.second_factor_at.map(Timestamp::from_millis) }),
            username_account: row
                .username_account_id
                .map(|account| parse_column("token_families", &id, HostAccountId::parse(account)))
                .transpose()?,
            begun: RequestSource { at: Timestamp::from_millis(row.begun_at), from: parse_address(row.begun_from), agent: row.begun_agent },
            refreshed: row.refreshed_at.map(|at| TokenUse { at: Timestamp::from_millis(at), from: refreshed_from }),
            idle_until: row.idle_until.map(Timestamp::from_millis),
            state,
            id: parse_column("token_families", &id, TokenFamilyId::parse(id.clone()))?,
        })
    }
}

/// Inserts a live family in its first generation. `key_mark`: that of the key in use, with which its refresh tokens are computed. False if the
/// id is in use.
pub async fn insert(db: &mut Connection, new: &TokenFamily, key_mark: &[u8]) -> Result<bool, Error> {
    Values::new()
        .set("tenant_id", new.tenant_id.as_str())
        .set("id", new.id.as_str())
        .set("authorization_id", new.authorization_id.as_str())
        .set("client_id", new.client_id.as_str())
        .set("scope", new.scope.to_string())
        .set("resources", granted_resources::stored(&new.resources))
        .set("salt", new.salt.as_slice())
        .set("rotated_at", new.rotated_at.as_millis())
        .set("offline", new.offline)
        .set("session_id", new.session.as_ref().map(SessionId::as_str))
        .set("authenticated_at", new.authenticated.map(|times| times.at.as_millis()))
        .set("second_factor_at", new.authenticated.and_then(|times| times.second_at).map(Timestamp::as_millis))
        .set("username_account_id", new.username_account.as_ref().map(HostAccountId::as_str))
        .set("begun_at", new.begun.at.as_millis())
        .set("begun_from", new.begun.from.map(|from| from.to_string()))
        .set("begun_agent", &new.begun.agent)
        .set("idle_until", new.idle_until.map(Timestamp::as_millis))
        .set("key_mark", new.idle_until.is_some().then_some(key_mark))
        .insert(db, table!())
        .await
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &TokenFamilyId) -> Result<Option<TokenFamily>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND id = $2")).bind(tenant_id.as_str()).bind(id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(TokenFamily::try_from).transpose()
}

/// The families of these authorizations, in the order in which they began.
pub async fn of_authorizations(db: impl sql::Executor<'_>, tenant_id: &TenantId, ids: &[&AuthorizationId]) -> Result<Vec<TokenFamily>, Error> {
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND authorization_id IN (SELECT atom FROM json_each($2)) ORDER BY begun_at, id"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(serde_json::to_string(&ids).unwrap_or_default()).fetch_all(db).await?;
    rows.into_iter().map(TokenFamily::try_from).collect()
}

/// Stores a refresh. `key_mark`: that of the key with which the refresh token in the request was computed. False if the family has ended or was
/// refreshed since it was read.
pub async fn store_refresh(db: &mut Connection, before: &TokenFamily, after: &TokenFamily, key_mark: &[u8]) -> Result<bool, Error> {
    let done = sql::query(
        "UPDATE token_families
         SET generation = $5, rotated_at = $6, successor_seen = $7, retries = $8, refreshed_at = $9, refreshed_from = $10, idle_until = $11,
             key_mark = $12
         WHERE tenant_id = $1 AND id = $2 AND generation = $3 AND retries = $4 AND ended_at IS NULL",
    )
    .bind(before.tenant_id.as_str())
    .bind(before.id.as_str())
    .bind(i64::from(before.generation))
    .bind(i64::from(before.retries))
    .bind(i64::from(after.generation))
    .bind(after.rotated_at.as_millis())
    .bind(after.successor_seen)
    .bind(i64::from(after.retries))
    .bind(after.refreshed.map(|refreshed| refreshed.at.as_millis()))
    .bind(after.refreshed.and_then(|refreshed| refreshed.from).map(|from| from.to_string()))
    .bind(after.idle_until.map(Timestamp::as_millis))
    .bind(key_mark)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that a token of this generation was used, if it is the current one. False if that was recorded before.
pub async fn mark_seen(db: &mut Connection, tenant_id: &TenantId, id: &TokenFamilyId, generation: u32) -> Result<bool, Error> {
    let query =
        sql::query("UPDATE token_families SET successor_seen = true WHERE tenant_id = $1 AND id = $2 AND generation = $3 AND successor_seen = false");
    let query = query.bind(tenant_id.as_str()).bind(id.as_str()).bind(i64::from(generation));
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Which browser sessions of a person have ended.
#[derive(Clone, Copy)]
pub enum EndedSessions<'a> {
    Only(&'a SessionId),
    /// All, but this one if given.
    AllBut(Option<&'a SessionId>),
    /// Those that do not exist any more.
    Deleted,
}

impl<'a> EndedSessions<'a> {
    /// As parameters of statements: the only session, the one that is left out, and whether those are meant that do not exist any more.
    pub(super) fn parameters(self) -> (Option<&'a str>, Option<&'a str>, bool) {
        match self {
            Self::Only(id) => (Some(id.as_str()), None, false),
            Self::AllBut(keep) => (None, keep.map(SessionId::as_str), false),
            Self::Deleted => (None, None, true),
        }
    }
}

/// Ends the families that depend on browser sessions of a person that have ended. Returns how many there were.
pub async fn end_of_sessions(
    db: &mut Connection,
    tenant_id: &TenantId,
    person: &UserId,
    ended: EndedSessions<'_>,
    now: Timestamp,
) -> Result<u64, Error> {
    let (only, keep, deleted) = ended.parameters();
    let done = sql::query(
        "UPDATE token_families SET ended_at = $6, end_reason = $7
         WHERE tenant_id = $1 AND session_id IS NOT NULL AND ended_at IS NULL AND offline = false
           AND session_id = coalesce($3, session_id) AND session_id IS DISTINCT FROM $4
           AND authorization_id IN (SELECT a.id FROM authorizations a WHERE a.tenant_id = $1 AND a.user_id = $2)
           AND ($5 = false OR session_id NOT IN
                (SELECT s.public_id FROM browser_sessions s WHERE s.tenant_id = $1 AND s.user_id = $2))",
    )
    .bind(tenant_id.as_str())
    .bind(person.as_str())
    .bind(only)
    .bind(keep)
    .bind(deleted)
    .bind(now.as_millis())
    .bind(FamilyEnd::SignedOut.as_str())
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Stores the end of a family. False if it had ended before.
pub async fn end(db: &mut Connection, ended: &TokenFamily) -> Result<bool, Error> {
    let TokenFamilyState::Ended { at, reason } = ended.state else { return Ok(false) };
    let query = sql::query("UPDATE token_families SET ended_at = $3, end_reason = $4 WHERE tenant_id = $1 AND id = $2 AND ended_at IS NULL");
    let query = query.bind(ended.tenant_id.as_str()).bind(ended.id.as_str()).bind(at.as_millis()).bind(reason.as_str());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Ends all families of an authorization that has ended. Returns how many there were.
pub async fn end_all_of(db: &mut Connection, tenant_id: &TenantId, id: &AuthorizationId, now: Timestamp) -> Result<u64, Error> {
    let query =
        sql::query("UPDATE token_families SET ended_at = $3, end_reason = $4 WHERE tenant_id = $1 AND authorization_id = $2 AND ended_at IS NULL");
    let query = query.bind(tenant_id.as_str()).bind(id.as_str()).bind(now.as_millis()).bind(FamilyEnd::Authorization.as_str());
    Ok(query.execute(db).await?.rows_affected())
}

/// Deletes families that ended before `before`, or were not refreshed in time; at most `limit` of each. Returns how many there were of the ones
/// of which there were more.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let ended = sql::query(
        "DELETE FROM token_families WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM token_families WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)",
    );
    let ended = ended.bind(before.as_millis()).bind(limit).execute(&mut *db).await?.rows_affected();
    let idle = sql::query(
        "DELETE FROM token_families WHERE (tenant_id, id) IN
             (SELECT tenant_id, id FROM token_families WHERE idle_until < $1 AND ended_at IS NULL ORDER BY idle_until LIMIT $2)",
    );
    let idle = idle.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected();
    Ok(ended.max(idle))
}

/// The tenant and family that an access token names.
#[derive(PartialEq, Eq, Hash)]
pub struct FamilyKey {
    pub tenant_id: TenantId,
    pub family_id: TokenFamilyId,
}

impl FamilyKey {
    pub fn of(family: &TokenFamily) -> Self {
        Self { tenant_id: family.tenant_id.clone(), family_id: family.id.clone() }
    }
}

/// All that decides whether a family's access tokens may be used.
#[derive(Clone)]
pub struct FamilyStanding {
    pub family_id: TokenFamilyId,
    pub authorization_id: AuthorizationId,
    pub person: UserId,
    pub person_enabled: bool,
    pub client: Client,
    pub tenant: Tenant,
    /// The family's scope; the client's settings may allow less of it now.
    pub scope: ScopeSet,
    /// Access to other resource servers; their registration may allow less of it now.
    pub resources: Vec<GrantedResource>,
    /// The flow in which its authorization was given.
    pub origin: AuthorizationOrigin,
    /// Neither the family nor its authorization has ended.
    pub live: bool,
    /// The date of the authorization.
    pub access_until: Timestamp,
    pub generation: u32,
    pub successor_seen: bool,
}

#[derive(FromRow)]
struct StandingRow {
    tenant_id: String,
    id: String,
    authorization_id: String,
    client_id: String,
    scope: String,
    resources: String,
    generation: i64,
    successor_seen: bool,
    origin: String,
    live: bool,
    access_until: i64,
    user_id: String,
    person_enabled: bool,
}

/// Finds families with what they depend on; for [`super::batched_reader`].
pub fn look_up_standing<'c>(db: &'c mut Connection, keys: &'c [FamilyKey]) -> BoxFuture<'c, Result<Vec<Option<FamilyStanding>>, Error>> {
    async move {
        let pair = |key: &FamilyKey| serde_json::json!({ "tenant_id": key.tenant_id.as_str(), "id": key.family_id.as_str() });
        let pairs: Vec<serde_json::Value> = keys.iter().map(pair).collect();
        let rows: Vec<StandingRow> = sql::query_as(
            "SELECT f.tenant_id, f.id, f.authorization_id, f.client_id, f.scope, f.resources, f.generation, f.successor_seen, a.origin,
                    f.ended_at IS NULL AND a.ended_at IS NULL AS live, a.access_until, a.user_id, p.enabled AS person_enabled
             FROM json_each($1) q
             JOIN token_families f ON f.tenant_id = q.value ->> 'tenant_id' AND f.id = q.value ->> 'id'
             JOIN authorizations a ON a.tenant_id = f.tenant_id AND a.id = f.authorization_id
             JOIN people p ON p.tenant_id = a.tenant_id AND p.user_id = a.user_id",
        )
        .bind(serde_json::Value::from(pairs).to_string())
        .fetch_all(&mut *db)
        .await?;
        let clients = clients::find_all(&mut *db, rows.iter().map(|row| (row.tenant_id.as_str(), row.client_id.as_str()))).await?;
        let tenants = tenants::find_all(db, keys.iter().map(|key| &key.tenant_id)).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let client = clients.iter().find(|found| found.client.id.as_str() == row.client_id && found.client.tenant_id.as_str() == row.tenant_id);
            let tenant = tenants.iter().find(|tenant| tenant.id.as_str() == row.tenant_id);
            if let (Some(client), Some(tenant)) = (client, tenant) {
                found.push(row.standing(client.client.clone(), tenant.clone())?);
            }
        }
        let is = |key: &FamilyKey, found: &FamilyStanding| found.family_id == key.family_id && found.tenant.id == key.tenant_id;
        Ok(keys.iter().map(|key| found.iter().find(|found| is(key, found)).cloned()).collect())
    }
    .boxed()
}

impl StandingRow {
    fn standing(self, client: Client, tenant: Tenant) -> Result<FamilyStanding, Error> {
        let id = self.id;
        Ok(FamilyStanding {
            authorization_id: parse_column("token_families", &id, AuthorizationId::parse(self.authorization_id))?,
            person: parse_column("authorizations", &id, UserId::parse(self.user_id))?,
            person_enabled: self.person_enabled,
            client,
            tenant,
            scope: ScopeSet::parse_known(&self.scope),
            resources: parse_column("token_families", &id, granted_resources::read(&self.resources))?,
            origin: parse_column("authorizations", &id, AuthorizationOrigin::parse(&self.origin).ok_or(self.origin))?,
            live: self.live,
            access_until: Timestamp::from_millis(self.access_until),
            generation: parse_column("token_families", &id, u32::try_from(self.generation))?,
            successor_seen: self.successor_seen,
            family_id: parse_column("token_families", &id, TokenFamilyId::parse(id.clone()))?,
        })
    }
}
