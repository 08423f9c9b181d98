//! Who is asking, proved. Only this room makes these values; a use case that takes one needs no further check of who it is.

use std::net::IpAddr;

use crate::domain::client::Client;
use crate::domain::device_grant::Presenter;
use crate::domain::ids::{ClientId, DeviceGrantId, SessionId, TenantId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;

/// A person with a live browser session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub(super) tenant_id: TenantId,
    pub(super) user_id: UserId,
    pub(super) display_name: String,
    pub(super) tenant_name: String,
    pub(super) visit: Visit,
}

/// A browser session, signed in or not, and where it comes from.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What claims a user code for this session.
    pub(super) presenter: Presenter,
    pub(super) session_id: SessionId,
    pub(super) from: Option<IpAddr>,
}

impl Visit {
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
        &self.tenant_name
    }

    pub fn visit(&self) -> &Visit {
        &self.visit
    }
}

/// A client that has shown its secret, or has none to show.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    pub(super) client: Client,
}

impl AuthenticatedClient {
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// Whoever holds a live access token.
#[derive(Clone, Debug)]
pub struct TokenHolder {
    pub(super) tenant_id: TenantId,
    pub(super) user_id: UserId,
    pub(super) client_id: ClientId,
    pub(super) grant_id: DeviceGrantId,
    pub(super) scope: ScopeSet,
    pub(super) expires_at: Timestamp,
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

    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}
