//! Clients: authentication (RFC 6749 §2.3), registration and changes.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::{Client, ClientDetail, ClientFilter};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::service::admin::edit_refused::EditRefused;
use crate::server::service::admin::imported_secrets::SecretOwner;
use crate::server::service::admin::secret_rotation::{NewSecretHash, RotatedSecret};
use crate::server::service::auth::principals::{AuthenticatedClient, ClientAccess, Principal, TenantAdmin};
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::clients::{ClientKey, ClientLookup, ClientWithSecrets};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, clients, ssh_keys};

/// Kind under which clients' secrets are hashed.
pub(in crate::server::service) const CLIENT_SECRET: &str = "client secret";

/// Why authentication is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationRefused {
    /// There is no such tenant, or it is disabled.
    NoTenant,
    /// Unknown or disabled, the secret wrong, or one sent where there should be none. The caller is not told which (RFC 6749 §5.2
    /// `invalid_client`).
    InvalidCredentials,
}

/// Why a client is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRegistrationRefused {
    NoTenant,
    /// Only the tenant's administrators may register clients.
    Closed,
    /// Open registration is off while the tenant uses automatic provisioning: an unknown client could get keys for any person.
    ClosedByAutoProvisioning,
    /// The tenant has a client of that id, or of that name and version.
    Exists,
}

