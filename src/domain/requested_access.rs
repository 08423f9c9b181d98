//! What a request asks for (RFC 6749 §3.3, RFC 8707 §2).
//!
//! Without a `resource` parameter a request is for the TMS API; with it, for the resource servers that it names. The words of its scope are
//! those of these resource servers; `offline_access` belongs to none.

use super::client::registration::GrantType;
use super::client::{Client, RequestRefused};
use super::resource_server::{GrantedResource, ResourceScopeSet, ResourceServer};
use super::scope::{Scope, ScopeSet};

/// The resource servers that a request names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedResources {
    /// Whether the TMS API is one of them.
    pub api: bool,
    /// The others; the client may request access to each.
    pub servers: Vec<ResourceServer>,
}

/// What a request asks for, restricted to what its client may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAccess {
    /// Of the TMS API, and `offline_access`.
    pub scope: ScopeSet,
    /// Of other resource servers.
    pub resources: Vec<GrantedResource>,
}

/// The distinct values of a request's `resource` parameters. Empty ones count as absent (RFC 6749 §3.1).
pub fn distinct(sent: &[String]) -> Vec<&str> {
    let mut distinct: Vec<&str> = sent.iter().map(String::as_str).filter(|resource| !resource.is_empty()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

impl RequestedResources {
    /// Without the parameter.
    pub fn api_only() -> Self {
        Self { api: true, servers: Vec::new() }
    }

    /// What a new request asks for: the allowed part of `requested`; without it, all scopes of the resource servers that are allowed. Refuses
    /// as [`Client::allowed_scope_with`] does.
    pub fn access(&self, client: &Client, grant_type: GrantType, requested: Option<&str>) -> Result<RequestedAccess, RequestRefused> {
        let words = requested.map(ResourceScopeSet::parse);
        let of_server = |server: &ResourceServer| {
            let all = server.scope();
            let scope = words.as_ref().map_or_else(|| all.clone(), |words| words.intersection(&all));
            (!scope.is_empty()).then(|| GrantedResource { indicator: server.indicator.clone(), scope })
        };
        let resources: Vec<GrantedResource> = self.servers.iter().filter_map(of_server).collect();
        let asked = requested.map_or_else(|| client.scope.delegated(), ScopeSet::parse_known);
        let asked = if self.api { asked } else { asked.without_all(&Scope::TMS.into_iter().collect()) };
        let scope = client.allowed_scope_with(grant_type, &asked, &resources)?;
        Ok(RequestedAccess { scope, resources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ClientId, TenantId};
    use crate::domain::resource_server::{RegisteredScope, RequestingClients, ResourceIndicator, ResourceScope, ScopeDescription};
    use crate::domain::time::Timestamp;

    const DATA: &str = "https://data.example.org";

    fn client(scope: &str) -> Client {
        let (tenant, id) = (TenantId::parse("test").expect("a tenant id"), ClientId::parse("app").expect("a client id"));
        let mut client = Client::new(tenant, id, "App", "1.0", Timestamp::from_millis(0));
        client.device_grant = true;
        client.grant_types.refresh_token = true;
        Client { scope: ScopeSet::parse_known(scope), ..client }
    }

    fn server(indicator: &str, scope: &str) -> ResourceServer {
        let description = ScopeDescription::new("Read", "Leer").expect("descriptions");
        let registered = |word| RegisteredScope { scope: ResourceScope::parse(word).expect("a scope"), description: description.clone() };
        ResourceServer {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            indicator: ResourceIndicator::parse(indicator).expect("an indicator"),
            name: "Data".into(),
            scopes: scope.split(' ').map(registered).collect(),
            clients: RequestingClients::All,
            readers: Vec::new(),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    /// The scope of the TMS API, and that of each other resource server.
    fn access(api: bool, servers: &[ResourceServer], requested: Option<&str>) -> Result<(String, Vec<String>), RequestRefused> {
        let asked = RequestedResources { api, servers: servers.to_vec() };
        let access = asked.access(&client("hosts:read keys:create offline_access"), GrantType::DeviceCode, requested)?;
        let resources = access.resources.iter().map(|granted| format!("{} {}", granted.indicator, granted.scope)).collect();
        Ok((access.scope.to_string(), resources))
    }

    #[test]
    fn request_is_for_the_resource_servers_that_it_names() {
        let data = [server(DATA, "read write")];
        let only = |scope: &str, resource: &str| Ok((scope.to_owned(), vec![format!("{DATA} {resource}")]));
        assert_eq!(access(true, &[], None), Ok(("hosts:read keys:create".into(), Vec::new())));
        assert_eq!(access(false, &data, Some("read hosts:read unknown")), only("", "read"), "the TMS API is not named");
        assert_eq!(access(false, &data, Some("read hosts:read offline_access")), only("offline_access", "read"));
        assert_eq!(access(true, &data, Some("read hosts:read")), only("hosts:read", "read"), "both");
        assert_eq!(access(false, &data, None), only("", "read write"), "all");
        assert_eq!(access(true, &data, Some("read")), only("", "read"));
        assert_eq!(access(true, &data, Some("hosts:read")), Ok(("hosts:read".into(), Vec::new())));
        for nothing in ["hosts:read", "delete", "offline_access"] {
            assert_eq!(access(false, &data, Some(nothing)), Err(RequestRefused::NoScopeLeft), "{nothing}");
        }
    }

    #[test]
    fn client_that_may_not_ask_people_gets_no_other_resource() {
        let asked = RequestedResources { api: false, servers: vec![server(DATA, "read")] };
        let access = |client: &Client| asked.access(client, GrantType::DeviceCode, Some("read")).map(|access| access.scope);
        let disabled = Client { enabled: false, ..client("") };
        assert_eq!(access(&disabled), Err(RequestRefused::Disabled));
        let without_grant = Client { device_grant: false, ..client("") };
        assert_eq!(access(&without_grant), Err(RequestRefused::GrantNotAllowed));
        assert_eq!(access(&client("")), Ok(ScopeSet::default()), "its scope is that of the TMS API");
    }
}
