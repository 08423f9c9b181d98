//! A client: an application that may ask a tenant's people for access.

pub mod product_configuration;
pub mod registration;

use std::time::Duration;

use self::registration::{ClientAuthMethod, ConsentRule, GrantType, GrantTypes, PkceRule, RefreshRule};
use super::client_uris::ClientUris;
use super::ids::{ClientId, HostName, TenantId};
use super::pagination::QueryParam;
use super::resource_server::GrantedResource;
use super::scope::{Scope, ScopeSet};
use super::signing_key::SigningAlgorithm;
use super::time::Timestamp;

/// Client id of the public client that the `tms` command uses; every tenant has it.
pub const CLI_CLIENT_ID: &str = "tms-cli";

/// Its redirect URIs, on the machine on which it runs; it listens on a free port.
pub const CLI_REDIRECT_URIS: [&str; 2] = ["http://127.0.0.1/callback", "http://[::1]/callback"];

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
    /// What else it may use to get tokens.
    pub grant_types: GrantTypes,
    /// The scope it may ask for.
    pub scope: ScopeSet,
    pub auth_method: ClientAuthMethod,
    /// Its public keys (RFC 7517 §5), if it does not publish them (`ClientUris::jwks`).
    pub jwks: Option<String>,
    /// Its assertions may name the token endpoint as their audience, as before the update of RFC 7523: its library is an old one.
    pub endpoint_audience: bool,
    pub pkce: PkceRule,
    /// With which the tokens for it are signed; every client has to support the default (OpenID Connect Core §15.1).
    pub id_token_algorithm: SigningAlgorithm,
    /// The longest access that a person may allow it, if that is shorter than the tenant's.
    pub longest_access: Option<Duration>,
    /// People arrive there under the name of their account on this host.
    pub username_of_host: Option<HostName>,
    /// Takes part in the authorization code flow with pushed authorization requests only (RFC 9126 §6).
    pub pushed_requests_only: bool,
    pub refresh: RefreshRule,
    pub consent: ConsentRule,
    /// Marks the tokens that it gets for itself; those with another mark have ended. Set when it is registered or disabled, and when its
    /// credentials are replaced without overlap.
    pub tokens_since: Timestamp,
    /// The tenant's administrators have verified it; people are told so.
    pub verified: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A client with what administrators see of it besides.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct ClientDetail {
    pub client: Client,
    pub uris: ClientUris,
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

/// Why a request of a client for access is refused, and why it loses the access it was granted before its settings changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum RequestRefused {
    /// It is disabled (RFC 6749 §5.2 `invalid_client`).
    Disabled,
    /// It may not use the grant type of the request or authorization (`unauthorized_client`).
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
            grant_types: GrantTypes::default(),
            scope: ScopeSet::default(),
            auth_method: ClientAuthMethod::Secret,
            jwks: None,
            endpoint_audience: false,
            pkce: PkceRule::default(),
            id_token_algorithm: SigningAlgorithm::default(),
            longest_access: None,
            username_of_host: None,
            pushed_requests_only: false,
            refresh: RefreshRule::default(),
            consent: ConsentRule::default(),
            // Not the mark of a client of the same id that was deleted.
            tokens_since: now,
            verified: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether any program can claim to be this client (RFC 8628 §5.6).
    pub fn is_public(&self) -> bool {
        self.auth_method == ClientAuthMethod::None
    }

    /// Ends the tokens that it got for itself.
    pub fn end_own_tokens(&mut self, now: Timestamp) {
        // Each mark is used once, also if the clock was set back.
        self.tokens_since = now.max(self.tokens_since + Duration::from_millis(1));
    }

    /// Whether it may get tokens in this way.
    pub fn allows(&self, grant_type: GrantType) -> bool {
        match grant_type {
            GrantType::DeviceCode => self.device_grant,
            GrantType::AuthorizationCode => self.grant_types.authorization_code,
            GrantType::RefreshToken => self.grant_types.refresh_token,
            GrantType::ClientCredentials => self.grant_types.client_credentials,
        }
    }

    /// The part of a scope that the client's current settings allow. Checked at the client's request, the person's decision, the redemption,
    /// and each use of the token. Refuses a client that is disabled, may not use the grant type, or is left with nothing; `resources`, access to
    /// other resource servers, may be all that is left.
    pub fn allowed_scope_with(&self, grant_type: GrantType, scope: &ScopeSet, resources: &[GrantedResource]) -> Result<ScopeSet, RequestRefused> {
        if !self.enabled {
            return Err(RequestRefused::Disabled);
        }
        if !self.allows(grant_type) {
            return Err(RequestRefused::GrantNotAllowed);
        }
        let mut allowed = scope.intersection(&self.scope);
        if !self.allows(GrantType::RefreshToken) {
            allowed = allowed.without(Scope::OfflineAccess);
        }
        if !resources.is_empty() || allowed.permits_something() { Ok(allowed) } else { Err(RequestRefused::NoScopeLeft) }
    }

    /// Whether it gets a refresh token with this scope.
    pub fn gets_refresh_token(&self, scope: &ScopeSet) -> bool {
        self.allows(GrantType::RefreshToken) && (scope.contains(Scope::OfflineAccess) || self.refresh == RefreshRule::Always)
    }

    /// Whether each refresh gives it a new refresh token, because it cannot prove who it is (RFC 9700 §4.14.2).
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.is_public()
    }

    /// Names of the settings in which this differs from `other`, as the audit log has them: as the options of `tms-portal client set`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let named = [
            ("app-version", self.app_version != other.app_version),
            ("enabled", self.enabled != other.enabled),
            ("verified", self.verified != other.verified),
            ("device-grant", self.device_grant != other.device_grant),
            ("grant-types", self.grant_types != other.grant_types),
            ("scope", self.scope != other.scope),
            ("jwks", self.jwks != other.jwks),
            ("endpoint-audience", self.endpoint_audience != other.endpoint_audience),
            ("id-token-alg", self.id_token_algorithm != other.id_token_algorithm),
            ("longest-access-hours", self.longest_access != other.longest_access),
            ("username-of-host", self.username_of_host != other.username_of_host),
            ("pushed-requests-only", self.pushed_requests_only != other.pushed_requests_only),
            ("refresh", self.refresh != other.refresh),
            ("consent", self.consent != other.consent),
        ];
        let mut names: Vec<String> = named.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
        // With the value: who reads the audit log should see that a protection was switched off.
        names.extend((self.pkce != other.pkce).then(|| format!("pkce={}", self.pkce.as_str())));
        names.extend((self.auth_method != other.auth_method).then(|| format!("auth-method={}", self.auth_method.as_str())));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::requested_access::RequestedResources;

    fn client(device_grant: bool, scope: &str) -> Client {
        let (tenant, id) = (TenantId::parse("test").expect("a tenant id"), ClientId::parse("app").expect("a client id"));
        Client { device_grant, scope: ScopeSet::parse_known(scope), ..Client::new(tenant, id, "App", "1.0", Timestamp::from_millis(0)) }
    }

    fn grantable(client: &Client, scope: Option<&str>) -> Result<String, RequestRefused> {
        RequestedResources::api_only().access(client, GrantType::DeviceCode, scope).map(|access| access.scope.to_string())
    }

    fn allowed(client: &Client, scope: &ScopeSet) -> Result<ScopeSet, RequestRefused> {
        client.allowed_scope_with(GrantType::DeviceCode, scope, &[])
    }

    #[test]
    fn client_gets_the_allowed_part_of_the_requested_scope() {
        let client = client(true, "hosts:read keys:create");
        assert_eq!(grantable(&client, None), Ok("hosts:read keys:create".into()));
        assert_eq!(grantable(&client, Some("openid hosts:read")), Ok("hosts:read".into()));
        assert_eq!(grantable(&client, Some("openid")), Err(RequestRefused::NoScopeLeft));
    }

    #[test]
    fn offline_access_is_given_on_request_beside_a_permission() {
        let mut client = client(true, "hosts:read offline_access");
        assert_eq!(grantable(&client, Some("hosts:read offline_access")), Ok("hosts:read".into()), "it may not use refresh tokens");
        client.grant_types.refresh_token = true;
        assert_eq!(grantable(&client, None), Ok("hosts:read".into()));
        assert_eq!(grantable(&client, Some("hosts:read offline_access")), Ok("hosts:read offline_access".into()));
        assert_eq!(grantable(&client, Some("offline_access")), Err(RequestRefused::NoScopeLeft));
        let gets_one = |client: &Client, scope| client.gets_refresh_token(&ScopeSet::parse_known(scope));
        assert_eq!((gets_one(&client, "hosts:read offline_access"), gets_one(&client, "hosts:read")), (true, false));
        client.refresh = RefreshRule::Always;
        assert!(gets_one(&client, "hosts:read"));
    }

    #[test]
    fn missing_device_grant_is_reported_before_scope() {
        assert_eq!(grantable(&client(false, "hosts:read"), Some("nonsense")), Err(RequestRefused::GrantNotAllowed));
    }

    #[test]
    fn scope_is_restricted_to_current_settings() {
        let asked = ScopeSet::parse_known("hosts:read keys:create");
        assert_eq!(allowed(&client(true, "hosts:read"), &asked), Ok(ScopeSet::parse_known("hosts:read")));
        assert_eq!(allowed(&client(true, "keys:read"), &asked), Err(RequestRefused::NoScopeLeft));
        assert_eq!(allowed(&client(false, "hosts:read"), &asked), Err(RequestRefused::GrantNotAllowed));
        let disabled = Client { enabled: false, ..client(true, "hosts:read") };
        assert_eq!(allowed(&disabled, &asked), Err(RequestRefused::Disabled));
    }
}
