//! The outbox: notifications that wait to be sent by e-mail, and who gets e-mail.

use sqlx::FromRow;

use super::clients::client_name;
use super::notifications::{self, NewNotification, select_notifications};
use super::sql;
use super::{Connection, Error, parse_column};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::mail::{EmailAddress, LONGEST_RETRY, MAIL_INTERVAL, MAX_PER_MESSAGE, MAX_QUEUED, MAX_QUEUED_OF_PERSON, MAX_QUEUED_OPTIONAL};
use crate::domain::notification::Notification;
use crate::domain::time::{CLOCK_TOLERANCE, Timestamp};

/// Sets whether the server sends e-mail. If not, nothing is queued.
pub async fn set_enabled(db: &mut Connection, enabled: bool) -> Result<(), Error> {
    sql::query("UPDATE mail_settings SET enabled = $1").bind(enabled).execute(db).await?;
    Ok(())
}

/// Deletes what waits, at most `limit` notifications. Returns how many there were.
pub async fn delete_queued(db: &mut Connection, limit: u32) -> Result<u64, Error> {
    let delete = "DELETE FROM mail_outbox WHERE notification_id IN (SELECT notification_id FROM mail_outbox LIMIT $1)";
    Ok(sql::query(delete).bind(limit).execute(db).await?.rows_affected())
}

/// Queues a notification if the server sends e-mail, and the person has an address and wants it, or it is always sent.
pub(super) async fn queue(db: &mut Connection, new: &NewNotification) -> Result<(), Error> {
    let always = new.is_always_mailed();
    let (queued, of_person): (i64, i64) =
        sql::query_as("SELECT count(*), count(CASE WHEN user_id = $2 THEN 1 END) FROM mail_outbox WHERE tenant_id = $1")
            .bind(&new.tenant_id)
            .bind(&new.user_id)
            .fetch_one(&mut *db)
            .await?;
    if queued >= MAX_QUEUED || of_person >= if always { MAX_QUEUED_OF_PERSON } else { MAX_QUEUED_OPTIONAL } {
        tracing::warn!(tenant = new.tenant_id, user = new.user_id, notification = new.id, "No e-mail about a notification: too many wait");
        return Ok(());
    }
    sql::query(
        "INSERT INTO mail_outbox (notification_id, tenant_id, user_id, created_at, due_at)
         SELECT n.id, n.tenant_id, n.user_id, n.at, CASE WHEN p.mailed_at <= n.at AND p.mailed_at + $3 > n.at THEN p.mailed_at + $3 ELSE n.at END
         FROM notifications n
         JOIN people p ON p.tenant_id = n.tenant_id AND p.user_id = n.user_id
         JOIN mail_settings s ON s.enabled
         WHERE n.id = $1 AND p.email IS NOT NULL AND (p.optional_mail OR $2)",
    )
    .bind(new.id)
    .bind(always)
    .bind(millis(MAIL_INTERVAL))
    .execute(db)
    .await?;
    Ok(())
}

/// One message to one person, claimed by its sender.
#[derive(Clone, Debug)]
pub struct ClaimedMail {
    pub tenant_id: TenantId,
    pub tenant_name: String,
    pub user_id: UserId,
    pub display_name: String,
    /// `None`: the person has no address any more.
    pub address: Option<EmailAddress>,
    /// BCP 47 tag of the language that they last used.
    pub language: Option<String>,
    /// Newest first.
    pub notifications: Vec<Notification>,
    pub rows: Vec<ClaimedRow>,
}

/// A row of the outbox.
#[derive(Clone, Debug, FromRow)]
pub struct ClaimedRow {
    pub notification_id: i64,
    created_at: i64,
    /// With this one.
    pub attempts: i64,
}

impl ClaimedRow {
    pub fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created_at)
    }
}

#[derive(FromRow)]
struct RecipientRow {
    tenant_id: String,
    tenant_name: String,
    user_id: String,
    display_name: String,
    email: Option<String>,
    language: Option<String>,
}

/// Claims what is due of the person who has waited longest: until `claimed_until` no other sender takes it.
pub async fn claim(db: &mut Connection, now: Timestamp, claimed_until: Timestamp) -> Result<Option<ClaimedMail>, Error> {
    let recipient: Option<RecipientRow> = sql::query_as(
        "SELECT o.tenant_id, t.display_name AS tenant_name, o.user_id, p.display_name, p.email, p.language
         FROM mail_outbox o
         JOIN people p ON p.tenant_id = o.tenant_id AND p.user_id = o.user_id
         JOIN tenants t ON t.id = o.tenant_id
         WHERE o.due_at <= $1 ORDER BY o.due_at LIMIT 1",
    )
    .bind(now.as_millis())
    .fetch_optional(&mut *db)
    .await?;
    let Some(recipient) = recipient else { return Ok(None) };
    let rows: Vec<ClaimedRow> = sql::query_as(
        "UPDATE mail_outbox SET attempts = attempts + 1, due_at = $4 WHERE notification_id IN
             (SELECT notification_id FROM mail_outbox WHERE tenant_id = $1 AND user_id = $2 AND due_at <= $3 ORDER BY notification_id LIMIT $5)
         RETURNING notification_id, created_at, attempts",
    )
    .bind(&recipient.tenant_id)
    .bind(&recipient.user_id)
    .bind(now.as_millis())
    .bind(claimed_until.as_millis())
    .bind(MAX_PER_MESSAGE)
    .fetch_all(&mut *db)
    .await?;
    let mut notifications = Vec::new();
    for row in &rows {
        notifications.extend(find_notification(db, row.notification_id, now).await?);
    }
    notifications.sort_by_key(|notification| std::cmp::Reverse(notification.id));
    Ok(Some(ClaimedMail {
        tenant_id: parse_column("mail_outbox", &recipient.user_id, TenantId::parse(recipient.tenant_id))?,
        tenant_name: recipient.tenant_name,
        user_id: parse_column("mail_outbox", &recipient.user_id, UserId::parse(recipient.user_id.clone()))?,
        display_name: recipient.display_name,
        address: recipient.email.and_then(|address| EmailAddress::parse(&address).ok()),
        language: recipient.language,
        notifications,
        rows,
    }))
}

