//! `/admin/activity`: the tenant's record.

use leptos::either::Either;
use leptos::prelude::*;

use super::parts::AdminPage;
use crate::domain::paths;
use crate::pages::activity::{Exports, Record};
use crate::pages::components::Sorry;
use crate::pages::list_query;
use crate::server::context::words;
use crate::server_fns::activity::list_record_of_tenant;

#[component]
pub fn TenantsRecord() -> impl IntoView {
    let query = list_query();
    Suspend::new(async move {
        let w = words();
        match list_record_of_tenant(query.clone()).await {
            Ok(happened) => Either::Left(view! {
                <AdminPage title=w.admin_activity() here=paths::ADMIN_ACTIVITY>
                    <Record path=paths::ADMIN_ACTIVITY happened query/>
                    <Exports json=paths::ADMIN_ACTIVITY_JSON csv=paths::ADMIN_ACTIVITY_CSV/>
                </AdminPage>
            }),
            Err(_) => Either::Right(view! { <Sorry/> }),
        }
    })
}