/// Changes to a client; `None` leaves the value as it is.
#[derive(Clone, Debug, Default)]
pub struct ClientChanges {
    pub app_version: Option<String>,
    pub enabled: Option<bool>,
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
    /// Authenticates a client. A public client has no secret; an empty one is treated as none, because some programs always send Basic
    /// credentials (docs/decisions/0005). Refused if tenant, id or secret is wrong.
    pub async fn authenticate_client(
        &self,
        tenant: &TenantId,
        id: &ClientId,
        secret: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedClient, Error<AuthenticationRefused>> {
        let ClientLookup { tenant, client } = self.storage().find_client(ClientKey { tenant_id: tenant.clone(), client_id: id.clone() }).await?;
        let tenant = tenant.filter(|tenant| tenant.enabled).ok_or(Error::Refused(AuthenticationRefused::NoTenant))?;
        let refuse = |name, failure| {
            let tenant = ClaimedName::Registered(tenant.id.as_str());
            self.log_refusal(&RefusedAuthentication { kind: CredentialKind::ClientSecret, tenant, name, from, failure });
            Err(Error::Refused(AuthenticationRefused::InvalidCredentials))
        };
        let Some(registered) = client else { return refuse(ClaimedName::Unverified(id.as_str()), AuthenticationFailure::Unknown) };
        let failure = match (secret.filter(|secret| !secret.is_empty()), &registered.secrets) {
            _ if !registered.client.enabled => AuthenticationFailure::Disabled,
            (None, None) => return Ok(AuthenticatedClient { client: registered.client, tenant, from }),
            (Some(secret), Some(hashes))
                if self.accepts_secret(|| SecretOwner::Client(tenant.id.clone(), id.clone()), CLIENT_SECRET, secret, hashes) =>
            {
                return Ok(AuthenticatedClient { client: registered.client, tenant, from });
            }
            (None, Some(_)) => AuthenticationFailure::Missing,
            (Some(_), None) => AuthenticationFailure::NotAllowed,
            (Some(_), Some(_)) => AuthenticationFailure::Wrong,
        };
        refuse(ClaimedName::Registered(id.as_str()), failure)
    }

    /// Registers a client for an administrator, or for any caller if the tenant allows open registration. Its secret is shown once.
    pub async fn register_client(
        &self,
        admin: Option<&TenantAdmin>,
        client: Client,
        from: Option<IpAddr>,
    ) -> Result<Secret, Error<ClientRegistrationRefused>> {
        let tenant = self.enabled_tenant(&client.tenant_id).await?.ok_or(Error::Refused(ClientRegistrationRefused::NoTenant))?;
        check_registration(admin, &tenant).map_err(Error::Refused)?;
        let (secret, hash) = self.new_secret(CLIENT_SECRET);
        let now = self.now();
        let client = match admin {
            Some(_) => client,
            // Only an administrator decides what a client may do.
            None => Client::new(tenant.id, client.id, client.app_name, client.app_version, now),
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

    /// A client finds itself, as it was when it authenticated; an administrator finds any of the tenant.
    pub async fn find_client(&self, principal: Principal, id: &ClientId) -> Result<Option<Client>, Fault> {
        match principal {
            Principal::Client(own) => Ok(Some(own.client).filter(|client| client.id == *id)),
            Principal::Admin(admin) => {
                let found = clients::find(self.storage().reader(), admin.tenant_id(), id).await?;
                Ok(found.map(|registered| registered.client))
            }
        }
    }

    /// All clients of the tenant for an administrator; only itself for a client.
    pub async fn list_clients(&self, principal: &Principal, page: PageRequest) -> Result<Vec<Client>, Fault> {
        match principal {
            Principal::Client(client) => Ok(Some(client.client.clone()).into_iter().filter(|client| client.number > page.after).collect()),
            Principal::Admin(admin) => Ok(clients::page(self.storage().reader(), admin.tenant_id(), page).await?),
        }
    }

    pub async fn update_client(&self, access: &ClientAccess, update: ClientChanges) -> Result<(), Error<ClientUpdateRefused>> {
        let (access, now) = (access.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let found = clients::find(&mut *db, &access.tenant_id, &access.client_id).await?;
                let mut client = found.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?.client;
                client.app_version = update.app_version.unwrap_or(client.app_version);
                client.enabled = update.enabled.unwrap_or(client.enabled);
                if !clients::update(db, &client, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::Exists));
                }
                audit_log::insert(db, &audit_event(&access, AuditKind::ClientChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Sets a new secret for a client; the old one stays valid for `overlap`. The new one is shown once. Refused for a public client.
    pub async fn rotate_client_secret(&self, access: &ClientAccess, overlap: Duration) -> Result<RotatedSecret, Error<ClientUpdateRefused>> {
        let access = access.clone();
        self.rotate_secret(CLIENT_SECRET, overlap, move |db, NewSecretHash { hash, old_until, now }| {
            async move {
                let (tenant, client) = (&access.tenant_id, &access.client_id);
                clients::find(&mut *db, tenant, client).await?.ok_or(Error::Refused(ClientUpdateRefused::NotFound))?;
                if !clients::set_secret(db, tenant, client, &hash, old_until, now).await? {
                    return Err(Error::Refused(ClientUpdateRefused::NoSecret));
                }
                audit_log::insert(db, &audit_event(&access, AuditKind::ClientSecretChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Deletes a client with its keys, delegations and device grants. False if it does not exist.
    pub async fn delete_client(&self, access: &ClientAccess) -> Result<bool, Fault> {
        let (access, now) = (access.clone(), self.now());
        let record = audit_event(&access, AuditKind::ClientDeleted, now);
        let by_whom = record.clone();
        self.write_audited(record, move |db| {
            async move {
                let (tenant, client) = (&access.tenant_id, &access.client_id);
                ssh_keys::revoke(db, tenant, KeySelection::Client(client), Revoker::of(&by_whom), now).await?;
                clients::delete(db, tenant, client).await
            }
            .boxed()
        })
        .await
    }

    pub async fn search_clients(&self, admin: &TenantAdmin, params: &ListParams<ClientFilter, ()>) -> Result<Page<Client>, Fault> {
        Ok(clients::list(self.storage().reader(), admin.tenant_id(), params).await?.map(|found| found.client))
    }

    pub async fn client_detail(&self, admin: &TenantAdmin, id: &ClientId) -> Result<Option<ClientDetail>, Fault> {
        let (db, now) = (self.storage().reader(), self.now());
        let Some(ClientWithSecrets { client, secrets }) = clients::find(db, admin.tenant_id(), id).await? else { return Ok(None) };
        let old_secret_until = secrets.and_then(|secrets| secrets.old).map(|(_, until)| until).filter(|until| now < *until);
        let (keys, people) = clients::usage_counts(db, admin.tenant_id(), id).await?;
        Ok(Some(ClientDetail { client, old_secret_until, keys, people }))
    }

    /// Changes a client's settings. `seen`: the state that the form showed; refused as stale if it differs from the current one.
    pub async fn edit_client(
        &self,
        admin: &TenantAdmin,
        id: &ClientId,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Client) + Send + 'static,
    ) -> Result<(), Error<EditRefused>> {
        let (tenant, id, now) = (admin.tenant_id().clone(), id.clone(), self.now());
        let record = AuditEvent::new(tenant.clone(), AuditKind::ClientChanged, now).client(&id).admin(Some(admin.admin_id())).from(admin.from);
        self.try_write(move |db| {
            async move {
                let found = clients::find(&mut *db, &tenant, &id).await?.ok_or(Error::Refused(EditRefused::NotFound))?;
                let mut client = found.client;
                EditRefused::check_version(seen, client.updated_at)?;
                edit(&mut client);
                clients::update(db, &client, now).await?;
                audit_log::insert(db, &record).await?;
                Ok(())
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

fn audit_event(access: &ClientAccess, kind: AuditKind, now: crate::domain::time::Timestamp) -> AuditEvent {
    AuditEvent::new(access.tenant_id.clone(), kind, now).client(&access.client_id).admin(access.admin_id.as_ref()).from(access.from)
}
