//! The authorization server: RFC 8628, 6749, 7009, 8414, 9068. One file per endpoint, one function per method.

pub mod client_auth;
pub mod device_authorization;
pub mod discovery;
pub mod error;
pub mod form;
pub mod jwks;
pub mod revoke;
pub mod tenants;
pub mod token;

use axum::Router;
use axum::routing::{get, post};

use super::middleware::security_headers::public_cors;
use super::state::AppState;
use crate::domain::paths;

/// Largest request body, in bytes.
pub const LARGEST_BODY: usize = 16 * 1024;

pub fn router() -> Router<AppState> {
    let tenant = |path: &str| format!("/t/{{tenant}}{path}");
    let documents = Router::new()
        .route(paths::TENANTS, get(tenants::get))
        .route(&tenant(paths::JWKS), get(jwks::get))
        // RFC 8414 §3.1 inserts the well-known part before the issuer's path; some clients append it.
        .route(&tenant(paths::OAUTH_METADATA), get(discovery::get))
        .route(&tenant(paths::OPENID_METADATA), get(discovery::get))
        .route(&format!("{}/t/{{tenant}}", paths::OAUTH_METADATA), get(discovery::get))
        .route(&format!("{}/t/{{tenant}}", paths::OPENID_METADATA), get(discovery::get))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(public_cors());
    Router::new()
        .route(&tenant(paths::DEVICE_AUTHORIZATION), post(device_authorization::post))
        .route(&tenant(paths::TOKEN), post(token::post))
        .route(&tenant(paths::REVOKE), post(revoke::post))
        .method_not_allowed_fallback(error::method_not_allowed)
        .merge(documents)
}
