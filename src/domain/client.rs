//! A client: an application that may ask a tenant's people for access.

use super::ids::{ClientId, TenantId};
use super::pagination::QueryParam;
use super::scope::ScopeSet;
use super::time::Timestamp;

/// Client id of the public client that the `tms` command uses; every tenant has it.
pub const CLI_CLIENT_ID: &str = "tms-cli";

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Client {
    /// `id` in TMS' API.
    pub number: i64,
    pub tenant_id: TenantId,
    pub id: ClientId,
    pub app_name: String,
    pub app_version: String,
    pub enabled: bool,
    /// May use the device grant.
    pub device_grant: bool,
    /// The scope it may ask for.
    pub scope: ScopeSet,
    /// Has no secret: any program can claim to be this client (RFC 8628 §5.6).
    pub public: bool,
    /// The tenant's administrators have verified it; people are told so.
    pub verified: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A client with what administrators see of it besides.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ClientDetail {
    pub client: Client,
    /// During a secret rotation: when the old secret expires.
    pub old_secret_until: Option<Timestamp>,
    /// The number of keys it created that still exist.
    pub keys: i64,
    /// The number of people with a delegation to it.
    pub people: i64,
}

/// Filters of the list of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientFilter {
    #[default]
    All,
    Enabled,
    Disabled,
    Public,
}

impl QueryParam for ClientFilter {
    const ALL: &'static [(&'static str, Self)] =
        &[("", Self::All), ("enabled", Self::Enabled), ("disabled", Self::Disabled), ("public", Self::Public)];
}

/// Why a client gets no device code, and loses the access it was granted before its settings changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RequestRefused {
    /// It is disabled (RFC 6749 §5.2 `invalid_client`).
    Disabled,
    /// It may not use the device grant (`unauthorized_client`).
    GrantNotAllowed,
    /// No one could decide: its tenant has no sign-in method (`unauthorized_client`).
    NoSignIn,
    /// None of the requested scope is allowed (`invalid_scope`).
    NoScopeLeft,
}

impl Client {
    /// A client that is enabled, has a secret and may ask people for nothing; its number is assigned when it is stored.
    pub fn new(tenant_id: TenantId, id: ClientId, app_name: impl Into<String>, app_version: impl Into<String>, now: Timestamp) -> Self {
        Self {
            number: 0,
            tenant_id,
            id,
            app_name: app_name.into(),
            app_version: app_version.into(),
            enabled: true,
            device_grant: false,
            scope: ScopeSet::default(),
            public: false,
            verified: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// The scope of a new request: the allowed part of what was requested, or all that is allowed if there is no `scope` parameter. Refuses
    /// as [`Self::allowed_scope`] does.
    pub fn grantable_scope(&self, requested: Option<&str>) -> Result<ScopeSet, RequestRefused> {
        self.allowed_scope(&requested.map_or_else(|| self.scope.clone(), ScopeSet::parse_known))
    }

    /// The part of a scope that the client's current settings allow. Checked at the device's request, the person's decision, the
    /// redemption, and each use of the token. Refuses a client that is disabled, may not use the device grant, or is left with no scope.
    pub fn allowed_scope(&self, scope: &ScopeSet) -> Result<ScopeSet, RequestRefused> {
        if !self.enabled {
            return Err(RequestRefused::Disabled);
        }
        if !self.device_grant {
            return Err(RequestRefused::GrantNotAllowed);
        }
        let allowed = scope.intersection(&self.scope);
        if allowed.is_empty() { Err(RequestRefused::NoScopeLeft) } else { Ok(allowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(device_grant: bool, scope: &str) -> Client {
        Client {
            number: 1,
            tenant_id: TenantId::parse("test").expect("a tenant id"),
            id: ClientId::parse("app").expect("a client id"),
            app_name: "App".into(),
            app_version: "1.0".into(),
            enabled: true,
            device_grant,
            scope: ScopeSet::parse_known(scope),
            public: true,
            verified: false,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn client_gets_the_allowed_part_of_the_requested_scope() {
        let client = client(true, "hosts:read keys:create");
        assert_eq!(client.grantable_scope(None).map(|s| s.to_string()), Ok("hosts:read keys:create".into()));
        assert_eq!(client.grantable_scope(Some("openid hosts:read")).map(|s| s.to_string()), Ok("hosts:read".into()));
        assert_eq!(client.grantable_scope(Some("openid")), Err(RequestRefused::NoScopeLeft));
    }

    #[test]
    fn missing_device_grant_is_reported_before_scope() {
        assert_eq!(client(false, "hosts:read").grantable_scope(Some("nonsense")), Err(RequestRefused::GrantNotAllowed));
    }

    #[test]
    fn scope_is_restricted_to_current_settings() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        assert_eq!(client(true, "hosts:read").allowed_scope(&asked), Ok(ScopeSet::parse_known("hosts:read")));
        assert_eq!(client(true, "keys:read").allowed_scope(&asked), Err(RequestRefused::NoScopeLeft));
        assert_eq!(client(false, "hosts:read").allowed_scope(&asked), Err(RequestRefused::GrantNotAllowed));
        let disabled = Client { enabled: false, ..client(true, "hosts:read") };
        assert_eq!(disabled.allowed_scope(&asked), Err(RequestRefused::Disabled));
    }
}
