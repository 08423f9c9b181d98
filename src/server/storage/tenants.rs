//! Tenants.

use std::collections::BTreeSet;
use std::time::Duration;

use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences};
use crate::domain::audit_log::retention::Retention;
use crate::domain::brand::Brand;
use crate::domain::help_contact::HelpContact;
use crate::domain::ids::TenantId;
use crate::domain::mail::MailDomain;
use crate::domain::pagination::PageRequest;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;

row!(tenants:
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
        access_token_lifetime_ms: i64,
        refresh_idle_ms: i64,
        mvp: bool,
        open_registration: bool,
        require_host_credential: bool,
        mfa_lifetime_ms: i64,
        own_keys: bool,
        second_factor_for_admins: bool,
        second_factor_at_consent: bool,
        link_lifetime_ms: i64,
        shared_host_accounts: bool,
        #[sqlx(try_from = "i64")]
        lowest_linked_uid: u32,
        brand_light: Option<String>,
        brand_dark: Option<String>,
        help_contact: Option<String>,
        email_domain: Option<String>,
        #[sqlx(try_from = "i64")]
        keep_activity_days: u32,
        #[sqlx(try_from = "i64")]
        keep_security_activity_days: u32,
        archive_first: bool,
        created_at: i64,
        updated_at: i64,
    }
);

impl TryFrom<Row> for Tenant {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let millis = |value: i64| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        let retention = Retention::new(row.keep_activity_days, row.keep_security_activity_days);
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
                access_token_lifetime: millis(row.access_token_lifetime_ms),
                refresh_idle_time: millis(row.refresh_idle_ms),
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
                // Colours that have too little contrast after a change of the portal's own backgrounds are left out.
                brand: row.brand_light.zip(row.brand_dark).and_then(|(light, dark)| Brand::parse(&light, &dark).ok()),
                help_contact: row.help_contact.and_then(|contact| HelpContact::parse(&contact).ok()),
                email_domain: row.email_domain.map(|domain| parse_column("tenants", &row.id, MailDomain::parse(&domain))).transpose()?,
                retention: parse_column("tenants", &row.id, retention)?,
                archive_first: row.archive_first,
            },
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

pub async fn find(db: impl sql::Executor<'_>, id: &TenantId) -> Result<Option<Tenant>, Error> {
    let row: Option<Row> = sql::query_as(select!("WHERE id = $1")).bind(id.as_str()).fetch_optional(db).await?;
    row.map(Tenant::try_from).transpose()
}

