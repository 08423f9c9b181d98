//! Clients.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::FromRow;

use super::admins::SecretHashes;
use super::keyset::{self, KeysetQuery, Order};
use super::row::{Values, row, select};
use super::sql;
use super::{Connection, Error, parse_column, sequences, tenants};
use crate::domain::client::registration::{ClientAuthMethod, ConsentRule, GrantTypes, PkceRule, RefreshRule};
use crate::domain::client::{Client, ClientFilter};
use crate::domain::folding;
use crate::domain::ids::{ClientId, HostName, TenantId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::scope::ScopeSet;
use crate::domain::signing_key::SigningAlgorithm;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;

row!(clients:
    struct Row {
        number: i64,
        tenant_id: String,
        client_id: String,
        app_name: String,
        app_version: String,
        secret_hash: Option<Vec<u8>>,
        old_secret_hash: Option<Vec<u8>>,
        old_secret_until: Option<i64>,
        imported_secret_hash: Option<Vec<u8>>,
        imported_secret_until: Option<i64>,
        enabled: bool,
        device_grant: bool,
        grant_types: String,
        scope: String,
        auth_method: String,
        jwks: Option<String>,
        endpoint_audience: bool,
        pkce: String,
        id_token_algorithm: String,
        longest_access_ms: Option<i64>,
        username_of_host: Option<String>,
        pushed_requests_only: bool,
        refresh: String,
        consent: String,
        tokens_since: i64,
        verified: bool,
        created_at: i64,
        updated_at: i64,
    }
);

/// A client with the hashes of its secret; `None` for one that has no secret.
#[derive(Clone)]
pub struct ClientWithSecrets {
    pub client: Client,
    pub secrets: Option<SecretHashes>,
}

impl TryFrom<Row> for ClientWithSecrets {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let auth_method = row.auth_method()?;
        let client = Client {
            number: row.number,
            tenant_id: parse_column("clients", &row.client_id, TenantId::parse(row.tenant_id))?,
            id: parse_column("clients", &row.client_id, ClientId::parse(row.client_id.clone()))?,
            app_name: row.app_name,
            app_version: row.app_version,
            enabled: row.enabled,
            device_grant: row.device_grant,
            grant_types: GrantTypes::parse_known(&row.grant_types),
            scope: ScopeSet::parse_known(&row.scope),
            auth_method,
            jwks: row.jwks,
            endpoint_audience: row.endpoint_audience,
            pkce: parse_word(&row.client_id, "pkce", PkceRule::parse(&row.pkce))?,
            id_token_algorithm: parse_word(&row.client_id, "id_token_algorithm", SigningAlgorithm::parse(&row.id_token_algorithm))?,
            longest_access: row.longest_access_ms.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis),
            username_of_host: row.username_of_host.map(|name| parse_column("clients", &row.client_id, HostName::parse(name))).transpose()?,
            pushed_requests_only: row.pushed_requests_only,
            refresh: parse_word(&row.client_id, "refresh", RefreshRule::parse(&row.refresh))?,
            consent: parse_word(&row.client_id, "consent", ConsentRule::parse(&row.consent))?,
            tokens_since: Timestamp::from_millis(row.tokens_since),
            verified: row.verified,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        };
        let old = row.old_secret_hash.zip(row.old_secret_until.map(Timestamp::from_millis));
        let imported = row.imported_secret_hash.zip(row.imported_secret_until.map(Timestamp::from_millis));
        let current = row.secret_hash.filter(|_| auth_method == ClientAuthMethod::Secret);
        Ok(ClientWithSecrets { client, secrets: current.map(|current| SecretHashes { current, old, imported }) })
    }
}

impl Row {
    /// A client that has no secret hash is public, also one that an earlier release inserted.
    fn auth_method(&self) -> Result<ClientAuthMethod, Error> {
        match &self.secret_hash {
            None => Ok(ClientAuthMethod::None),
            Some(_) => parse_word(&self.client_id, "auth_method", ClientAuthMethod::parse(&self.auth_method)),
        }
    }
}

/// The value of a column whose words are in `domain::client::registration`.
fn parse_word<T>(id: &str, column: &str, parsed: Option<T>) -> Result<T, Error> {
    parse_column("clients", id, parsed.ok_or_else(|| format!("{column} has an unknown word")))
}

