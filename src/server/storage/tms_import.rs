//! What is imported from a TMS server: all rows in one transaction, and what is known of imports afterwards.

pub mod old_database;
mod rows;

use std::collections::HashMap;

pub use self::rows::{
    ImportedClient, ImportedDelegation, ImportedHost, ImportedKey, ImportedLink, ImportedPerson, ImportedReservation, insert_clients,
    insert_delegations, insert_hosts, insert_keys, insert_links, insert_people, insert_reservations,
};
use super::sql::{self, Pool, Transaction};
use super::{Connection, Database, Error, hosts, postgres, tenants};
use crate::domain::audit_log::AuditKind;
use crate::domain::ids::{AdminId, HostName, TenantId};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

/// A transaction that writes, or only reads for a dry run. Dropping it undoes everything.
pub struct Import {
    transaction: Transaction,
    /// The pool of one that writes.
    pool: Option<Pool>,
    is_postgres: bool,
}

impl Import {
    /// Waits for changes that a portal is writing.
    pub async fn begin(database: &Database) -> Result<Self, Error> {
        let pool = database.connect().await?;
        let mut transaction = pool.begin_write().await?;
        transaction.raise_timeouts().await?;
        Ok(Self { transaction, pool: Some(pool), is_postgres: matches!(database, Database::Postgres(_)) })
    }

    /// For a dry run: sees one state, and delays no portal.
    pub async fn begin_dry_run(reader: &Pool) -> Result<Self, Error> {
        Ok(Self { transaction: reader.snapshot().await?, pool: None, is_postgres: false })
    }

    pub fn db(&mut self) -> &mut Connection {
        &mut self.transaction
    }

    pub async fn commit(mut self) -> Result<(), Error> {
        if self.is_postgres {
            // Keys were inserted with their numbers; no number is given twice.
            let highest: Option<i64> = sql::query_scalar("SELECT max(number) FROM pubkeys").fetch_one(self.db()).await?;
            let last = postgres::last_number(self.db(), "pubkeys", "number").await?;
            if let Some(highest) = highest.max(last) {
                postgres::set_last_number(self.db(), "pubkeys", "number", highest).await?;
            }
            // Without statistics the first lookups would read whole tables.
            self.transaction.run("ANALYZE clients, people, user_mfa, hosts, host_accounts, delegations, pubkeys, reservations").await?;
        }
        let Some(pool) = self.pool else { return Ok(()) };
        self.transaction.commit_settled(&pool).await.map_err(|error| Error::from(&error))?;
        pool.close().await;
        Ok(())
    }
}

/// Tables whose rows have numbers that are unique in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbered {
    Clients,
    UserMfa,
    Hosts,
    HostAccounts,
    Delegations,
}

impl Numbered {
    pub const ALL: [Self; 5] = [Self::Clients, Self::UserMfa, Self::Hosts, Self::HostAccounts, Self::Delegations];

    /// The name in the table `numbers`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::UserMfa => "user_mfa",
            Self::Hosts => "hosts",
            Self::HostAccounts => "host_accounts",
            Self::Delegations => "delegations",
        }
    }
}

/// The numbers of a tenant's rows. `wiped`: its imported rows are about to be deleted.
pub async fn numbers_in_use(db: &mut Connection, table: Numbered, tenant: &TenantId, wiped: bool) -> Result<Vec<i64>, Error> {
    let statement = match table {
        Numbered::Clients => "SELECT number FROM clients WHERE tenant_id = $1 AND (NOT $2 OR client_id = 'tms-cli')",
        Numbered::UserMfa => "SELECT number FROM user_mfa WHERE tenant_id = $1 AND NOT $2",
        Numbered::Hosts => "SELECT number FROM hosts WHERE tenant_id = $1 AND NOT $2",
        Numbered::HostAccounts => "SELECT number FROM host_accounts WHERE tenant_id = $1 AND NOT $2",
        Numbered::Delegations => "SELECT number FROM delegations WHERE tenant_id = $1 AND NOT $2",
    };
    Ok(sql::query_scalar(statement).bind(tenant.as_str()).bind(wiped).fetch_all(db).await?)
}

/// The numbers of all keys, and of all reservations, except those of these tenants.
pub async fn key_numbers_in_use(db: &mut Connection, except: &[&TenantId]) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let except: Vec<&str> = except.iter().map(|tenant| tenant.as_str()).collect();
    let except = serde_json::to_string(&except).unwrap_or_default();
    let keys = sql::query_scalar("SELECT number FROM pubkeys WHERE tenant_id NOT IN (SELECT atom FROM json_each($1))");
    let keys = keys.bind(&except).fetch_all(&mut *db).await?;
    let reservations = sql::query_scalar("SELECT number FROM reservations WHERE tenant_id NOT IN (SELECT atom FROM json_each($1))");
    Ok((keys, reservations.bind(&except).fetch_all(db).await?))
}

