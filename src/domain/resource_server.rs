//! Resource servers of a tenant besides the TMS API: applications that accept access tokens of this portal (RFC 8707, RFC 6749 §1.1).
//!
//! One has an identifier, the scopes that can be requested for it, the clients that may request them, and the clients that may ask whether a
//! token is valid. An access token is for one resource server only (RFC 9068 §5).

mod scopes;
pub mod text;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ids::{ClientId, TenantId};
use super::redirect_uri::{UriRefused, WebUri};
use super::time::Timestamp;

pub use self::scopes::{RegisteredScope, ResourceScope, ResourceScopeSet, ScopeDescription, ScopeRefused};

/// The largest number of scopes of a resource server.
pub const MAX_SCOPES: usize = 50;

/// The identifier of a resource server (RFC 8707 §2): an absolute URI without fragment, compared character by character. It is the audience
/// of the access tokens, and nothing is sent to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceIndicator(String);

/// A resource server as it is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    pub tenant_id: TenantId,
    /// Unique in the deployment.
    pub indicator: ResourceIndicator,
    /// As people read it.
    pub name: String,
    /// In the order of their names.
    pub scopes: Vec<RegisteredScope>,
    /// Which clients may ask people for access to it.
    pub clients: RequestingClients,
    /// The clients that may introspect its tokens (RFC 7662 §4).
    pub readers: Vec<ClientId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestingClients {
    All,
    Only(Vec<ClientId>),
}

/// Access to a resource server that a person gave, or that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedResource {
    #[serde(rename = "resource")]
    pub indicator: ResourceIndicator,
    /// Of these scopes, the registration of the resource server may allow less now.
    pub scope: ResourceScopeSet,
}

impl GrantedResource {
    /// Whether one of `others` is for the same resource server and has all of the scope.
    pub fn is_within(&self, others: &[Self]) -> bool {
        others.iter().any(|other| other.indicator == self.indicator && self.scope.is_within(&other.scope))
    }
}

/// Why a resource server cannot have these settings.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResourceSettingsRefused {
    #[error("it has no scope: nothing could be requested for it")]
    NoScope,
    #[error("it has more than {MAX_SCOPES} scopes")]
    TooManyScopes,
    #[error("the scope {0} is there twice")]
    RepeatedScope(ResourceScope),
    #[error("this address belongs to the portal itself")]
    OfThePortal,
}

