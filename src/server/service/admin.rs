//! What administrators and operators manage: tenants, clients, hosts, providers, people and their second-factor registrations.

pub mod administration;
pub mod admins;
pub mod clients;
pub mod hosts;
pub mod providers;
pub mod secret_rotation;
pub mod tenants;
pub mod user_mfa;
