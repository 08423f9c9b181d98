//! SSH keys: TMS' table `pubkeys`.

pub mod groups;
pub mod lookup;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use sqlx::FromRow;

use super::hosts::names_of_host;
use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, audit_log, clients, parse_column};
use crate::domain::access_overview::EXPIRY_WINDOW;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::folding;
use crate::domain::ids::{AccountName, AdminId, AuthorizationId, ClientId, HostName, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::ssh_key::search::{KeyFilter, KeySearch, KeySort};
use crate::domain::ssh_key::{KeyType, LOGIN_WINDOW, SshKey};
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};

row!(pubkeys:
    struct Row {
        number: i64,
        tenant_id: String,
        client_id: Option<String>,
        user_id: String,
        host: String,
        account: String,
        device_grant_id: Option<String>,
        label: String,
        fingerprint: String,
        public_key: String,
        key_type: String,
        #[sqlx(try_from = "i64")]
        key_bits: u32,
        #[sqlx(try_from = "i64")]
        max_uses: u32,
        #[sqlx(try_from = "i64")]
        remaining_uses: u32,
        #[sqlx(try_from = "i64")]
        initial_ttl_minutes: u32,
        expires_at: i64,
        last_used_at: Option<i64>,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for SshKey {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let id = row.number.to_string();
        Ok(SshKey {
            number: row.number,
            tenant_id: parse_column("pubkeys", &id, TenantId::parse(row.tenant_id))?,
            client_id: row.client_id.map(|client| parse_column("pubkeys", &id, ClientId::parse(client))).transpose()?,
            user_id: parse_column("pubkeys", &id, UserId::parse(row.user_id))?,
            host: parse_column("pubkeys", &id, HostName::parse(row.host))?,
            account: parse_column("pubkeys", &id, AccountName::parse(row.account))?,
            authorization_id: row.device_grant_id.map(|grant| parse_column("pubkeys", &id, AuthorizationId::parse(grant))).transpose()?,
            label: row.label,
            fingerprint: row.fingerprint,
            public_key: row.public_key,
            key_type: parse_column("pubkeys", &id, KeyType::parse(Some(&row.key_type)).ok_or(row.key_type))?,
            key_bits: row.key_bits,
            max_uses: row.max_uses,
            remaining_uses: row.remaining_uses,
            initial_ttl_minutes: row.initial_ttl_minutes,
            expires_at: Timestamp::from_millis(row.expires_at),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

pub async fn find_by_number(db: impl sql::Executor<'_>, tenant_id: &TenantId, number: i64) -> Result<Option<SshKey>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND number = $2")).bind(tenant_id.as_str()).bind(number);
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(SshKey::try_from).transpose()
}

/// All registrations of a key on a host, for any account and owner.
pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, host: &HostName, fingerprint: &str) -> Result<Vec<SshKey>, Error> {
    let query =
        sql::query_as(concat!(select!("WHERE fingerprint = $1 AND tenant_id = $3 AND host IN "), names_of_host!("$3", "$2"), " ORDER BY number"));
    let rows: Vec<Row> = query.bind(fingerprint).bind(host.as_str()).bind(tenant_id.as_str()).fetch_all(db).await?;
    rows.into_iter().map(SshKey::try_from).collect()
}

/// A page of a client's keys; `None`: of all keys of the tenant.
pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, client_id: Option<&ClientId>, page: PageRequest) -> Result<Vec<SshKey>, Error> {
    // Two statements, so that each uses its index.
    let rows: Vec<Row> = match client_id {
        Some(client_id) => {
            let query = sql::query_as(select!("WHERE tenant_id = $1 AND client_id = $2 AND number > $3 ORDER BY number LIMIT $4"));
            query.bind(tenant_id.as_str()).bind(client_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?
        }
        None => {
            let query = sql::query_as(select!("WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3"));
            query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?
        }
    };
    rows.into_iter().map(SshKey::try_from).collect()
}

fn order(sort: KeySort) -> Order {
    match sort {
        // Numbers are assigned in the order of creation.
        KeySort::Created => Order::integer("number", "number").descending(),
        KeySort::Used => Order::integer("coalesce(last_used_at, 0)", "number").descending(),
        KeySort::Expires => Order::integer("expires_at", "number"),
        KeySort::Host => Order::text("host", "number"),
    }
}

/// A key, with the name of the client that created it.
#[derive(Clone, Debug)]
pub struct KeySummary {
    pub key: SshKey,
    pub client_name: Option<String>,
}

/// Adds the names of their clients, which a statement for a list would look up for each row before it sorts them.
async fn with_client_names(db: impl sql::Executor<'_>, tenant_id: &TenantId, rows: Vec<Row>) -> Result<Vec<KeySummary>, Error> {
    let mut ids: Vec<&str> = rows.iter().filter_map(|row| row.client_id.as_deref()).collect();
    ids.sort_unstable();
    ids.dedup();
    let names: HashMap<String, String> = if ids.is_empty() { HashMap::new() } else { clients::names(db, tenant_id, &ids).await? };
    let summary = |row: Row| {
        let client_name = row.client_id.as_ref().and_then(|id| names.get(id).cloned());
        Ok(KeySummary { key: row.try_into()?, client_name })
    };
    rows.into_iter().map(summary).collect()
}

/// The list of a tenant's keys of all owners; restricted to a person if given. `named`: the clients whose names match the search.
fn listing(
    tenant_id: &TenantId,
    user_id: Option<&UserId>,
    params: &ListParams<KeyFilter, KeySort>,
    search: KeySearch,
    named: &[String],
    now: Timestamp,
) -> KeysetQuery {
    let mut listing = KeysetQuery::new(columns!(), "pubkeys WHERE tenant_id = ", tenant_id.as_str().to_owned(), order(params.sort));
    if let Some(user_id) = user_id {
        listing.and_bound("user_id = ", user_id.as_str().to_owned());
    }
    match params.show {
        KeyFilter::All => {}
        KeyFilter::Active => drop(listing.and("remaining_uses > 0").and_bound("expires_at > ", now.as_millis())),
        KeyFilter::ExpiresSoon => {
            listing.and("remaining_uses > 0").and_bound("expires_at > ", now.as_millis());
            listing.and_bound("expires_at <= ", (now + EXPIRY_WINDOW).as_millis());
        }
        KeyFilter::NeverUsed => drop(listing.and("last_used_at IS NULL AND remaining_uses > 0").and_bound("expires_at > ", now.as_millis())),
        KeyFilter::Ended => drop(listing.and_bound("(remaining_uses = 0 OR expires_at <= ", now.as_millis()).close_paren()),
    }
    if let Some(client) = search.client {
        listing.and_bound("client_id = ", client);
    }
    if search.own {
        listing.and("client_id IS NULL");
    }
    if let Some(host) = search.host {
        listing.and_bound("host = ", host);
    }
    let columns = ["coalesce(label_folded, label)", "host", "account", "client_id", "fingerprint", "user_id"];
    listing.search_or(search.text.as_deref(), &columns, "client_id", named);
    listing
}

/// A page of that list.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    user_id: Option<&UserId>,
    params: &ListParams<KeyFilter, KeySort>,
    now: Timestamp,
) -> Result<Page<KeySummary>, Error> {
    let search = KeySearch::parse(params.search.as_deref().unwrap_or_default());
    let named = match &search.text {
        Some(text) => clients::ids_by_name(db, tenant_id, text).await?,
        None => Vec::new(),
    };
    let listing = listing(tenant_id, user_id, params, search, &named, now);
    let Page { items, next, position } = listing.fetch::<Row>(db, params.after.as_ref()).await?;
    Ok(Page { items: with_client_names(db, tenant_id, items).await?, next, position })
}

/// The numbers of all keys in a person's list, newest first; up to the number `newest` if given, so that keys created later are left out.
pub async fn numbers(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    params: &ListParams<KeyFilter, KeySort>,
    newest: Option<i64>,
    now: Timestamp,
) -> Result<Vec<i64>, Error> {
    let search = KeySearch::parse(params.search.as_deref().unwrap_or_default());
    let named = match &search.text {
        Some(text) => clients::ids_by_name(&mut *db, tenant_id, text).await?,
        None => Vec::new(),
    };
    let mut listing = listing(tenant_id, Some(user_id), params, search, &named, now);
    if let Some(newest) = newest {
        listing.and_bound("number <= ", newest);
    }
    let mut numbers = listing.fetch_numbers(db).await?;
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

/// Those of a person's keys that have these numbers, newest first.
pub async fn find_of_person(db: &sql::Pool, tenant_id: &TenantId, user_id: &UserId, numbers: &[i64]) -> Result<Vec<KeySummary>, Error> {
    let query = sql::query_as(select!(
        "WHERE tenant_id = $1 AND user_id = $2 AND number IN (SELECT CAST(atom AS BIGINT) FROM json_each($3)) ORDER BY number DESC"
    ));
    let numbers = serde_json::to_string(numbers).unwrap_or_default();
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(numbers).fetch_all(db).await?;
    with_client_names(db, tenant_id, rows).await
}

/// Filter for the keys on an authorization's host accounts.
#[derive(Clone, Debug, Default)]
pub struct AuthorizationKeyFilter {
    pub host: Option<HostName>,
    pub account: Option<AccountName>,
    /// Only keys within their own limits at this time.
    pub active_at: Option<Timestamp>,
}

/// A page of a person's keys on the host accounts of one authorization.
pub async fn page_of_authorization(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    authorization_id: &AuthorizationId,
    filter: &AuthorizationKeyFilter,
    page: PageRequest,
) -> Result<Vec<SshKey>, Error> {
    let rows: Vec<Row> = sql::query_as(concat!(
        select!(
            "WHERE tenant_id = $1 AND user_id = $2 AND number > $4
               AND (host, account) IN (SELECT a.host, a.account
                                       FROM delegations d
                                       JOIN delegation_host_accounts t ON t.tenant_id = d.tenant_id AND t.delegation_id = d.id
                                       JOIN host_accounts a ON a.tenant_id = t.tenant_id AND a.id = t.host_account_id
                                       WHERE d.tenant_id = $1 AND d.device_grant_id = $3 AND d.ended_at IS NULL)
               AND (CAST($7 AS TEXT) IS NULL OR account = $7)
               AND (CAST($8 AS BIGINT) IS NULL OR (remaining_uses > 0 AND expires_at > $8))
               AND (CAST($6 AS TEXT) IS NULL OR host IN "
        ),
        names_of_host!("$1", "$6"),
        ") ORDER BY +number LIMIT $5" // `+`: uses the person's index and sorts, rather than scanning all keys of the tenant.
    ))
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(authorization_id.as_str())
    .bind(page.after)
    .bind(page.limit)
    .bind(filter.host.as_ref().map(HostName::as_str))
    .bind(filter.account.as_ref().map(AccountName::as_str))
    .bind(filter.active_at.map(Timestamp::as_millis))
    .fetch_all(db)
    .await?;
    rows.into_iter().map(SshKey::try_from).collect()
}

/// A key to insert, and what created it.
pub struct NewPubkey {
    pub key: SshKey,
    pub from: Option<IpAddr>,
}

/// An inserted key, with the columns that identify its owner.
#[derive(FromRow)]
struct InsertedKeyRow {
    number: i64,
    tenant_id: String,
    host: String,
    account: String,
    fingerprint: String,
    user_id: String,
    client_id: Option<String>,
    device_grant_id: Option<String>,
}

/// Inserts many keys and their audit events. Returns at each key's position its number; `None` if the same owner has that key for that
/// account, or a referenced row was deleted. A registration that has ended is replaced: the new one takes its number.
pub async fn insert_all(db: &mut Connection, keys: &[NewPubkey]) -> Result<Vec<Option<i64>>, Error> {
    // The first of equal ones: PostgreSQL refuses a statement that would insert a row and then replace it.
    let mut registrations = HashSet::new();
    let rows: Vec<serde_json::Value> = keys.iter().filter(|new| registrations.insert(registration(&new.key))).map(|new| as_json(&new.key)).collect();
    let rows = serde_json::Value::from(rows).to_string();
    // The last conditions repeat the foreign keys, whose violation would make all inserts fail together.
    let stored: Vec<InsertedKeyRow> = sql::query_as(
        "WITH k AS MATERIALIZED (
             SELECT key, value ->> 'tenant_id' AS tenant_id, value ->> 'client_id' AS client_id, value ->> 'user_id' AS user_id,
                    value ->> 'host' AS host, value ->> 'account' AS account, value ->> 'device_grant_id' AS device_grant_id,
                    value ->> 'fingerprint' AS fingerprint, value ->> 'public_key' AS public_key, value ->> 'key_type' AS key_type,
                    CAST(value ->> 'key_bits' AS BIGINT) AS key_bits, CAST(value ->> 'max_uses' AS BIGINT) AS max_uses,
                    CAST(value ->> 'initial_ttl_minutes' AS BIGINT) AS initial_ttl_minutes,
                    CAST(value ->> 'expires_at' AS BIGINT) AS expires_at, CAST(value ->> 'created_at' AS BIGINT) AS created_at,
                    value ->> 'label' AS label,
                    value ->> 'label_folded' AS label_folded
             FROM json_each($1))
         INSERT INTO pubkeys (tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits, max_uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at, label, label_folded)
         SELECT tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits, max_uses,
                initial_ttl_minutes, expires_at, created_at, created_at, label, label_folded
         FROM k
         WHERE EXISTS (SELECT 1 FROM host_accounts a
                       WHERE a.tenant_id = k.tenant_id AND a.user_id = k.user_id AND a.host = k.host AND a.account = k.account)
           AND (k.client_id IS NULL
                OR EXISTS (SELECT 1 FROM delegations d
                           WHERE d.tenant_id = k.tenant_id AND d.client_id = k.client_id AND d.user_id = k.user_id AND d.ended_at IS NULL
                             AND (k.device_grant_id IS NULL OR d.device_grant_id = k.device_grant_id)))
         ORDER BY k.key
         ON CONFLICT (fingerprint, host, tenant_id, account, user_id, coalesce(client_id, ''), coalesce(device_grant_id, ''))
         DO UPDATE SET max_uses = excluded.max_uses, uses = 0, initial_ttl_minutes = excluded.initial_ttl_minutes, expires_at = excluded.expires_at,
                       limited_until = NULL,
                       last_used_at = NULL, created_at = excluded.created_at, updated_at = excluded.updated_at, label = excluded.label,
                       label_folded = excluded.label_folded
         WHERE pubkeys.expires_at <= excluded.created_at OR pubkeys.remaining_uses = 0
         RETURNING number, tenant_id, host, account, fingerprint, user_id, client_id, device_grant_id",
    )
    .bind(&rows)
    .fetch_all(&mut *db)
    .await?;
    // Each row answers for one key: of two equal ones, one was inserted.
    let mut stored: HashMap<Registration, i64> = stored
        .into_iter()
        .map(|row| {
            (
                (row.tenant_id, row.host.to_ascii_lowercase(), row.account, row.fingerprint, row.user_id, row.client_id, row.device_grant_id),
                row.number,
            )
        })
        .collect();
    let numbers: Vec<Option<i64>> = keys.iter().map(|NewPubkey { key, .. }| stored.remove(&registration(key))).collect();
    let created = |(number, new): (&Option<i64>, &NewPubkey)| number.map(|_| audit_event(&new.key, new.from));
    let created: Vec<AuditEvent> = numbers.iter().zip(keys).filter_map(created).collect();
    audit_log::insert_all(db, &created).await?;
    Ok(numbers)
}

/// What a registration is unique by: the index `pubkeys_by_registration`.
type Registration = (String, String, String, String, String, Option<String>, Option<String>);

fn registration(key: &SshKey) -> Registration {
    (
        key.tenant_id.to_string(),
        key.host.as_str().to_ascii_lowercase(),
        key.account.to_string(),
        key.fingerprint.clone(),
        key.user_id.to_string(),
        key.client_id.as_ref().map(ClientId::to_string),
        key.authorization_id.as_ref().map(AuthorizationId::to_string),
    )
}

fn audit_event(created: &SshKey, from: Option<IpAddr>) -> AuditEvent {
    let event = AuditEvent::new(created.tenant_id.clone(), AuditKind::KeyCreated, created.created_at).of(&created.user_id);
    let event = AuditEvent { client_id: created.client_id.clone(), authorization_id: created.authorization_id.clone(), ..event };
    event.subject(&created.fingerprint).on(&created.host, &created.account).from(from)
}

fn as_json(key: &SshKey) -> serde_json::Value {
    serde_json::json!({
        "tenant_id": key.tenant_id.as_str(),
        "client_id": key.client_id.as_ref().map(ClientId::as_str),
        "user_id": key.user_id.as_str(),
        "host": key.host.as_str(),
        "account": key.account.as_str(),
        "device_grant_id": key.authorization_id.as_ref().map(AuthorizationId::as_str),
        "fingerprint": key.fingerprint,
        "public_key": key.public_key,
        "key_type": key.key_type.as_str(),
        "key_bits": key.key_bits,
        "max_uses": key.max_uses,
        "initial_ttl_minutes": key.initial_ttl_minutes,
        "expires_at": key.expires_at.as_millis(),
        "created_at": key.created_at.as_millis(),
        "label": key.label,
        "label_folded": folding::search_key(&key.label),
    })
}

/// Sets a key's limits. A new expiry also ends its reservations, because the key is meant to stop working then.
pub async fn set_limits(db: &mut Connection, number: i64, max_uses: Option<u32>, expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    if expires_at.is_some() {
        sql::query("DELETE FROM reservations WHERE pubkey = $1").bind(number).execute(&mut *db).await?;
    }
    sql::query(
        "UPDATE pubkeys
         SET max_uses = coalesce($2, max_uses), expires_at = coalesce($3, expires_at), limited_until = coalesce($3, limited_until), updated_at = $4
         WHERE number = $1",
    )
    .bind(number)
    .bind(max_uses)
    .bind(expires_at.map(Timestamp::as_millis))
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// Which of a tenant's keys to revoke.
pub enum KeySelection<'a> {
    Number(i64),
    /// Those of a person that have these numbers.
    Numbers(&'a UserId, &'a [i64]),
    Person(&'a UserId),
    /// Those that a client created, for anyone.
    Client(&'a ClientId),
    /// So many of them at most.
    SomeOfClient(&'a ClientId, u32),
    /// Those that a client created for a person.
    ClientForPerson(&'a ClientId, &'a UserId),
    /// Of those, the ones that no delegation allows any more.
    Orphaned(&'a ClientId, &'a UserId),
    /// Those for an account of a person on a host, under any of its names.
    HostAccount(&'a UserId, &'a HostName, &'a AccountName),
}

/// Who revokes keys, for the audit log.
#[derive(Clone, Copy)]
pub struct Revoker<'a> {
    /// `None`: the client or the person.
    pub admin: Option<&'a AdminId>,
    pub from: Option<IpAddr>,
}

impl<'a> Revoker<'a> {
    /// The same as of what the keys are revoked with.
    pub fn of(event: &'a AuditEvent) -> Self {
        Self { admin: event.admin.as_ref(), from: event.from }
    }
}

/// A key, as far as the audit log names it.
#[derive(FromRow)]
struct AuditedKeyRow {
    number: i64,
    tenant_id: String,
    user_id: String,
    client_id: Option<String>,
    device_grant_id: Option<String>,
    fingerprint: String,
    host: String,
    account: String,
}

impl AuditedKeyRow {
    fn audit_event(self, kind: AuditKind, at: Timestamp) -> Result<AuditEvent, Error> {
        let id = self.number.to_string();
        let tenant_id = parse_column("pubkeys", &id, TenantId::parse(self.tenant_id))?;
        let user_id = parse_column("pubkeys", &id, UserId::parse(self.user_id))?;
        Ok(AuditEvent {
            client_id: self.client_id.map(|client| parse_column("pubkeys", &id, ClientId::parse(client))).transpose()?,
            authorization_id: self.device_grant_id.map(|grant| parse_column("pubkeys", &id, AuthorizationId::parse(grant))).transpose()?,
            host: Some(parse_column("pubkeys", &id, HostName::parse(self.host))?),
            account: Some(parse_column("pubkeys", &id, AccountName::parse(self.account))?),
            ..AuditEvent::new(tenant_id, kind, at).of(&user_id).subject(&self.fingerprint)
        })
    }
}

macro_rules! audited {
    () => {
        " RETURNING number, tenant_id, user_id, client_id, device_grant_id, fingerprint, host, account"
    };
}

macro_rules! delete_where {
    ($($condition:expr),*) => {
        concat!("DELETE FROM pubkeys WHERE tenant_id = $1 AND ", $($condition,)* audited!())
    };
}

/// Revokes keys: deletes them with their reservations, and writes an audit event for each. The only way in which a key that has not ended
/// is deleted, except with its tenant. Returns how many there were.
pub async fn revoke(db: &mut Connection, tenant_id: &TenantId, keys: KeySelection<'_>, by: Revoker<'_>, now: Timestamp) -> Result<u64, Error> {
    let start = |sql: &'static str| sql::query_as::<AuditedKeyRow>(sql).bind(tenant_id.as_str());
    let delete = match keys {
        KeySelection::Number(number) => start(delete_where!("number = $2")).bind(number),
        KeySelection::Numbers(user, numbers) => start(delete_where!("user_id = $2 AND number IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))"))
            .bind(user.as_str())
            .bind(serde_json::to_string(numbers).unwrap_or_default()),
        KeySelection::Person(user) => start(delete_where!("user_id = $2")).bind(user.as_str()),
        KeySelection::Client(client) => start(delete_where!("client_id = $2")).bind(client.as_str()),
        KeySelection::SomeOfClient(client, limit) => {
            start(delete_where!("number IN (SELECT number FROM pubkeys WHERE tenant_id = $1 AND client_id = $2 LIMIT $3)"))
                .bind(client.as_str())
                .bind(limit)
        }
        KeySelection::ClientForPerson(client, user) => {
            start(delete_where!("client_id = $2 AND user_id = $3")).bind(client.as_str()).bind(user.as_str())
        }
        KeySelection::Orphaned(client, user) => start(delete_where!(
            "client_id = $2 AND user_id = $3
             AND NOT EXISTS (SELECT 1 FROM delegations d
                             WHERE d.tenant_id = pubkeys.tenant_id AND d.client_id = pubkeys.client_id AND d.user_id = pubkeys.user_id
                               AND d.ended_at IS NULL AND d.expires_at > $4
                               AND (pubkeys.device_grant_id IS NULL OR pubkeys.device_grant_id = d.device_grant_id))"
        ))
        .bind(client.as_str())
        .bind(user.as_str())
        .bind(now.as_millis()),
        KeySelection::HostAccount(user, host, account) => {
            start(delete_where!("user_id = $2 AND account = $4 AND host IN ", names_of_host!("$1", "$3")))
                .bind(user.as_str())
                .bind(host.as_str())
                .bind(account.as_str())
        }
    };
    let mut revoked = delete.fetch_all(&mut *db).await?;
    revoked.sort_by_key(|key| key.number);
    let event = |key: AuditedKeyRow| Ok(key.audit_event(AuditKind::KeyRevoked, now)?.admin(by.admin).from(by.from));
    let events = revoked.into_iter().map(event).collect::<Result<Vec<_>, Error>>()?;
    if !events.is_empty() {
        audit_log::insert_all(db, &events).await?;
    }
    Ok(events.len() as u64)
}

/// Deletes keys that expired before `before` and have no active reservation, at most `limit`. Returns how many there were. The literal number
/// (no expiry) matches the index `pubkeys_that_end`.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM pubkeys WHERE number IN (SELECT k.number FROM pubkeys k WHERE k.expires_at <= $1 AND k.expires_at < 253402300799000
           AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.pubkey = k.number AND r.expires_at > $1) LIMIT $2)",
    );
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// Counts a login, unless one was counted within [`LOGIN_WINDOW`] or no uses are left. True if it was counted now.
pub async fn count_use(db: &mut Connection, number: i64, from: Option<IpAddr>, now: Timestamp) -> Result<bool, Error> {
    let counted: Option<AuditedKeyRow> = sql::query_as(concat!(
        "UPDATE pubkeys SET uses = uses + 1, last_used_at = $2
         WHERE number = $1 AND remaining_uses > 0 AND (last_used_at IS NULL OR last_used_at <= $3 OR last_used_at > $4)",
        audited!()
    ))
    .bind(number)
    .bind(now.as_millis())
    .bind((now - LOGIN_WINDOW).as_millis())
    .bind((now + CLOCK_TOLERANCE).as_millis())
    .fetch_optional(&mut *db)
    .await?;
    let Some(key) = counted else { return Ok(false) };
    audit_log::insert(db, &key.audit_event(AuditKind::KeyUsed, now)?.from(from)).await?;
    Ok(true)
}
