//! `GET /.well-known/oauth-protected-resource/v1/tms`: the metadata of the TMS API (RFC 9728).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;

use super::error::OAuthError;
use crate::domain::paths;
use crate::domain::scope::Scope;
use crate::server::service::Services;

#[derive(Serialize)]
struct ProtectedResourceMetadata {
    resource: String,
    /// The issuers of the tenants in which people can sign in.
    authorization_servers: Vec<String>,
    scopes_supported: [&'static str; 4],
    /// RFC 6750 §2.1 only.
    bearer_methods_supported: [&'static str; 1],
    resource_name: &'static str,
    resource_documentation: String,
}

pub async fn get(State(services): State<Services>) -> Result<impl IntoResponse, OAuthError> {
    let tenants = services.sign_in_tenants().await?;
    let metadata = ProtectedResourceMetadata {
        resource: services.audience(),
        authorization_servers: tenants.iter().map(|tenant| services.issuer(&tenant.id)).collect(),
        scopes_supported: Scope::TMS.map(Scope::as_str),
        bearer_methods_supported: ["header"],
        resource_name: "TMS API",
        resource_documentation: format!("{}{}", services.public_url(), paths::API_DOCS),
    };
    Ok(([(header::CACHE_CONTROL, "public, max-age=60")], Json(metadata)))
}
