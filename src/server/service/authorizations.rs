//! What clients may do for people: authorizations with their delegations and tokens.

pub mod access_tokens;
pub mod delegations;
pub(in crate::server::service) mod ending;
pub mod my_delegations;
