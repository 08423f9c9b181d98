//! What a tenant's administrators read and change. The middleware admits only them, with a recent sign-in; each function checks again, by
//! requiring a principal (`context::admin`).

pub mod clients;
pub mod delegations;
pub mod hosts;
pub mod overview;
pub mod people;
pub mod policy;
pub mod providers;
pub mod resource_servers;
pub mod ssh_keys;
pub mod tenants;
