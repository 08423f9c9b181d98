//! A person's notifications, and their e-mail: the outbox, addresses and preferences.

use std::time::Duration;

use futures_util::FutureExt;

use super::{Error, Fault, Services};
use crate::domain::audit_log::AuditKind;
use crate::domain::ids::{TenantId, UserId};
use crate::domain::mail::{EmailAddress, next_attempt};
use crate::domain::notification::Notification;
use crate::server::service::admin::people::admin_event;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin};
use crate::server::service::platform::housekeeping::BATCH;
pub use crate::server::storage::mail_outbox::{ClaimedMail, MailPreferences};
use crate::server::storage::{mail_outbox, notifications};

/// How long a claimed message belongs to its sender: longer than sending takes. Sent again if the sender disappears.
const CLAIM_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailOutcome {
    Sent,
    /// The server cannot be used now; another attempt may succeed.
    Failed(String),
    /// The server does not accept this message now; it may accept others, and this one later.
    Deferred(String),
    /// The server will never accept it.
    Rejected(String),
}

impl Services {
    /// The person's notifications that are not dismissed, newest first.
    pub async fn pending_notifications(&self, person: &SignedIn) -> Result<Vec<Notification>, Fault> {
        Ok(notifications::pending(self.storage().reader(), person.tenant_id(), person.user_id(), self.now()).await?)
    }

    /// Dismisses one. False if it is not theirs, or dismissed already.
    pub async fn dismiss_notification(&self, person: &SignedIn, id: i64) -> Result<bool, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { notifications::dismiss(db, person.tenant_id(), person.user_id(), id, now).await }.boxed()).await
    }

    /// Dismisses all up to the newest one that the person was shown. Returns their number.
    pub async fn dismiss_all_notifications(&self, person: &SignedIn, newest: i64) -> Result<u64, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { notifications::dismiss_all(db, person.tenant_id(), person.user_id(), newest, now).await }.boxed()).await
    }

    /// Where and about what the person gets e-mail.
    pub async fn mail_preferences(&self, person: &SignedIn) -> Result<Option<MailPreferences>, Fault> {
        Ok(mail_outbox::preferences(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// Turns e-mail about what applications do on or off.
    pub async fn set_optional_mail(&self, person: &SignedIn, enabled: bool) -> Result<(), Fault> {
        let person = person.clone();
        self.write(move |db| async move { mail_outbox::set_optional_mail(db, person.tenant_id(), person.user_id(), enabled).await }.boxed()).await
    }

    /// Stores the language in which the person reads the portal.
    pub async fn set_language(&self, tenant: &TenantId, user: &UserId, language: &str) -> Result<(), Fault> {
        let (tenant, user, language) = (tenant.clone(), user.clone(), language.to_owned());
        self.write(move |db| async move { mail_outbox::set_language(db, &tenant, &user, &language).await }.boxed()).await
    }

    /// Where and about what a person gets e-mail, for administrators.
    pub async fn mail_preferences_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<MailPreferences>, Fault> {
        Ok(mail_outbox::preferences(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    /// Sets or removes a person's address.
    pub async fn set_email(&self, admin: &TenantAdmin, user_id: &UserId, address: Option<EmailAddress>) -> Result<(), Error<PersonRefused>> {
        let (tenant, user) = (admin.tenant_id().clone(), user_id.clone());
        let record = admin_event(admin, AuditKind::PersonChanged, user_id, self.now());
        let changed =
            self.write_audited(record, move |db| async move { mail_outbox::set_address(db, &tenant, &user, address.as_ref()).await }.boxed()).await?;
        changed.then_some(()).ok_or(Error::Refused(PersonRefused::NoPerson))
    }

    /// Whether the server sends e-mail; set at its start. If not, notifications are not queued, and those that wait are deleted.
    pub async fn set_mail_enabled(&self, enabled: bool) -> Result<(), Fault> {
        self.write(move |db| async move { mail_outbox::set_enabled(db, enabled).await }.boxed()).await?;
        if enabled { Ok(()) } else { self.in_batches(BATCH, |db, limit| mail_outbox::delete_queued(db, limit).boxed()).await }
    }

    /// Claims the next message that is due. Each is sent at least once: again if its sender disappears before [`Services::finish_mail`].
    pub async fn claim_mail(&self) -> Result<Option<ClaimedMail>, Fault> {
        let now = self.now();
        self.write(move |db| async move { mail_outbox::claim(db, now, now + CLAIM_LIFETIME).await }.boxed()).await
    }

    /// Records what became of a claimed message: deleted if it was sent or rejected, else due again later, a limited number of times.
    pub async fn finish_mail(&self, mail: ClaimedMail, outcome: MailOutcome) -> Result<(), Fault> {
        let now = self.now();
        let ClaimedMail { tenant_id, user_id, rows, .. } = mail;
        let (tenant, user) = (tenant_id.as_str(), user_id.as_str());
        let next = |attempts, created_at| match outcome {
            MailOutcome::Failed(_) | MailOutcome::Deferred(_) => next_attempt(attempts, created_at, now),
            MailOutcome::Sent | MailOutcome::Rejected(_) => None,
        };
        let rows: Vec<_> = rows.into_iter().map(|row| (next(row.attempts, row.created_at()), row)).collect();
        let dropped = rows.iter().filter(|(next, _)| next.is_none()).count();
        match &outcome {
            MailOutcome::Sent => tracing::debug!(tenant, user, notifications = dropped, "Sent an e-mail"),
            MailOutcome::Failed(why) | MailOutcome::Deferred(why) if dropped == 0 => {
                tracing::warn!(tenant, user, why, "Could not send an e-mail; it is sent again later")
            }
            MailOutcome::Failed(why) | MailOutcome::Deferred(why) | MailOutcome::Rejected(why) => {
                tracing::warn!(tenant, user, why, notifications = dropped, "Dropped an e-mail that could not be sent");
            }
        }
        let sent = outcome == MailOutcome::Sent;
        self.write(move |db| {
            async move {
                for (next, row) in &rows {
                    match next {
                        Some(due) => mail_outbox::postpone(&mut *db, row, *due).await?,
                        None => mail_outbox::delete(&mut *db, row).await?,
                    }
                }
                if sent { mail_outbox::record_sent(db, &tenant_id, &user_id, now).await } else { Ok(()) }
            }
            .boxed()
        })
        .await
    }
}
