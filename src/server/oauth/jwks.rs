//! `GET /t/{tenant}/oauth/jwks`: the keys that verify the portal's tokens (RFC 7517).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::client_auth::PathTenant;
use crate::server::service::Services;

pub async fn get(State(services): State<Services>, _: PathTenant) -> Response {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(services.jwk_set())).into_response()
}
