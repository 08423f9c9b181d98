//! Server functions: what signed-in people read and change. Pages call them during rendering, islands over HTTP, and forms without
//! JavaScript by `POST`.
//!
//! All are `POST` (no URL changes anything), behind the same-origin check, and require a signed-in person unless
//! `domain::paths::PUBLIC_ACTIONS` lists them.

pub mod access_overview;
pub mod admin;
pub mod audit_log;
pub mod authorize;
pub mod consent;
pub mod delegations;
pub mod device;
pub mod host_accounts;
pub mod identities;
pub mod link_requests;
pub mod notifications;
pub mod passwords;
pub mod preferences;
pub mod resource_servers;
pub mod second_factors;
pub mod sessions;
pub mod ssh_keys;
pub mod upstream_accounts;
