//! `/admin`: the administrators' pages. `server::middleware::require_sign_in` refuses everyone else.

pub mod audit_log;
pub mod clients;
mod components;
pub mod delegations;
pub mod hosts;
pub mod overview;
pub mod people;
pub mod policy;
pub mod providers;
pub mod resource_servers;
pub mod ssh_keys;
pub mod tenants;

use crate::domain::paths;
use crate::server::context::{self, translations};

/// One of the administrators' areas.
pub struct Area {
    pub path: &'static str,
    pub name: String,
}

/// The areas of this administrator; tenants only for those of `default`.
pub fn areas() -> Vec<Area> {
    let t = translations();
    let area = |path, name| Area { path, name };
    let mut areas = vec![
        area(paths::ADMIN_CLIENTS, t.admin_clients()),
        area(paths::ADMIN_HOSTS, t.admin_hosts()),
        area(paths::ADMIN_PEOPLE, t.admin_people()),
        area(paths::ADMIN_PROVIDERS, t.admin_providers()),
        area(paths::ADMIN_RESOURCES, t.admin_resources()),
        area(paths::ADMIN_DELEGATIONS, t.admin_delegations()),
        area(paths::ADMIN_KEYS, t.admin_keys()),
        area(paths::ADMIN_ACTIVITY, t.admin_activity()),
        area(paths::ADMIN_POLICY, t.admin_policy()),
    ];
    if context::admin().is_ok_and(|admin| admin.is_deployment_admin()) {
        areas.push(area(paths::ADMIN_TENANTS, t.admin_tenants()));
    }
    areas
}
