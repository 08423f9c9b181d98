//! What an access token permits, and at which resource server (RFC 8707 §2.2, RFC 9068 §3): at the TMS API, or at one other.

use super::ids::ClientId;
use super::requested_access::distinct;
use super::resource_server::{GrantedResource, ResourceIndicator, ResourceScopeSet, ResourceServer};
use super::scope::{Scope, ScopeSet};

/// What an access token permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAccess {
    /// At the TMS API, and `offline_access`, which the response names.
    pub scope: ScopeSet,
    /// At another resource server, which is then the only one: `scope` permits nothing at the TMS API.
    pub other: Option<GrantedResource>,
}

/// Access to the TMS API only.
impl From<ScopeSet> for TokenAccess {
    fn from(scope: ScopeSet) -> Self {
        Self { scope, other: None }
    }
}

/// The resource server that an access token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenTarget {
    TmsApi,
    Other(ResourceIndicator),
}

/// Why no access token is issued for a resource server (RFC 8707 §2 `invalid_target`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetRefused {
    /// It does not exist, or the client may not request access to it.
    Unknown,
    /// The person did not allow access to it.
    NotGranted,
    /// The request names several, or none although the person allowed access to several.
    NotOne,
}

/// Why a request for an access token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessRefused {
    Target(TargetRefused),
    /// The request asks for more than the person allowed, or for nothing.
    ScopeExceeded,
    /// Nothing that the person allowed is allowed for the client now.
    NoScopeLeft,
}

/// What a request for an access token asks for.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The `resource` parameters.
    pub resources: &'a [String],
    /// Narrows the scope; `None`: all that the person allowed.
    pub scope: Option<&'a str>,
    /// The identifier of the TMS API.
    pub api: &'a str,
}

