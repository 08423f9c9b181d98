//! Hosts: their addresses, names and credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::FromRow;

use super::admins::SecretHashes;
use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::host::{Host, HostCredential, HostFilter};
use crate::domain::ids::{HostName, TenantId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::tenant_overview::SILENT_AFTER;
use crate::domain::time::Timestamp;

row!(hosts:
    struct Row {
        number: i64,
        tenant_id: String,
        host: String,
        address: String,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for Host {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Host {
            number: row.number,
            tenant_id: parse_column("hosts", &row.host, TenantId::parse(row.tenant_id))?,
            host: parse_column("hosts", &row.host, HostName::parse(row.host.clone()))?,
            address: row.address,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

/// SQL for the names of a host, given one of them: its own name, and the registered addresses that are names (`host_aliases`). The column
/// before `IN` decides how they are compared.
macro_rules! names_of_host {
    ($tenant:literal, $host:literal) => {
        concat!(
            "(SELECT coalesce((SELECT host FROM host_aliases WHERE tenant_id = ",
            $tenant,
            " AND alias = ",
            $host,
            "), ",
            $host,
            ")
              UNION ALL
              SELECT o.alias FROM host_aliases o
              WHERE o.tenant_id = ",
            $tenant,
            "
                AND o.host = coalesce((SELECT host FROM host_aliases WHERE tenant_id = ",
            $tenant,
            " AND alias = ",
            $host,
            "), ",
            $host,
            "))"
        )
    };
}
pub(super) use names_of_host;

/// SQL for a host `h` that has a credential under none of its names.
macro_rules! without_credential {
    () => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM host_credentials c WHERE c.tenant_id = h.tenant_id AND c.host IN ",
            names_of_host!("h.tenant_id", "h.host"),
            ")"
        )
    };
}
pub(super) use without_credential;

/// SQL for the tenant that is responsible for a host name: the one that has it in this spelling, else the first that has it.
macro_rules! tenant_answering {
    ($host:literal) => {
        concat!(
            "coalesce((SELECT tenant_id FROM host_names WHERE host = ",
            $host,
            " COLLATE \"binary\"), (SELECT w.tenant_id FROM host_names w WHERE w.host = ",
            $host,
            " COLLATE NOCASE ORDER BY w.since LIMIT 1))"
        )
    };
}
pub(super) use tenant_answering;

/// SQL condition: the address in row `h` of `hosts` can be an alias of its host, if no other host has it.
macro_rules! address_is_a_name {
    () => {
        "ltrim(h.address, 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-') = '' AND ltrim(h.address, '0123456789._-') <> ''
           AND NOT EXISTS (SELECT 1 FROM hosts o WHERE o.tenant_id = h.tenant_id AND o.host = h.address)"
    };
}

pub async fn find_by_number(db: impl sql::Executor<'_>, tenant_id: &TenantId, number: i64) -> Result<Option<Host>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND number = $2")).bind(tenant_id.as_str()).bind(number);
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(Host::try_from).transpose()
}

pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, page: PageRequest) -> Result<Vec<Host>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.into_iter().map(Host::try_from).collect()
}

/// The addresses of these hosts, each with the name that was asked for.
pub async fn addresses(db: impl sql::Executor<'_>, tenant_id: &TenantId, names: &BTreeSet<&str>) -> Result<Vec<(String, String)>, Error> {
    let query = sql::query_as(concat!(
        "SELECT q.atom, h.address FROM json_each($2) q JOIN hosts h ON h.tenant_id = $1 AND h.host IN ",
        names_of_host!("$1", "q.atom")
    ));
    Ok(query.bind(tenant_id.as_str()).bind(serde_json::to_string(names).unwrap_or_default()).fetch_all(db).await?)
}

/// The name a host is stored under: as registered under this name or with it as an address, else as in its credential or its first link.
/// `host` itself if nothing is stored.
pub async fn canonical_name(db: impl sql::Executor<'_>, tenant_id: &TenantId, host: &HostName) -> Result<HostName, Error> {
    Ok(all_registered(db, tenant_id, &BTreeSet::from([host])).await?.remove(host).unwrap_or_else(|| host.clone()))
}

/// As [`canonical_name`], for the registered ones of many hosts.
pub async fn all_registered(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    names: &BTreeSet<&HostName>,
) -> Result<BTreeMap<HostName, HostName>, Error> {
    let query = "SELECT q.atom,
                        coalesce((SELECT host FROM hosts WHERE tenant_id = $1 AND host = q.atom ORDER BY number LIMIT 1),
                                 (SELECT host FROM host_aliases WHERE tenant_id = $1 AND alias = q.atom),
                                 (SELECT host FROM host_credentials WHERE tenant_id = $1 AND host = q.atom),
                                 (SELECT host FROM host_accounts WHERE tenant_id = $1 AND host = q.atom ORDER BY number LIMIT 1),
                                 q.atom)
                 FROM json_each($2) q";
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let query = sql::query_as(query).bind(tenant_id.as_str()).bind(serde_json::to_string(&names).unwrap_or_default());
    let found: Vec<(String, String)> = query.fetch_all(db).await?;
    let name = |name: String| parse_column("hosts", &name.clone(), HostName::parse(name));
    found.into_iter().map(|(asked, registered)| Ok((name(asked)?, name(registered)?))).collect()
}

/// Whether both are names of one host.
pub async fn are_same_host(db: impl sql::Executor<'_>, tenant_id: &TenantId, one: &HostName, other: &HostName) -> Result<bool, Error> {
    let query = sql::query_scalar(concat!("SELECT $2 COLLATE NOCASE IN ", names_of_host!("$1", "$3")));
    Ok(query.bind(tenant_id.as_str()).bind(one.as_str()).bind(other.as_str()).fetch_one(db).await?)
}

/// Whether the host has a registered address.
pub async fn is_registered(db: impl sql::Executor<'_>, tenant_id: &TenantId, host: &HostName) -> Result<bool, Error> {
    let query = sql::query_scalar(concat!("SELECT EXISTS (SELECT 1 FROM hosts WHERE tenant_id = $1 AND host IN ", names_of_host!("$1", "$2"), ")"));
    Ok(query.bind(tenant_id.as_str()).bind(host.as_str()).fetch_one(db).await?)
}

/// A registered address.
pub struct InsertedAddress {
    /// The host's stored name.
    pub host: HostName,
    /// Another host with this address, which would be an alias otherwise; it is now an alias of neither.
    pub shared_with: Option<HostName>,
}

/// Registers an address of the host of this name or alias. `None` if the host has that address already.
pub async fn insert(
    db: &mut Connection,
    tenant_id: &TenantId,
    host: &HostName,
    address: &str,
    now: Timestamp,
) -> Result<Option<InsertedAddress>, Error> {
    let number = sequences::next(db, "hosts").await?;
    let stored: Option<String> = sql::query_scalar(
        "INSERT INTO hosts (number, tenant_id, host, address, created_at, updated_at)
         VALUES ($1, $2,
                 coalesce((SELECT host FROM hosts WHERE tenant_id = $2 AND host = $3 ORDER BY number LIMIT 1),
                          (SELECT host FROM host_aliases WHERE tenant_id = $2 AND alias = $3),
                          $3),
                 $4, $5, $5)
         ON CONFLICT DO NOTHING RETURNING host",
    )
    .bind(number)
    .bind(tenant_id.as_str())
    .bind(host.as_str())
    .bind(address)
    .bind(now.as_millis())
    .fetch_optional(&mut *db)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    claim_name(db, tenant_id, &stored, now).await?;
    rebuild_aliases(db, tenant_id).await?;
    let alias: Option<String> = sql::query_scalar("SELECT alias FROM host_aliases WHERE tenant_id = $1 AND alias = $2")
        .bind(tenant_id.as_str())
        .bind(address)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(alias) = alias {
        claim_name(db, tenant_id, &alias, now).await?;
    }
    let shared_with: Option<String> = sql::query_scalar(concat!(
        "SELECT h.host FROM hosts h WHERE h.tenant_id = $1 AND h.address = $2 AND h.host <> $3 AND ",
        address_is_a_name!(),
        " ORDER BY h.number LIMIT 1"
    ))
    .bind(tenant_id.as_str())
    .bind(address)
    .bind(&stored)
    .fetch_optional(&mut *db)
    .await?;
    let shared_with = shared_with.map(|other| parse_column("hosts", &stored, HostName::parse(other))).transpose()?;
    let host = parse_column("hosts", &stored, HostName::parse(stored.clone()))?;
    Ok(Some(InsertedAddress { host, shared_with }))
}

/// False if the host has no such address.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, host: &HostName, address: &str) -> Result<bool, Error> {
    let statement = concat!("DELETE FROM hosts WHERE tenant_id = $1 AND host IN ", names_of_host!("$1", "$2"), " AND address = $3");
    let done = sql::query(statement).bind(tenant_id.as_str()).bind(host.as_str()).bind(address).execute(&mut *db).await?;
    rebuild_aliases(db, tenant_id).await?;
    Ok(done.rows_affected() == 1)
}

/// Rebuilds the aliases of a tenant's hosts from their registered addresses. An address of several hosts is an alias of none, and the name
/// of a registered host is never an alias of another.
pub(super) async fn rebuild_aliases(db: &mut Connection, tenant_id: &TenantId) -> Result<(), Error> {
    sql::query("DELETE FROM host_aliases WHERE tenant_id = $1").bind(tenant_id.as_str()).execute(&mut *db).await?;
    sql::query(concat!(
        "INSERT INTO host_aliases (tenant_id, alias, host)
         SELECT h.tenant_id, h.address, min(h.host) FROM hosts h
         WHERE h.tenant_id = $1 AND ",
        address_is_a_name!(),
        " GROUP BY h.tenant_id, h.address HAVING count(DISTINCT h.host) = 1"
    ))
    .bind(tenant_id.as_str())
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a tenant responsible for a host name, unless another is: see `host_names` in the schema.
pub async fn claim_name(db: &mut Connection, tenant_id: &TenantId, host: &str, now: Timestamp) -> Result<(), Error> {
    sql::query(
        "INSERT INTO host_names (host, tenant_id, since)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM host_names WHERE host = $1 COLLATE NOCASE)",
    )
    .bind(host)
    .bind(tenant_id.as_str())
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// The name under which a host's credential is stored; the registered one comes first.
pub async fn credential_name(db: impl sql::Executor<'_>, tenant_id: &TenantId, host: &HostName) -> Result<Option<HostName>, Error> {
    let query = sql::query_scalar(concat!(
        "SELECT c.host FROM host_credentials c WHERE c.tenant_id = $1 AND c.host IN ",
        names_of_host!("$1", "$2"),
        " ORDER BY EXISTS (SELECT 1 FROM hosts h WHERE h.tenant_id = c.tenant_id AND h.host = c.host) DESC, c.created_at LIMIT 1"
    ));
    let name: Option<String> = query.bind(tenant_id.as_str()).bind(host.as_str()).fetch_optional(db).await?;
    name.map(|name| parse_column("host_credentials", host.as_str(), HostName::parse(name))).transpose()
}

/// Sets a host's credential; a previous one stays valid until `old_until`.
pub async fn set_credential(
    db: &mut Connection,
    credential: &HostCredential,
    secret_hash: &[u8],
    old_until: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    sql::query(
        "INSERT INTO host_credentials (tenant_id, host, secret_hash, required, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $6, $6)
         ON CONFLICT (tenant_id, host)
         DO UPDATE SET old_secret_hash = host_credentials.secret_hash, old_secret_until = $5, secret_hash = $3, required = $4, updated_at = $6",
    )
    .bind(credential.tenant_id.as_str())
    .bind(credential.host.as_str())
    .bind(secret_hash)
    .bind(credential.required)
    .bind(old_until.as_millis())
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(())
}

/// False if the host has no credential.
pub async fn require_credential(db: &mut Connection, credential: &HostCredential, now: Timestamp) -> Result<bool, Error> {
    let statement =
        concat!("UPDATE host_credentials SET required = $3, updated_at = $4 WHERE tenant_id = $1 AND host IN ", names_of_host!("$1", "$2"));
    let done = sql::query(statement)
        .bind(credential.tenant_id.as_str())
        .bind(credential.host.as_str())
        .bind(credential.required)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the credentials under all names of the host, except under `except`. False if there is none.
pub async fn delete_credentials(db: &mut Connection, tenant_id: &TenantId, host: &HostName, except: Option<&HostName>) -> Result<bool, Error> {
    let statement =
        concat!("DELETE FROM host_credentials WHERE tenant_id = $1 AND host IN ", names_of_host!("$1", "$2"), " AND host IS DISTINCT FROM $3");
    let done = sql::query(statement).bind(tenant_id.as_str()).bind(host.as_str()).bind(except.map(HostName::as_str)).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// A host, with the hashes of its credential.
#[derive(Clone)]
pub struct CredentialWithSecrets {
    pub credential: HostCredential,
    pub secrets: SecretHashes,
}

#[derive(FromRow)]
struct CredentialRow {
    tenant_id: String,
    host: String,
    secret_hash: Vec<u8>,
    old_secret_hash: Option<Vec<u8>>,
    old_secret_until: Option<i64>,
    required: bool,
}

impl TryFrom<CredentialRow> for CredentialWithSecrets {
    type Error = Error;

    fn try_from(row: CredentialRow) -> Result<Self, Error> {
        let credential = HostCredential {
            tenant_id: parse_column("host_credentials", &row.host, TenantId::parse(row.tenant_id))?,
            host: parse_column("host_credentials", &row.host, HostName::parse(row.host.clone()))?,
            required: row.required,
        };
        let old = row.old_secret_hash.zip(row.old_secret_until.map(Timestamp::from_millis));
        Ok(CredentialWithSecrets { credential, secrets: SecretHashes { current: row.secret_hash, old, imported: None } })
    }
}

/// Finds the hosts of credentials, current ones and those being rotated out; for [`super::batched_reader`].
pub fn find_by_credential<'c>(db: &'c mut Connection, hashes: &'c [Vec<u8>]) -> BoxFuture<'c, Result<Vec<Option<CredentialWithSecrets>>, Error>> {
    async move {
        let hashes_in_hex: Vec<String> = hashes.iter().map(hex::encode).collect();
        let rows: Vec<CredentialRow> = sql::query_as(
            "WITH asked (hash) AS (SELECT unhex(atom) FROM json_each($1))
             SELECT tenant_id, host, secret_hash, old_secret_hash, old_secret_until, required
             FROM host_credentials WHERE secret_hash IN (SELECT hash FROM asked) OR old_secret_hash IN (SELECT hash FROM asked)",
        )
        .bind(serde_json::to_string(&hashes_in_hex).unwrap_or_default())
        .fetch_all(db)
        .await?;
        let found = rows.into_iter().map(CredentialWithSecrets::try_from).collect::<Result<Vec<_>, _>>()?;
        let has = |hash: &Vec<u8>, one: &CredentialWithSecrets| {
            one.secrets.current == *hash || one.secrets.old.as_ref().is_some_and(|(old, _)| old == hash)
        };
        Ok(hashes.iter().map(|hash| found.iter().find(|one| has(hash, one)).cloned()).collect())
    }
    .boxed()
}

/// The tenant that answers a host which does not name its tenant.
pub async fn default_tenant_of(db: impl sql::Executor<'_>, host: &HostName) -> Result<Option<TenantId>, Error> {
    let tenant: Option<String> = sql::query_scalar(concat!("SELECT ", tenant_answering!("$1"))).bind(host.as_str()).fetch_one(db).await?;
    tenant.map(|tenant| parse_column("host_names", host.as_str(), TenantId::parse(tenant))).transpose()
}

/// A host as listed, with all that is stored under its name.
#[derive(Clone, Debug)]
pub struct HostSummary {
    pub host: String,
    pub addresses: Vec<String>,
    /// Whether lookups require its credential; `None`: it has none.
    pub credential_required: Option<bool>,
    /// Whether this tenant answers lookups that do not name a tenant.
    pub is_default_tenant: bool,
    pub last_lookup_at: Option<Timestamp>,
    pub last_lookup_from: Option<String>,
}

#[derive(FromRow)]
struct HostSummaryRow {
    host: String,
    addresses: String,
    credential_required: Option<bool>,
    answers: bool,
    asked_at: Option<i64>,
    asked_from: Option<String>,
}

/// A tenant's hosts, by name; only `host` if given.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    host: Option<&HostName>,
    params: &ListParams<HostFilter, ()>,
    now: Timestamp,
) -> Result<Page<HostSummary>, Error> {
    const COLUMNS: &str = concat!(
        "h.host, h.addresses,
         (SELECT c.required FROM host_credentials c WHERE c.tenant_id = h.tenant_id AND c.host IN ",
        names_of_host!("h.tenant_id", "h.host"),
        " ORDER BY c.required DESC LIMIT 1) AS credential_required, coalesce(",
        tenant_answering!("h.host"),
        " = h.tenant_id, false) AS answers, q.asked_at, q.from_address AS asked_from"
    );
    // Also hosts without an address but with a credential, because they can make lookups.
    const FROM: &str =
        "(SELECT tenant_id, host, min(number) AS number, string_agg(address, '\n' ORDER BY address) AS addresses FROM hosts GROUP BY tenant_id, host
            UNION ALL
            SELECT tenant_id, host, 0, '' FROM host_credentials alone
            WHERE NOT EXISTS (SELECT 1 FROM hosts o WHERE o.tenant_id = alone.tenant_id AND o.host = alone.host)
              AND NOT EXISTS (SELECT 1 FROM host_aliases o WHERE o.tenant_id = alone.tenant_id AND o.alias = alone.host)) h
        LEFT JOIN host_questions q ON q.tenant_id = h.tenant_id AND q.host = h.host
        WHERE h.tenant_id = ";
    let mut listing = KeysetQuery::new(COLUMNS, FROM, tenant_id.as_str().to_owned(), Order::text("h.host", "h.number"));
    if let Some(host) = host {
        listing.and_bound("h.host = ", host.to_string());
    }
    match params.show {
        HostFilter::All => {}
        HostFilter::Silent => drop(listing.and_bound("q.asked_at < ", (now - SILENT_AFTER).as_millis())),
        HostFilter::WithoutCredential => drop(listing.and(without_credential!())),
    }
    listing.search(params.search.as_deref(), &["h.host", "h.addresses"]);
    let rows: Page<HostSummaryRow> = listing.fetch(db, params.after.as_ref()).await?;
    Ok(rows.map(|row| HostSummary {
        host: row.host,
        addresses: row.addresses.lines().map(str::to_owned).collect(),
        credential_required: row.credential_required,
        is_default_tenant: row.answers,
        last_lookup_at: row.asked_at.map(Timestamp::from_millis),
        last_lookup_from: row.asked_from,
    }))
}

/// The tenant responsible for a lookup, and the host's stored name if it has one: the named tenant, or the one that has the host name.
pub async fn resolve_host(db: impl sql::Executor<'_>, tenant_id: Option<&TenantId>, host: &HostName) -> Result<Option<(TenantId, HostName)>, Error> {
    let query = sql::query_as(concat!(
        "WITH q (tenant_id) AS (SELECT coalesce($1, ",
        tenant_answering!("$2"),
        "))
         SELECT h.tenant_id, h.host FROM q JOIN hosts h ON h.tenant_id = q.tenant_id AND h.host IN ",
        names_of_host!("q.tenant_id", "$2"),
        " LIMIT 1"
    ));
    let found: Option<(String, String)> = query.bind(tenant_id.map(TenantId::as_str)).bind(host.as_str()).fetch_optional(db).await?;
    let found = found.map(|(tenant, name)| {
        let tenant = parse_column("hosts", &name, TenantId::parse(tenant))?;
        Ok((tenant, parse_column("hosts", host.as_str(), HostName::parse(name))?))
    });
    found.transpose()
}

/// Records a lookup by a host.
pub async fn record_lookup(db: &mut Connection, tenant_id: &TenantId, host: &HostName, from: Option<IpAddr>, now: Timestamp) -> Result<(), Error> {
    sql::query(
        "INSERT INTO host_questions (tenant_id, host, asked_at, from_address)
         SELECT id, $2, $3, $4 FROM tenants WHERE id = $1
         ON CONFLICT (tenant_id, host) DO UPDATE SET asked_at = $3, from_address = $4",
    )
    .bind(tenant_id.as_str())
    .bind(host.as_str())
    .bind(now.as_millis())
    .bind(from.map(|from| from.to_string()))
    .execute(db)
    .await?;
    Ok(())
}
