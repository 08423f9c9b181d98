//! Clients: authenticating them (RFC 6749 §2.3), registering and changing them.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::Client;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::pagination::PageRequest;
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::server::service::admin::secret_rotation::{NewSecretHash, RotatedSecret};
use crate::server::service::auth::principals::{AuthenticatedClient, ClientAccess, Principal, TenantAdmin};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::clients::ClientChanges;
use crate::server::storage::clients::{ClientKey, ClientLookup};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, clients, ssh_keys};

/// What secrets of clients are hashed as.
pub(in crate::server::service) const CLIENT_SECRET: &str = "client secret";

/// Why somebody is not who they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationRefused {
    /// There is no such tenant, or it is switched off.
    NoTenant,
    /// Unknown or switched off, the secret wrong, or there is one where there should be none. The caller learns no more than
    /// that (RFC 6749 §5.2 `invalid_client`).
    InvalidCredentials,
}

/// A client that somebody wants to register.
pub struct NewClient {
    pub tenant_id: TenantId,
    pub id: ClientId,
    pub app_name: String,
    pub app_version: String,
}

/// Why a client is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRegistrationRefused {
    NoTenant,
    /// Only the tenant's administrators register clients.
    Closed,
    /// Nobody registers clients on their own while the tenant is in MVP mode: they would get keys for anybody.
    ClosedByAutoProvisioning,
    /// The tenant has a client of that id, or of that name and version.
    Exists,
}

/// Why a client is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientUpdateRefused {
    NotFound,
    /// Another client has that name and version.
    Exists,
    /// A public client has no secret.
    NoSecret,
}

impl Services {
    /// Checks a client's claim to be `id`. A public client has no secret; an empty one counts as none, because some programs
    /// always send Basic credentials (docs/decisions/0005).
    pub async fn authenticate_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        secret: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, Error<AuthenticationRefused>> {
        let ClientLookup { tenant, client } = self.storage().find_client(ClientKey { tenant_id: tenant.clone(), client_id: id.clone() }).await?;
        let tenant = tenant.filter(|tenant| tenant.enabled).ok_or(Error::Refused(AuthenticationRefused::NoTenant))?;
        let registered = client.filter(|registered| registered.client.enabled).ok_or(Error::Refused(AuthenticationRefused::InvalidCredentials))?;
        let proved = match (secret.filter(|secret| !secret.is_empty()), &registered.secrets) {
            (None, None) => true,
            (Some(secret), Some(hashes)) => self.secret_matches(CLIENT_SECRET, secret, hashes),
            _ => false,
        };
        if proved {
            Ok(AuthenticatedClient { client: registered.client, tenant, from })
        } else {
            Err(Error::Refused(AuthenticationRefused::InvalidCredentials))
        }
    }