pub async fn find_all(db: impl sql::Executor<'_>, ids: impl Iterator<Item = &TenantId>) -> Result<Vec<Tenant>, Error> {
    let ids: BTreeSet<&str> = ids.map(TenantId::as_str).collect();
    let query = sql::query_as(select!("WHERE id IN (SELECT atom FROM json_each($1))"));
    let rows: Vec<Row> = query.bind(serde_json::to_string(&ids).unwrap_or_default()).fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// All tenants, by display name.
pub async fn list(db: impl sql::Executor<'_>) -> Result<Vec<Tenant>, Error> {
    let rows: Vec<Row> = sql::query_as(select!("ORDER BY display_name, id")).fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

pub async fn page(db: impl sql::Executor<'_>, page: PageRequest) -> Result<Vec<Tenant>, Error> {
    let query = sql::query_as(select!("WHERE number > $1 ORDER BY number LIMIT $2")).bind(page.after).bind(page.limit);
    let rows: Vec<Row> = query.fetch_all(db).await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// Inserts a tenant under the next number. False when there is one with that ID.
pub async fn insert(db: &mut Connection, tenant: &Tenant) -> Result<bool, Error> {
    let number = sequences::next(db, "tenants").await?;
    settings(tenant)
        .set("number", number)
        .set("id", tenant.id.as_str())
        .set("created_at", tenant.created_at.as_millis())
        .set("updated_at", tenant.created_at.as_millis())
        .insert(db, table!())
        .await
}

/// Stores a changed tenant. False when there is no such tenant.
pub async fn update(db: &mut Connection, tenant: &Tenant, now: Timestamp) -> Result<bool, Error> {
    settings(tenant).set("updated_at", now.as_millis()).update(db, table!(), &[("id", tenant.id.as_str())]).await
}

/// What can be changed of a tenant.
fn settings(tenant: &Tenant) -> Values<'_> {
    let policy = &tenant.policy;
    Values::new()
        .set("display_name", &tenant.display_name)
        .set("enabled", tenant.enabled)
        .set("local_passwords", policy.local_passwords)
        .set("prefill_user_code", policy.prefill_user_code)
        .set("require_started_tick", policy.require_started_tick)
        .set("code_lifetime_ms", millis(policy.code_lifetime))
        .set("longest_access_ms", millis(policy.longest_access))
        .set("access_token_lifetime_ms", millis(policy.access_token_lifetime))
        .set("refresh_idle_ms", millis(policy.refresh_idle_time))
        .set("mvp", policy.auto_provision)
        .set("open_registration", policy.open_registration)
        .set("require_host_credential", policy.require_host_credential)
        .set("mfa_lifetime_ms", millis(policy.mfa_lifetime))
        .set("own_keys", policy.own_keys)
        .set("second_factor_for_admins", policy.second_factor_for_admins)
        .set("second_factor_at_consent", policy.second_factor_at_consent)
        .set("link_lifetime_ms", millis(policy.link_lifetime))
        .set("shared_host_accounts", policy.shared_host_accounts)
        .set("lowest_linked_uid", policy.lowest_linked_uid)
        .set("brand_light", policy.brand.map(|brand| brand.light()))
        .set("brand_dark", policy.brand.map(|brand| brand.dark()))
        .set("help_contact", policy.help_contact.as_ref().map(HelpContact::as_str))
        .set("email_domain", policy.email_domain.as_ref().map(MailDomain::as_str))
        .set("keep_activity_days", policy.retention.days())
        .set("keep_security_activity_days", policy.retention.security_days())
        .set("archive_first", policy.archive_first)
}

/// All tables with a tenant's rows; tables that others refer to come last.
const TABLES: [&str; 40] = [
    "imports",
    "logout_notices",
    "refused_lookups",
    "mail_outbox",
    "notifications",
    "sign_in_networks",
    "reservations",
    "pubkeys",
    "delegation_host_accounts",
    "delegations",
    "authorization_codes",
    "authorization_requests",
    "consents",
    "token_families",
    "authorizations",
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
    "person_groups",
    "people",
    "resource_readers",
    "resource_requesters",
    "resource_scopes",
    "resource_servers",
    "client_uris",
    "clients",
    "link_requests",
    "host_credentials",
    "host_aliases",
    "host_names",
    "host_questions",
    "hosts",
    "activity",
];

/// The first table with rows of the tenant that would be missed.
pub async fn first_table_in_use(db: &mut Connection, id: &TenantId) -> Result<Option<&'static str>, Error> {
    // Every tenant has the CLI's client; and people who were created only by a link or delegation are not worth keeping without it.
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
        if sql::query_scalar(sqlx::AssertSqlSafe(query)).bind(id.as_str()).fetch_one(&mut *db).await? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Deletes a tenant with all its rows. Returns the number of rows deleted, administrators included.
pub async fn delete(db: &mut Connection, id: &TenantId) -> Result<u64, Error> {
    // Those that follow the audit log are told of the gap.
    sql::query(
        "UPDATE numbers SET last = (SELECT max(id) FROM activity WHERE tenant_id = $1)
         WHERE name = 'activity_of_deleted_tenants' AND last < (SELECT max(id) FROM activity WHERE tenant_id = $1)",
    )
    .bind(id.as_str())
    .execute(&mut *db)
    .await?;
    for table in TABLES {
        let statement = format!("DELETE FROM {table} WHERE tenant_id = $1");
        sql::query(sqlx::AssertSqlSafe(statement)).bind(id.as_str()).execute(&mut *db).await?;
    }
    let admins = sql::query("DELETE FROM tenant_admins WHERE tenant_id = $1").bind(id.as_str()).execute(&mut *db).await?;
    let tenant = sql::query("DELETE FROM tenants WHERE id = $1").bind(id.as_str()).execute(db).await?;
    Ok(admins.rows_affected() + tenant.rows_affected())
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
