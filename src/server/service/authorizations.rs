//! What clients may do for people: delegations, and the access tokens that carry them.

pub mod access_tokens;
pub mod delegations;
pub mod my_delegations;