    /// Registers a client for an administrator, or for anybody where the tenant's policy says so. Its secret is shown once.
    pub async fn register_client(
        &self,
        admin: Option<&TenantAdmin>,
        new: NewClient,
        from: Option<IpAddr>,
    ) -> Result<Secret, Error<ClientRegistrationRefused>> {
        let tenant = self.enabled_tenant(&new.tenant_id).await?.ok_or(Error::Refused(ClientRegistrationRefused::NoTenant))?;
        check_registration(admin, &tenant).map_err(Error::Refused)?;
        let (secret, hash) = self.new_secret(CLIENT_SECRET);
        let now = self.now();
        let client = Client {
            number: 0,
            tenant_id: tenant.id,
            id: new.id,
            app_name: new.app_name,
            app_version: new.app_version,
            enabled: true,
            // A client that is to ask people for permission in the browser is given that by an operator.
            device_grant: false,
            scope: ScopeSet::default(),
            public: false,
            verified: false,
            created_at: now,
            updated_at: now,
        };
        let record = AuditEvent::new(client.tenant_id.clone(), AuditKind::ClientCreated, now)
            .client(&client.id)
            .admin(admin.map(TenantAdmin::admin_id))
            .from(from);
        self.try_write(move |db| {
            async move {
                if !clients::insert(db, &client, Some(&hash)).await? {
                    return Err(Error::Refused(ClientRegistrationRefused::Exists));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(secret)
    }

    /// A client sees itself, as it was when it authenticated just now; an administrator any of the tenant.
    pub async fn find_client(&self, principal: Principal, id: &ClientId) -> Result<Option<Client>, Fault> {
        match principal {
            Principal::Client(own) => Ok(Some(own.client).filter(|client| client.id == *id)),
            Principal::Admin(admin) => {
                let found = clients::find(self.storage().reader(), admin.tenant_id(), id).await?;
                Ok(found.map(|registered| registered.client))
            }
        }
    }

    /// All clients of the tenant for an administrator; a client sees itself.
    pub async fn list_clients(&self, principal: &Principal, page: PageRequest) -> Result<Vec<Client>, Fault> {
        match principal {
            Principal::Client(client) => Ok(Some(client.client.clone()).into_iter().filter(|client| client.number > page.after).collect()),
            Principal::Admin(admin) => Ok(clients::page(self.storage().reader(), admin.tenant_id(), page).await?),
        }
    }

    pub async fn update_client(&self, access: &ClientAccess, update: ClientChanges) -> Result<(), Error<ClientUpdateRefused>> {
        let (keeper, now) = (access.clone(), self.now());
        self.try_write(move |db| {
            async move {
                clients::find(&mut *db, &keeper.tenant_id, &keeper.client_id).await?.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?;
                if !clients::update(db, &keeper.tenant_id, &keeper.client_id, &update, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::Exists));
                }
                audit_log::insert(db, &audit_event(&keeper, AuditKind::ClientChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Gives a client a new secret, shown once; the old one goes on for `overlap`.
    pub async fn rotate_client_secret(&self, access: &ClientAccess, overlap: Duration) -> Result<RotatedSecret, Error<ClientUpdateRefused>> {
        let keeper = access.clone();
        self.rotate_secret(CLIENT_SECRET, overlap, move |db, NewSecretHash { hash, old_until, now }| {
            async move {
                let (tenant, client) = (&keeper.tenant_id, &keeper.client_id);
                clients::find(&mut *db, tenant, client).await?.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?;
                if !clients::set_secret(db, tenant, client, &hash, old_until, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::NoSecret));
                }
                audit_log::insert(db, &audit_event(&keeper, AuditKind::ClientSecretChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Removes a client with all that hangs on it. False when it was not there.
    pub async fn delete_client(&self, access: &ClientAccess) -> Result<bool, Fault> {
        let (keeper, now) = (access.clone(), self.now());
        let record = audit_event(&keeper, AuditKind::ClientDeleted, now);
        let by_whom = record.clone();
        self.write_audited(record, move |db| {
            async move {
                let (tenant, client) = (&keeper.tenant_id, &keeper.client_id);
                ssh_keys::revoke(db, tenant, KeySelection::Client(client), Revoker::of(&by_whom), now).await?;
                clients::delete(db, tenant, client).await
            }
            .boxed()
        })
        .await
    }
}

fn check_registration(admin: Option<&TenantAdmin>, tenant: &Tenant) -> Result<(), ClientRegistrationRefused> {
    if admin.is_some_and(|admin| *admin.tenant_id() == tenant.id) {
        Ok(())
    } else if tenant.policy.auto_provision {
        Err(ClientRegistrationRefused::ClosedByAutoProvisioning)
    } else if tenant.policy.open_registration {
        Ok(())
    } else {
        Err(ClientRegistrationRefused::Closed)
    }
}

fn audit_event(keeper: &ClientAccess, kind: AuditKind, now: crate::domain::time::Timestamp) -> AuditEvent {
    AuditEvent::new(keeper.tenant_id.clone(), kind, now).client(&keeper.client_id).admin(keeper.admin_id.as_ref()).from(keeper.from)
}
