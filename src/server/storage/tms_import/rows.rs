//! The rows that an import inserts, many with one statement.

use serde::Serialize;

use super::super::sql;
use super::super::{Connection, Error};

/// A client to insert; hashes are in hexadecimal, times in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedClient {
    pub number: i64,
    pub tenant_id: String,
    pub client_id: String,
    pub app_name: String,
    pub app_name_folded: Option<String>,
    pub app_version: String,
    /// `None`: the secret was not imported.
    pub imported_secret_hash: Option<String>,
    pub imported_secret_until: Option<i64>,
    pub enabled: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

pub async fn insert_clients(db: &mut Connection, clients: &[ImportedClient]) -> Result<(), Error> {
    let statement = "INSERT INTO clients (number, tenant_id, client_id, app_name, app_name_folded, app_version, secret_hash, imported_secret_hash,
                              imported_secret_until, enabled, device_grant, scope, verified, created_at, updated_at)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'client_id', value ->> 'app_name', value ->> 'app_name_folded',
                value ->> 'app_version', unhex(''), unhex(value ->> 'imported_secret_hash'), CAST(value ->> 'imported_secret_until' AS BIGINT),
                CAST(value ->> 'enabled' AS BIGINT) = 1, false, '', false, CAST(value ->> 'created_at' AS BIGINT),
                CAST(value ->> 'updated_at' AS BIGINT)
         FROM json_each($1)";
    sql::query(statement).bind(serde_json::to_string(clients).unwrap_or_default()).execute(db).await?;
    Ok(())
}

/// A person to insert, unless there is one of that id, with the MFA record.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedPerson {
    pub person_number: i64,
    pub number: i64,
    pub tenant_id: String,
    pub user_id: String,
    pub enabled: i64,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

pub async fn insert_people(db: &mut Connection, people: &[ImportedPerson]) -> Result<(), Error> {
    let rows = serde_json::to_string(people).unwrap_or_default();
    for statement in [
        "INSERT INTO people (number, tenant_id, user_id, display_name, enabled, created_at)
         SELECT CAST(value ->> 'person_number' AS BIGINT), value ->> 'tenant_id', value ->> 'user_id', value ->> 'user_id', true,
                CAST(value ->> 'created_at' AS BIGINT)
         FROM json_each($1) WHERE true
         ON CONFLICT DO NOTHING",
        "INSERT INTO user_mfa (number, tenant_id, user_id, enabled, expires_at, created_at, updated_at)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'user_id', CAST(value ->> 'enabled' AS BIGINT) = 1,
                CAST(value ->> 'expires_at' AS BIGINT), CAST(value ->> 'created_at' AS BIGINT), CAST(value ->> 'updated_at' AS BIGINT)
         FROM json_each($1)",
    ] {
        sql::query(statement).bind(&rows).execute(&mut *db).await?;
    }
    Ok(())
}

/// A registered address of a host.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedHost {
    pub number: i64,
    pub tenant_id: String,
    pub host: String,
    pub address: String,
    pub created_at: i64,
    pub updated_at: i64,
}

pub async fn insert_hosts(db: &mut Connection, hosts: &[ImportedHost]) -> Result<(), Error> {
    let statement = "INSERT INTO hosts (number, tenant_id, host, address, created_at, updated_at)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'host', value ->> 'address',
                CAST(value ->> 'created_at' AS BIGINT), CAST(value ->> 'updated_at' AS BIGINT)
         FROM json_each($1)";
    sql::query(statement).bind(serde_json::to_string(hosts).unwrap_or_default()).execute(db).await?;
    Ok(())
}

/// A link of a host account.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedLink {
    pub number: i64,
    pub tenant_id: String,
    pub id: String,
    pub user_id: String,
    pub host: String,
    pub account: String,
    pub linked_at: i64,
    pub expires_at: i64,
    pub updated_at: i64,
    pub linked_by: &'static str,
}

pub async fn insert_links(db: &mut Connection, links: &[ImportedLink]) -> Result<(), Error> {
    let statement = "INSERT INTO host_accounts (number, tenant_id, id, user_id, host, account, linked_at, expires_at, updated_at, linked_by)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'id', value ->> 'user_id', value ->> 'host', value ->> 'account',
                CAST(value ->> 'linked_at' AS BIGINT), CAST(value ->> 'expires_at' AS BIGINT), CAST(value ->> 'updated_at' AS BIGINT),
                value ->> 'linked_by'
         FROM json_each($1)";
    sql::query(statement).bind(serde_json::to_string(links).unwrap_or_default()).execute(db).await?;
    Ok(())
}

