//! Principals: values that prove who makes a request. Only the service layer creates them; a use case that takes one needs no further check
//! of identity.

use std::net::IpAddr;
use std::ops::Deref;

use crate::domain::client::Client;
use crate::domain::device_grant::Claimant;
use crate::domain::ids::{AdminId, AuthorizationId, ClientId, HostName, SessionId, TenantId, TokenFamilyId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::step_up::{AuthenticationTimes, StepUpRequired};
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;

/// A person with a live browser session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) user_id: UserId,
    pub(in crate::server::service) display_name: String,
    pub(in crate::server::service) tenant: Tenant,
    /// Has the administrator role of the tenant.
    pub(in crate::server::service) admin: bool,
    pub(in crate::server::service) auth_times: AuthenticationTimes,
    /// Has enrolled a second factor.
    pub(in crate::server::service) has_second_factor: bool,
    pub(in crate::server::service) session: BrowserSession,
}

/// A signed-in person who authenticated recently. Required for sensitive actions.
#[derive(Clone, Debug)]
pub struct RecentlyAuthenticated(pub(in crate::server::service) SignedIn);

impl Deref for RecentlyAuthenticated {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

/// Why an action of administration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDenied {
    /// The person does not have the administrator role.
    NotAdmin,
    StepUpRequired(StepUpRequired),
}

/// A person who meets the tenant's requirements for allowing a device or an application, or extending a delegation.
#[derive(Clone, Debug)]
pub struct ConsentAuthorized(pub(in crate::server::service) SignedIn);

/// A browser session, anonymous or signed in, and its IP address.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    pub(in crate::server::service) session_id: SessionId,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl BrowserSession {
    /// The session's public id, as on the sessions page.
    pub fn session_id(&self) -> &SessionId {
        &self.session_id
    }
}

impl SignedIn {
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// Display name of the person.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Display name of the tenant.
    pub fn tenant_name(&self) -> &str {
        &self.tenant.display_name
    }

    /// The tenant with its policy.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether they have enrolled a second factor.
    pub fn has_second_factor(&self) -> bool {
        self.has_second_factor
    }

    /// Whether they have the administrator role; using it requires [`TenantAdmin`].
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    pub fn session(&self) -> &BrowserSession {
        &self.session
    }

    /// The claimant for user codes.
    pub(in crate::server::service) fn claimant(&self) -> Claimant {
        Claimant { session: self.session.session_id.clone(), person: Some(self.user_id.clone()) }
    }
}

/// A client that authenticated with its secret, its key or a token that it got for itself; or a public one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub(in crate::server::service) client: Client,
    /// Its tenant, which is enabled.
    pub(in crate::server::service) tenant: Tenant,
    /// With a token, what the token permits.
    pub(in crate::server::service) token_scope: Option<ScopeSet>,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl AuthenticatedClient {
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The scope of the token with which it authenticated; `None` if it did so with its credentials, which permit everything.
    pub fn token_scope(&self) -> Option<&ScopeSet> {
        self.token_scope.as_ref()
    }
}

/// An administrator of an enabled tenant, or of the `default` tenant.
#[derive(Clone, Debug)]
pub struct TenantAdmin {
    pub(in crate::server::service) tenant: Tenant,
    pub(in crate::server::service) admin_id: AdminId,
    pub(in crate::server::service) from: Option<IpAddr>,
    /// The browser session, if it is a person in the portal.
    pub(in crate::server::service) session: Option<SessionId>,
}

impl TenantAdmin {
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant.id
    }

    pub fn admin_id(&self) -> &AdminId {
        &self.admin_id
    }

    /// The tenant's policy.
    pub fn policy(&self) -> &Policy {
        &self.tenant.policy
    }

    /// Whether it is the operator of the machine, who could change the database directly and repair it.
    pub(in crate::server::service) fn is_operator(&self) -> bool {
        self.admin_id == AdminId::of_operator()
    }

    /// The IP address of the request.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Whether it is an administrator of the `default` tenant, who runs the deployment and manages tenants.
    pub fn is_deployment_admin(&self) -> bool {
        self.tenant.id.as_str() == DEFAULT_TENANT
    }
}

/// The tenant whose administrators run the deployment.
pub const DEFAULT_TENANT: &str = "default";

/// For endpoints of the TMS API where a client acts on itself, and an administrator on any client.
#[derive(Clone, Debug)]
pub enum Principal {
    Client(Box<AuthenticatedClient>),
    Admin(Box<TenantAdmin>),
}

