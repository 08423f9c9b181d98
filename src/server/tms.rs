//! TMS CREDENTIAL API, for machines: flat `result_code` and `result_msg` beside the payload, as TMS' clients know it. A file per
//! noun, a function per verb; each function carries its own description, from which [`openapi`] is made.

pub mod answer;
pub mod auth;
pub mod body;
pub mod clients;
pub mod delegations;
pub mod error;
pub mod general;
pub mod hosts;
pub mod me;
pub mod openapi;
pub mod pubkeys;
pub mod reservations;
pub mod tenants;
pub mod user_hosts;
pub mod user_mfa;

use axum::Router;
use axum::routing::{any, get};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::AppState;
use crate::domain::paths;

pub fn router() -> Router<AppState> {
    described()
        .0
        .route(paths::OPENAPI, get(openapi::get))
        .route("/v1", any(error::not_found))
        .route("/v1/", any(error::not_found))
        .route("/v1/{*unknown}", any(error::not_found))
        .method_not_allowed_fallback(error::method_not_allowed)
}

/// All endpoints, and what they say of themselves.
fn described() -> (Router<AppState>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(general::hello))
        .routes(routes!(general::version))
        .routes(routes!(clients::create))
        .routes(routes!(clients::get))
        .routes(routes!(clients::list))
        .routes(routes!(clients::update))
        .routes(routes!(clients::rotate))
        .routes(routes!(clients::delete))
        .routes(routes!(user_mfa::create))
        .routes(routes!(user_mfa::get))
        .routes(routes!(user_mfa::list))
        .routes(routes!(user_mfa::update))
        .routes(routes!(user_mfa::delete))
        .routes(routes!(user_hosts::create))
        .routes(routes!(user_hosts::get))
        .routes(routes!(user_hosts::list))
        .routes(routes!(user_hosts::update))
        .routes(routes!(user_hosts::delete))
        .routes(routes!(delegations::create))
        .routes(routes!(delegations::get))
        .routes(routes!(delegations::list))
        .routes(routes!(delegations::update))
        .routes(routes!(delegations::delete))
        .routes(routes!(hosts::create))
        .routes(routes!(hosts::get))
        .routes(routes!(hosts::list))
        .routes(routes!(hosts::delete))
        .routes(routes!(hosts::make_credential, hosts::require_credential, hosts::remove_credential))
        .routes(routes!(pubkeys::create))
        .routes(routes!(pubkeys::retrieve))
        .routes(routes!(pubkeys::get))
        .routes(routes!(pubkeys::list))
        .routes(routes!(pubkeys::update))
        .routes(routes!(pubkeys::delete))
        .routes(routes!(reservations::create))
        .routes(routes!(reservations::extend))
        .routes(routes!(reservations::get))
        .routes(routes!(reservations::delete))
        .routes(routes!(reservations::delete_related))
        .routes(routes!(tenants::create, tenants::get))
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::update))
        .routes(routes!(tenants::delete))
        .routes(routes!(tenants::wipe))
        .routes(routes!(me::get))
        .routes(routes!(me::get_hosts))
        .routes(routes!(me::get_keys, me::create_key))
        .routes(routes!(me::delete_key))
        .split_for_parts()
}
