//! A tenant's colours as a separate style sheet: the content security policy forbids inline styles.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;

use super::middleware::http_error::HttpError;
use super::service::{Fault, Services};
use crate::domain::ids::TenantId;

/// The URL contains a version, so the content never changes.
const CACHE_POLICY: &str = "public, max-age=86400";

/// Returns an empty style sheet for tenants that do not exist or have no colours, so that it does not reveal which.
pub async fn get(State(services): State<Services>, Path(file): Path<String>) -> Result<impl IntoResponse, HttpError> {
    let tenant = file.strip_suffix(".css").and_then(|tenant| TenantId::parse(tenant).ok());
    let style = match tenant {
        Some(tenant) => colours(&services, &tenant).await?,
        None => String::new(),
    };
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, CACHE_POLICY)], style))
}

async fn colours(services: &Services, tenant: &TenantId) -> Result<String, Fault> {
    let tenant = services.enabled_tenant(tenant).await?;
    Ok(tenant.and_then(|tenant| tenant.policy.brand).map(|brand| brand.style()).unwrap_or_default())
}
