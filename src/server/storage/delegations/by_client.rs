//! A person's delegations, by client.

use std::collections::HashMap;

use sqlx::FromRow;

use super::super::sql;
use super::key_use::{KeyUse, PersonKeyUse};
use super::{DelegationSummary, DelegationSummaryRow, fill_families, summary_columns, summary_tables};
use crate::domain::delegation::{DelegationFilter, DelegationSort};
use crate::domain::ids::{ClientId, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::time::Timestamp;
use crate::server::storage::clients::{ClientName, client_name, flow_is_allowed};
use crate::server::storage::keyset::{KeysetQuery, Order};
use crate::server::storage::{Error, parse_column};

/// Delegations of a client that its entry in the list shows.
const SHOWN: i64 = 5;

/// A client with a person's delegations to it.
#[derive(Clone, Debug)]
pub struct ClientDelegations {
    pub client_id: ClientId,
    pub client: ClientName,
    /// The newest of those that match the filter.
    pub newest: Vec<DelegationSummary>,
    /// The number of all that match.
    pub total: i64,
    /// The number of active ones.
    pub active: i64,
    /// All keys that the client has created for the person.
    pub keys: KeyUse,
}

#[derive(FromRow)]
struct Row {
    client_id: String,
    #[sqlx(flatten)]
    client: ClientName,
    active: i64,
    delegations: i64,
}

/// A page of the clients that a person has delegations to, each with the newest ones; restricted to one client if given.
pub async fn list(
    db: &sql::Pool,
    tenant_id: &TenantId,
    user_id: &UserId,
    client_id: Option<&ClientId>,
    params: &ListParams<DelegationFilter, DelegationSort>,
    now: Timestamp,
) -> Result<Page<ClientDelegations>, Error> {
    const COLUMNS: &str =
        concat!("a.client_id, a.active, a.delegations, ", client_name!("c"), " AS name, c.verified, c.secret_hash IS NULL AS public");
    const FROM: &str = "(SELECT d.tenant_id, d.client_id, count(*) AS delegations, max(d.number) AS newest, max(d.expires_at) AS longest,
                count(CASE WHEN d.ended_at IS NULL AND d.expires_at > m.now THEN 1 END) AS active,
                max(CASE WHEN d.ended_at IS NULL AND d.expires_at > m.now THEN d.number END) AS newest_active,
                min(CASE WHEN d.ended_at IS NULL AND d.expires_at > m.now THEN d.expires_at END) AS soonest
         FROM moment m JOIN delegations d ON d.tenant_id = m.tenant_id AND d.user_id = m.user_id
         GROUP BY d.tenant_id, d.client_id) a
        JOIN clients c ON c.tenant_id = a.tenant_id AND c.client_id = a.client_id
        WHERE a.tenant_id = ";
    let order = match params.sort {
        DelegationSort::Created => Order::integer("coalesce(a.newest_active, a.newest)", "a.newest").descending(),
        DelegationSort::Expires => Order::integer("coalesce(a.soonest, a.longest)", "a.newest"),
        DelegationSort::Client => Order::text("coalesce(c.app_name_folded, lower(c.app_name))", "a.newest"),
    };
    let mut listing = KeysetQuery::of_person(now, tenant_id, user_id, COLUMNS, FROM, order);
    match params.show {
        DelegationFilter::Active => drop(listing.and("a.active > 0")),
        DelegationFilter::Ended => drop(listing.and("a.delegations > a.active")),
        DelegationFilter::All => {}
    }
    if let Some(client_id) = client_id {
        listing.and_bound("a.client_id = ", client_id.as_str().to_owned());
    }
    listing.search(params.search.as_deref(), &["a.client_id", "coalesce(c.app_name_folded, c.app_name)"]);
    let Page { items, next, position } = listing.fetch::<Row>(db, params.after.as_ref()).await?;
    let ids: Vec<&str> = items.iter().map(|row| row.client_id.as_str()).collect();
    let mut newest = newest(db, tenant_id, user_id, &ids, params.show, now).await?;
    fill_families(db, tenant_id, newest.values_mut().flatten()).await?;
    let keys = PersonKeyUse::read(db, tenant_id, user_id).await?;
    let mut clients = Vec::with_capacity(items.len());
    for row in items {
        let client_id = parse_column("delegations", &row.client_id, ClientId::parse(row.client_id.clone()))?;
        let mut newest = newest.remove(&client_id).unwrap_or_default();
        keys.fill(&mut newest);
        let total = match params.show {
            DelegationFilter::Active => row.active,
            DelegationFilter::Ended => row.delegations - row.active,
            DelegationFilter::All => row.delegations,
        };
        clients.push(ClientDelegations {
            keys: keys.of_client(client_id.as_str()),
            client_id,
            client: row.client,
            newest,
            total,
            active: row.active,
        });
    }
    Ok(Page { items: clients, next, position })
}

/// The newest [`SHOWN`] of a person's delegations to each of these clients.
async fn newest(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    user_id: &UserId,
    clients: &[&str],
    show: DelegationFilter,
    now: Timestamp,
) -> Result<HashMap<ClientId, Vec<DelegationSummary>>, Error> {
    let query = concat!(
        "SELECT ",
        summary_columns!(),
        " FROM (SELECT n.tenant_id, n.number, row_number() OVER (PARTITION BY n.client_id ORDER BY n.number DESC) AS place
                FROM delegations n
                WHERE n.tenant_id = $1 AND n.user_id = $2 AND n.client_id IN (SELECT atom FROM json_each($3))
                  AND (CAST($4 AS BOOLEAN) IS NULL OR (n.ended_at IS NULL AND n.expires_at > $5) = $4)) newest
          CROSS JOIN ",
        summary_tables!(),
        " WHERE d.tenant_id = $1 AND d.number = newest.number AND newest.place <= $6 ORDER BY d.number DESC"
    );
    let active = match show {
        DelegationFilter::Active => Some(true),
        DelegationFilter::Ended => Some(false),
        DelegationFilter::All => None,
    };
    let clients = serde_json::to_string(clients).unwrap_or_default();
    let query = sql::query_as(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(clients).bind(active).bind(now.as_millis()).bind(SHOWN);
    let rows: Vec<DelegationSummaryRow> = query.fetch_all(db).await?;
    let mut newest: HashMap<ClientId, Vec<DelegationSummary>> = HashMap::new();
    for row in rows {
        let summary = DelegationSummary::try_from(row)?;
        newest.entry(summary.delegation.client_id.clone()).or_default().push(summary);
    }
    Ok(newest)
}
