//! The audit log. Events are appended, deleted after the tenant's retention, and lose what tells of a person who is erased.

pub mod feed;
pub mod retention;

use std::time::Duration;

use sqlx::FromRow;

use super::clients::client_name;
use super::keyset::{KeysetQuery, Order};
use super::row::{row, select};
use super::sql;
use super::{Connection, Error, mail_outbox, notifications};
use crate::domain::audit_log::{AuditEntry, AuditEvent, AuditGroup, AuditKind, AuditObjects, ListedAuditEntry};
use crate::domain::folding;
use crate::domain::ids::{AccountName, AdminId, AuthorizationId, ClientId, HostName, TenantId, UserId};
use crate::domain::pagination::{Cursor, Page};
use crate::domain::time::{CLOCK_TOLERANCE, DateRange, Timestamp};

pub async fn insert(db: &mut Connection, event: &AuditEvent) -> Result<(), Error> {
    insert_all(db, std::slice::from_ref(event)).await
}

/// Appends events in their order, with the notifications that they cause. The only place that writes to the audit log.
pub async fn insert_all(db: &mut Connection, events: &[AuditEvent]) -> Result<(), Error> {
    let rows: Vec<serde_json::Value> = events.iter().map(as_json).collect();
    sql::query(
        "INSERT INTO activity (tenant_id, at, kind, user_id, client_id, device_grant_id, from_address, admin_id, subject, subject_folded,
                               host, account)
         SELECT value ->> 'tenant_id', CAST(value ->> 'at' AS BIGINT), value ->> 'kind', value ->> 'user_id', value ->> 'client_id', value ->> 'device_grant_id',
                value ->> 'from_address', value ->> 'admin_id', value ->> 'subject', value ->> 'subject_folded',
                value ->> 'host', value ->> 'account'
         FROM json_each($1)",
    )
    .bind(serde_json::Value::from(rows).to_string())
    .execute(&mut *db)
    .await?;
    for new in notifications::record(&mut *db, events).await? {
        mail_outbox::queue(&mut *db, &new).await?;
    }
    Ok(())
}

fn as_json(event: &AuditEvent) -> serde_json::Value {
    serde_json::json!({
        "tenant_id": event.tenant_id.as_str(),
        "at": event.at.as_millis(),
        "kind": event.kind.as_str(),
        "user_id": event.person.as_ref().map(UserId::as_str),
        "client_id": event.client_id.as_ref().map(ClientId::as_str),
        "device_grant_id": event.authorization_id.as_ref().map(AuthorizationId::as_str),
        "from_address": event.from.map(|from| from.to_string()),
        "admin_id": event.admin.as_ref().map(AdminId::as_str),
        "subject": event.subject,
        "subject_folded": event.subject.as_deref().and_then(folding::search_key),
        "host": event.host.as_ref().map(HostName::as_str),
        "account": event.account.as_ref().map(AccountName::as_str),
    })
}

/// Appends an event that callers can repeat at will: at most once within `span`.
pub async fn insert_throttled(db: &mut Connection, activity: &AuditEvent, span: Duration) -> Result<(), Error> {
    let query =
        "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant_id = $1 AND user_id IS NOT DISTINCT FROM $2 AND at > $3 AND at <= $8 AND kind = $4
                                  AND device_grant_id IS NOT DISTINCT FROM $5 AND subject IS NOT DISTINCT FROM $6
                                  AND from_address IS NOT DISTINCT FROM $7)";
    let recorded: bool = sql::query_scalar(query)
        .bind(activity.tenant_id.as_str())
        .bind(activity.person.as_ref().map(UserId::as_str))
        .bind((activity.at - span).as_millis())
        .bind(activity.kind.as_str())
        .bind(activity.authorization_id.as_ref().map(AuthorizationId::as_str))
        .bind(&activity.subject)
        .bind(activity.from.map(|from| from.to_string()))
        .bind((activity.at + CLOCK_TOLERANCE).as_millis())
        .fetch_one(&mut *db)
        .await?;
    if recorded { Ok(()) } else { insert(db, activity).await }
}

/// Whether the person's audit log mentions a key with this fingerprint.
pub async fn mentions_key(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId, fingerprint: &str) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM activity WHERE tenant_id = $1 AND user_id = $2 AND subject = $3 AND kind IN ($4, $5, $6))";
    let kinds = [AuditKind::KeyCreated, AuditKind::KeyUsed, AuditKind::KeyRevoked].map(AuditKind::as_str);
    let query = sql::query_scalar(query).bind(tenant_id.as_str()).bind(user_id.as_str()).bind(fingerprint);
    Ok(query.bind(kinds[0]).bind(kinds[1]).bind(kinds[2]).fetch_one(db).await?)
}