impl Principal {
    pub fn tenant_id(&self) -> &TenantId {
        match self {
            Self::Client(client) => &client.tenant.id,
            Self::Admin(admin) => &admin.tenant.id,
        }
    }

    /// The scope of the client's token; `None` if neither its credentials nor the administrator's are limited.
    pub fn token_scope(&self) -> Option<&ScopeSet> {
        match self {
            Self::Client(client) => client.token_scope(),
            Self::Admin(_) => None,
        }
    }

    /// The client, if only its own objects may be seen; `None` for an administrator.
    pub fn client_scope(&self) -> Option<&ClientId> {
        match self {
            Self::Client(client) => Some(&client.client.id),
            Self::Admin(_) => None,
        }
    }

    /// Permission to manage a client; `None` if the principal is another client.
    pub fn client_access(&self, client_id: ClientId) -> Option<ClientAccess> {
        let allowed = self.client_scope().is_none_or(|own| *own == client_id);
        let (admin_id, from) = match self {
            Self::Client(client) => (None, client.from),
            Self::Admin(admin) => (Some(admin.admin_id.clone()), admin.from),
        };
        allowed.then(|| ClientAccess { tenant_id: self.tenant_id().clone(), client_id, admin_id, from })
    }

    /// Permission to manage keys that people registered themselves; `None` for a client.
    pub fn own_key_access(&self) -> Option<KeyAccess> {
        match self {
            Self::Client(_) => None,
            Self::Admin(admin) => Some(KeyAccess {
                tenant_id: admin.tenant.id.clone(),
                client_id: None,
                user_id: None,
                admin_id: Some(admin.admin_id.clone()),
                from: admin.from,
            }),
        }
    }
}

/// Permission to manage keys: a client's own, or for an administrator those of any client or person.
#[derive(Clone, Debug)]
pub struct KeyAccess {
    pub(in crate::server::service) tenant_id: TenantId,
    /// `None`: keys that people registered themselves.
    pub(in crate::server::service) client_id: Option<ClientId>,
    /// Restricts it to one person.
    pub(in crate::server::service) user_id: Option<UserId>,
    pub(in crate::server::service) admin_id: Option<AdminId>,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl KeyAccess {
    pub fn for_person(self, user_id: Option<UserId>) -> Self {
        Self { user_id, ..self }
    }
}

impl From<ClientAccess> for KeyAccess {
    fn from(access: ClientAccess) -> Self {
        let ClientAccess { tenant_id, client_id, admin_id, from } = access;
        Self { tenant_id, client_id: Some(client_id), user_id: None, admin_id, from }
    }
}

/// Permission to manage a client and its keys: the client itself, or an administrator of its tenant.
#[derive(Clone, Debug)]
pub struct ClientAccess {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) client_id: ClientId,
    pub(in crate::server::service) admin_id: Option<AdminId>,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl ClientAccess {
    pub fn into_client_id(self) -> ClientId {
        self.client_id
    }
}

/// A host that authenticated with its credential.
#[derive(Clone, Debug)]
pub struct AuthenticatedHost {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) host: HostName,
    pub(in crate::server::service) from: Option<IpAddr>,
}

/// The bearer of a valid access token.
#[derive(Clone, Debug)]
pub struct TokenHolder {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) user_id: UserId,
    pub(in crate::server::service) client_id: ClientId,
    pub(in crate::server::service) authorization_id: AuthorizationId,
    pub(in crate::server::service) family_id: TokenFamilyId,
    /// That of the client.
    pub(in crate::server::service) username_of_host: Option<HostName>,
    /// The part of the consented scope that the client's settings allow now.
    pub(in crate::server::service) scope: ScopeSet,
    pub(in crate::server::service) consented: ScopeSet,
    pub(in crate::server::service) expires_at: Timestamp,
    pub(in crate::server::service) access_until: Timestamp,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl TokenHolder {
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    pub fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// The scope that the person consented to; the client may have lost part of it since.
    pub fn consented(&self) -> &ScopeSet {
        &self.consented
    }

    /// When the token expires; not later than [`Self::access_until`].
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The date of the authorization, until which the client may get new tokens and which no key made with them outlives.
    pub fn access_until(&self) -> Timestamp {
        self.access_until
    }

    /// The token family, one sign-in of a program.
    pub fn family_id(&self) -> &TokenFamilyId {
        &self.family_id
    }
}