/// A tenant's clients, by name.
pub async fn list(db: &sql::Pool, tenant_id: &TenantId, params: &ListParams<ClientFilter, ()>) -> Result<Page<ClientWithSecrets>, Error> {
    let order = Order::text("coalesce(app_name_folded, lower(app_name))", "number");
    let mut listing = KeysetQuery::new(columns!(), "clients WHERE tenant_id = ", tenant_id.as_str().to_owned(), order);
    match params.show {
        ClientFilter::All => {}
        ClientFilter::Enabled => drop(listing.and("enabled")),
        ClientFilter::Disabled => drop(listing.and("NOT enabled")),
        ClientFilter::Public => drop(listing.and("secret_hash IS NULL")),
    }
    listing.search(params.search.as_deref(), &["client_id", "coalesce(app_name_folded, app_name)"]);
    listing.fetch::<Row>(db, params.after.as_ref()).await?.try_map(ClientWithSecrets::try_from)
}

/// Some of the clients whose names contain the text, ignoring case.
pub async fn ids_by_name(db: impl sql::Executor<'_>, tenant_id: &TenantId, text: &str) -> Result<Vec<String>, Error> {
    let query = sql::query_scalar(
        "SELECT client_id FROM clients WHERE tenant_id = $1 AND like($2, coalesce(app_name_folded, app_name), '\\') ORDER BY client_id LIMIT 50",
    );
    Ok(query.bind(tenant_id.as_str()).bind(keyset::pattern(&folding::case_fold(text))).fetch_all(db).await?)
}

/// A client's name as people read it: with the version if another client of the tenant has the same name. `$c` is the table.
macro_rules! client_name {
    ($c:literal) => {
        concat!(
            "CASE WHEN EXISTS (SELECT 1 FROM clients namesake WHERE namesake.tenant_id = ",
            $c,
            ".tenant_id AND namesake.app_name = ",
            $c,
            ".app_name AND namesake.client_id <> ",
            $c,
            ".client_id) THEN ",
            $c,
            ".app_name || ' ' || ",
            $c,
            ".app_version ELSE ",
            $c,
            ".app_name END"
        )
    };
}
pub(super) use client_name;

/// SQL condition: client `$client` may use the flow in which the authorization with this id was given (`AuthorizationOrigin`). One that a portal
/// of the previous release did not record is of the device flow.
macro_rules! flow_is_allowed {
    ($client:literal, $tenant_id:literal, $authorization_id:literal) => {
        concat!(
            "CASE (SELECT flow.origin FROM authorizations flow WHERE flow.tenant_id = ",
            $tenant_id,
            " AND flow.id = ",
            $authorization_id,
            ") WHEN 'code' THEN ' ' || ",
            $client,
            ".grant_types || ' ' LIKE '% authorization_code %' ELSE ",
            $client,
            ".device_grant END"
        )
    };
}
pub(super) use flow_is_allowed;

/// A client as people read it.
#[derive(Clone, Debug, FromRow)]
pub struct ClientName {
    pub name: String,
    pub verified: bool,
    pub public: bool,
}

pub async fn name(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &ClientId) -> Result<Option<ClientName>, Error> {
    let query = sql::query_as(concat!(
        "SELECT ",
        client_name!("c"),
        " AS name, c.verified, c.secret_hash IS NULL AS public FROM clients c WHERE c.tenant_id = $1 AND c.client_id = $2"
    ));
    Ok(query.bind(tenant_id.as_str()).bind(id.as_str()).fetch_optional(db).await?)
}

/// The names of clients by id, as people read them.
pub async fn names(db: impl sql::Executor<'_>, tenant_id: &TenantId, ids: &[&str]) -> Result<HashMap<String, String>, Error> {
    let query = sql::query_as(concat!(
        "SELECT c.client_id, ",
        client_name!("c"),
        " FROM clients c WHERE c.tenant_id = $1 AND c.client_id IN (SELECT atom FROM json_each($2))"
    ));
    let found: Vec<(String, String)> = query.bind(tenant_id.as_str()).bind(serde_json::to_string(ids).unwrap_or_default()).fetch_all(db).await?;
    Ok(found.into_iter().collect())
}

