//! Notifications of people, and the networks from which they sign in.

use std::collections::BTreeSet;

use sqlx::FromRow;

use super::clients::client_name;
use super::sql;
use super::{Connection, Error};
use crate::domain::audit_log::AuditEvent;
use crate::domain::ids::{ClientId, TenantId, UserId};
use crate::domain::mail::MAX_QUEUED_OF_PERSON;
use crate::domain::notification::{
    APPLICATION_KEYS_INTERVAL, MAX_NETWORKS, MAX_NOTIFICATIONS, Notification, NotificationKind, is_new_network, network,
};
use crate::domain::time::Timestamp;

/// Writes the notifications that these audit events cause, and returns them. Called where the events are inserted.
pub(super) async fn record(db: &mut Connection, events: &[AuditEvent]) -> Result<Vec<NewNotification>, Error> {
    let (mut rows, mut collapsed) = (Vec::new(), BTreeSet::new());
    for event in events {
        let (Some(kind), Some(person)) = (NotificationKind::of(event), &event.person) else { continue };
        let is_due = match kind {
            NotificationKind::NewNetwork => is_from_new_network(db, event, person).await?,
            kind if kind.is_collapsed() => collapsed.insert((&event.tenant_id, person, event.client_id.as_ref())),
            _ => true,
        };
        if is_due {
            rows.push(as_json(event, kind, person));
        }
    }
    if rows.is_empty() { Ok(Vec::new()) } else { insert(db, rows).await }
}

fn as_json(event: &AuditEvent, kind: NotificationKind, person: &UserId) -> serde_json::Value {
    serde_json::json!({
        "tenant_id": event.tenant_id.as_str(),
        "user_id": person.as_str(),
        "kind": kind.as_str(),
        "at": event.at.as_millis(),
        "client_id": event.client_id.as_ref().map(ClientId::as_str),
        "subject": event.subject,
        // People do not learn administrators' addresses.
        "from_address": event.from.filter(|_| event.admin.is_none()).map(|from| from.to_string()),
        "collapsed_since": kind.is_collapsed().then(|| (event.at - APPLICATION_KEYS_INTERVAL).as_millis()),
    })
}

/// Whether the network of a sign-in is new to the person; remembers it.
async fn is_from_new_network(db: &mut Connection, event: &AuditEvent, person: &UserId) -> Result<bool, Error> {
    let Some(network) = event.from.map(network) else { return Ok(false) };
    let (tenant, user) = (event.tenant_id.as_str(), person.as_str());
    let (before, there): (bool, Option<i64>) = sql::query_as(
        "SELECT EXISTS (SELECT 1 FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2),
                (SELECT last_seen_at FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 AND network = $3)",
    )
    .bind(tenant)
    .bind(user)
    .bind(&network)
    .fetch_one(&mut *db)
    .await?;
    sql::query(
        "INSERT INTO sign_in_networks (tenant_id, user_id, network, last_seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, user_id, network) DO UPDATE SET last_seen_at = excluded.last_seen_at",
    )
    .bind(tenant)
    .bind(user)
    .bind(&network)
    .bind(event.at.as_millis())
    .execute(&mut *db)
    .await?;
    let is_new = is_new_network(there.map(Timestamp::from_millis), before, event.at);
    if is_new {
        sql::query(
            "DELETE FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 AND network NOT IN
                 (SELECT network FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 ORDER BY last_seen_at DESC LIMIT $3)",
        )
        .bind(tenant)
        .bind(user)
        .bind(MAX_NETWORKS)
        .execute(db)
        .await?;
    }
    Ok(is_new)
}

/// Whether the person has signed in from a network, as far as it is remembered.
pub async fn signs_in_from(db: impl sql::Executor<'_>, tenant_id: &TenantId, person: &UserId, network: &str) -> Result<bool, Error> {
    let query = "SELECT EXISTS (SELECT 1 FROM sign_in_networks WHERE tenant_id = $1 AND user_id = $2 AND network = $3)";
    Ok(sql::query_scalar(query).bind(tenant_id.as_str()).bind(person.as_str()).bind(network).fetch_one(db).await?)
}

/// A notification that was just written.
#[derive(FromRow)]
pub(super) struct NewNotification {
    pub id: i64,
    pub tenant_id: String,
    pub user_id: String,
    kind: String,
}

impl NewNotification {
    pub fn is_always_mailed(&self) -> bool {
        NotificationKind::parse(&self.kind).is_some_and(NotificationKind::is_always_mailed)
    }
}

/// One statement for all. A collapsed notification is left out while the application has one that is not dismissed, or is recent.
async fn insert(db: &mut Connection, rows: Vec<serde_json::Value>) -> Result<Vec<NewNotification>, Error> {
    let inserted: Vec<NewNotification> = sql::query_as(
        "INSERT INTO notifications (tenant_id, user_id, kind, at, client_id, subject, from_address)
         SELECT n.value ->> 'tenant_id', n.value ->> 'user_id', n.value ->> 'kind', CAST(n.value ->> 'at' AS BIGINT), n.value ->> 'client_id',
                n.value ->> 'subject', n.value ->> 'from_address'
         FROM json_each($1) n
         WHERE EXISTS (SELECT 1 FROM people p WHERE p.tenant_id = n.value ->> 'tenant_id' AND p.user_id = n.value ->> 'user_id')
           AND (n.value ->> 'collapsed_since' IS NULL
                OR NOT EXISTS (SELECT 1 FROM notifications o
                               WHERE o.tenant_id = n.value ->> 'tenant_id' AND o.user_id = n.value ->> 'user_id'
                                 AND o.kind = n.value ->> 'kind' AND o.client_id = n.value ->> 'client_id'
                                 AND (o.dismissed_at IS NULL OR (o.at > CAST(n.value ->> 'collapsed_since' AS BIGINT)
                                                                 AND o.at <= CAST(n.value ->> 'at' AS BIGINT)))))
         RETURNING id, tenant_id, user_id, kind",
    )
    .bind(serde_json::Value::from(rows).to_string())
    .fetch_all(&mut *db)
    .await?;
    for new in &inserted {
        delete_beyond_limit(db, new).await?;
    }
    Ok(inserted)
}

