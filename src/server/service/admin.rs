//! Administration: tenants, clients, hosts, providers, people and their MFA records.

pub mod admins;
pub mod client_settings;
pub mod clients;
pub mod edit_refused;
pub mod groups;
pub mod hosts;
pub mod imported_secrets;
pub mod lockouts;
pub mod overview;
pub mod people;
pub mod personal_data;
pub mod providers;
pub mod resource_servers;
pub mod secret_rotation;
pub mod tenants;
pub mod user_mfa;
