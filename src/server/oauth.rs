//! The authorization server: RFC 8628, 6749, 7009, 7662, 8414, 9068, OpenID Connect Core; and the metadata of the TMS API (RFC 9728). One file per endpoint, one
//! function per method.

pub mod authorize;
pub mod client_auth;
pub mod cors;
pub mod device_authorization;
pub mod discovery;
pub mod end_session;
pub mod error;
pub mod form;
pub mod introspect;
pub mod jwks;
pub mod protected_resource;
pub mod pushed_request;
pub mod revoke;
pub mod tenants;
pub mod token;
pub mod userinfo;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::middleware::security_headers::public_cors;
use super::state::AppState;
use crate::domain::paths;

/// Largest request body, in bytes.
pub const LARGEST_BODY: usize = 16 * 1024;

pub fn router(state: &AppState) -> Router<AppState> {
    let tenant = |path: &str| format!("/t/{{tenant}}{path}");
    let documents = Router::new()
        .route(paths::TENANTS, get(tenants::get))
        .route(&tenant(paths::JWKS), get(jwks::get))
        // RFC 8414 §3.1 inserts the well-known part before the issuer's path; some clients append it.
        .route(&tenant(paths::OAUTH_METADATA), get(discovery::get))
        .route(&tenant(paths::OPENID_METADATA), get(discovery::get))
        .route(&format!("{}/t/{{tenant}}", paths::OAUTH_METADATA), get(discovery::get))
        .route(&format!("{}/t/{{tenant}}", paths::OPENID_METADATA), get(discovery::get))
        .route(paths::PROTECTED_RESOURCE, get(protected_resource::get))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(public_cors());
    // What programs in browsers call.
    let registered_origins = cors::CorsRules { app: state.clone(), methods: "POST" };
    let for_browsers = Router::new()
        .route(&tenant(paths::TOKEN), post(token::post))
        .route(&tenant(paths::REVOKE), post(revoke::post))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn_with_state(registered_origins, cors::run));
    let userinfo = Router::new()
        .route(&tenant(paths::USERINFO), get(userinfo::handle).post(userinfo::handle))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn_with_state(cors::CorsRules { app: state.clone(), methods: "GET, POST" }, cors::run));
    Router::new()
        .route(&tenant(paths::DEVICE_AUTHORIZATION), post(device_authorization::post))
        .route(&tenant(paths::PUSHED_AUTHORIZATION), post(pushed_request::post))
        .route(&tenant(paths::INTROSPECT), post(introspect::post))
        .method_not_allowed_fallback(error::method_not_allowed)
        .merge(for_browsers)
        .merge(userinfo)
        .merge(documents)
}

/// The endpoints that browsers open; they have no session, and their errors are pages.
pub fn browser_router() -> Router<AppState> {
    let tenant = |path: &str| format!("/t/{{tenant}}{path}");
    Router::new()
        .route(&tenant(paths::AUTHORIZATION), get(authorize::handle).post(authorize::handle))
        .route(&tenant(paths::END_SESSION), get(end_session::handle).post(end_session::handle))
}