/// The last number given in each table.
pub async fn last_numbers(db: &mut Connection) -> Result<HashMap<String, i64>, Error> {
    let numbers: Vec<(String, i64)> = sql::query_as("SELECT name, last FROM numbers").fetch_all(db).await?;
    Ok(numbers.into_iter().collect())
}

/// No number up to `last` is given again.
pub async fn raise_last_number(db: &mut Connection, table: &str, last: i64) -> Result<(), Error> {
    sql::query("UPDATE numbers SET last = $2 WHERE name = $1 AND last < $2").bind(table).bind(last).execute(db).await?;
    Ok(())
}

/// The tenants that host names belong to, except these tenants' own.
pub async fn host_owners(db: &mut Connection, except: &[&TenantId]) -> Result<Vec<(String, String, i64)>, Error> {
    let except: Vec<&str> = except.iter().map(|tenant| tenant.as_str()).collect();
    let owners =
        sql::query_as("SELECT host, tenant_id, since FROM host_names WHERE tenant_id NOT IN (SELECT atom FROM json_each($1)) ORDER BY since");
    Ok(owners.bind(serde_json::to_string(&except).unwrap_or_default()).fetch_all(db).await?)
}

/// Whether a tenant has rows that an import would have to be merged with. People who were added before, such as its administrators, are kept.
pub async fn is_in_use(db: &mut Connection, tenant: &TenantId) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM pubkeys WHERE tenant_id = $1) OR EXISTS (SELECT 1 FROM delegations WHERE tenant_id = $1)
                     OR EXISTS (SELECT 1 FROM host_accounts WHERE tenant_id = $1) OR EXISTS (SELECT 1 FROM user_mfa WHERE tenant_id = $1)
                     OR EXISTS (SELECT 1 FROM clients WHERE tenant_id = $1 AND client_id <> 'tms-cli')
                     OR EXISTS (SELECT 1 FROM hosts WHERE tenant_id = $1)";
    Ok(sql::query_scalar(query).bind(tenant.as_str()).fetch_one(db).await?)
}

/// The file that a tenant's rows were imported from, by its SHA-256.
pub async fn imported_from(db: &mut Connection, tenant: &TenantId) -> Result<Option<String>, Error> {
    Ok(sql::query_scalar("SELECT source_sha256 FROM imports WHERE tenant_id = $1").bind(tenant.as_str()).fetch_optional(db).await?)
}

/// Whether the audit log has an event of these kinds since a tenant was first imported; or may have had one, because events since then were
/// deleted.
pub async fn has_event_since_import(db: &mut Connection, tenant: &TenantId, kinds: &[AuditKind]) -> Result<bool, Error> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let query = "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant_id = $1 AND kind IN (SELECT atom FROM json_each($2))
                                AND id > (SELECT coalesce(min(id), 0) FROM activity WHERE tenant_id = $1 AND kind = 'imported'))
                     OR EXISTS (SELECT 1 FROM tenants WHERE id = $1 AND activity_deleted_until >
                                      (SELECT coalesce(min(id), 0) FROM activity WHERE tenant_id = $1 AND kind = 'imported'))";
    let query = sql::query_scalar(query).bind(tenant.as_str()).bind(serde_json::to_string(&kinds).unwrap_or_default());
    Ok(query.fetch_one(db).await?)
}

/// Records an import into a tenant.
pub async fn record(db: &mut Connection, tenant: &TenantId, sha256: &str, rows: i64, now: Timestamp) -> Result<(), Error> {
    sql::query(
        "INSERT INTO imports (tenant_id, source_sha256, at, imported_rows) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id) DO UPDATE SET source_sha256 = $2, at = $3, imported_rows = $4",
    )
    .bind(tenant.as_str())
    .bind(sha256)
    .bind(now.as_millis())
    .bind(rows)
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes what an import inserts: all but the tenant itself, its settings and audit log. People stay who can sign in, and administrators who
/// have a secret of their own; imported secrets end, used or not.
pub async fn wipe(db: &mut Connection, tenant: &TenantId) -> Result<(), Error> {
    for statement in [
        "UPDATE tenant_admins
         SET secret_hash = CASE WHEN secret_hash = converted_secret_hash THEN unhex('') ELSE secret_hash END,
             old_secret_hash = CASE WHEN old_secret_hash = converted_secret_hash THEN NULL ELSE old_secret_hash END,
             old_secret_until = CASE WHEN old_secret_hash = converted_secret_hash THEN NULL ELSE old_secret_until END,
             imported_secret_hash = NULL, imported_secret_until = NULL, converted_secret_hash = NULL
         WHERE tenant_id = $1",
        "DELETE FROM tenant_admins WHERE tenant_id = $1 AND length(secret_hash) = 0",
        "DELETE FROM refused_lookups WHERE tenant_id = $1",
        "DELETE FROM reservations WHERE tenant_id = $1",
        "DELETE FROM pubkeys WHERE tenant_id = $1",
        "DELETE FROM delegations WHERE tenant_id = $1",
        "DELETE FROM host_accounts WHERE tenant_id = $1",
        "DELETE FROM user_mfa WHERE tenant_id = $1",
        "DELETE FROM people WHERE tenant_id = $1 AND password_hash IS NULL AND NOT admin
           AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = people.tenant_id AND i.user_id = people.user_id)",
        "DELETE FROM clients WHERE tenant_id = $1 AND client_id <> 'tms-cli'",
        "DELETE FROM host_aliases WHERE tenant_id = $1",
        "DELETE FROM host_names WHERE tenant_id = $1",
        "DELETE FROM hosts WHERE tenant_id = $1",
    ] {
        sql::query(statement).bind(tenant.as_str()).execute(&mut *db).await?;
    }
    Ok(())
}