impl ResourceIndicator {
    /// Accepts `https` addresses, and `http` ones of the machine itself.
    pub fn parse(text: &str) -> Result<Self, UriRefused> {
        WebUri::parse(text).map(|_| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceIndicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ResourceIndicator {
    type Error = UriRefused;

    fn try_from(text: String) -> Result<Self, UriRefused> {
        Self::parse(&text)
    }
}

impl From<ResourceIndicator> for String {
    fn from(indicator: ResourceIndicator) -> Self {
        indicator.0
    }
}

impl ResourceServer {
    /// Whether a client of its tenant may request access to it.
    pub fn allows(&self, client: &ClientId) -> bool {
        match &self.clients {
            RequestingClients::All => true,
            RequestingClients::Only(clients) => clients.contains(client),
        }
    }

    /// All of its scopes.
    pub fn scope(&self) -> ResourceScopeSet {
        self.scopes.iter().map(|registered| registered.scope.clone()).collect()
    }

    /// The part of a person's grant that a client can use now. `None` if nothing is left.
    pub fn usable_part(&self, granted: &GrantedResource, client: &ClientId) -> Option<ResourceScopeSet> {
        let scope = granted.scope.intersection(&self.scope());
        (granted.indicator == self.indicator && self.allows(client) && !scope.is_empty()).then_some(scope)
    }

    /// What people read about one of its scopes.
    pub fn description(&self, scope: &ResourceScope) -> Option<&ScopeDescription> {
        self.scopes.iter().find(|registered| registered.scope == *scope).map(|registered| &registered.description)
    }

    /// Refuses what cannot work. `portal`: the portal's own origin, whose addresses are no other resource servers.
    pub fn check_settings(&self, portal: &str) -> Result<(), ResourceSettingsRefused> {
        use ResourceSettingsRefused as R;
        let of_portal = self.indicator.as_str().strip_prefix(portal).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        let mut seen = BTreeSet::new();
        let repeated = self.scopes.iter().find(|registered| !seen.insert(&registered.scope));
        match self.scopes.len() {
            _ if of_portal => Err(R::OfThePortal),
            0 => Err(R::NoScope),
            count if count > MAX_SCOPES => Err(R::TooManyScopes),
            _ => repeated.map_or(Ok(()), |repeated| Err(R::RepeatedScope(repeated.scope.clone()))),
        }
    }

    /// Names of the settings in which this differs from `other`, as the audit log has them: as the options of `tms-portal resource set`.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let named = [
            ("name", self.name != other.name),
            ("scopes", self.scopes != other.scopes),
            ("clients", self.clients != other.clients),
            ("readers", self.readers != other.readers),
        ];
        named.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "https://data.example.org/api";

    fn client(id: &str) -> ClientId {
        ClientId::parse(id).expect("a client id")
    }

    fn server(scopes: &[&str]) -> ResourceServer {
        let registered = |word: &&str| RegisteredScope {
            scope: ResourceScope::parse(word).expect("a scope"),
            description: ScopeDescription::new("Read your files", "Leer sus archivos").expect("descriptions"),
        };
        ResourceServer {
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            indicator: ResourceIndicator::parse(DATA).expect("an indicator"),
            name: "Data".into(),
            scopes: scopes.iter().map(registered).collect(),
            clients: RequestingClients::Only(vec![client("app")]),
            readers: Vec::new(),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    fn granted(indicator: &str, scope: &str) -> GrantedResource {
        GrantedResource { indicator: ResourceIndicator::parse(indicator).expect("an indicator"), scope: ResourceScopeSet::parse(scope) }
    }

    #[test]
    fn indicators_are_absolute_addresses_without_fragment() {
        for good in [DATA, "https://data.example.org", "http://127.0.0.1:9000/mcp", "https://data.example.org/api?version=1"] {
            assert_eq!(ResourceIndicator::parse(good).map(String::from), Ok(good.to_owned()));
        }
        for bad in
            ["", "data", "/api", "https://data.example.org/#x", "http://data.example.org", "urn:data", "https://a b", "https://me@data.example"]
        {
            assert!(ResourceIndicator::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn grant_is_usable_as_far_as_the_registration_allows() {
        let server = server(&["read", "write"]);
        let part = |indicator: &str, scope, by: &str| server.usable_part(&granted(indicator, scope), &client(by)).map(|scope| scope.to_string());
        assert_eq!(part(DATA, "read delete", "app"), Some("read".into()));
        assert_eq!(part(DATA, "delete", "app"), None, "its registration was narrowed");
        assert_eq!(part(DATA, "read", "other"), None, "another client");
        assert_eq!(part("https://data.example.org/api/", "read", "app"), None, "another resource server");
        let open = ResourceServer { clients: RequestingClients::All, ..server.clone() };
        assert!(open.allows(&client("other")));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        use ResourceSettingsRefused as R;
        let portal = "https://tms.example.org";
        let at = |indicator: &str| ResourceServer { indicator: ResourceIndicator::parse(indicator).expect("an indicator"), ..server(&["read"]) };
        assert_eq!(server(&["read", "write"]).check_settings(portal), Ok(()));
        assert_eq!(server(&[]).check_settings(portal), Err(R::NoScope));
        assert_eq!(server(&["a", "b", "a"]).check_settings(portal), Err(R::RepeatedScope(ResourceScope::parse("a").expect("a scope"))));
        let many: Vec<String> = (0..=MAX_SCOPES).map(|n| format!("s{n}")).collect();
        assert_eq!(server(&many.iter().map(String::as_str).collect::<Vec<_>>()).check_settings(portal), Err(R::TooManyScopes));
        for own in ["https://tms.example.org", "https://tms.example.org/v1/tms", "https://tms.example.org?x", "https://tms.example.org/t/test"] {
            assert_eq!(at(own).check_settings(portal), Err(R::OfThePortal), "{own}");
        }
        assert_eq!(at("https://tms.example.org.example.com/v1/tms").check_settings(portal), Ok(()));
    }

    #[test]
    fn changes_are_named_as_options() {
        let before = server(&["read"]);
        let after = ResourceServer { clients: RequestingClients::All, name: "Files".into(), ..before.clone() };
        assert_eq!(after.differences(&before), ["name", "clients"]);
    }
}