impl TokenRequest<'_> {
    /// The resource server that the token is for, of those that a person allowed access to with `scope` and `granted`.
    ///
    /// Without a parameter it is the TMS API, if the person allowed anything of it or of the sign-in scopes, or else the only other one.
    pub fn target(&self, scope: &ScopeSet, granted: &[GrantedResource]) -> Result<TokenTarget, TargetRefused> {
        let has_api = granted.is_empty() || scope.permits_something();
        match (distinct(self.resources).as_slice(), granted) {
            ([], _) if has_api => Ok(TokenTarget::TmsApi),
            ([], [only]) => Ok(TokenTarget::Other(only.indicator.clone())),
            ([], _) | ([_, _, ..], _) => Err(TargetRefused::NotOne),
            ([named], _) if *named == self.api => has_api.then_some(TokenTarget::TmsApi).ok_or(TargetRefused::NotGranted),
            ([named], granted) => {
                let found = granted.iter().find(|granted| granted.indicator.as_str() == *named);
                found.map(|granted| TokenTarget::Other(granted.indicator.clone())).ok_or(TargetRefused::NotGranted)
            }
        }
    }

    /// What the token permits. `scope` and `granted`: what the person allowed; `allowed`: the part of `scope` that the client's settings allow
    /// now; `servers`: the resource servers of `granted` as they are registered now.
    pub fn access(
        &self,
        scope: &ScopeSet,
        granted: &[GrantedResource],
        allowed: &ScopeSet,
        client: &ClientId,
        servers: &[ResourceServer],
    ) -> Result<TokenAccess, AccessRefused> {
        match self.target(scope, granted).map_err(AccessRefused::Target)? {
            TokenTarget::TmsApi => self.api_access(scope, allowed),
            TokenTarget::Other(indicator) => {
                let unknown = AccessRefused::Target(TargetRefused::Unknown);
                let granted = granted.iter().find(|granted| granted.indicator == indicator).ok_or(unknown)?;
                let server = servers.iter().find(|server| server.indicator == indicator && server.allows(client)).ok_or(unknown)?;
                let usable = server.usable_part(granted, client).ok_or(AccessRefused::NoScopeLeft)?;
                let other = GrantedResource { indicator, scope: self.narrowed(granted, server, usable)? };
                Ok(TokenAccess { scope: allowed.intersection(&[Scope::OfflineAccess].into_iter().collect()), other: Some(other) })
            }
        }
    }

    fn api_access(&self, scope: &ScopeSet, allowed: &ScopeSet) -> Result<TokenAccess, AccessRefused> {
        let narrowed = match self.scope.map(ScopeSet::parse_known) {
            Some(requested) if requested.is_empty() || !requested.is_within(scope) => return Err(AccessRefused::ScopeExceeded),
            Some(requested) => requested.intersection(allowed),
            None => allowed.clone(),
        };
        if narrowed.permits_something() { Ok(narrowed.into()) } else { Err(AccessRefused::NoScopeLeft) }
    }

    /// Words that are no scope of the resource server are ignored, as in other requests (docs/decisions/0005).
    fn narrowed(&self, granted: &GrantedResource, server: &ResourceServer, usable: ResourceScopeSet) -> Result<ResourceScopeSet, AccessRefused> {
        let Some(requested) = self.scope else { return Ok(usable) };
        let requested = ResourceScopeSet::parse(requested).intersection(&server.scope());
        if requested.is_empty() || !requested.is_within(&granted.scope) { Err(AccessRefused::ScopeExceeded) } else { Ok(requested) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TenantId;
    use crate::domain::resource_server::{RegisteredScope, RequestingClients, ResourceScope, ScopeDescription};
    use crate::domain::time::Timestamp;

    const API: &str = "https://tms.example.org/v1/tms";
    const DATA: &str = "https://data.example.org";
    const OTHER: &str = "https://other.example.org";

    fn indicator(text: &str) -> ResourceIndicator {
        ResourceIndicator::parse(text).expect("an indicator")
    }

    fn granted(resource: &str, scope: &str) -> GrantedResource {
        GrantedResource { indicator: indicator(resource), scope: ResourceScopeSet::parse(scope) }
    }

    fn client(id: &str) -> ClientId {
        ClientId::parse(id).expect("a client id")
    }

    fn server(resource: &str, scope: &str) -> ResourceServer {
        let description = ScopeDescription::new("Read", "Leer").expect("descriptions");
        let registered = |word| RegisteredScope { scope: ResourceScope::parse(word).expect("a scope"), description: description.clone() };
        ResourceServer {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            indicator: indicator(resource),
            name: "Data".into(),
            scopes: scope.split(' ').map(registered).collect(),
            clients: RequestingClients::Only(vec![client("app")]),
            readers: Vec::new(),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn token_is_for_one_resource_server() {
        let target = |requested: &[&str], scope: &str, all: &[GrantedResource]| {
            let resources: Vec<String> = requested.iter().map(ToString::to_string).collect();
            TokenRequest { resources: &resources, scope: None, api: API }.target(&ScopeSet::parse_known(scope), all)
        };
        let other = |resource: &str| Ok(TokenTarget::Other(indicator(resource)));
        let (data, both) = ([granted(DATA, "read")], [granted(DATA, "read"), granted(OTHER, "read")]);
        assert_eq!(target(&[], "hosts:read", &[]), Ok(TokenTarget::TmsApi));
        assert_eq!(target(&[], "", &[]), Ok(TokenTarget::TmsApi), "whether anything is left of its scope is another question");
        assert_eq!(target(&[], "hosts:read offline_access", &both), Ok(TokenTarget::TmsApi));
        assert_eq!(target(&[], "offline_access", &data), other(DATA));
        assert_eq!(target(&[], "offline_access", &both), Err(TargetRefused::NotOne));
        assert_eq!(target(&[API], "hosts:read", &both), Ok(TokenTarget::TmsApi));
        assert_eq!(target(&[API], "offline_access", &both), Err(TargetRefused::NotGranted));
        assert_eq!(target(&[OTHER, "", OTHER], "hosts:read", &both), other(OTHER), "the same one twice");
        assert_eq!(target(&[DATA, OTHER], "hosts:read", &both), Err(TargetRefused::NotOne));
        for unknown in [OTHER, "https://data.example.org/", "data", "HTTPS://data.example.org"] {
            assert_eq!(target(&[unknown], "hosts:read", &data), Err(TargetRefused::NotGranted), "{unknown}");
        }
    }

    /// The access of a token for `DATA`, to which the person allowed "read write".
    fn at_data(requested: Option<&str>, by: &str, servers: &[ResourceServer]) -> Result<(String, String), AccessRefused> {
        let resources = [DATA.to_owned()];
        let request = TokenRequest { resources: &resources, scope: requested, api: API };
        let scope = ScopeSet::parse_known("hosts:read offline_access");
        let access = request.access(&scope, &[granted(DATA, "read write")], &scope, &client(by), servers)?;
        let other = access.other.expect("another resource server");
        assert_eq!(other.indicator, indicator(DATA));
        Ok((access.scope.to_string(), other.scope.to_string()))
    }

    #[test]
    fn token_of_another_resource_server_has_its_scope_only() {
        let registered = [server(DATA, "read write delete")];
        let access = |scope: &str| Ok(("offline_access".to_owned(), scope.to_owned()));
        assert_eq!(at_data(None, "app", &registered), access("read write"));
        assert_eq!(at_data(Some("read unknown hosts:read"), "app", &registered), access("read"));
        for exceeded in ["delete", "read delete", "hosts:read", "unknown", ""] {
            assert_eq!(at_data(Some(exceeded), "app", &registered), Err(AccessRefused::ScopeExceeded), "{exceeded}");
        }
    }

    #[test]
    fn narrowed_registration_narrows_tokens() {
        let unknown = Err(AccessRefused::Target(TargetRefused::Unknown));
        assert_eq!(at_data(None, "app", &[server(DATA, "read delete")]), Ok(("offline_access".into(), "read".into())));
        assert_eq!(at_data(None, "app", &[server(DATA, "delete")]), Err(AccessRefused::NoScopeLeft));
        assert_eq!(at_data(None, "app", &[]), unknown, "it is deleted");
        assert_eq!(at_data(None, "other", &[server(DATA, "read")]), unknown, "the client may not request it any more");
    }

    #[test]
    fn token_of_the_tms_api_has_the_requested_part() {
        let (all, allowed) = (ScopeSet::parse_known("hosts:read keys:read offline_access"), ScopeSet::parse_known("hosts:read offline_access"));
        let access = |requested: Option<&str>| {
            let request = TokenRequest { resources: &[], scope: requested, api: API };
            request.access(&all, &[], &allowed, &client("app"), &[]).map(|access| access.scope.to_string())
        };
        assert_eq!(access(None), Ok("hosts:read offline_access".into()));
        assert_eq!(access(Some("hosts:read unknown")), Ok("hosts:read".into()));
        assert_eq!(access(Some("hosts:read keys:create")), Err(AccessRefused::ScopeExceeded));
        assert_eq!(access(Some("unknown")), Err(AccessRefused::ScopeExceeded));
        assert_eq!(access(Some("keys:read")), Err(AccessRefused::NoScopeLeft));
        assert_eq!(access(Some("offline_access")), Err(AccessRefused::NoScopeLeft));
    }
}
