//! WHAT A TENANT'S ADMINISTRATORS SEE AND CHANGE. The guard lets only them in, with a fresh sign-in; each function asks once more
//! by what it needs to be called with (`context::admin`).

pub mod clients;
pub mod delegations;
pub mod hosts;
pub mod people;
pub mod policy;
pub mod providers;
pub mod ssh_keys;
pub mod tenants;
