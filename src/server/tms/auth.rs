//! Authentication: bearer tokens of devices, clients and hosts (RFC 6750 §2.1, only the header), and TMS' headers for clients and
//! administrators.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::error::{MetadataUrl, TmsError};
use crate::domain::ids::{AdminId, ClientId, TenantId};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::scope::{Scope, ScopeSet};
use crate::server::middleware::bearer::{NotText, token};
use crate::server::middleware::client_ip;
use crate::server::service::admin::hosts::InvalidCredential;
use crate::server::service::auth::principals::{AuthenticatedHost, ClientAccess};
use crate::server::service::auth::refusals::SecretOwner;
use crate::server::service::authorizations::access_tokens::InvalidToken;
use crate::server::service::ssh_keys::lookups::HostCaller;
use crate::server::service::{AuthenticatedClient, Error, Principal, TenantAdmin, TokenHolder};
use crate::server::state::{AppState, SecretRefused};

const TENANT: &str = "x-tms-tenant";
const CLIENT_ID: &str = "x-tms-client-id";
const CLIENT_SECRET: &str = "x-tms-client-secret";
const ADMIN_ID: &str = "x-tms-admin-id";
const ADMIN_SECRET: &str = "x-tms-admin-secret";

/// The message for a host without its required credential.
pub const CREDENTIAL_REQUIRED: &str = "ERROR: NOT AUTHORIZED - this host must send its credential as 'Authorization: Bearer'.";

/// The holder of a valid access token.
pub struct Bearer(pub TokenHolder);

impl Bearer {
    pub fn with(self, scope: Scope) -> Result<TokenHolder, TmsError> {
        if self.0.scope().contains(scope) {
            Ok(self.0)
        } else {
            Err(TmsError::InsufficientScope { scope, narrowed: self.0.consented().contains(scope) })
        }
    }
}

impl FromRequestParts<AppState> for Bearer {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        let from = client_ip::get(&parts.extensions);
        let sent = bearer_token(parts, state, from)?;
        let token = sent.ok_or_else(|| TmsError::NoToken(MetadataUrl::of(&state.services)))?;
        match state.services.authenticate_token(token, from).await {
            Ok(holder) => Ok(Self(holder)),
            Err(Error::Refused(refused)) => Err(TmsError::InvalidToken(refused, MetadataUrl::of(&state.services))),
            Err(Error::Internal(fault)) => Err(fault.into()),
        }
    }
}

/// `None` without a token, or with credentials of another scheme. Refused if the header is no text; that is logged.
fn bearer_token<'p>(parts: &'p Parts, state: &AppState, from: Option<IpAddr>) -> Result<Option<&'p str>, TmsError> {
    bearer(&parts.headers).map_err(|refused| {
        state.services.log_refused_token(refused, from);
        TmsError::InvalidToken(refused, MetadataUrl::of(&state.services))
    })
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, InvalidToken> {
    token(headers).map_err(|NotText| InvalidToken::NotValid)
}

/// A client that authenticated with its secret, or with a token that it got for itself.
pub struct ClientAuth(AuthenticatedClient);

impl ClientAuth {
    /// The client, if its token permits `scope`; its secret permits everything.
    pub fn with(self, scope: Scope) -> Result<AuthenticatedClient, TmsError> {
        check_token_scope(self.0.token_scope(), scope).map(|()| self.0)
    }
}

fn check_token_scope(permitted: Option<&ScopeSet>, scope: Scope) -> Result<(), TmsError> {
    if permitted.is_none_or(|permitted| permitted.contains(scope)) { Ok(()) } else { Err(TmsError::InsufficientScope { scope, narrowed: false }) }
}

impl FromRequestParts<AppState> for ClientAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        if let Some(client) = client_by_token(parts, state).await? {
            return Ok(Self(client));
        }
        text(&parts.headers, CLIENT_ID).ok_or_else(|| missing_header("X-TMS-CLIENT-ID"))?;
        let tenant = tenant(&parts.headers)?;
        client(parts, state, &tenant).await?.map(Self).ok_or_else(|| {
            let id: String = text(&parts.headers, CLIENT_ID).unwrap_or_default().chars().take(128).collect();
            TmsError::NotAuthorized(format!("ERROR: NOT AUTHORIZED Credential mismatch for client {id} in tenant {tenant}."))
        })
    }
}

/// An administrator of the tenant in the header.
pub struct AdminAuth(pub TenantAdmin);

impl FromRequestParts<AppState> for AdminAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        let tenant = tenant(&parts.headers)?;
        let refused = || TmsError::NotAuthorized(format!("ERROR: NOT AUTHORIZED - administrator credentials for tenant {tenant} are required."));
        admin(parts, state, &tenant).await?.map(Self).ok_or_else(refused)
    }
}