async fn find_notification(db: &mut Connection, id: i64, now: Timestamp) -> Result<Option<Notification>, Error> {
    let row: Option<notifications::Row> =
        sql::query_as(select_notifications!("WHERE n.id = $2")).bind(now.as_millis()).bind(id).fetch_optional(db).await?;
    Ok(row.and_then(notifications::Row::into_notification))
}

/// Makes due what was stored while the clock was ahead: what is later than any retry, and new rows from the future.
pub async fn correct_times(db: &mut Connection, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE mail_outbox SET due_at = $1 WHERE due_at > $2 OR (due_at > $1 AND attempts = 0 AND created_at > $3)")
        .bind(now.as_millis())
        .bind((now + LONGEST_RETRY).as_millis())
        .bind((now + CLOCK_TOLERANCE).as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a row that was sent, or is given up.
pub async fn delete(db: &mut Connection, row: &ClaimedRow) -> Result<(), Error> {
    sql::query("DELETE FROM mail_outbox WHERE notification_id = $1").bind(row.notification_id).execute(db).await?;
    Ok(())
}

/// Sets the next attempt.
pub async fn postpone(db: &mut Connection, row: &ClaimedRow, due_at: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE mail_outbox SET due_at = $2 WHERE notification_id = $1")
        .bind(row.notification_id)
        .bind(due_at.as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Records that a person was sent a message: what else waits for them follows after [`MAIL_INTERVAL`].
pub async fn record_sent(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, now: Timestamp) -> Result<(), Error> {
    sql::query("UPDATE people SET mailed_at = $3 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(now.as_millis())
        .execute(&mut *db)
        .await?;
    sql::query("UPDATE mail_outbox SET due_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND due_at < $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind((now + MAIL_INTERVAL).as_millis())
        .execute(db)
        .await?;
    Ok(())
}

/// Where a person gets e-mail, and about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPreferences {
    /// Whether the server sends e-mail at all.
    pub enabled: bool,
    pub address: Option<EmailAddress>,
    /// The issuer that asserted the address; `None`: an administrator set it.
    pub issuer: Option<String>,
    /// Whether e-mail is also sent about what applications do.
    pub optional_mail: bool,
}

#[derive(FromRow)]
struct PreferencesRow {
    enabled: bool,
    email: Option<String>,
    email_issuer: Option<String>,
    optional_mail: bool,
}

/// `None` if there is no such person.
pub async fn preferences(db: impl sql::Executor<'_>, tenant_id: &TenantId, user_id: &UserId) -> Result<Option<MailPreferences>, Error> {
    let row: Option<PreferencesRow> = sql::query_as(
        "SELECT s.enabled, p.email, p.email_issuer, p.optional_mail FROM people p, mail_settings s WHERE p.tenant_id = $1 AND p.user_id = $2",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| MailPreferences {
        enabled: row.enabled,
        address: row.email.and_then(|address| EmailAddress::parse(&address).ok()),
        issuer: row.email_issuer,
        optional_mail: row.optional_mail,
    }))
}

/// Sets whether e-mail is also sent about what applications do.
pub async fn set_optional_mail(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, enabled: bool) -> Result<(), Error> {
    sql::query("UPDATE people SET optional_mail = $3 WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(enabled)
        .execute(db)
        .await?;
    Ok(())
}

/// Sets or removes a person's address for an administrator. False if there is no such person.
pub async fn set_address(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, address: Option<&EmailAddress>) -> Result<bool, Error> {
    let done = sql::query("UPDATE people SET email = $3, email_issuer = NULL WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(address.map(EmailAddress::as_str))
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the address that an issuer asserts and has verified, unless an administrator or another issuer set one.
pub async fn set_claimed_address(
    db: &mut Connection,
    tenant_id: &TenantId,
    user_id: &UserId,
    issuer: &str,
    address: &EmailAddress,
) -> Result<(), Error> {
    sql::query(
        "UPDATE people SET email = $4, email_issuer = $3
         WHERE tenant_id = $1 AND user_id = $2 AND (email IS NULL OR (email_issuer = $3 AND email <> $4))",
    )
    .bind(tenant_id.as_str())
    .bind(user_id.as_str())
    .bind(issuer)
    .bind(address.as_str())
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the address that an issuer asserted, when the person's identity there is unlinked, or the issuer names one that is not verified.
pub async fn forget_claimed_address(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, issuer: &str) -> Result<(), Error> {
    sql::query("UPDATE people SET email = NULL, email_issuer = NULL WHERE tenant_id = $1 AND user_id = $2 AND email_issuer = $3")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(issuer)
        .execute(db)
        .await?;
    Ok(())
}

/// Stores the language that a person uses.
pub async fn set_language(db: &mut Connection, tenant_id: &TenantId, user_id: &UserId, language: &str) -> Result<(), Error> {
    sql::query("UPDATE people SET language = $3 WHERE tenant_id = $1 AND user_id = $2 AND (language IS NULL OR language <> $3)")
        .bind(tenant_id.as_str())
        .bind(user_id.as_str())
        .bind(language)
        .execute(db)
        .await?;
    Ok(())
}

fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
