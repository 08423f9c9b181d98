//! A client: an application that a tenant trusts to ask people for permission.

use super::ids::{ClientId, TenantId};
use super::pagination::QueryParam;
use super::scope::ScopeSet;
use super::time::Timestamp;

/// The public client behind the `tms` command; every tenant has it.
pub const CLI_CLIENT_ID: &str = "tms-cli";

#[derive(Clone, Debug)]
pub struct Client {
    /// `id` on TMS' wire.
    pub number: i64,
    pub tenant_id: TenantId,
    pub id: ClientId,
    pub app_name: String,
    pub app_version: String,
    pub enabled: bool,
    /// May use the device grant.
    pub device_grant: bool,
    /// The most it may ask for.
    pub scope: ScopeSet,
    /// No secret: anybody can claim to be this client (RFC 8628 §5.6).
    pub public: bool,
    /// The tenant's operators have looked at it and say so to people.
    pub verified: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Which clients a list shows.
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

/// Why a client gets no device code, and nothing of what it was allowed before its administrators decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RequestRefused {
    /// It is switched off (RFC 6749 §5.2 `invalid_client`).
    Disabled,
    /// It may not use the device grant (`unauthorized_client`).
    GrantNotAllowed,
    /// No person could decide: its tenant has no sign-in method (`unauthorized_client`).
    NoSignIn,
    /// It may have nothing of the scope (`invalid_scope`).
    NoScopeLeft,
}

impl Client {
    /// The scope a request gets: what was asked for and is allowed; without a `scope` parameter all that is allowed.
    pub fn grantable_scope(&self, requested: Option<&str>) -> Result<ScopeSet, RequestRefused> {
        self.allowed_scope(&requested.map_or_else(|| self.scope.clone(), ScopeSet::parse_known))
    }

    /// What the client may have of a scope as it is set up now. Asked when a device asks, when the person decides, when the device
    /// comes for its token, and at each use of the token.
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
    fn a_client_gets_what_it_asks_for_within_its_limits() {
        let client = client(true, "hosts:read keys:create");
        assert_eq!(client.grantable_scope(None).map(|s| s.to_string()), Ok("hosts:read keys:create".into()));
        assert_eq!(client.grantable_scope(Some("openid hosts:read")).map(|s| s.to_string()), Ok("hosts:read".into()));
        assert_eq!(client.grantable_scope(Some("openid")), Err(RequestRefused::NoScopeLeft));
    }

    #[test]
    fn a_client_without_the_grant_is_told_so_first() {
        assert_eq!(client(false, "hosts:read").grantable_scope(Some("nonsense")), Err(RequestRefused::GrantNotAllowed));
    }

    #[test]
    fn a_scope_is_cut_to_what_the_client_may_have_now() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        assert_eq!(client(true, "hosts:read").allowed_scope(&asked), Ok(ScopeSet::parse_known("hosts:read")));
        assert_eq!(client(true, "keys:read").allowed_scope(&asked), Err(RequestRefused::NoScopeLeft));
        assert_eq!(client(false, "hosts:read").allowed_scope(&asked), Err(RequestRefused::GrantNotAllowed));
        let disabled = Client { enabled: false, ..client(true, "hosts:read") };
        assert_eq!(disabled.allowed_scope(&asked), Err(RequestRefused::Disabled));
    }
}