/// Parameters of an audit log query; newest first.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Only this person's; `None`: the whole tenant's.
    pub person: Option<UserId>,
    pub search: Option<String>,
    pub group: AuditGroup,
    pub dates: DateRange,
    /// Only events of this person's account or caused by this administrator, who may be a person.
    pub actor: Option<String>,
    pub after: Option<Cursor>,
}

row!(activity:
    struct Row {
        id: i64,
        at: i64,
        kind: String,
        user_id: Option<String>,
        client_id: Option<String>,
        admin_id: Option<String>,
        subject: Option<String>,
        host: Option<String>,
        account: Option<String>,
        from_address: Option<String>,
    }
);

/// What an entry is about, as far as it still exists.
#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    entry: Row,
    client_name: Option<String>,
    person_name: Option<String>,
    key_number: Option<i64>,
    host_account_id: Option<String>,
    device_delegation: Option<i64>,
    device_delegated_until: Option<i64>,
    delegated_until: Option<i64>,
    host_known: bool,
}

impl ListedRow {
    fn at(self, now: Timestamp) -> ListedAuditEntry {
        let in_force = |until: Option<i64>| until.is_some_and(|until| now < Timestamp::from_millis(until));
        let objects = AuditObjects {
            client_name: self.client_name,
            person_name: self.person_name,
            key: self.key_number,
            host_account: self.host_account_id,
            delegation: self.device_delegation.filter(|_| in_force(self.device_delegated_until)),
            delegated: in_force(self.delegated_until),
            host: self.host_known,
        };
        ListedAuditEntry { entry: self.entry.into(), objects }
    }
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            row_id: row.id,
            at: Timestamp::from_millis(row.at),
            kind: row.kind,
            person: row.user_id,
            client_id: row.client_id,
            admin: row.admin_id,
            subject: row.subject,
            host: row.host,
            account: row.account,
            from: row.from_address,
        }
    }
}

/// What a search finds: an application also by the name it has now.
const SEARCHED: [&str; 9] = [
    "kind",
    "user_id",
    "client_id",
    "coalesce(subject_folded, subject)",
    "host",
    "account",
    "from_address",
    "admin_id",
    "(SELECT coalesce(c.app_name_folded, c.app_name) FROM clients c WHERE c.tenant_id = activity.tenant_id AND c.client_id = activity.client_id)",
];

