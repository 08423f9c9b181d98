//! A person's active keys in groups: by the client that created them, or by host.

use std::collections::HashMap;

use sqlx::FromRow;

use super::super::sql;
use super::super::{Error, parse_column};
use super::{KeySummary, find_of_person};
use crate::domain::ids::{ClientId, HostName, TenantId, UserId};
use crate::domain::ssh_key::search::{KeyGroup, KeyGrouping};
use crate::domain::time::Timestamp;

/// Groups on one page.
pub const GROUPS_PER_PAGE: i64 = 10;
/// Keys shown of each group.
pub const KEYS_PER_GROUP: i64 = 5;

/// Some of a person's groups of active keys; those most recently used or added to come first.
#[derive(Debug, Default)]
pub struct KeyGroupPage {
    pub groups: Vec<KeyGroupSummary>,
    /// Number of groups on all pages.
    pub group_count: i64,
    /// Number of active keys in all groups.
    pub active: i64,
    /// Number of keys that have expired or are used up, and so are in no group.
    pub ended: i64,
}

#[derive(Debug)]
pub struct KeyGroupSummary {
    pub group: KeyGroup,
    /// Number of active keys.
    pub active: i64,
    /// When the newest was created.
    pub newest_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    /// [`KEYS_PER_GROUP`]: those used last, and then the newest.
    pub first: Vec<KeySummary>,
}

/// A group; without groups a single row of totals.
#[derive(FromRow)]
struct GroupRow {
    name: Option<String>,
    active: Option<i64>,
    newest_at: Option<i64>,
    last_used_at: Option<i64>,
    group_count: i64,
    all_active: i64,
    all_ended: i64,
    /// The numbers of its first keys.
    first: Option<String>,
}

/// Groups by this column. The aggregates and the first keys of a client are read from the index `pubkeys_of_person_by_use` alone, for which the
/// condition has `max_uses > uses` instead of the generated column.
macro_rules! groups_by {
    ($column:literal) => {
        concat!(
            "WITH g AS MATERIALIZED (
                 SELECT ",
            $column,
            " AS name, count(*) AS active, max(created_at) AS newest_at, max(last_used_at) AS last_used_at
                 FROM pubkeys WHERE tenant_id = $1 AND user_id = $2 AND max_uses > uses AND expires_at > $3 GROUP BY ",
            $column,
            "),
             total AS (SELECT count(*) AS group_count, coalesce(CAST(sum(active) AS BIGINT), 0) AS all_active,
                              (SELECT count(*) FROM pubkeys WHERE tenant_id = $1 AND user_id = $2) AS everything
                       FROM g),
             shown AS MATERIALIZED (SELECT name, active, newest_at, last_used_at,
                                           CASE WHEN last_used_at > newest_at THEN last_used_at ELSE newest_at END AS recent_at
                                    FROM g ORDER BY recent_at DESC, name LIMIT $4 OFFSET $5)
             SELECT s.name, s.active, s.newest_at, s.last_used_at, t.group_count, t.all_active, t.everything - t.all_active AS all_ended,
                    (SELECT string_agg(CAST(f.number AS TEXT), ' ' ORDER BY f.last_used_at DESC NULLS LAST, f.number DESC)
                     FROM (SELECT p.number, p.last_used_at FROM pubkeys p
                           WHERE p.tenant_id = $1 AND p.user_id = $2 AND s.active > 0 AND p.",
            $column,
            " IS NOT DISTINCT FROM s.name AND p.max_uses > p.uses AND p.expires_at > $3
                           ORDER BY p.last_used_at DESC NULLS LAST, p.number DESC LIMIT $6) AS f) AS first
             FROM total t LEFT JOIN shown s ON 1 = 1 ORDER BY s.recent_at DESC, s.name"
        )
    };
}

/// A page of a person's groups. `page` counts from 0.
pub async fn page(db: &sql::Pool, tenant_id: &TenantId, user_id: &UserId, by: KeyGrouping, page: u32, now: Timestamp) -> Result<KeyGroupPage, Error> {
    let query = match by {
        KeyGrouping::Client => sql::query_as(groups_by!("client_id")),
        KeyGrouping::Host => sql::query_as(groups_by!("host")),
    };
    let query = query.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(now.as_millis());
    let query = query.bind(GROUPS_PER_PAGE).bind(i64::from(page) * GROUPS_PER_PAGE).bind(KEYS_PER_GROUP);
    let rows: Vec<GroupRow> = query.fetch_all(db).await?;
    let first = |row: &GroupRow| -> Vec<i64> { row.first.iter().flat_map(|numbers| numbers.split(' ')).filter_map(|n| n.parse().ok()).collect() };
    let numbers: Vec<i64> = rows.iter().flat_map(first).collect();
    let keys = find_of_person(db, tenant_id, user_id, &numbers).await?;
    let mut keys: HashMap<i64, KeySummary> = keys.into_iter().map(|summary| (summary.key.number, summary)).collect();
    let mut found = KeyGroupPage::default();
    for row in rows {
        found.group_count = row.group_count;
        (found.active, found.ended) = (row.all_active, row.all_ended);
        let (Some(active), Some(newest_at)) = (row.active, row.newest_at) else { continue };
        let first = first(&row).iter().filter_map(|number| keys.remove(number)).collect();
        let (newest_at, last_used_at) = (Timestamp::from_millis(newest_at), row.last_used_at.map(Timestamp::from_millis));
        found.groups.push(KeyGroupSummary { group: group(by, row.name)?, active, newest_at, last_used_at, first });
    }
    Ok(found)
}

fn group(by: KeyGrouping, name: Option<String>) -> Result<KeyGroup, Error> {
    let Some(name) = name else { return Ok(KeyGroup::Own) };
    Ok(match by {
        KeyGrouping::Client => KeyGroup::Client(parse_column("pubkeys", &name, ClientId::parse(name.as_str()))?),
        KeyGrouping::Host => KeyGroup::Host(parse_column("pubkeys", &name, HostName::parse(name.as_str()))?),
    })
}
