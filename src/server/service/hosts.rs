//! Hosts, and what they prove themselves with.

use std::time::Duration;

use futures_util::FutureExt;

use super::admins::Rotated;
use super::entropy::Secret;
use super::proofs::{ProvedHost, TenantAdmin};
use super::storage::hosts::Inserted;
use super::storage::{activity, hosts, links};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::host::{Host, HostCredential};
use crate::domain::ids::HostName;
use crate::domain::page::Page;
use crate::domain::time::Timestamp;

/// What hosts' credentials are hashed as.
const HOST_CREDENTIAL: &str = "host credential";

/// A host's address that was written down.
pub struct Added {
    /// As the host was registered first.
    pub host: HostName,
    /// The tenant now answers hosts of that name that do not say whose they are; false when another tenant was first.
    pub answers: bool,
    /// Another host that has this address too, where it would otherwise be a further name: now it is a name of neither.
    pub shared_with: Option<HostName>,
}

/// The host has that address already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exists;

/// The credential belongs to no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCredential;

impl Services {
    /// Writes down a host's address.
    pub async fn add_host(&self, admin: &TenantAdmin, host: &HostName, address: &str) -> Result<Added, Error<Exists>> {
        let now = self.now();
        let (tenant, host, address, record) =
            (admin.tenant_id().clone(), host.clone(), address.to_owned(), record(admin, Kind::HostAdded, host, now));
        self.attempt(move |db| {
            async move {
                let inserted = hosts::insert(db, &tenant, &host, &address, now).await?.ok_or(Error::Refused(Exists))?;
                let Inserted { host, shared_with } = inserted;
                activity::insert(db, &record.subject(host.as_str())).await?;
                let answers = hosts::tenant_of_name(db, &host).await? == Some(tenant);
                Ok(Added { host, answers, shared_with })
            }
            .boxed()
        })
        .await
    }

    pub async fn find_host(&self, admin: &TenantAdmin, number: i64) -> Result<Option<Host>, Fault> {
        Ok(hosts::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    pub async fn list_hosts(&self, admin: &TenantAdmin, page: Page) -> Result<Vec<Host>, Fault> {
        Ok(hosts::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Removes an address. False when it was not there.
    pub async fn remove_host(&self, admin: &TenantAdmin, host: &HostName, address: &str) -> Result<bool, Fault> {
        let host = self.registered(admin, host).await?;
        let record = record(admin, Kind::HostRemoved, &host, self.now());
        let (tenant, address) = (admin.tenant_id().clone(), address.to_owned());
        self.recorded(record, move |db| async move { hosts::delete(db, &tenant, &host, &address).await }.boxed()).await
    }

    /// Gives a host a credential, shown once; one it has already goes on for `overlap`. If `required`, the host's keys are shown
    /// to nobody without it. Without an overlap the old one has leaked: what it asked for and nobody has answered is forgotten.
    pub async fn make_host_credential(&self, admin: &TenantAdmin, host: &HostName, required: bool, overlap: Duration) -> Result<Rotated, Fault> {
        let secret = Secret::hexadecimal(self.entropy());
        let (hash, now) = (self.keys().hash(HOST_CREDENTIAL, secret.reveal()), self.now());
        let old_until = now + overlap;
        let (tenant_id, host) = (admin.tenant_id().clone(), self.registered(admin, host).await?);
        let record = record(admin, Kind::HostCredentialMade, &host, now);
        self.change(move |db| {
            async move {
                let host = hosts::credentialed(&mut *db, &tenant_id, &host).await?.unwrap_or(host);
                let made = HostCredential { tenant_id, host, required };
                hosts::set_credential(db, &made, &hash, old_until, now).await?;
                if overlap.is_zero() {
                    hosts::delete_credentials(db, &made.tenant_id, &made.host, Some(&made.host)).await?;
                    links::delete_waiting(db, &made.tenant_id, &made.host).await?;
                }
                activity::insert(db, &record).await
            }
            .boxed()
        })
        .await?;
        Ok(Rotated { secret, old_until })
    }

    /// Says whether a host must show its credential. False when it has none.
    pub async fn require_host_credential(&self, admin: &TenantAdmin, host: &HostName, required: bool) -> Result<bool, Fault> {
        let (now, host) = (self.now(), self.registered(admin, host).await?);
        let record = record(admin, Kind::HostCredentialChanged, &host, now);
        let credential = HostCredential { tenant_id: admin.tenant_id().clone(), host, required };
        self.recorded(record, move |db| async move { hosts::require_credential(db, &credential, now).await }.boxed()).await
    }

    /// Takes a host's credential away. False when it has none.
    pub async fn remove_host_credential(&self, admin: &TenantAdmin, host: &HostName) -> Result<bool, Fault> {
        let (tenant, host) = (admin.tenant_id().clone(), self.registered(admin, host).await?);
        let record = record(admin, Kind::HostCredentialRemoved, &host, self.now());
        self.recorded(record, move |db| async move { hosts::delete_credentials(db, &tenant, &host, None).await }.boxed()).await
    }

    /// The name that the record has for a host, before anything of it is changed.
    pub(super) async fn registered(&self, admin: &TenantAdmin, host: &HostName) -> Result<HostName, Fault> {
        Ok(hosts::registered(self.storage().reader(), admin.tenant_id(), host).await?)
    }

    /// The host whose credential this is.
    pub async fn authenticate_host(&self, credential: &str) -> Result<ProvedHost, Error<InvalidCredential>> {
        let hash = self.keys().hash(HOST_CREDENTIAL, credential);
        let found = self.storage().host_of_credential(hash).await?.ok_or(Error::Refused(InvalidCredential))?;
        if self.proves(HOST_CREDENTIAL, credential, &found.secrets) {
            Ok(ProvedHost { tenant_id: found.credential.tenant_id, host: found.credential.host })
        } else {
            Err(Error::Refused(InvalidCredential))
        }
    }
}

fn record(admin: &TenantAdmin, kind: Kind, host: &HostName, now: Timestamp) -> Activity {
    Activity::new(admin.tenant_id().clone(), kind, now).subject(host.as_str()).admin(Some(admin.admin_id())).from(admin.from)
}
