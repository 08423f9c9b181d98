//! A tenant at a glance, for its administrators.

use std::collections::BTreeSet;

use crate::domain::attempts::ACCOUNT_LIMITS;
use crate::domain::tenant_overview::{EXPIRY_WINDOW, HOURS, MAX_NAMED, REPORT_WINDOW, SILENT_AFTER, SignInHour, TenantOverview, chart_start};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Fault, Services};
use crate::server::storage::{attempts, tenant_overview as figures};

/// Counters of failed attempts that are read per kind: those with the most attempts.
const MAX_COUNTERS: i64 = 1_000;

impl Services {
    pub async fn tenant_overview(&self, admin: &TenantAdmin) -> Result<TenantOverview, Fault> {
        let (db, tenant, now) = (self.storage().reader(), admin.tenant_id(), self.now());
        let (expiring_secrets, next) = figures::count_expiring_secrets(db, tenant, now, now + EXPIRY_WINDOW).await?;
        let locked_out = self.locked_out(admin).await?;
        Ok(TenantOverview {
            reported_requests: figures::count_reports(db, tenant, now - REPORT_WINDOW).await?.unsigned_abs(),
            silent_hosts: figures::count_silent_hosts(db, tenant, now - SILENT_AFTER).await?.unsigned_abs(),
            hosts_without_credential: figures::count_hosts_without_credential(db, tenant).await?.unsigned_abs(),
            expiring_secrets: expiring_secrets.unsigned_abs(),
            next_secret_expiry: next.map(Timestamp::from_millis),
            people_without_second_factor: figures::count_people_without_second_factor(db, tenant).await?.unsigned_abs(),
            locked_out: locked_out.len() as u64,
            locked_out_names: locked_out.into_iter().take(MAX_NAMED).collect(),
            sign_ins: self.sign_in_hours(admin).await?,
        })
    }

    /// The user names that failed attempts lock out now. Names of no account count too: the attempts at them are refused in the same way.
    async fn locked_out(&self, admin: &TenantAdmin) -> Result<BTreeSet<String>, Fault> {
        let now = self.now();
        let mut names = BTreeSet::new();
        for limit in ACCOUNT_LIMITS {
            let prefix = limit.key_prefix(admin.tenant_id());
            let (one, all) = (now - limit.from_one.1, now - limit.from_all.1);
            for (key, within_one, within_all) in attempts::counts_below(self.storage().reader(), &prefix, one, all, MAX_COUNTERS).await? {
                let user = key.strip_prefix(&prefix).and_then(|rest| limit.locked_out(rest, within_one, within_all));
                names.extend(user.map(str::to_owned));
            }
        }
        Ok(names)
    }

    async fn sign_in_hours(&self, admin: &TenantAdmin) -> Result<Vec<SignInHour>, Fault> {
        let start = chart_start(self.now());
        let hour = |n: usize| start + std::time::Duration::from_secs(n as u64 * 3_600);
        let mut hours: Vec<SignInHour> = (0..HOURS).map(|n| SignInHour { start: hour(n), succeeded: 0, refused: 0 }).collect();
        for count in figures::count_sign_ins(self.storage().reader(), admin.tenant_id(), start).await? {
            if let Some(hour) = usize::try_from(count.hour).ok().and_then(|n| hours.get_mut(n)) {
                (hour.succeeded, hour.refused) = (count.succeeded.unsigned_abs(), count.refused.unsigned_abs());
            }
        }
        Ok(hours)
    }
}
