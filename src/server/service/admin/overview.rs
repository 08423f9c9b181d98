//! A tenant at a glance, for its administrators.

use crate::domain::tenant_overview::{EXPIRY_WINDOW, HOURS, MAX_NAMED, REPORT_WINDOW, SILENT_AFTER, SignInHour, TenantOverview, chart_start};
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Fault, Services};
use crate::server::storage::{refused_lookups, tenant_overview as figures};

impl Services {
    pub async fn tenant_overview(&self, admin: &TenantAdmin) -> Result<TenantOverview, Fault> {
        let (db, tenant, now) = (self.storage().reader(), admin.tenant_id(), self.now());
        let soon = now + EXPIRY_WINDOW;
        let locked_out = self.locked_out(admin).await?;
        let (expiring_secrets, next_secrets) = figures::expiring_secrets(db, tenant, now, soon).await?;
        Ok(TenantOverview {
            reported_requests: figures::count_reports(db, tenant, now - REPORT_WINDOW).await?.unsigned_abs(),
            refused_lookups: refused_lookups::count_since(db, tenant, now - SILENT_AFTER).await?.unsigned_abs(),
            silent_hosts: figures::count_silent_hosts(db, tenant, now - SILENT_AFTER).await?.unsigned_abs(),
            hosts_without_credential: figures::count_hosts_without_credential(db, tenant).await?.unsigned_abs(),
            expiring_secrets: expiring_secrets.unsigned_abs(),
            next_secrets,
            people_without_second_factor: figures::count_people_without_second_factor(db, tenant).await?.unsigned_abs(),
            locked_out: locked_out.len() as u64,
            locked_out_names: locked_out.into_iter().take(MAX_NAMED).collect(),
            sign_ins: self.sign_in_hours(admin).await?,
        })
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