/// Inserts a tenant under this number, or changes the policy of one that exists.
pub async fn save_tenant(db: &mut Connection, tenant: &Tenant, exists: bool) -> Result<(), Error> {
    if exists {
        tenants::update(db, tenant, tenant.updated_at).await?;
        return Ok(());
    }
    tenants::insert(db, tenant).await?;
    sql::query("UPDATE tenants SET number = $2, updated_at = $3 WHERE id = $1")
        .bind(tenant.id.as_str())
        .bind(tenant.row_id)
        .bind(tenant.updated_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// An administrator with an imported secret.
pub struct ImportedAdmin {
    pub tenant_id: TenantId,
    pub admin_id: AdminId,
    /// `None`: the secret was not imported.
    pub secret: Option<(Vec<u8>, Timestamp)>,
    pub created_at: Timestamp,
}

/// Inserts an administrator, or adds the imported secret to the one of that id, whose own secret stays valid.
pub async fn save_admin(db: &mut Connection, admin: &ImportedAdmin) -> Result<(), Error> {
    let (hash, until) = admin.secret.clone().map_or((None, None), |(hash, until)| (Some(hash), Some(until.as_millis())));
    sql::query(
        "INSERT INTO tenant_admins (tenant_id, admin_id, secret_hash, created_at, imported_secret_hash, imported_secret_until)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, admin_id) DO UPDATE SET imported_secret_hash = $5, imported_secret_until = $6",
    )
    .bind(admin.tenant_id.as_str())
    .bind(admin.admin_id.as_str())
    .bind(Vec::<u8>::new())
    .bind(admin.created_at.as_millis())
    .bind(hash)
    .bind(until)
    .execute(db)
    .await?;
    Ok(())
}

/// Assigns a host name to a tenant. With `replace`, also if it is another's.
pub async fn assign_host_name(db: &mut Connection, host: &HostName, tenant: &TenantId, since: Timestamp, replace: bool) -> Result<(), Error> {
    if replace {
        let update = sql::query("UPDATE host_names SET tenant_id = $2 WHERE host = $1 COLLATE NOCASE");
        update.bind(host.as_str()).bind(tenant.as_str()).execute(&mut *db).await?;
    }
    hosts::claim_name(db, tenant, host.as_str(), since).await
}

/// Makes the aliases of a tenant's hosts from their addresses, once all names are assigned.
pub async fn rebuild_aliases(db: &mut Connection, tenant: &TenantId, now: Timestamp) -> Result<(), Error> {
    hosts::rebuild_aliases(&mut *db, tenant).await?;
    let aliases: Vec<String> =
        sql::query_scalar("SELECT alias FROM host_aliases WHERE tenant_id = $1 ORDER BY alias").bind(tenant.as_str()).fetch_all(&mut *db).await?;
    for alias in aliases {
        hosts::claim_name(&mut *db, tenant, &alias, now).await?;
    }
    Ok(())
}

/// Imported secrets that have not been used: the tenant, whether it is a client's, its or the administrator's id, and until when it is valid.
pub async fn unused_secrets(db: impl sql::Executor<'_>) -> Result<Vec<(String, bool, String, i64)>, Error> {
    let query = "SELECT tenant_id, true AS is_client, client_id AS id, imported_secret_until FROM clients
                 WHERE imported_secret_hash IS NOT NULL AND imported_secret_until IS NOT NULL
                 UNION ALL
                 SELECT tenant_id, false, admin_id, imported_secret_until FROM tenant_admins
                 WHERE imported_secret_hash IS NOT NULL AND imported_secret_until IS NOT NULL
                 ORDER BY 1, 2, 3";
    Ok(sql::query_as(query).fetch_all(db).await?)
}
