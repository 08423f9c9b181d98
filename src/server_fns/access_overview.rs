//! A person's access at a glance.

use leptos::prelude::*;

use crate::domain::access_overview::AccessOverview;

/// What can act for the person now, what expires soon, and their last sign-in.
#[server(prefix = "/api", endpoint = "access/overview")]
pub async fn my_access_overview() -> Result<AccessOverview, ServerFnError> {
    use crate::server::context;
    context::services()?.access_overview(&context::signed_in()?).await.map_err(context::fault)
}