/// The number of keys the client created that still exist, and of people with a delegation to it.
pub async fn usage_counts(db: &sql::Pool, tenant_id: &TenantId, id: &ClientId) -> Result<(i64, i64), Error> {
    let counts = sql::query_as(
        "SELECT (SELECT count(*) FROM pubkeys WHERE tenant_id = $1 AND client_id = $2),
                (SELECT count(DISTINCT user_id) FROM delegations WHERE tenant_id = $1 AND client_id = $2 AND ended_at IS NULL)",
    );
    Ok(counts.bind(tenant_id.as_str()).bind(id.as_str()).fetch_one(db).await?)
}

pub async fn find(db: impl sql::Executor<'_>, tenant_id: &TenantId, id: &ClientId) -> Result<Option<ClientWithSecrets>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND client_id = $2")).bind(tenant_id.as_str()).bind(id.as_str());
    let row: Option<Row> = query.fetch_optional(db).await?;
    row.map(ClientWithSecrets::try_from).transpose()
}

/// The clients that exist of these, each named by tenant and id; in no particular order.
pub(super) async fn find_all(db: impl sql::Executor<'_>, keys: impl Iterator<Item = (&str, &str)>) -> Result<Vec<ClientWithSecrets>, Error> {
    let pairs: Vec<serde_json::Value> =
        keys.map(|(tenant_id, client_id)| serde_json::json!({ "tenant_id": tenant_id, "client_id": client_id })).collect();
    let rows: Vec<Row> =
        sql::query_as(select!("WHERE (tenant_id, client_id) IN (SELECT value ->> 'tenant_id', value ->> 'client_id' FROM json_each($1))"))
            .bind(serde_json::Value::from(pairs).to_string())
            .fetch_all(db)
            .await?;
    rows.into_iter().map(ClientWithSecrets::try_from).collect()
}

/// The tenant and client id that a request claims.
#[derive(PartialEq, Eq, Hash)]
pub struct ClientKey {
    pub tenant_id: TenantId,
    pub client_id: ClientId,
}

/// The tenant and client found for a request.
#[derive(Clone)]
pub struct ClientLookup {
    pub tenant: Option<Tenant>,
    pub client: Option<ClientWithSecrets>,
}

/// Finds clients and their tenants; for [`super::batched_reader`].
pub fn look_up_clients<'c>(db: &'c mut Connection, keys: &'c [ClientKey]) -> BoxFuture<'c, Result<Vec<ClientLookup>, Error>> {
    async move {
        let found = find_all(&mut *db, keys.iter().map(|key| (key.tenant_id.as_str(), key.client_id.as_str()))).await?;
        let tenants = tenants::find_all(db, keys.iter().map(|claimed| &claimed.tenant_id)).await?;
        let is = |claimed: &ClientKey, found: &ClientWithSecrets| found.client.id == claimed.client_id && found.client.tenant_id == claimed.tenant_id;
        let known = |claimed: &ClientKey| ClientLookup {
            tenant: tenants.iter().find(|tenant| tenant.id == claimed.tenant_id).cloned(),
            client: found.iter().find(|found| is(claimed, found)).cloned(),
        };
        Ok(keys.iter().map(known).collect())
    }
    .boxed()
}

pub async fn page(db: impl sql::Executor<'_>, tenant_id: &TenantId, page: PageRequest) -> Result<Vec<Client>, Error> {
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(page.after).bind(page.limit).fetch_all(db).await?;
    rows.into_iter().map(|row| ClientWithSecrets::try_from(row).map(|registered| registered.client)).collect()
}

/// Inserts a client under the next number. False when the tenant has one with that ID, or with that name and version.
pub async fn insert(db: &mut Connection, client: &Client, secret_hash: Option<&[u8]>) -> Result<bool, Error> {
    let number = sequences::next(db, "clients").await?;
    settings(client)
        .set("number", number)
        .set("tenant_id", client.tenant_id.as_str())
        .set("client_id", client.id.as_str())
        .set("app_name", &client.app_name)
        .set("app_name_folded", folding::search_key(&client.app_name))
        .set("secret_hash", secret_hash)
        .set("created_at", client.created_at.as_millis())
        .set("updated_at", client.created_at.as_millis())
        .insert(db, table!())
        .await
}

