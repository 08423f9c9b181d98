//! What is stored about a person, exported or erased by operators.

use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::domain::attempts::account_key_prefixes;
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::server::service::admin::people::admin_event;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::{DEFAULT_TENANT, TenantAdmin};
use crate::server::service::platform::housekeeping::BATCH;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::personal_data::Section;
use crate::server::storage::{self, Connection, attempts, audit_log, browser_sessions, people, personal_data, tenants};

/// A person who was erased.
pub struct Erased {
    /// What stands for their name in audit events.
    pub pseudonym: String,
    pub rows: u64,
    pub events: u64,
}

impl Services {
    /// What is stored about a person, without secrets; their audit events are [`TenantAdmin::audit_log_of`]. `None` if there is no such person.
    pub async fn personal_data(&self, operator: &TenantAdmin, user_id: &UserId) -> Result<Option<Vec<Section>>, Fault> {
        let (reader, tenant_id) = (self.storage().reader(), operator.tenant_id());
        if people::find(reader, tenant_id, user_id).await?.is_none() {
            return Ok(None);
        }
        let mut sections = personal_data::read(reader, tenant_id, user_id).await?;
        sections.push(Section { name: "failed_attempts", rows: self.failed_attempts(tenant_id, user_id).await? });
        sections.push(personal_data::administration(reader, tenant_id, user_id).await?);
        Ok(Some(sections))
    }

    /// The counters of failed attempts at the account.
    async fn failed_attempts(&self, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<Value>, Fault> {
        let mut rows = Vec::new();
        for prefix in account_key_prefixes(tenant_id) {
            let found = attempts::of_account(self.storage().reader(), &format!("{prefix}{user_id}"), Timestamp::from_millis(0)).await?;
            rows.extend(found.into_iter().map(|(counter, at)| json!({ "counter": counter, "at": at.to_rfc3339() })));
        }
        Ok(rows)
    }

    /// Removes a person and what is stored about them. Their audit events stay, under a pseudonym; they cannot do anything from the first
    /// change on. The rest follows in batches, each a change of its own; an erasure that was interrupted is continued by the next one.
    pub async fn erase_person(&self, operator: &TenantAdmin, user_id: &UserId) -> Result<Erased, Error<PersonRefused>> {
        let tenant_id = operator.tenant_id();
        let number = personal_data::number(self.storage().reader(), tenant_id, user_id).await?;
        // A colon: no person can have it as a name.
        let pseudonym = format!("erased:{}", number.ok_or(Error::Refused(PersonRefused::NoPerson))?);
        let (mut rows, mut events) = (self.end_access(operator, user_id).await?, 0);
        loop {
            let (tenant, user) = (tenant_id.clone(), user_id.clone());
            match self.write(move |db| async move { personal_data::delete_some(db, &tenant, &user, BATCH).await }.boxed()).await? {
                0 => break,
                deleted => rows += deleted,
            }
        }
        let logs = self.logs_naming(tenant_id, user_id).await?;
        loop {
            let (logs, tenant, user, name) = (logs.clone(), tenant_id.clone(), user_id.clone(), pseudonym.clone());
            match self.write(move |db| async move { pseudonymize(db, &logs, (&tenant, &user), &name).await }.boxed()).await? {
                0 => break,
                changed => events += changed,
            }
        }
        let record = AuditEvent::new(tenant_id.clone(), AuditKind::PersonErased, self.now()).subject(pseudonym.clone());
        let record = record.admin(Some(operator.admin_id())).from(operator.from);
        let (tenant, user, name) = (tenant_id.clone(), user_id.clone(), pseudonym.clone());
        let last = self.write_audited(record, move |db| {
            async move {
                // What was added meanwhile: by an administrator, or by a request that had begun before.
                while personal_data::delete_some(db, &tenant, &user, BATCH).await? > 0 {}
                while pseudonymize(db, &logs, (&tenant, &user), &name).await? > 0 {}
                personal_data::delete_account(db, &tenant, &user).await
            }
            .boxed()
        });
        last.await?;
        Ok(Erased { pseudonym, rows: rows + 1, events })
    }

    /// Ends the person's sessions, and disables their tokens, keys and sign-in, with an audit event: the erasure may be interrupted. Returns
    /// the number of sessions.
    async fn end_access(&self, operator: &TenantAdmin, user_id: &UserId) -> Result<u64, Fault> {
        let (tenant, user) = (operator.tenant_id().clone(), user_id.clone());
        let disabled = admin_event(operator, AuditKind::PersonChanged, user_id, self.now());
        self.write(move |db| {
            async move {
                if people::find(&mut *db, &tenant, &user).await?.is_some_and(|person| person.enabled) {
                    audit_log::insert(db, &disabled).await?;
                }
                people::set_enabled(db, &tenant, &user, false).await?;
                people::set_admin(db, &tenant, &user, false).await?;
                let sessions = browser_sessions::delete_others(db, &tenant, &user, None).await?;
                for prefix in account_key_prefixes(&tenant) {
                    attempts::delete_of_account(db, &format!("{prefix}{user}")).await?;
                }
                Ok(sessions)
            }
            .boxed()
        })
        .await
    }

    /// The tenants in whose audit logs the person may be named as an administrator: their own. An administrator of the deployment may be
    /// named in others, unless these have a person of that name themselves.
    async fn logs_naming(&self, tenant_id: &TenantId, user_id: &UserId) -> Result<Vec<TenantId>, Fault> {
        let mut logs = vec![tenant_id.clone()];
        if tenant_id.as_str() == DEFAULT_TENANT {
            for other in tenants::list(self.storage().reader()).await? {
                if other.id != *tenant_id && people::find(self.storage().reader(), &other.id, user_id).await?.is_none() {
                    logs.push(other.id);
                }
            }
        }
        Ok(logs)
    }
}

/// Replaces the person's name in some events. Returns in how many.
async fn pseudonymize(db: &mut Connection, logs: &[TenantId], (tenant, user): (&TenantId, &UserId), name: &str) -> Result<u64, storage::Error> {
    let changed = personal_data::pseudonymize_some(db, tenant, user, name, BATCH).await?;
    if changed > 0 {
        return Ok(changed);
    }
    for log in logs {
        let changed = personal_data::pseudonymize_some_of_admin(db, log, user, name, BATCH).await?;
        if changed > 0 {
            return Ok(changed);
        }
    }
    Ok(0)
}
