//! Who is asking, proved. Only this room makes these values; a use case that takes one needs no further check of who it is.

use std::net::IpAddr;
use std::ops::Deref;

use crate::domain::client::Client;
use crate::domain::device_grant::Claimant;
use crate::domain::ids::{AdminId, ClientId, DeviceGrantId, HostName, SessionId, TenantId, UserId};
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
    /// Has the role of an administrator of the tenant.
    pub(in crate::server::service) admin: bool,
    pub(in crate::server::service) auth_times: AuthenticationTimes,
    /// Has set up a second factor here.
    pub(in crate::server::service) has_second_factor: bool,
    pub(in crate::server::service) session: BrowserSession,
}

/// A signed-in person who has shown just now that it is them: what is hard to take back takes this.
#[derive(Clone, Debug)]
pub struct RecentlyAuthenticated(pub(in crate::server::service) SignedIn);

impl Deref for RecentlyAuthenticated {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

/// Why a signed-in person may not do something now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessDenied {
    /// They are no administrator.
    NotAdmin,
    StepUpRequired(StepUpRequired),
}

/// A person who has shown what their tenant wants to see before they let a device in, or let an application act for longer.
#[derive(Clone, Debug)]
pub struct ConsentAuthorized(pub(in crate::server::service) SignedIn);

/// A browser session, signed in or not, and where it comes from.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    pub(in crate::server::service) session_id: SessionId,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl BrowserSession {
    /// The session as the sessions page names it.
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

    /// What people read.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// What people read.
    pub fn tenant_name(&self) -> &str {
        &self.tenant.display_name
    }

    /// With its policy.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether they have the role of an administrator; what they do with it takes [`TenantAdmin`].
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    pub fn session(&self) -> &BrowserSession {
        &self.session
    }

    /// As who they take up user codes.
    pub(in crate::server::service) fn claimant(&self) -> Claimant {
        Claimant { session: self.session.session_id.clone(), person: Some(self.user_id.clone()) }
    }
}

/// A client that has shown its secret, or has none to show.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub(in crate::server::service) client: Client,
    /// Its tenant, which is switched on.
    pub(in crate::server::service) tenant: Tenant,
    pub(in crate::server::service) from: Option<IpAddr>,
}

impl AuthenticatedClient {
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// An administrator of a tenant that is switched on, or of the `default` tenant.
#[derive(Clone, Debug)]
pub struct TenantAdmin {
    pub(in crate::server::service) tenant: Tenant,
    pub(in crate::server::service) admin_id: AdminId,
    pub(in crate::server::service) from: Option<IpAddr>,
    /// Of one who is a person in a browser.
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

    /// At the machine itself: they could change the database as well, and mend what they break.
    pub(in crate::server::service) fn is_operator(&self) -> bool {
        self.admin_id == AdminId::of_operator()
    }

    /// Where they sit.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Administrators of the `default` tenant run the deployment: they make tenants and switch them on and off.
    pub fn is_deployment_admin(&self) -> bool {
        self.tenant.id.as_str() == DEFAULT_TENANT
    }
}

/// The tenant whose administrators run the whole deployment.
pub const DEFAULT_TENANT: &str = "default";

/// Where TMS lets a client act on itself, and an administrator on any client.
#[derive(Clone, Debug)]
pub enum Principal {
    Client(AuthenticatedClient),
    Admin(TenantAdmin),
}

impl Principal {
    pub fn tenant_id(&self) -> &TenantId {
        match self {
            Self::Client(client) => &client.tenant.id,
            Self::Admin(admin) => &admin.tenant.id,
        }
    }

    /// The client that sees only its own; `None` for an administrator, who sees all.
    pub fn client_scope(&self) -> Option<&ClientId> {
        match self {
            Self::Client(client) => Some(&client.client.id),
            Self::Admin(_) => None,
        }
    }

    /// Leave to act on a client; `None` when that is somebody else's.
    pub fn client_access(&self, client_id: ClientId) -> Option<ClientAccess> {
        let allowed = self.client_scope().is_none_or(|own| *own == client_id);
        let (admin_id, from) = match self {
            Self::Client(client) => (None, client.from),
            Self::Admin(admin) => (Some(admin.admin_id.clone()), admin.from),
        };
        allowed.then(|| ClientAccess { tenant_id: self.tenant_id().clone(), client_id, admin_id, from })
    }

    /// Leave to act on the keys that people registered themselves; `None` for a client.
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

/// Who may act on keys: a client on its own, an administrator on any client's and on those that people registered themselves.
#[derive(Clone, Debug)]
pub struct KeyAccess {
    pub(in crate::server::service) tenant_id: TenantId,
    /// `None`: keys that people registered themselves.
    pub(in crate::server::service) client_id: Option<ClientId>,
    /// Only this person's.
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
    fn from(keeper: ClientAccess) -> Self {
        let ClientAccess { tenant_id, client_id, admin_id, from } = keeper;
        Self { tenant_id, client_id: Some(client_id), user_id: None, admin_id, from }
    }
}

/// Whoever may act on a client and what it made: the client itself, or an administrator of its tenant.
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

/// A host that has shown its credential.
#[derive(Clone, Debug)]
pub struct AuthenticatedHost {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) host: HostName,
}

/// Whoever holds a live access token.
#[derive(Clone, Debug)]
pub struct TokenHolder {
    pub(in crate::server::service) tenant_id: TenantId,
    pub(in crate::server::service) user_id: UserId,
    pub(in crate::server::service) client_id: ClientId,
    pub(in crate::server::service) grant_id: DeviceGrantId,
    /// What the client may have now of what was consented to.
    pub(in crate::server::service) scope: ScopeSet,
    pub(in crate::server::service) consented: ScopeSet,
    pub(in crate::server::service) expires_at: Timestamp,
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

    /// What the person said yes to, which the client may have lost since.
    pub fn consented(&self) -> &ScopeSet {
        &self.consented
    }

    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