/// A delegation for all host accounts of a person.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedDelegation {
    pub number: i64,
    pub tenant_id: String,
    pub id: String,
    pub client_id: String,
    pub user_id: String,
    pub scope: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub updated_at: i64,
    pub made_by: &'static str,
}

pub async fn insert_delegations(db: &mut Connection, delegations: &[ImportedDelegation]) -> Result<(), Error> {
    let statement =
        "INSERT INTO delegations (number, tenant_id, id, client_id, user_id, scope, every_host_account, created_at, expires_at, updated_at, made_by)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'id', value ->> 'client_id', value ->> 'user_id',
                value ->> 'scope', true, CAST(value ->> 'created_at' AS BIGINT), CAST(value ->> 'expires_at' AS BIGINT),
                CAST(value ->> 'updated_at' AS BIGINT), value ->> 'made_by'
         FROM json_each($1)";
    sql::query(statement).bind(serde_json::to_string(delegations).unwrap_or_default()).execute(db).await?;
    Ok(())
}

/// A key of a client.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedKey {
    pub number: i64,
    pub tenant_id: String,
    pub client_id: String,
    pub user_id: String,
    pub host: String,
    pub account: String,
    pub fingerprint: String,
    pub public_key: String,
    pub key_type: &'static str,
    pub key_bits: u32,
    pub max_uses: u32,
    pub uses: u32,
    pub initial_ttl_minutes: u32,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub label: String,
    pub label_folded: Option<String>,
}

pub async fn insert_keys(db: &mut Connection, keys: &[ImportedKey]) -> Result<(), Error> {
    let statement = "WITH k AS MATERIALIZED (SELECT value AS v FROM json_each($1))
         INSERT INTO pubkeys (number, tenant_id, client_id, user_id, host, account, fingerprint, public_key, key_type, key_bits, max_uses, uses,
                              initial_ttl_minutes, expires_at, created_at, updated_at, label, label_folded)
         SELECT CAST(v ->> 'number' AS BIGINT), v ->> 'tenant_id', v ->> 'client_id', v ->> 'user_id', v ->> 'host', v ->> 'account',
                v ->> 'fingerprint', v ->> 'public_key', v ->> 'key_type', CAST(v ->> 'key_bits' AS BIGINT), CAST(v ->> 'max_uses' AS BIGINT),
                CAST(v ->> 'uses' AS BIGINT), CAST(v ->> 'initial_ttl_minutes' AS BIGINT), CAST(v ->> 'expires_at' AS BIGINT),
                CAST(v ->> 'created_at' AS BIGINT), CAST(v ->> 'updated_at' AS BIGINT), v ->> 'label', v ->> 'label_folded'
         FROM k";
    sql::query(statement).bind(serde_json::to_string(keys).unwrap_or_default()).execute(db).await?;
    Ok(())
}

/// A reservation of a key.
#[derive(Clone, Debug, Serialize)]
pub struct ImportedReservation {
    pub number: i64,
    pub tenant_id: String,
    pub resid: String,
    pub parent_resid: String,
    pub client_id: String,
    pub pubkey: i64,
    pub expires_at: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

pub async fn insert_reservations(db: &mut Connection, reservations: &[ImportedReservation]) -> Result<(), Error> {
    let statement = "INSERT INTO reservations (number, tenant_id, resid, parent_resid, client_id, pubkey, expires_at, created_at, updated_at)
         SELECT CAST(value ->> 'number' AS BIGINT), value ->> 'tenant_id', value ->> 'resid', value ->> 'parent_resid', value ->> 'client_id',
                CAST(value ->> 'pubkey' AS BIGINT), CAST(value ->> 'expires_at' AS BIGINT), CAST(value ->> 'created_at' AS BIGINT),
                CAST(value ->> 'updated_at' AS BIGINT)
         FROM json_each($1)";
    sql::query(statement).bind(serde_json::to_string(reservations).unwrap_or_default()).execute(db).await?;
    Ok(())
}