/// A client, or an administrator of its tenant. With valid credentials of both, the client.
pub struct ClientOrAdminAuth(Principal);

impl ClientOrAdminAuth {
    /// The client, if its token permits `scope`, or the administrator.
    pub fn with(self, scope: Scope) -> Result<Principal, TmsError> {
        check_token_scope(self.0.token_scope(), scope).map(|()| self.0)
    }

    /// For what needs no scope: a client's own registration.
    pub fn with_any_scope(self) -> Principal {
        self.0
    }

    /// For the client's credentials, which its tokens cannot change: a token that leaks must not outlive its hour.
    pub fn with_credentials(self) -> Result<Principal, TmsError> {
        match self.0.token_scope() {
            None => Ok(self.0),
            Some(_) => Err(TmsError::Forbidden("ERROR: FORBIDDEN - an access token cannot change the client's own credentials.".into())),
        }
    }
}

impl FromRequestParts<AppState> for ClientOrAdminAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        if let Some(client) = client_by_token(parts, state).await? {
            return Ok(Self(Principal::Client(Box::new(client))));
        }
        let tenant = tenant(&parts.headers)?;
        if let Some(client) = client(parts, state, &tenant).await? {
            return Ok(Self(Principal::Client(Box::new(client))));
        }
        let refused = || {
            TmsError::NotAuthorized(format!(
                "ERROR: NOT AUTHORIZED - the client's own or administrator credentials for tenant {tenant} are required."
            ))
        };
        admin(parts, state, &tenant).await?.map(|admin| Self(Principal::Admin(Box::new(admin)))).ok_or_else(refused)
    }
}

/// An administrator, if the request has their headers; wrong credentials are refused.
pub struct OptionalAdminAuth(pub Option<TenantAdmin>);

impl FromRequestParts<AppState> for OptionalAdminAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        if parts.headers.contains_key(ADMIN_ID) {
            AdminAuth::from_request_parts(parts, state).await.map(|AdminAuth(admin)| Self(Some(admin)))
        } else {
            Ok(Self(None))
        }
    }
}

/// Where a request comes from.
pub struct ClientIp(pub Option<IpAddr>);

impl FromRequestParts<AppState> for ClientIp {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(Self(client_ip::get(&parts.extensions)))
    }
}

/// The tenant in the header, without authentication.
pub struct OptionalTenant(pub Option<TenantId>);

impl FromRequestParts<AppState> for OptionalTenant {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, TmsError> {
        if parts.headers.contains_key(TENANT) { tenant(&parts.headers).map(|tenant| Self(Some(tenant))) } else { Ok(Self(None)) }
    }
}

/// A host that looks up a key: authenticated, with a tenant, or anonymous.
pub struct HostCallerAuth(pub HostCaller);

impl FromRequestParts<AppState> for HostCallerAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        let OptionalTenant(tenant) = OptionalTenant::from_request_parts(parts, state).await?;
        let from = client_ip::get(&parts.extensions);
        let sent = bearer(&parts.headers).map_err(|refused| {
            let (kind, failure) = (CredentialKind::HostCredential, AuthenticationFailure::Malformed);
            let tenant = tenant.as_ref().map_or(ClaimedName::None, |tenant| ClaimedName::Unverified(tenant.as_str()));
            state.services.log_refusal(&RefusedAuthentication { kind, tenant, name: ClaimedName::None, from, failure });
            TmsError::InvalidToken(refused, MetadataUrl::of(&state.services))
        })?;
        let Some(credential) = sent else {
            return Ok(Self(tenant.map_or(HostCaller::Anonymous, HostCaller::Tenant)));
        };
        match state.services.authenticate_host(credential, tenant.as_ref(), from).await {
            Ok(host) => Ok(Self(HostCaller::Authenticated(host))),
            Err(Error::Refused(InvalidCredential)) => Err(TmsError::HostCredential("ERROR: NOT AUTHORIZED - the host credential is not valid.")),
            Err(Error::Internal(fault)) => Err(fault.into()),
        }
    }
}

/// A host that authenticated with its credential.
pub struct HostAuth(pub AuthenticatedHost);

impl FromRequestParts<AppState> for HostAuth {
    type Rejection = TmsError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, TmsError> {
        match HostCallerAuth::from_request_parts(parts, state).await? {
            HostCallerAuth(HostCaller::Authenticated(host)) => Ok(Self(host)),
            HostCallerAuth(_) => Err(TmsError::HostCredential(CREDENTIAL_REQUIRED)),
        }
    }
}

