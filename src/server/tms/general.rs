//! `GET /v1/tms/hello` and `/v1/tms/version`: health and version.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::{OptionalTenant, tenant_not_enabled};
use super::error::{ErrorResponses, TmsError};
use super::extractors::QueryParams;
use super::reply::{Reply, success};
use crate::server::service::Services;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Greeting {
    /// The name to greet.
    name: Option<String>,
}

/// Returns a greeting; with `X-TMS-TENANT`, it names the tenant.
#[utoipa::path(get, path = "/v1/tms/hello", tag = "general", params(Greeting), security((), ("tenant" = [])),
    responses((status = 200, description = "A greeting", body = String, content_type = "text/plain"), ErrorResponses))]
pub async fn hello(
    State(services): State<Services>,
    OptionalTenant(tenant): OptionalTenant,
    QueryParams(Greeting { name }): QueryParams<Greeting>,
) -> Result<String, TmsError> {
    let greeting = name.map_or_else(|| "hello!".to_owned(), |name| format!("hello, {name}!"));
    let Some(tenant) = tenant else { return Ok(greeting) };
    let tenant = services.enabled_tenant(&tenant).await?.ok_or_else(tenant_not_enabled)?;
    Ok(format!("{greeting} The current tenant is {}.", tenant.id))
}

/// The running version. Builds without git information return `unknown`.
#[derive(Serialize, ToSchema)]
pub struct Version {
    git_branch: &'static str,
    git_commit: &'static str,
    /// `true`, `false` or `unknown`.
    git_dirty: &'static str,
    rustc_version: &'static str,
    source_ts: &'static str,
    tms_version: &'static str,
}

/// Returns the running version.
#[utoipa::path(get, path = "/v1/tms/version", tag = "general", security(()), responses((status = 200, description = "The version", body = Reply<Version>), ErrorResponses))]
pub async fn version() -> Json<Reply<Version>> {
    let known = |value: Option<&'static str>| value.unwrap_or("unknown");
    success(Version {
        git_branch: known(option_env!("TMS_GIT_BRANCH")),
        git_commit: known(option_env!("TMS_GIT_COMMIT")),
        git_dirty: known(option_env!("TMS_GIT_DIRTY")),
        rustc_version: known(option_env!("TMS_RUSTC_VERSION")),
        source_ts: known(option_env!("TMS_SOURCE_TS")),
        tms_version: env!("CARGO_PKG_VERSION"),
    })
}
