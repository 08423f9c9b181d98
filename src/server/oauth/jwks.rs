//! `GET /t/{tenant}/oauth/jwks`: the keys our tokens can be checked with (RFC 7517).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::error::OAuthError;
use crate::domain::ids::TenantId;
use crate::server::service::Services;

pub async fn get(State(services): State<Services>, Path(tenant): Path<String>) -> Result<Response, OAuthError> {
    let tenant = TenantId::parse(tenant).map_err(|_| OAuthError::UnknownTenant)?;
    services.enabled_tenant(&tenant).await?.ok_or(OAuthError::UnknownTenant)?;
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(services.public_keys())).into_response())
}