/// The client whose token a request has; `None` without a token. A token beside other credentials is refused: which of them counts would depend on
/// the endpoint.
async fn client_by_token(parts: &Parts, state: &AppState) -> Result<Option<AuthenticatedClient>, TmsError> {
    let from = client_ip::get(&parts.extensions);
    let sent = bearer_token(parts, state, from)?;
    let Some(token) = sent else { return Ok(None) };
    if [CLIENT_ID, CLIENT_SECRET, ADMIN_ID, ADMIN_SECRET].iter().any(|header| parts.headers.contains_key(*header)) {
        return Err(TmsError::BadRequest("ERROR: send either an access token or the credentials in X-TMS-... headers, not both.".into()));
    }
    let client = match state.services.authenticate_client_token(token, from).await {
        Ok(client) => client,
        Err(Error::Refused(refused)) => return Err(TmsError::InvalidToken(refused, MetadataUrl::of(&state.services))),
        Err(Error::Internal(fault)) => return Err(fault.into()),
    };
    if parts.headers.contains_key(TENANT) && tenant(&parts.headers)? != client.client().tenant_id {
        return Err(TmsError::BadRequest("ERROR: X-TMS-TENANT names another tenant than the access token.".into()));
    }
    Ok(Some(client))
}

/// `None` without client credentials, or with wrong ones.
async fn client(parts: &Parts, state: &AppState, tenant: &TenantId) -> Result<Option<AuthenticatedClient>, TmsError> {
    let claim = text(&parts.headers, CLIENT_ID).zip(text(&parts.headers, CLIENT_SECRET).filter(|secret| !secret.is_empty()));
    let (Some((name, secret)), from) = (claim, client_ip::get(&parts.extensions)) else { return Ok(None) };
    let Ok(id) = ClientId::parse(name) else {
        log_malformed(state, CredentialKind::ClientSecret, (tenant, name), from);
        return Ok(None);
    };
    let checked = state.services.authenticate_client(tenant, &id, Some(secret), from).await;
    wrong_as_none(state.limit_wrong_secrets(tenant, &SecretOwner::Client(id), from, checked).await)
}

async fn admin(parts: &Parts, state: &AppState, tenant: &TenantId) -> Result<Option<TenantAdmin>, TmsError> {
    let claim = text(&parts.headers, ADMIN_ID).zip(text(&parts.headers, ADMIN_SECRET));
    let (Some((name, secret)), from) = (claim, client_ip::get(&parts.extensions)) else { return Ok(None) };
    let Ok(id) = AdminId::parse(name) else {
        log_malformed(state, CredentialKind::AdminSecret, (tenant, name), from);
        return Ok(None);
    };
    let checked = state.services.authenticate_admin(tenant, &id, secret, from).await;
    wrong_as_none(state.limit_wrong_secrets(tenant, &SecretOwner::Admin(id), from, checked).await)
}

/// Logs credentials whose name is no identifier.
fn log_malformed(state: &AppState, kind: CredentialKind, (tenant, name): (&TenantId, &str), from: Option<IpAddr>) {
    let (tenant, name) = (ClaimedName::Unverified(tenant.as_str()), ClaimedName::Unverified(name));
    state.services.log_refusal(&RefusedAuthentication { kind, tenant, name, from, failure: AuthenticationFailure::Malformed });
}

fn wrong_as_none<T>(checked: Result<T, SecretRefused>) -> Result<Option<T>, TmsError> {
    match checked {
        Ok(principal) => Ok(Some(principal)),
        Err(SecretRefused::Wrong) => Ok(None),
        Err(SecretRefused::NoTenant) => Err(tenant_not_enabled()),
        Err(SecretRefused::TooMany(wait)) => Err(TmsError::TooManyRequests(wait)),
        Err(SecretRefused::Internal(fault)) => Err(fault.into()),
    }
}

/// Permission to act on a client; `location` is the part of the request that names it.
pub fn client_access(principal: &Principal, client_id: ClientId, location: &str) -> Result<ClientAccess, TmsError> {
    principal.client_access(client_id.clone()).ok_or_else(|| {
        let named = format!("{client_id}@{}", principal.tenant_id());
        TmsError::Forbidden(format!("ERROR: FORBIDDEN - {location} parameters ({named}) differ from those in the request header."))
    })
}

fn tenant(headers: &HeaderMap) -> Result<TenantId, TmsError> {
    let name = text(headers, TENANT).ok_or_else(|| missing_header("X-TMS-TENANT"))?;
    TenantId::parse(name).map_err(|_| tenant_not_enabled())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn missing_header(header: &str) -> TmsError {
    TmsError::BadRequest(format!("Required '{header}' HTTP header not found"))
}

pub fn tenant_not_enabled() -> TmsError {
    TmsError::BadRequest("Tenant not enabled.".into())
}
