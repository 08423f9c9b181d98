//! `/admin/activity`: the tenant's audit log.

use leptos::either::Either;
use leptos::prelude::*;

use super::components::AdminPage;
use crate::domain::paths;
use crate::pages::activity::{AuditLog, ExportLinks, Reader};
use crate::pages::components::ServerError;
use crate::pages::list_query;
use crate::server::context::{self, translations};
use crate::server_fns::audit_log::list_tenant_audit_log;

#[component]
pub fn TenantAuditLog() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        let t = translations();
        let events = match context::date_range(&query) {
            Ok(_) => list_tenant_audit_log(query.clone()).await.map(Ok),
            Err(refused) => Ok(Err(refused)),
        };
        match events {
            Ok(events) => Either::Left(view! {
                <AdminPage title=t.admin_activity() here=paths::ADMIN_ACTIVITY>
                    <AuditLog path=paths::ADMIN_ACTIVITY events query reader=Reader::Administrator/>
                    <ExportLinks json=paths::ADMIN_ACTIVITY_JSON csv=paths::ADMIN_ACTIVITY_CSV/>
                </AdminPage>
            }),
            Err(_) => Either::Right(view! { <ServerError/> }),
        }
    })
}
