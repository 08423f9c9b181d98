//! What clients may do for people: authorizations with their delegations and tokens.

pub mod access_tokens;
pub mod client_tokens;
pub mod delegations;
pub(in crate::server::service) mod ending;
pub(in crate::server::service) mod id_tokens;
pub mod introspection;
pub mod issue;
pub mod my_delegations;
pub mod refresh;
mod refresh_token;
pub(in crate::server::service) mod resources;
mod userinfo;