/// A page of events, newest first.
pub async fn list(db: &sql::Pool, tenant_id: &TenantId, query: &AuditQuery, now: Timestamp) -> Result<Page<ListedAuditEntry>, Error> {
    // Evaluated for the rows of the page only. Expressions instead of columns (`+k.number`, `d.user_id || ''`) keep the planner from
    // reading all keys and delegations of the tenant or person in another index: fingerprint and device grant select a few rows.
    const LISTED_COLUMNS: &str = concat!(
        columns!(),
        ", (SELECT ",
        client_name!("c"),
        " FROM clients c WHERE c.tenant_id = activity.tenant_id AND c.client_id = activity.client_id) AS client_name,
           (SELECT p.display_name FROM people p WHERE p.tenant_id = activity.tenant_id AND p.user_id = activity.user_id) AS person_name,
           (SELECT min(+k.number) FROM pubkeys k
            WHERE k.fingerprint = activity.subject AND k.tenant_id = activity.tenant_id AND k.user_id = activity.user_id
              AND (activity.host IS NULL OR (k.host = activity.host COLLATE NOCASE AND k.account = activity.account))) AS key_number,
           (SELECT h.id FROM host_accounts h
            WHERE h.tenant_id = activity.tenant_id AND h.user_id = activity.user_id AND h.host = activity.host COLLATE NOCASE
              AND h.account = activity.account) AS host_account_id,
           (SELECT min(+d.number) FROM delegations d
            WHERE d.tenant_id = activity.tenant_id AND d.device_grant_id = activity.device_grant_id AND d.user_id || '' = activity.user_id
              AND d.ended_at IS NULL) AS device_delegation,
           (SELECT min(d.expires_at) FROM delegations d
            WHERE d.tenant_id = activity.tenant_id AND d.device_grant_id = activity.device_grant_id AND d.user_id || '' = activity.user_id
              AND d.ended_at IS NULL) AS device_delegated_until,
           (SELECT max(d.expires_at) FROM delegations d
            WHERE d.tenant_id = activity.tenant_id AND d.client_id = activity.client_id AND d.user_id = activity.user_id
              AND d.ended_at IS NULL) AS delegated_until,
           EXISTS (SELECT 1 FROM hosts o WHERE o.tenant_id = activity.tenant_id AND o.host = activity.host COLLATE NOCASE) AS host_known"
    );
    let order = Order::integer("at", "id").descending();
    let mut listing = match &query.actor {
        Some(actor) => by_actor(LISTED_COLUMNS, tenant_id, actor, order),
        None => KeysetQuery::new(LISTED_COLUMNS, "activity WHERE tenant_id = ", tenant_id.as_str().to_owned(), order),
    };
    if let Some(person) = &query.person {
        listing.and_bound("user_id = ", person.as_str().to_owned());
    }
    if query.group != AuditGroup::All {
        let kinds: Vec<&str> = AuditKind::ALL.iter().filter(|kind| kind.group() == query.group).map(|kind| kind.as_str()).collect();
        listing.and_bound("kind IN (SELECT atom FROM json_each(", serde_json::to_string(&kinds).unwrap_or_default()).close_paren().close_paren();
    }
    if let Some(from) = query.dates.from {
        listing.and_bound("at >= ", from.as_millis());
    }
    if let Some(until) = query.dates.until {
        listing.and_bound("at < ", until.as_millis());
    }
    listing.search(query.search.as_deref(), &SEARCHED);
    Ok(listing.fetch::<ListedRow>(db, query.after.as_ref()).await?.map(|row| row.at(now)))
}

/// The events of an account or caused by an administrator. Three lists without common events, because each is in the order of an index and
/// the database merges them: it reads no more than a page, whether the actor has few of the tenant's events or most.
fn by_actor(columns: &'static str, tenant_id: &TenantId, actor: &str, order: Order) -> KeysetQuery {
    let mut listing = KeysetQuery::new(columns, "(SELECT * FROM activity WHERE user_id = ", actor.to_owned(), order);
    for admin in [actor.to_owned(), format!("person:{actor}")] {
        listing.then_bound(" UNION ALL SELECT * FROM activity WHERE admin_id = ", admin);
        listing.then_bound(" AND user_id IS DISTINCT FROM ", actor.to_owned());
    }
    listing.then_bound(") activity WHERE tenant_id = ", tenant_id.as_str().to_owned());
    listing
}

/// The number of the newest event of all tenants; 0 if there is none.
pub async fn last(db: impl sql::Executor<'_>) -> Result<i64, Error> {
    Ok(sql::query_scalar("SELECT coalesce(max(id), 0) FROM activity").fetch_one(db).await?)
}

/// An event of any tenant.
#[derive(FromRow)]
struct FeedRow {
    tenant_id: String,
    #[sqlx(flatten)]
    row: Row,
}

async fn events_after(db: &mut Connection, tenant: Option<&TenantId>, after: i64, limit: i64) -> Result<Vec<FeedRow>, Error> {
    let query = match tenant {
        None => sql::query_as(concat!("SELECT tenant_id, ", columns!(), " FROM ", table!(), " WHERE id > $1 ORDER BY id LIMIT $2")),
        Some(_) => {
            sql::query_as(concat!("SELECT tenant_id, ", columns!(), " FROM ", table!(), " WHERE id > $1 AND tenant_id = $3 ORDER BY id LIMIT $2"))
        }
    };
    let query = query.bind(after).bind(limit);
    let query = match tenant {
        None => query,
        Some(tenant) => query.bind(tenant.as_str()),
    };
    Ok(query.fetch_all(db).await?)
}

/// A batch of events for exports, oldest first: after one number, up to another.
pub async fn export(
    db: impl sql::Executor<'_>,
    tenant_id: &TenantId,
    person: Option<&UserId>,
    after: i64,
    end: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>, Error> {
    let rows: Vec<Row> =
        sql::query_as(select!("WHERE tenant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) AND id > $3 AND id <= $4 ORDER BY id LIMIT $5"))
            .bind(tenant_id.as_str())
            .bind(person.map(UserId::as_str))
            .bind(after)
            .bind(end)
            .bind(limit)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}
