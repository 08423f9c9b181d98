//! Tenants.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::{FromRow, SqliteExecutor};

use super::{Connection, Error, parse_column, sequences};
use crate::domain::brand::Brand;
use crate::domain::ids::TenantId;
use crate::domain::pagination::PageRequest;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;

#[derive(FromRow)]
struct Row {
    number: i64,
    id: String,
    display_name: String,
    enabled: bool,
    local_passwords: bool,
    prefill_user_code: bool,
    require_started_tick: bool,
    code_lifetime_ms: i64,
    longest_access_ms: i64,
    mvp: bool,
    open_registration: bool,
    require_host_credential: bool,
    mfa_lifetime_ms: i64,
    own_keys: bool,
    second_factor_for_admins: bool,
    second_factor_at_consent: bool,
    link_lifetime_ms: i64,
    shared_host_accounts: bool,
    lowest_linked_uid: u32,
    brand_light: Option<String>,
    brand_dark: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for Tenant {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let millis = |value: i64| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        Ok(Tenant {
            row_id: row.number,
            id: parse_column("tenants", &row.id, TenantId::parse(row.id.clone()))?,
            display_name: row.display_name,
            enabled: row.enabled,
            policy: Policy {
                local_passwords: row.local_passwords,
                prefill_user_code: row.prefill_user_code,
                require_started_tick: row.require_started_tick,
                code_lifetime: millis(row.code_lifetime_ms),
                longest_access: millis(row.longest_access_ms),
                auto_provision: row.mvp,
                open_registration: row.open_registration,
                require_host_credential: row.require_host_credential,
                mfa_lifetime: millis(row.mfa_lifetime_ms),
                own_keys: row.own_keys,
                second_factor_for_admins: row.second_factor_for_admins,
                second_factor_at_consent: row.second_factor_at_consent,
                link_lifetime: millis(row.link_lifetime_ms),
                shared_host_accounts: row.shared_host_accounts,
                lowest_linked_uid: row.lowest_linked_uid,
                // One that is no longer readable enough, after a change of our own colours, is left out.
                brand: row.brand_light.zip(row.brand_dark).and_then(|(light, dark)| Brand::parse(&light, &dark).ok()),
            },
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms, longest_access_ms,
                    mvp, open_registration, require_host_credential, mfa_lifetime_ms, own_keys, second_factor_for_admins,
                    second_factor_at_consent, link_lifetime_ms, shared_host_accounts, lowest_linked_uid, brand_light, brand_dark,
                    created_at, updated_at
             FROM tenants ",
            $rest
        )
    };
}

pub async fn find(db: impl SqliteExecutor<'_>, id: &TenantId) -> Result<Option<Tenant>, Error> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE id = $1")).bind(id.as_str()).fetch_optional(db).await?;
    row.map(Tenant::try_from).transpose()
}

pub async fn find_all(db: impl SqliteExecutor<'_>, ids: impl Iterator<Item = &TenantId>) -> Result<Vec<Tenant>, Error> {
    let ids: BTreeSet<&str> = ids.map(TenantId::as_str).collect();
    let query = sqlx::query_as(select!("WHERE id IN (SELECT value FROM json_each($1))"));
    let rows: Vec<Row> = query.bind(serde_json::to_string(&ids).unwrap_or_default()).fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// By the name that people read.
pub async fn list(db: impl SqliteExecutor<'_>) -> Result<Vec<Tenant>, Error> {
    let rows: Vec<Row> = sqlx::query_as(select!("ORDER BY display_name, id")).fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

pub async fn page(db: impl SqliteExecutor<'_>, page: PageRequest) -> Result<Vec<Tenant>, Error> {
    let query = sqlx::query_as(select!("WHERE number > $1 ORDER BY number LIMIT $2")).bind(page.after).bind(page.limit);
    let rows: Vec<Row> = query.fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// False when there is one of that name already. The number is given here.
pub async fn insert(db: &mut Connection, tenant: &Tenant) -> Result<bool, Error> {
    let number = sequences::next(db, "tenants").await?;
    let done = sqlx::query(
        "INSERT INTO tenants (number, id, display_name, enabled, local_passwords, prefill_user_code, require_started_tick, code_lifetime_ms,
                              longest_access_ms, mvp, open_registration, require_host_credential, mfa_lifetime_ms, own_keys, brand_light, brand_dark,
                              created_at, updated_at, second_factor_for_admins, second_factor_at_consent, link_lifetime_ms,
                              shared_host_accounts, lowest_linked_uid)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18, $19, $20, $21, $22)
         ON CONFLICT DO NOTHING",
    )
    .bind(number)
    .bind(tenant.id.as_str())
    .bind(&tenant.display_name)
    .bind(tenant.enabled)
    .bind(tenant.policy.local_passwords)
    .bind(tenant.policy.prefill_user_code)
    .bind(tenant.policy.require_started_tick)
    .bind(millis(tenant.policy.code_lifetime))
    .bind(millis(tenant.policy.longest_access))
    .bind(tenant.policy.auto_provision)
    .bind(tenant.policy.open_registration)
    .bind(tenant.policy.require_host_credential)
    .bind(millis(tenant.policy.mfa_lifetime))
    .bind(tenant.policy.own_keys)
    .bind(tenant.policy.brand.map(|brand| brand.light()))
    .bind(tenant.policy.brand.map(|brand| brand.dark()))
    .bind(tenant.created_at.as_millis())
    .bind(tenant.policy.second_factor_for_admins)
    .bind(tenant.policy.second_factor_at_consent)
    .bind(millis(tenant.policy.link_lifetime))
    .bind(tenant.policy.shared_host_accounts)
    .bind(tenant.policy.lowest_linked_uid)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// False when there is no such tenant.
pub async fn update(db: &mut Connection, tenant: &Tenant, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE tenants
         SET display_name = $2, enabled = $3, local_passwords = $4, prefill_user_code = $5, require_started_tick = $6,
             code_lifetime_ms = $7, longest_access_ms = $8, mvp = $9, open_registration = $10, require_host_credential = $11, mfa_lifetime_ms = $12,
             own_keys = $13, brand_light = $14, brand_dark = $15, updated_at = $16, second_factor_for_admins = $17,
             second_factor_at_consent = $18, link_lifetime_ms = $19, shared_host_accounts = $20, lowest_linked_uid = $21
         WHERE id = $1",
    )
    .bind(tenant.id.as_str())
    .bind(&tenant.display_name)
    .bind(tenant.enabled)
    .bind(tenant.policy.local_passwords)
    .bind(tenant.policy.prefill_user_code)
    .bind(tenant.policy.require_started_tick)
    .bind(millis(tenant.policy.code_lifetime))
    .bind(millis(tenant.policy.longest_access))
    .bind(tenant.policy.auto_provision)
    .bind(tenant.policy.open_registration)
    .bind(tenant.policy.require_host_credential)
    .bind(millis(tenant.policy.mfa_lifetime))
    .bind(tenant.policy.own_keys)
    .bind(tenant.policy.brand.map(|brand| brand.light()))
    .bind(tenant.policy.brand.map(|brand| brand.dark()))
    .bind(now.as_millis())
    .bind(tenant.policy.second_factor_for_admins)
    .bind(tenant.policy.second_factor_at_consent)
    .bind(millis(tenant.policy.link_lifetime))
    .bind(tenant.policy.shared_host_accounts)
    .bind(tenant.policy.lowest_linked_uid)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a tenant consists of, the tables that others refer to last.
const TABLES: [&str; 23] = [
    "reservations",
    "pubkeys",
    "delegation_host_accounts",
    "delegations",
    "device_grants",
    "host_accounts",
    "user_mfa",
    "identities",
    "invitations",
    "identity_providers",
    "totp",
    "passkeys",
    "recovery_codes",
    "browser_sessions",
    "people",
    "clients",
    "link_requests",
    "host_credentials",
    "host_aliases",
    "host_names",
    "host_questions",
    "hosts",
    "activity",
];

/// The first table in which the tenant still has something that somebody would miss.
pub async fn first_table_in_use(db: &mut Connection, id: &TenantId) -> Result<Option<&'static str>, Error> {
    // Every tenant has the portal's own command line for a client; and people whom only a link or a delegation named are nobody
    // without it.
    const BLOCKING_TABLES: [(&str, &str); 9] = [
        ("reservations", "true"),
        ("pubkeys", "true"),
        ("delegations", "ended_at IS NULL"),
        ("host_accounts", "true"),
        ("user_mfa", "true"),
        ("people", "password_hash IS NOT NULL"),
        ("clients", "client_id <> 'tms-cli'"),
        ("host_credentials", "true"),
        ("hosts", "true"),
    ];
    for (table, counts) in BLOCKING_TABLES {
        let query = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE tenant_id = $1 AND {counts})");
        if sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(id.as_str()).fetch_one(&mut *db).await? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Removes the tenant and all it has. Says how many rows of it and its admins there were.
pub async fn delete(db: &mut Connection, id: &TenantId) -> Result<u64, Error> {
    for table in TABLES {
        let statement = format!("DELETE FROM {table} WHERE tenant_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id.as_str()).execute(&mut *db).await?;
    }
    let admins = sqlx::query("DELETE FROM tenant_admins WHERE tenant_id = $1").bind(id.as_str()).execute(&mut *db).await?;
    let tenant = sqlx::query("DELETE FROM tenants WHERE id = $1").bind(id.as_str()).execute(db).await?;
    Ok(admins.rows_affected() + tenant.rows_affected())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
