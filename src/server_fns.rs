//! WHAT A SIGNED-IN PERSON SEES AND CHANGES. Pages call these while they are rendered, islands over HTTP, forms without
//! JavaScript by `POST`; always the same function.
//!
//! All are `POST` (no address changes anything), behind the same-origin check, and refuse strangers unless
//! `domain::paths::PUBLIC_ACTIONS` names them.

pub mod admin;
pub mod audit_log;
pub mod delegations;
pub mod device;
pub mod host_accounts;
pub mod identities;
pub mod link_requests;
pub mod passwords;
pub mod preferences;
pub mod second_factors;
pub mod sessions;
pub mod ssh_keys;
pub mod upstream_accounts;
