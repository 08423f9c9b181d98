//! Hosts and their credentials.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::host::{Host, HostCredential, HostFilter};
use crate::domain::ids::{HostName, TenantId};
use crate::domain::pagination::{ListParams, Page, PageRequest};
use crate::domain::refused_authentication::{AuthenticationFailure, ClaimedName, CredentialKind, RefusedAuthentication};
use crate::domain::time::Timestamp;
use crate::server::service::admin::secret_rotation::{NewSecretHash, RotatedSecret};
use crate::server::service::auth::principals::{AuthenticatedHost, TenantAdmin};
use crate::server::service::{Error, Fault, Services};
pub use crate::server::storage::hosts::HostSummary;
use crate::server::storage::hosts::{CredentialWithSecrets, InsertedAddress};
use crate::server::storage::secret_hashes::OutdatedSecretOwner;
use crate::server::storage::{audit_log, hosts, link_requests};

/// Kind under which hosts' credentials are hashed.
const HOST_CREDENTIAL: &str = "host credential";

/// A registered address of a host.
pub struct AddedAddress {
    /// The host's stored name.
    pub host: HostName,
    /// Whether lookups from a host of that name which do not name a tenant are answered by this one; false if another tenant registered it
    /// first.
    pub is_default_tenant: bool,
    /// Another host with this address, which would be an alias otherwise; it is now an alias of neither.
    pub shared_with: Option<HostName>,
}

/// The host has that address already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddHostRefused;

/// The credential belongs to no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCredential;

impl Services {
    /// Registers an address of a host. Refused if the host has it already.
    pub async fn add_host(&self, admin: &TenantAdmin, host: &HostName, address: &str) -> Result<AddedAddress, Error<AddHostRefused>> {
        let now = self.now();
        let (tenant, host, address, record) =
            (admin.tenant_id().clone(), host.clone(), address.to_owned(), audit_event(admin, AuditKind::HostAdded, host, now));
        self.try_write(move |db| {
            async move {
                let inserted = hosts::insert(db, &tenant, &host, &address, now).await?.ok_or(Error::Refused(AddHostRefused))?;
                let InsertedAddress { host, shared_with } = inserted;
                audit_log::insert(db, &record.subject(host.as_str())).await?;
                let answers = hosts::default_tenant_of(db, &host).await? == Some(tenant);
                Ok(AddedAddress { host, is_default_tenant: answers, shared_with })
            }
            .boxed()
        })
        .await
    }

