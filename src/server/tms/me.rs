//! `GET /v1/tms/me` and `/v1/tms/me/hosts`: what an access token's holder may know of themselves.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::auth::Bearer;
use super::error::TmsError;
use crate::domain::scope::Scope;
use crate::server::service::Services;

#[derive(Serialize)]
pub struct Me {
    result_code: &'static str,
    result_msg: &'static str,
    tenant: String,
    tms_user_id: String,
    client_id: String,
    scope: String,
    expires_at: String,
}

pub async fn get(Bearer(holder): Bearer) -> Json<Me> {
    Json(Me {
        result_code: "0",
        result_msg: "success",
        tenant: holder.tenant_id().to_string(),
        tms_user_id: holder.user_id().to_string(),
        client_id: holder.client_id().to_string(),
        scope: holder.scope().to_string(),
        expires_at: holder.expires_at().to_rfc3339(),
    })
}

#[derive(Serialize)]
pub struct MyHosts {
    result_code: &'static str,
    result_msg: &'static str,
    num_hosts: usize,
    hosts: Vec<MyHost>,
}

#[derive(Serialize)]
struct MyHost {
    host: String,
    host_account: String,
    state: &'static str,
    linked_at: String,
    expires_at: String,
}

/// The host accounts that were ticked when the token's client was allowed. Needs `hosts:read`.
pub async fn get_hosts(State(services): State<Services>, bearer: Bearer) -> Result<Json<MyHosts>, TmsError> {
    let holder = bearer.with(Scope::HostsRead)?;
    let now = services.now();
    let hosts: Vec<MyHost> = services
        .list_granted_host_accounts(&holder)
        .await?
        .into_iter()
        .map(|account| MyHost {
            state: if account.is_active(now) { "active" } else { "expired" },
            linked_at: account.linked_at.to_rfc3339(),
            expires_at: account.expires_at.to_rfc3339(),
            host: account.host,
            host_account: account.account,
        })
        .collect();
    Ok(Json(MyHosts { result_code: "0", result_msg: "success", num_hosts: hosts.len(), hosts }))
}
