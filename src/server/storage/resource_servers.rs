//! Resource servers besides the TMS API, with their scopes and the clients that may use them.

use std::collections::BTreeMap;

use super::row::{row, select};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::resource_server::{
    RegisteredScope, RequestingClients, ResourceIndicator, ResourceScope, ResourceScopeSet, ResourceServer, ScopeDescription,
};
use crate::domain::time::Timestamp;

row!(resource_servers:
    struct Row {
        tenant_id: String,
        indicator: String,
        name: String,
        all_clients: bool,
        created_at: i64,
        updated_at: i64,
    }
);

/// What belongs to each of some resource servers, by indicator.
struct Parts {
    scopes: BTreeMap<String, Vec<RegisteredScope>>,
    requesters: BTreeMap<String, Vec<ClientId>>,
    readers: BTreeMap<String, Vec<ClientId>>,
}

impl Row {
    fn with(self, parts: &mut Parts) -> Result<ResourceServer, Error> {
        let id = self.indicator;
        let requesters = parts.requesters.remove(&id).unwrap_or_default();
        Ok(ResourceServer {
            tenant_id: parse_column("resource_servers", &id, TenantId::parse(self.tenant_id))?,
            indicator: parse_column("resource_servers", &id, ResourceIndicator::parse(&id))?,
            name: self.name,
            scopes: parts.scopes.remove(&id).unwrap_or_default(),
            clients: if self.all_clients { RequestingClients::All } else { RequestingClients::Only(requesters) },
            readers: parts.readers.remove(&id).unwrap_or_default(),
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

/// Reads the clients of some resource servers from a table.
macro_rules! clients_in {
    ($table:literal) => {
        concat!(
            "SELECT indicator, client_id FROM ",
            $table,
            " WHERE tenant_id = $1 AND indicator IN (SELECT atom FROM json_each($2)) ORDER BY indicator, client_id"
        )
    };
}

/// A tenant's resource servers of these, in the order of their indicators.
pub async fn find_all(db: &mut Connection, tenant_id: &TenantId, indicators: &[&str]) -> Result<Vec<ResourceServer>, Error> {
    let named = serde_json::to_string(indicators).unwrap_or_default();
    let query = sql::query_as(select!("WHERE tenant_id = $1 AND indicator IN (SELECT atom FROM json_each($2)) ORDER BY indicator"));
    let rows: Vec<Row> = query.bind(tenant_id.as_str()).bind(named.as_str()).fetch_all(&mut *db).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut parts = Parts {
        scopes: scopes(&mut *db, tenant_id, &named).await?,
        requesters: by_indicator(
            sql::query_as(clients_in!("resource_requesters")).bind(tenant_id.as_str()).bind(named.as_str()).fetch_all(&mut *db).await?,
        )?,
        readers: by_indicator(sql::query_as(clients_in!("resource_readers")).bind(tenant_id.as_str()).bind(named.as_str()).fetch_all(db).await?)?,
    };
    rows.into_iter().map(|row| row.with(&mut parts)).collect()
}

/// The same outside of a transaction.
pub async fn read_all(pool: &sql::Pool, tenant_id: &TenantId, indicators: &[&str]) -> Result<Vec<ResourceServer>, Error> {
    let mut db = pool.snapshot().await?;
    let found = find_all(&mut db, tenant_id, indicators).await?;
    db.commit().await?;
    Ok(found)
}

pub async fn find(db: &mut Connection, tenant_id: &TenantId, indicator: &ResourceIndicator) -> Result<Option<ResourceServer>, Error> {
    Ok(find_all(db, tenant_id, &[indicator.as_str()]).await?.pop())
}

/// All resource servers of a tenant, in the order of their indicators.
pub async fn list(pool: &sql::Pool, tenant_id: &TenantId) -> Result<Vec<ResourceServer>, Error> {
    let query = sql::query_scalar("SELECT indicator FROM resource_servers WHERE tenant_id = $1");
    let indicators: Vec<String> = query.bind(tenant_id.as_str()).fetch_all(pool).await?;
    read_all(pool, tenant_id, &indicators.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn scopes(db: &mut Connection, tenant_id: &TenantId, named: &str) -> Result<BTreeMap<String, Vec<RegisteredScope>>, Error> {
    let query = sql::query_as(
        "SELECT indicator, scope, description_en, description_es FROM resource_scopes
         WHERE tenant_id = $1 AND indicator IN (SELECT atom FROM json_each($2)) ORDER BY indicator, scope",
    );
    let rows: Vec<(String, String, String, String)> = query.bind(tenant_id.as_str()).bind(named).fetch_all(db).await?;
    let mut scopes: BTreeMap<String, Vec<RegisteredScope>> = BTreeMap::new();
    for (indicator, scope, en, es) in rows {
        let scope = parse_column("resource_scopes", &indicator, ResourceScope::parse(&scope))?;
        scopes.entry(indicator).or_default().push(RegisteredScope { scope, description: ScopeDescription { en, es } });
    }
    Ok(scopes)
}

fn by_indicator(rows: Vec<(String, String)>) -> Result<BTreeMap<String, Vec<ClientId>>, Error> {
    let mut clients: BTreeMap<String, Vec<ClientId>> = BTreeMap::new();
    for (indicator, client) in rows {
        let client = parse_column("resource_servers", &indicator, ClientId::parse(client))?;
        clients.entry(indicator).or_default().push(client);
    }
    Ok(clients)
}

/// Who asks about an access token, and for which client it was issued.
pub struct TokenQuestion<'a> {
    pub tenant_id: &'a TenantId,
    /// The audience of the token.
    pub audience: &'a str,
    pub issued_to: &'a ClientId,
    pub asked_by: &'a ClientId,
}

/// The scopes of a resource server, if the token's client may still request them, and the client that asks may introspect the token. Empty if
/// not.
pub async fn readable_scope(db: impl sql::Executor<'_>, question: &TokenQuestion<'_>) -> Result<ResourceScopeSet, Error> {
    let query = sql::query_scalar(
        "SELECT s.scope FROM resource_servers r JOIN resource_scopes s ON s.tenant_id = r.tenant_id AND s.indicator = r.indicator
         WHERE r.tenant_id = $1 AND r.indicator = $2
           AND (r.all_clients OR EXISTS (SELECT 1 FROM resource_requesters q
                                         WHERE q.tenant_id = r.tenant_id AND q.indicator = r.indicator AND q.client_id = $3))
           AND ($5 OR EXISTS (SELECT 1 FROM resource_readers q
                              WHERE q.tenant_id = r.tenant_id AND q.indicator = r.indicator AND q.client_id = $4))",
    );
    let TokenQuestion { tenant_id, audience, issued_to, asked_by } = question;
    let query = query.bind(tenant_id.as_str()).bind(*audience).bind(issued_to.as_str()).bind(asked_by.as_str());
    let words: Vec<String> = query.bind(issued_to == asked_by).fetch_all(db).await?;
    Ok(words.iter().filter_map(|word| ResourceScope::parse(word).ok()).collect())
}

/// Inserts a resource server. False if the deployment has one with this indicator. Its clients must exist.
pub async fn insert(db: &mut Connection, server: &ResourceServer) -> Result<bool, Error> {
    let done = sql::query(
        "INSERT INTO resource_servers (tenant_id, indicator, name, all_clients, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(server.tenant_id.as_str())
    .bind(server.indicator.as_str())
    .bind(&server.name)
    .bind(server.clients == RequestingClients::All)
    .bind(server.created_at.as_millis())
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    insert_parts(db, server).await?;
    Ok(true)
}

/// Stores a changed resource server. Its clients must exist.
pub async fn update(db: &mut Connection, server: &ResourceServer, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE resource_servers SET name = $3, all_clients = $4, updated_at = $5 WHERE tenant_id = $1 AND indicator = $2")
        .bind(server.tenant_id.as_str())
        .bind(server.indicator.as_str())
        .bind(&server.name)
        .bind(server.clients == RequestingClients::All)
        .bind(now.as_millis())
        .execute(&mut *db)
        .await?;
    for delete in [
        sql::query("DELETE FROM resource_scopes WHERE tenant_id = $1 AND indicator = $2"),
        sql::query("DELETE FROM resource_requesters WHERE tenant_id = $1 AND indicator = $2"),
        sql::query("DELETE FROM resource_readers WHERE tenant_id = $1 AND indicator = $2"),
    ] {
        delete.bind(server.tenant_id.as_str()).bind(server.indicator.as_str()).execute(&mut *db).await?;
    }
    insert_parts(db, server).await
}

async fn insert_parts(db: &mut Connection, server: &ResourceServer) -> Result<(), Error> {
    let (tenant, indicator) = (server.tenant_id.as_str(), server.indicator.as_str());
    for RegisteredScope { scope, description } in &server.scopes {
        sql::query("INSERT INTO resource_scopes (tenant_id, indicator, scope, description_en, description_es) VALUES ($1, $2, $3, $4, $5)")
            .bind(tenant)
            .bind(indicator)
            .bind(scope.as_str())
            .bind(&description.en)
            .bind(&description.es)
            .execute(&mut *db)
            .await?;
    }
    let requesters: &[ClientId] = match &server.clients {
        RequestingClients::All => &[],
        RequestingClients::Only(clients) => clients,
    };
    for client in requesters {
        let insert = sql::query("INSERT INTO resource_requesters (tenant_id, indicator, client_id) VALUES ($1, $2, $3)");
        insert.bind(tenant).bind(indicator).bind(client.as_str()).execute(&mut *db).await?;
    }
    for client in &server.readers {
        let insert = sql::query("INSERT INTO resource_readers (tenant_id, indicator, client_id) VALUES ($1, $2, $3)");
        insert.bind(tenant).bind(indicator).bind(client.as_str()).execute(&mut *db).await?;
    }
    Ok(())
}

/// Deletes a resource server with all that belongs to it. False if there is none.
pub async fn delete(db: &mut Connection, tenant_id: &TenantId, indicator: &ResourceIndicator) -> Result<bool, Error> {
    let delete = sql::query("DELETE FROM resource_servers WHERE tenant_id = $1 AND indicator = $2");
    Ok(delete.bind(tenant_id.as_str()).bind(indicator.as_str()).execute(db).await?.rows_affected() == 1)
}
