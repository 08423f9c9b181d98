//! A person's active keys in groups: by the client that created them, or by host.

use std::collections::HashMap;

use sqlx::{FromRow, SqlitePool};

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

/// One of the first keys of a group, with the group; without keys and groups a single row of totals.
#[derive(FromRow)]
struct GroupRow {
    name: Option<String>,
    active: Option<i64>,
    newest_at: Option<i64>,
    last_used_at: Option<i64>,
    group_count: i64,
    all_active: Option<i64>,
    all_ended: Option<i64>,
    number: Option<i64>,
}

/// Groups by this column: one pass over the person's keys, and one over those of the groups of the page.
macro_rules! groups_by {
    ($column:literal) => {
        concat!(
            "WITH g AS MATERIALIZED (
                 SELECT ",
            $column,
            " AS name, count(*) FILTER (WHERE remaining_uses > 0 AND expires_at > $3) AS active,
                        max(created_at) FILTER (WHERE remaining_uses > 0 AND expires_at > $3) AS newest_at,
                        max(last_used_at) FILTER (WHERE remaining_uses > 0 AND expires_at > $3) AS last_used_at, count(*) AS everything
                 FROM pubkeys WHERE tenant_id = $1 AND user_id = $2 GROUP BY ",
            $column,
            "),
             total AS (SELECT sum(active) AS all_active, sum(everything - active) AS all_ended, count(*) FILTER (WHERE active > 0) AS group_count
                       FROM g),
             shown AS MATERIALIZED (SELECT name, active, newest_at, last_used_at,
                                           CASE WHEN last_used_at > newest_at THEN last_used_at ELSE newest_at END AS recent_at
                                    FROM g WHERE active > 0 ORDER BY recent_at DESC, name LIMIT $4 OFFSET $5)
             SELECT s.name, s.active, s.newest_at, s.last_used_at, t.group_count, t.all_active, t.all_ended, k.number
             FROM total t
             LEFT JOIN shown s ON 1 = 1
             LEFT JOIN pubkeys k ON k.number IN (SELECT p.number FROM pubkeys p
                                                 WHERE p.tenant_id = $1 AND p.user_id = $2 AND p.",
            $column,
            " IS NOT DISTINCT FROM s.name AND p.remaining_uses > 0 AND p.expires_at > $3
                                                 ORDER BY coalesce(p.last_used_at, 0) DESC, p.number DESC LIMIT $6)
             ORDER BY s.recent_at DESC, s.name, coalesce(k.last_used_at, 0) DESC, k.number DESC"
        )
    };
}

/// A page of a person's groups. `page` counts from 0.
pub async fn page(
    db: &SqlitePool,
    tenant_id: &TenantId,
    user_id: &UserId,
    by: KeyGrouping,
    page: u32,
    now: Timestamp,
) -> Result<KeyGroupPage, Error> {
    let query = match by {
        KeyGrouping::Client => sqlx::query_as(groups_by!("client_id")),
        KeyGrouping::Host => sqlx::query_as(groups_by!("host")),
    };
    let query = query.bind(tenant_id.as_str()).bind(user_id.as_str()).bind(now.as_millis());
    let query = query.bind(GROUPS_PER_PAGE).bind(i64::from(page) * GROUPS_PER_PAGE).bind(KEYS_PER_GROUP);
    let rows: Vec<GroupRow> = query.fetch_all(db).await?;
    let numbers: Vec<i64> = rows.iter().filter_map(|row| row.number).collect();
    let keys = find_of_person(db, tenant_id, user_id, &numbers).await?;
    let mut keys: HashMap<i64, KeySummary> = keys.into_iter().map(|summary| (summary.key.number, summary)).collect();
    let mut found = KeyGroupPage::default();
    for row in rows {
        found.group_count = row.group_count;
        (found.active, found.ended) = (row.all_active.unwrap_or_default(), row.all_ended.unwrap_or_default());
        let (Some(active), Some(newest_at)) = (row.active, row.newest_at) else { continue };
        let group = group(by, row.name)?;
        if found.groups.last().is_none_or(|last| last.group != group) {
            let (newest_at, last_used_at) = (Timestamp::from_millis(newest_at), row.last_used_at.map(Timestamp::from_millis));
            found.groups.push(KeyGroupSummary { group, active, newest_at, last_used_at, first: Vec::new() });
        }
        if let (Some(last), Some(key)) = (found.groups.last_mut(), row.number.and_then(|number| keys.remove(&number))) {
            last.first.push(key);
        }
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