    pub async fn find_host(&self, admin: &TenantAdmin, number: i64) -> Result<Option<Host>, Fault> {
        Ok(hosts::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    pub async fn list_hosts(&self, admin: &TenantAdmin, page: PageRequest) -> Result<Vec<Host>, Fault> {
        Ok(hosts::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Removes an address. False if the host does not have it.
    pub async fn remove_host(&self, admin: &TenantAdmin, host: &HostName, address: &str) -> Result<bool, Fault> {
        let host = self.registered(admin, host).await?;
        let record = audit_event(admin, AuditKind::HostRemoved, &host, self.now());
        let (tenant, address) = (admin.tenant_id().clone(), address.to_owned());
        self.write_audited(record, move |db| async move { hosts::delete(db, &tenant, &host, &address).await }.boxed()).await
    }

    /// Sets a host's credential, shown once; a previous one stays valid for `overlap`. With `required`, lookups without it are refused. No
    /// overlap means that the old one has leaked: its pending link requests are deleted.
    pub async fn create_host_credential(
        &self,
        admin: &TenantAdmin,
        host: &HostName,
        required: bool,
        overlap: Duration,
    ) -> Result<RotatedSecret, Fault> {
        let (tenant_id, host, admin) = (admin.tenant_id().clone(), self.registered(admin, host).await?, admin.clone());
        self.rotate_secret(HOST_CREDENTIAL, overlap, move |db, NewSecretHash { hash, old_until, now }| {
            async move {
                let record = audit_event(&admin, AuditKind::HostCredentialCreated, &host, now);
                let host = hosts::credential_name(&mut *db, &tenant_id, &host).await?.unwrap_or(host);
                let made = HostCredential { tenant_id, host, required };
                hosts::set_credential(db, &made, &hash, old_until, now).await?;
                if overlap.is_zero() {
                    hosts::delete_credentials(db, &made.tenant_id, &made.host, Some(&made.host)).await?;
                    link_requests::delete_pending(db, &made.tenant_id, &made.host).await?;
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Sets whether lookups require a host's credential. False if it has none.
    pub async fn require_host_credential(&self, admin: &TenantAdmin, host: &HostName, required: bool) -> Result<bool, Fault> {
        let (now, host) = (self.now(), self.registered(admin, host).await?);
        let record = audit_event(admin, AuditKind::HostCredentialChanged, &host, now);
        let credential = HostCredential { tenant_id: admin.tenant_id().clone(), host, required };
        self.write_audited(record, move |db| async move { hosts::require_credential(db, &credential, now).await }.boxed()).await
    }

    /// Removes a host's credential. False if it has none.
    pub async fn remove_host_credential(&self, admin: &TenantAdmin, host: &HostName) -> Result<bool, Fault> {
        let (tenant, host) = (admin.tenant_id().clone(), self.registered(admin, host).await?);
        let record = audit_event(admin, AuditKind::HostCredentialRemoved, &host, self.now());
        self.write_audited(record, move |db| async move { hosts::delete_credentials(db, &tenant, &host, None).await }.boxed()).await
    }

    /// The host's stored name, before anything about it is changed.
    pub(in crate::server::service) async fn registered(&self, admin: &TenantAdmin, host: &HostName) -> Result<HostName, Fault> {
        Ok(hosts::canonical_name(self.storage().reader(), admin.tenant_id(), host).await?)
    }

    /// The host with this credential. Refused if there is none. `named`: the tenant that the caller names.
    pub async fn authenticate_host(
        &self,
        credential: &str,
        named: Option<&TenantId>,
        from: Option<IpAddr>,
    ) -> Result<AuthenticatedHost, Error<InvalidCredential>> {
        let mut found = None;
        for hash in self.keys().hashes(HOST_CREDENTIAL, credential) {
            found = self.storage().find_host_by_credential(hash).await?;
            if found.is_some() {
                break;
            }
        }
        let owner = |found: &CredentialWithSecrets| OutdatedSecretOwner::Host(found.credential.tenant_id.clone(), found.credential.host.clone());
        let (tenant, name, failure) = match &found {
            Some(found) if self.accepts_secret(|| owner(found), HOST_CREDENTIAL, credential, &found.secrets) => {
                let HostCredential { tenant_id, host, .. } = found.credential.clone();
                return Ok(AuthenticatedHost { tenant_id, host, from });
            }
            // A previous credential, whose overlap has ended.
            Some(found) => {
                let HostCredential { tenant_id, host, .. } = &found.credential;
                (ClaimedName::Registered(tenant_id.as_str()), ClaimedName::Registered(host.as_str()), AuthenticationFailure::Wrong)
            }
            None => {
                let tenant = named.map_or(ClaimedName::None, |tenant| ClaimedName::Unverified(tenant.as_str()));
                (tenant, ClaimedName::None, AuthenticationFailure::Unknown)
            }
        };
        self.log_refusal(&RefusedAuthentication { kind: CredentialKind::HostCredential, tenant, name, from, failure });
        Err(Error::Refused(InvalidCredential))
    }

    pub async fn search_hosts(&self, admin: &TenantAdmin, params: &ListParams<HostFilter, ()>) -> Result<Page<HostSummary>, Fault> {
        Ok(hosts::list(self.storage().reader(), admin.tenant_id(), None, params, self.now()).await?)
    }

    pub async fn host_detail(&self, admin: &TenantAdmin, host: &str) -> Result<Option<HostSummary>, Fault> {
        let Ok(host) = HostName::parse(host) else { return Ok(None) };
        let host = self.registered(admin, &host).await?;
        let found = hosts::list(self.storage().reader(), admin.tenant_id(), Some(&host), &ListParams::default(), self.now()).await?;
        Ok(found.items.into_iter().next())
    }
}

fn audit_event(admin: &TenantAdmin, kind: AuditKind, host: &HostName, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).subject(host.as_str()).host(host).admin(Some(admin.admin_id())).from(admin.from)
}
