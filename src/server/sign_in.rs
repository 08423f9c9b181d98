//! How people sign in and out.
//!
//! A tenant offers one or more [`Method`]s. Today there is one, the local password; a provider of another institution is
//! another variant, with its own `start` and `callback` beside [`password`].

pub mod password;
pub mod session;
pub mod sign_out;
pub mod store;

use axum::Router;
use axum::routing::post;

use super::state::AppState;
use crate::domain::paths;
use crate::domain::tenant::Tenant;

/// One way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    LocalPassword,
}

/// The ways into a tenant, the one to show first first.
pub fn methods(tenant: &Tenant) -> Vec<Method> {
    if tenant.policy.local_passwords { vec![Method::LocalPassword] } else { Vec::new() }
}

pub fn router() -> Router<AppState> {
    Router::new().route(paths::SIGN_IN_PASSWORD, post(password::post)).route(paths::SIGN_OUT, post(sign_out::post))
}