/// What applications do displaces nothing else, and nothing is displaced that waits to be sent: an intruder could cause many of them.
async fn delete_beyond_limit(db: &mut Connection, newest: &NewNotification) -> Result<(), Error> {
    let [allowed, keys] = NotificationKind::OPTIONAL.map(NotificationKind::as_str);
    sql::query(
        "DELETE FROM notifications WHERE tenant_id = $1 AND user_id = $2 AND (kind IN ($4, $5)) = ($6 IN ($4, $5)) AND id <=
             (SELECT id FROM notifications WHERE tenant_id = $1 AND user_id = $2 AND (kind IN ($4, $5)) = ($6 IN ($4, $5))
              ORDER BY id DESC LIMIT 1 OFFSET $3)
           AND NOT EXISTS (SELECT 1 FROM mail_outbox o WHERE o.notification_id = notifications.id)",
    )
    .bind(&newest.tenant_id)
    .bind(&newest.user_id)
    .bind(MAX_NOTIFICATIONS)
    .bind(allowed)
    .bind(keys)
    .bind(&newest.kind)
    .execute(db)
    .await?;
    Ok(())
}

#[derive(FromRow)]
pub(super) struct Row {
    id: i64,
    kind: String,
    at: i64,
    client_id: Option<String>,
    client_name: Option<String>,
    has_access: bool,
    subject: Option<String>,
    from_address: Option<String>,
}

impl Row {
    /// `None` for a kind of a newer release.
    pub(super) fn into_notification(self) -> Option<Notification> {
        Some(Notification {
            id: self.id,
            kind: NotificationKind::parse(&self.kind)?,
            at: Timestamp::from_millis(self.at),
            client_id: self.client_id,
            client_name: self.client_name,
            has_access: self.has_access,
            subject: self.subject,
            from: self.from_address,
        })
    }
}

/// What a notification is read with; `n` is the table, and `$1` the time.
macro_rules! select_notifications {
    ($rest:literal) => {
        concat!(
            "SELECT n.id, n.kind, n.at, n.client_id, n.subject, n.from_address,
                    (SELECT ",
            client_name!("c"),
            " FROM clients c WHERE c.tenant_id = n.tenant_id AND c.client_id = n.client_id) AS client_name,
                    EXISTS (SELECT 1 FROM delegations d WHERE d.tenant_id = n.tenant_id AND d.client_id = n.client_id AND d.user_id = n.user_id
                                                          AND d.ended_at IS NULL AND d.expires_at > $1) AS has_access
             FROM notifications n ",
            $rest
        )
    };
}
pub(super) use select_notifications;

/// A person's notifications that are not dismissed, newest first.
pub async fn pending(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId, now: Timestamp) -> Result<Vec<Notification>, Error> {
    let rows: Vec<Row> =
        sql::query_as(select_notifications!("WHERE n.tenant_id = $2 AND n.user_id = $3 AND n.dismissed_at IS NULL ORDER BY n.id DESC LIMIT $4"))
            .bind(now.as_millis())
            .bind(tenant_id.as_str())
            .bind(user_id.as_str())
            .bind(2 * MAX_NOTIFICATIONS + MAX_QUEUED_OF_PERSON)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().filter_map(Row::into_notification).collect())
}

/// Dismisses one of a person's notifications. False if they have no such one, or it is dismissed already.
pub async fn dismiss(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, id: i64, now: Timestamp) -> Result<bool, Error> {
    let done = sql::query("UPDATE notifications SET dismissed_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND dismissed_at IS NULL")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(id)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Dismisses a person's notifications up to one that they were shown. Returns their number.
pub async fn dismiss_all(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, newest: i64, now: Timestamp) -> Result<u64, Error> {
    let done = sql::query("UPDATE notifications SET dismissed_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND id <= $3 AND dismissed_at IS NULL")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(newest)
        .bind(now.as_millis())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Deletes notifications from before `before`, at most `limit`, with their places in the outbox. Returns how many there were.
pub async fn delete_old(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE at < $1 LIMIT $2)";
    Ok(sql::query(delete).bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}

/// Deletes networks not seen since before `before`, at most `limit`. Returns how many there were. A person's last network stays: the next
/// sign-in is not their first.
pub async fn delete_old_networks(db: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    let delete = sql::query(
        "DELETE FROM sign_in_networks WHERE (tenant_id, user_id, network) IN
             (SELECT s.tenant_id, s.user_id, s.network FROM sign_in_networks s
              WHERE s.last_seen_at < $1
                AND EXISTS (SELECT 1 FROM sign_in_networks o
                            WHERE o.tenant_id = s.tenant_id AND o.user_id = s.user_id AND o.last_seen_at > s.last_seen_at)
              LIMIT $2)",
    );
    Ok(delete.bind(before.as_millis()).bind(limit).execute(db).await?.rows_affected())
}
