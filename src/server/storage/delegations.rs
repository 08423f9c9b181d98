//! Delegations: people's permissions for clients.

pub mod by_client;
mod key_use;

use std::collections::HashMap;
use std::time::Duration;

use sqlx::FromRow;

pub use self::key_use::KeyUse;

use super::clients::{ClientName, client_name, flow_is_allowed};
use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, authorizations, granted_resources, parse_column, sequences, token_families};
use crate::domain::authorization::AuthorizationOrigin;
use crate::domain::delegation::{Creator, Delegation, DelegationFilter, DelegationSort};
use crate::domain::ids::{AuthorizationId, ClientId, DelegationId, HostAccountId, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::resource_server::GrantedResource;
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::token_family::TokenFamily;

/// A delegation to insert.
pub struct NewDelegation<'a> {
    pub tenant_id: &'a TenantId,
    pub id: DelegationId,
    pub client_id: &'a ClientId,
    pub user_id: &'a UserId,
    /// `None` if an administrator created it.
    pub authorization_id: Option<&'a AuthorizationId>,
    pub made_by: Creator,
    pub scope: &'a ScopeSet,
    pub expires_at: Timestamp,
}

/// Inserts a delegation for the given host accounts.
pub async fn insert(db: &mut Connection, new: &NewDelegation<'_>, host_accounts: &[HostAccountId], now: Timestamp) -> Result<(), Error> {
    insert_row(db, new, false, now).await?;
    for host_account in host_accounts {
        sql::query("INSERT INTO delegation_host_accounts (tenant_id, delegation_id, host_account_id) VALUES ($1, $2, $3)")
            .bind(new.tenant_id.as_str())
            .bind(new.id.as_str())
            .bind(host_account.as_str())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Inserts a delegation for all host accounts of the person, present and future. False if an administrator's exists already.
pub async fn insert_for_every_host(db: &mut Connection, new: &NewDelegation<'_>, now: Timestamp) -> Result<bool, Error> {
    insert_row(db, new, true, now).await
}

async fn insert_row(db: &mut Connection, new: &NewDelegation<'_>, every_host_account: bool, now: Timestamp) -> Result<bool, Error> {
    let number = sequences::next(db, "delegations").await?;
    let done = sql::query(
        "INSERT INTO delegations (number, tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, updated_at, expires_at, made_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
         ON CONFLICT DO NOTHING",
    )
    .bind(number)
    .bind(new.tenant_id.as_str())
    .bind(new.id.as_str())
    .bind(new.client_id.as_str())
    .bind(new.user_id.as_str())
    .bind(new.authorization_id.map(AuthorizationId::as_str))
    .bind(new.scope.to_string())
    .bind(every_host_account)
    .bind(now.as_millis())
    .bind(new.expires_at.as_millis())
    .bind(new.made_by.as_str())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

row!(delegations:
    struct Row {
        number: i64,
        tenant_id: String,
        id: String,
        client_id: String,
        user_id: String,
        device_grant_id: Option<String>,
        made_by: String,
        expires_at: i64,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for Delegation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Delegation {
            number: row.number,
            tenant_id: parse_column("delegations", &row.id, TenantId::parse(row.tenant_id))?,
            client_id: parse_column("delegations", &row.id, ClientId::parse(row.client_id))?,
            user_id: parse_column("delegations", &row.id, UserId::parse(row.user_id))?,
            authorization_id: row.device_grant_id.map(|id| parse_column("delegations", &row.id, AuthorizationId::parse(id))).transpose()?,
            made_by: parse_column("delegations", &row.id, Creator::parse(&row.made_by).ok_or(row.made_by))?,
            expires_at: Timestamp::from_millis(row.expires_at),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

pub async fn find_by_number(db: impl sql::Executor<'_>, tenant_id: &TenantId, number: i64) -> Result<Option<Delegation>, Error> {
    let row: Option<Row> = sql::query_as(select!("WHERE tenant_id = $1 AND ended_at IS NULL AND number = $2"))
        .bind(tenant_id.as_str())
        .bind(number)
        .fetch_optional(db)
        .await?;
    row.map(Delegation::try_from).transpose()
}

pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, page: PageRequest) -> Result<Vec<Delegation>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND ended_at IS NULL AND number > $2 ORDER BY number LIMIT $3"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// A delegation as listed.
#[derive(Clone, Debug)]
pub struct DelegationSummary {
    pub delegation: Delegation,
    pub client: ClientName,
    /// The scope that the client may use now.
    pub scope: ScopeSet,
    /// Access to resource servers besides the TMS API, that its authorization gives.
    pub resources: Vec<GrantedResource>,
    /// `account@host`; `None`: all of the person's.
    pub host_accounts: Option<Vec<String>>,
    /// The flow in which the person gave its authorization; `None` if it came without one.
    pub flow: Option<AuthorizationOrigin>,
    /// The program that it was given to; `None` if it came without an authorization.
    pub device: Option<DeviceSummary>,
    /// The sign-ins of programs under its authorization, in the order in which they began.
    pub families: Vec<TokenFamily>,
    /// The keys that its device created, or without a device its client by itself.
    pub keys: KeyUse,
    /// The number of keys that rest on it: also those that its client created by itself.
    pub revocable_keys: i64,
    pub ended_at: Option<Timestamp>,
}

/// A device or program that asked for a consent, and what it has done since.
#[derive(Clone, Debug, FromRow)]
pub struct DeviceSummary {
    /// The user agent of the request; unverified.
    pub agent: String,
    /// The address that the request came from.
    pub requested_from: Option<String>,
    token_used_at: Option<i64>,
    /// The address that a token was last used from.
    pub token_used_from: Option<String>,
}

impl DeviceSummary {
    /// When a token was last used, accurate to a minute.
    pub fn token_used_at(&self) -> Option<Timestamp> {
        self.token_used_at.map(Timestamp::from_millis)
    }
}

#[derive(FromRow)]
struct DelegationSummaryRow {
    #[sqlx(flatten)]
    delegation: Row,
    #[sqlx(flatten)]
    client: ClientName,
    scope: String,
    /// The part of the consented scope that the client's settings allow now; `None`: all of it.
    allowed: Option<String>,
    resources: String,
    every_host_account: bool,
    host_accounts: Option<String>,
    flow: Option<String>,
    #[sqlx(flatten)]
    device: DeviceSummary,
    ended_at: Option<i64>,
}

/// The columns of a [`DelegationSummaryRow`].
macro_rules! summary_columns {
    () => {
        concat!(
        "d.number, d.tenant_id, d.id, d.client_id, d.user_id, d.device_grant_id, d.made_by, d.expires_at, d.created_at, d.updated_at,
         d.scope, CASE WHEN d.device_grant_id IS NOT NULL THEN CASE WHEN c.enabled AND ",
        flow_is_allowed!("c", "d.tenant_id", "d.device_grant_id"),
        " THEN c.scope ELSE '' END END AS allowed, d.every_host_account, d.ended_at, ",
        client_name!("c"),
        " AS name, c.verified, c.secret_hash IS NULL AS public,
         coalesce(z.resources, '') AS resources, z.origin AS flow, coalesce(z.given_agent, '') AS agent, z.given_from AS requested_from, z.last_used_at AS token_used_at,
         z.last_used_from AS token_used_from,
         (SELECT string_agg(a.account || '@' || a.host, '\n')
          FROM delegation_host_accounts t JOIN host_accounts a ON a.tenant_id = t.tenant_id AND a.id = t.host_account_id
          WHERE t.tenant_id = d.tenant_id AND t.delegation_id = d.id) AS host_accounts"
        )
    };
}

/// What they are selected from.
macro_rules! summary_tables {
    () => {
        "delegations d JOIN clients c ON c.tenant_id = d.tenant_id AND c.client_id = d.client_id
         LEFT JOIN authorizations z ON z.tenant_id = d.tenant_id AND z.id = d.device_grant_id"
    };
}

use {summary_columns, summary_tables};

impl TryFrom<DelegationSummaryRow> for DelegationSummary {
    type Error = Error;

    fn try_from(row: DelegationSummaryRow) -> Result<Self, Error> {
        let named = row.host_accounts.unwrap_or_default();
        let delegation = Delegation::try_from(row.delegation)?;
        let flow = row.flow.map(|word| AuthorizationOrigin::parse(&word).ok_or(word));
        Ok(Self {
            flow: flow.map(|flow| parse_column("authorizations", delegation.client_id.as_str(), flow)).transpose()?,
            resources: parse_column("authorizations", delegation.client_id.as_str(), granted_resources::read(&row.resources))?,
            device: delegation.authorization_id.is_some().then_some(row.device),
            families: Vec::new(),
            delegation,
            client: row.client,
            scope: match &row.allowed {
                Some(allowed) => ScopeSet::parse_known(&row.scope).intersection(&ScopeSet::parse_known(allowed)),
                None => ScopeSet::parse_known(&row.scope),
            },
            host_accounts: (!row.every_host_account).then(|| named.lines().map(str::to_owned).collect()),
            keys: KeyUse::default(),
            revocable_keys: 0,
            ended_at: row.ended_at.map(Timestamp::from_millis),
        })
    }
}

/// Which of a tenant's delegations a list has; the default: all.
#[derive(Clone, Copy, Default)]
pub struct Selection<'a> {
    pub user_id: Option<&'a UserId>,
    pub client_id: Option<&'a ClientId>,
    pub authorization_id: Option<&'a AuthorizationId>,
    pub number: Option<i64>,
}

/// A page of a tenant's delegations.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    selection: Selection<'_>,
    params: &ListParams<DelegationFilter, DelegationSort>,
    now: Timestamp,
) -> Result<Page<DelegationSummary>, Error> {
    let mut page = page_of(db, tenant_id, selection, params, now).await?;
    key_use::fill(db, tenant_id, &mut page.items).await?;
    fill_families(db, tenant_id, &mut page.items).await?;
    Ok(page)
}

/// Reads the token families of delegations of a tenant.
async fn fill_families<'a>(
    db: &sql::Pool,
    tenant_id: &TenantId,
    summaries: impl IntoIterator<Item = &'a mut DelegationSummary>,
) -> Result<(), Error> {
    let mut summaries: Vec<&mut DelegationSummary> = summaries.into_iter().collect();
    let ids: Vec<&AuthorizationId> = summaries.iter().filter_map(|summary| summary.delegation.authorization_id.as_ref()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut families: HashMap<AuthorizationId, Vec<TokenFamily>> = HashMap::new();
    for family in token_families::of_authorizations(db, tenant_id, &ids).await? {
        families.entry(family.authorization_id.clone()).or_default().push(family);
    }
    for summary in &mut summaries {
        summary.families = summary.delegation.authorization_id.as_ref().and_then(|id| families.remove(id)).unwrap_or_default();
    }
    Ok(())
}

/// As [`list`], without the use of keys and the token families.
async fn page_of(
    db: &sql::Pool,
    tenant_id: &TenantId,
    selection: Selection<'_>,
    params: &ListParams<DelegationFilter, DelegationSort>,
    now: Timestamp,
) -> Result<Page<DelegationSummary>, Error> {
    const COLUMNS: &str = summary_columns!();
    const FROM: &str = concat!(summary_tables!(), " WHERE d.tenant_id = ");
    let order = match params.sort {
        // Few are the person's: to sort them is faster than to look for them among the tenant's in the index by number.
        DelegationSort::Created if selection.user_id.is_some() => Order::integer("+d.number", "d.number").descending(),
        DelegationSort::Created => Order::integer("d.number", "d.number").descending(),
        DelegationSort::Expires => Order::integer("d.expires_at", "d.number"),
        DelegationSort::Client => Order::text("coalesce(c.app_name_folded, lower(c.app_name))", "d.number"),
    };
    let mut listing = KeysetQuery::new(COLUMNS, FROM, tenant_id.as_str().to_owned(), order);
    for (condition, id) in [
        ("d.user_id = ", selection.user_id.map(UserId::as_str)),
        ("d.client_id = ", selection.client_id.map(ClientId::as_str)),
        ("d.device_grant_id = ", selection.authorization_id.map(AuthorizationId::as_str)),
    ] {
        if let Some(id) = id {
            listing.and_bound(condition, id.to_owned());
        }
    }
    if let Some(number) = selection.number {
        listing.and_bound("d.number = ", number);
    }
    match params.show {
        DelegationFilter::Active => drop(listing.and("d.ended_at IS NULL").and_bound("d.expires_at > ", now.as_millis())),
        DelegationFilter::Ended => drop(listing.and_bound("(d.ended_at IS NOT NULL OR d.expires_at <= ", now.as_millis()).close_paren()),
        DelegationFilter::All => {}
    }
    listing.search(params.search.as_deref(), &["d.client_id", "coalesce(c.app_name_folded, c.app_name)", "d.user_id"]);
    listing.fetch::<DelegationSummaryRow>(db, params.after.as_ref()).await?.try_map(DelegationSummary::try_from)
}

/// All delegations of a person, including expired ones that were not revoked.
pub async fn of_person(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<Delegation>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND ended_at IS NULL AND user_id = $2 ORDER BY number"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(user_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(Delegation::try_from).collect()
}

/// Sets the expiry of one delegation, and the date of the authorization that it came with. False if it was revoked.
pub async fn set_expiry_of(db: &mut Connection, delegation: &Delegation, expires_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let done = sql::query("UPDATE delegations SET expires_at = $3, updated_at = $4 WHERE tenant_id = $1 AND number = $2 AND ended_at IS NULL")
        .bind(delegation.tenant_id.as_str())
        .bind(delegation.number)
        .bind(expires_at.as_millis())
        .bind(now.as_millis())
        .execute(&mut *db)
        .await?;
    if let Some(id) = &delegation.authorization_id {
        authorizations::set_access_until(db, &delegation.tenant_id, id, expires_at, now).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Limits the delegations that people gave, their authorizations, and the keys made with these, to the longest access they may grant, counted
/// from their last decision.
pub async fn cap_expiry(db: &mut Connection, tenant_id: &TenantId, longest: Duration) -> Result<(), Error> {
    let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    sql::query(
        "UPDATE delegations SET expires_at = updated_at + $2
         WHERE tenant_id = $1 AND made_by = 'person' AND ended_at IS NULL AND expires_at - updated_at > $2",
    )
    .bind(tenant_id.as_str())
    .bind(longest)
    .execute(&mut *db)
    .await?;
    for follow in [
        "UPDATE pubkeys
         SET expires_at = (SELECT d.expires_at FROM delegations d
                           WHERE d.tenant_id = pubkeys.tenant_id AND d.device_grant_id = pubkeys.device_grant_id)
         WHERE tenant_id = $1 AND device_grant_id IS NOT NULL
           AND EXISTS (SELECT 1 FROM delegations d
                       WHERE d.tenant_id = pubkeys.tenant_id AND d.device_grant_id = pubkeys.device_grant_id AND d.ended_at IS NULL
                         AND d.expires_at < pubkeys.expires_at)",
        "UPDATE authorizations SET access_until = d.expires_at FROM delegations d
         WHERE authorizations.tenant_id = $1 AND authorizations.ended_at IS NULL AND d.tenant_id = authorizations.tenant_id
           AND d.device_grant_id = authorizations.id AND d.expires_at < authorizations.access_until",
    ] {
        sql::query(follow).bind(tenant_id.as_str()).execute(&mut *db).await?;
    }
    Ok(())
}

/// Deletes one delegation that an administrator or automatic provisioning created. False if it does not exist.
pub async fn delete_one(db: &mut Connection, delegation: &Delegation) -> Result<bool, Error> {
    let done = sql::query("DELETE FROM delegations WHERE tenant_id = $1 AND number = $2 AND device_grant_id IS NULL")
        .bind(delegation.tenant_id.as_str())
        .bind(delegation.number)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the expiry of what an administrator or automatic provisioning created. False if there is none.
pub async fn set_expiry(
    db: &mut Connection,
    tenant_id: &TenantId,
    client_id: &ClientId,
    user_id: &UserId,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sql::query(
        "UPDATE delegations SET expires_at = $4, updated_at = $5
         WHERE tenant_id = $1 AND client_id = $2 AND user_id = $3 AND device_grant_id IS NULL AND ended_at IS NULL",
    )
    .bind(tenant_id.as_str())
    .bind(client_id.as_str())
    .bind(user_id.as_str())
    .bind(expires_at.as_millis())
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes what an administrator or automatic provisioning created, for one client or for all. Returns the number of delegations.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, client_id: Option<&ClientId>) -> Result<u64, Error> {
    let done = sql::query(
        "DELETE FROM delegations WHERE tenant_id = $1 AND user_id = $2 AND client_id = coalesce($3, client_id) AND device_grant_id IS NULL",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(client_id.map(ClientId::as_str))
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Revokes the delegation that came with an authorization.
pub async fn revoke_of_authorization(db: &mut Connection, tenant_id: &TenantId, id: &AuthorizationId, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE delegations SET ended_at = $3 WHERE tenant_id = $1 AND device_grant_id = $2 AND ended_at IS NULL")
        .bind(tenant_id.as_str())
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(())
}
