//! TMS API, for machines: flat `result_code` and `result_msg` beside the payload, as TMS' clients know it.

pub mod auth;
pub mod error;
pub mod me;

use axum::Router;
use axum::routing::{any, get};

use super::state::AppState;
use crate::domain::paths;

pub fn router() -> Router<AppState> {
    Router::new()
        .route(paths::ME, get(me::get))
        .route(paths::MY_HOSTS, get(me::get_hosts))
        .route("/v1", any(error::not_found))
        .route("/v1/", any(error::not_found))
        .route("/v1/{*unknown}", any(error::not_found))
        .method_not_allowed_fallback(error::method_not_allowed)
}