/// Stores a changed client. False when there is no such client, or another with that name and version.
pub async fn update(db: &mut Connection, client: &Client, now: Timestamp) -> Result<bool, Error> {
    let key = [("tenant_id", client.tenant_id.as_str()), ("client_id", client.id.as_str())];
    settings(client).set("updated_at", now.as_millis()).update(db, table!(), &key).await
}

/// What can be changed of a client.
fn settings(client: &Client) -> Values<'_> {
    Values::new()
        .set("app_version", &client.app_version)
        .set("enabled", client.enabled)
        .set("device_grant", client.device_grant)
        .set("grant_types", client.grant_types.to_string())
        .set("scope", client.scope.to_string())
        .set("auth_method", stored_auth_method(client.auth_method))
        .set("jwks", &client.jwks)
        .set("endpoint_audience", client.endpoint_audience)
        .set("pkce", client.pkce.as_str())
        .set("id_token_algorithm", client.id_token_algorithm.as_str())
        .set("longest_access_ms", client.longest_access.map(|longest| i64::try_from(longest.as_millis()).unwrap_or(i64::MAX)))
        .set("username_of_host", client.username_of_host.as_ref().map(HostName::as_str))
        .set("pushed_requests_only", client.pushed_requests_only)
        .set("refresh", client.refresh.as_str())
        .set("consent", client.consent.as_str())
        .set("tokens_since", client.tokens_since.as_millis())
        .set("verified", client.verified)
}

/// Whether a client is public is said by its secret hash.
fn stored_auth_method(method: ClientAuthMethod) -> &'static str {
    match method {
        ClientAuthMethod::Secret | ClientAuthMethod::None => ClientAuthMethod::Secret.as_str(),
        ClientAuthMethod::PrivateKeyJwt => method.as_str(),
    }
}

/// Replaces the secret hash of a client whose way to authenticate has changed, without overlap: `None` for a public client, no bytes for one
/// that authenticates with its keys.
pub async fn replace_secret(db: &mut Connection, tenant_id: &TenantId, id: &ClientId, secret_hash: Option<&[u8]>) -> Result<(), Error> {
    let update = "UPDATE clients SET secret_hash = $3, old_secret_hash = NULL, old_secret_until = NULL, imported_secret_hash = NULL,
                                     imported_secret_until = NULL
                  WHERE tenant_id = $1 AND client_id = $2";
    sql::query(update).bind(tenant_id.as_str()).bind(id.as_str()).bind(secret_hash).execute(db).await?;
    Ok(())
}

/// Sets a new secret; the old one, and an imported one, stay valid until `old_until`. False if there is no such client with a secret.
pub async fn set_secret(
    db: &mut Connection,
    tenant_id: &TenantId,
    id: &ClientId,
    secret_hash: &[u8],
    old_until: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sql::query(
        "UPDATE clients SET old_secret_hash = secret_hash, old_secret_until = $4, secret_hash = $3, updated_at = $5,
                imported_secret_until = CASE WHEN imported_secret_until > $4 THEN $4 ELSE imported_secret_until END
         WHERE tenant_id = $1 AND client_id = $2 AND secret_hash IS NOT NULL AND auth_method = 'secret'",
    )
    .bind(tenant_id.as_str())
    .bind(id.as_str())
    .bind(secret_hash)
    .bind(old_until.as_millis())
    .bind(now.as_millis())
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// With its addresses, reservations, delegations, authorizations and device grants. Its keys must have been revoked. False when there is no
/// such client.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, id: &ClientId) -> Result<bool, Error> {
    for statement in [
        "DELETE FROM delegations WHERE tenant_id = $1 AND client_id = $2",
        "DELETE FROM authorizations WHERE tenant_id = $1 AND client_id = $2",
        "DELETE FROM device_grants WHERE tenant_id = $1 AND client_id = $2",
    ] {
        sql::query(statement).bind(tenant_id.as_str()).bind(id.as_str()).execute(&mut *db).await?;
    }
    let done =
        sql::query("DELETE FROM clients WHERE tenant_id = $1 AND client_id = $2").bind(tenant_id.as_str()).bind(id.as_str()).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
