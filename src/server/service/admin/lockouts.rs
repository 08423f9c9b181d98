//! People whose sign-in is blocked after failed attempts, as administrators see and unblock them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;

use super::people::admin_event;
use crate::domain::attempts::{ACCOUNT_LIMITS, account_key_prefixes};
use crate::domain::audit_log::AuditKind;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Fault, Services};
use crate::server::storage::{attempts, people};

/// Counters of failed attempts that are read per kind: those with the most attempts.
const MAX_COUNTERS: i64 = 1_000;

impl Services {
    /// The people who are locked out now. Attempts at names without an account are refused in the same way, but lock out no person.
    pub(in crate::server::service) async fn locked_out(&self, admin: &TenantAdmin) -> Result<Vec<String>, Fault> {
        let now = self.now();
        let mut names = BTreeSet::new();
        for limit in ACCOUNT_LIMITS {
            let prefix = limit.key_prefix(admin.tenant_id());
            let (one, all) = (now - limit.from_one.1, now - limit.from_all.1);
            for (key, within_one, within_all) in attempts::counts_below(self.storage().reader(), &prefix, one, all, MAX_COUNTERS).await? {
                let [within_one, within_all] = [within_one, within_all].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
                let user = key.strip_prefix(&prefix).and_then(|rest| limit.locked_out(rest, within_one, within_all));
                names.extend(user.map(str::to_owned));
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        if names.is_empty() { Ok(names) } else { Ok(people::existing(self.storage().reader(), admin.tenant_id(), &names).await?) }
    }

    /// How long a person's sign-in is still blocked, from at least one network address.
    pub async fn sign_in_blocked_for(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<Duration>, Fault> {
        let now = self.now();
        let mut longest = None;
        for limit in ACCOUNT_LIMITS {
            let prefix = limit.key_prefix(admin.tenant_id());
            let from = (now - limit.from_one.1).min(now - limit.from_all.1);
            let found = attempts::of_account(self.storage().reader(), &format!("{prefix}{user_id}"), from).await?;
            for counter in found.chunk_by(|one, next| one.0 == next.0) {
                let rest = counter.first().and_then(|(key, _)| key.strip_prefix(&prefix));
                let times: Vec<Timestamp> = counter.iter().map(|(_, at)| *at).collect();
                longest = longest.max(rest.and_then(|rest| limit.wait(rest, &times, now)));
            }
        }
        Ok(longest)
    }

    /// Deletes the counters of failed attempts at a person's account, and by it at user codes. False if there is no such person.
    pub async fn allow_sign_in(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let (admin, user, record) = (admin.clone(), user_id.clone(), admin_event(admin, AuditKind::PersonChanged, user_id, self.now()));
        self.write_audited(record, move |db| {
            async move {
                if people::find(&mut *db, admin.tenant_id(), &user).await?.is_none() {
                    return Ok(false);
                }
                for prefix in account_key_prefixes(admin.tenant_id()) {
                    attempts::delete_of_account(db, &format!("{prefix}{user}")).await?;
                }
                Ok(true)
            }
            .boxed()
        })
        .await
    }
}
