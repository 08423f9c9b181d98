//! What administrators do in the portal beyond what the TMS API has: lists to search, and people.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::client::{self, Client};
use crate::domain::ids::{ClientId, HostName, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::person::{self, PersonSummary};
use crate::domain::ssh_key::SshKey;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::domain::{delegation, display_text, host_account, ssh_key};
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::platform::rng::{Secret, random_password};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::browser_sessions::SessionSummary;
pub use crate::server::storage::delegations::DelegationSummary;
pub use crate::server::storage::host_accounts::HostAccountSummary;
pub use crate::server::storage::hosts::HostSummary;
use crate::server::storage::people::Person;
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{
    self, BoxFuture, Connection, audit_log, browser_sessions, clients, delegations, host_accounts, hosts, people, ssh_keys, tenants,
};

/// A client, and when its old secret stops working, if a rotation is under way.
#[derive(Clone, Debug)]
pub struct ClientWithRotation {
    pub client: Client,
    pub old_secret_until: Option<Timestamp>,
}

/// Why something is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditRefused {
    Gone,
    /// It has been changed since it was looked at; a form that was open meanwhile must not undo that.
    Stale,
    /// No administrator could sign in any more.
    NoAdminLeft,
}

impl EditRefused {
    pub(in crate::server::service) fn check_version(seen: Option<Timestamp>, changed: Timestamp) -> Result<(), Error<Self>> {
        if seen.is_none_or(|seen| seen == changed) { Ok(()) } else { Err(Error::Refused(Self::Stale)) }
    }
}

impl Services {
    pub async fn search_clients(&self, admin: &TenantAdmin, wanted: &ListParams<client::ClientFilter, ()>) -> Result<Page<Client>, Fault> {
        Ok(clients::list(self.storage().reader(), admin.tenant_id(), wanted).await?.map(|found| found.client))
    }

    pub async fn client_with_rotation(&self, admin: &TenantAdmin, id: &ClientId) -> Result<Option<ClientWithRotation>, Fault> {
        let now = self.now();
        let found = clients::find(self.storage().reader(), admin.tenant_id(), id).await?;
        Ok(found.map(|found| ClientWithRotation {
            client: found.client,
            old_secret_until: found.secrets.and_then(|secrets| secrets.old).map(|(_, until)| until).filter(|until| now < *until),
        }))
    }

    /// How many keys a client made that are still there, and how many people let it act for them.
    pub async fn client_usage_counts(&self, admin: &TenantAdmin, id: &ClientId) -> Result<(i64, i64), Fault> {
        Ok(clients::usage_counts(self.storage().reader(), admin.tenant_id(), id).await?)
    }

    /// Changes what a client may do. `seen`: the state that the change is meant for.
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
                let found = clients::find(&mut *db, &tenant, &id).await?.ok_or(Error::Refused(EditRefused::Gone))?;
                let mut client = found.client;
                EditRefused::check_version(seen, client.updated_at)?;
                edit(&mut client);
                clients::update_settings(db, &client, now).await?;
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    pub async fn search_hosts(&self, admin: &TenantAdmin, wanted: &ListParams<(), ()>) -> Result<Page<HostSummary>, Fault> {
        Ok(hosts::list(self.storage().reader(), admin.tenant_id(), None, wanted).await?)
    }

    pub async fn host_detail(&self, admin: &TenantAdmin, host: &str) -> Result<Option<HostSummary>, Fault> {
        let Ok(host) = HostName::parse(host) else { return Ok(None) };
        let host = self.registered(admin, &host).await?;
        let found = hosts::list(self.storage().reader(), admin.tenant_id(), Some(&host), &ListParams::default()).await?;
        Ok(found.items.into_iter().next())
    }

    pub async fn search_people(
        &self,
        admin: &TenantAdmin,
        wanted: &ListParams<person::PersonFilter, person::PersonSort>,
    ) -> Result<Page<PersonSummary>, Fault> {
        Ok(people::list(self.storage().reader(), admin.tenant_id(), None, wanted, self.now()).await?)
    }

    pub async fn person_detail(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<PersonSummary>, Fault> {
        let found = people::list(self.storage().reader(), admin.tenant_id(), Some(user_id), &ListParams::default(), self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// A person's host accounts, all of them.
    pub async fn host_accounts_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<host_account::HostAccount>, Fault> {
        Ok(host_accounts::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    pub async fn sessions_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<SessionSummary>, Fault> {
        Ok(browser_sessions::of_person(self.storage().reader(), admin.tenant_id(), user_id, self.now()).await?)
    }

    pub async fn search_delegations(
        &self,
        admin: &TenantAdmin,
        wanted: &ListParams<delegation::DelegationFilter, delegation::DelegationSort>,
    ) -> Result<Page<DelegationSummary>, Fault> {
        Ok(delegations::list(self.storage().reader(), admin.tenant_id(), None, None, wanted, self.now()).await?)
    }

    pub async fn search_keys(&self, admin: &TenantAdmin, wanted: &ListParams<ssh_key::KeyFilter, ssh_key::KeySort>) -> Result<Page<SshKey>, Fault> {
        Ok(ssh_keys::list(self.storage().reader(), admin.tenant_id(), None, wanted, self.now()).await?)
    }

    /// One of the tenant's keys.
    pub async fn tenant_key(&self, admin: &TenantAdmin, number: i64) -> Result<Option<SshKey>, Fault> {
        Ok(ssh_keys::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    /// Revokes one of the tenant's keys. False when it has gone.
    pub async fn revoke_tenant_key(&self, admin: &TenantAdmin, number: i64) -> Result<bool, Fault> {
        let (admin, now) = (admin.clone(), self.now());
        self.write(move |db| {
            async move {
                let by = Revoker { admin: Some(admin.admin_id()), from: admin.from };
                Ok(ssh_keys::revoke(db, admin.tenant_id(), KeySelection::Number(number), by, now).await? > 0)
            }
            .boxed()
        })
        .await
    }

    /// A password such as one is given: easy to read out.
    pub fn generate_password(&self) -> Secret {
        random_password(self.rng())
    }

    /// Makes an account; with a password, where people sign in with one kept here.
    pub async fn add_person(
        &self,
        admin: &TenantAdmin,
        user_id: &UserId,
        display_name: &str,
        password: Option<&Secret>,
    ) -> Result<(), Error<PersonRefused>> {
        let person = Person {
            tenant_id: admin.tenant_id().clone(),
            user_id: user_id.clone(),
            display_name: display_text::sanitize(display_name).unwrap_or_else(|| user_id.to_string()),
            enabled: true,
            admin: false,
            password_hash: match password {
                Some(password) => Some(self.password_hash(password).await?),
                None => None,
            },
        };
        let now = self.now();
        let record = admin_event(admin, AuditKind::PersonAdded, user_id, now);
        let added = self.write_audited(record, move |db| async move { people::insert(db, &person, now).await }.boxed()).await?;
        added.then_some(()).ok_or(Error::Refused(PersonRefused::Exists))
    }

    /// Gives a person a new password, and ends the browser sessions that the old one opened.
    pub async fn set_password(&self, admin: &TenantAdmin, user_id: &UserId, password: &Secret) -> Result<(), Error<PersonRefused>> {
        let (hash, admins_own) = (self.password_hash(password).await?, admin.session.clone());
        self.update_person(admin, admin_event(admin, AuditKind::PersonChanged, user_id, self.now()), user_id, move |db, tenant, user| {
            async move {
                browser_sessions::delete_others(db, &tenant, &user, admins_own.as_ref()).await?;
                people::set_password(db, &tenant, &user, &hash).await
            }
            .boxed()
        })
        .await
    }

    /// Keeps a person out, ending their browser sessions, while their tokens sleep; or lets them in again.
    pub async fn set_person_enabled(&self, admin: &TenantAdmin, user_id: &UserId, enabled: bool) -> Result<(), Error<PersonRefused>> {
        self.update_person(admin, admin_event(admin, AuditKind::PersonChanged, user_id, self.now()), user_id, move |db, tenant, user| {
            async move {
                if !enabled {
                    browser_sessions::delete_others(db, &tenant, &user, None).await?;
                }
                people::set_enabled(db, &tenant, &user, enabled).await
            }
            .boxed()
        })
        .await
    }

    /// Gives or takes the role of an administrator.
    pub async fn set_admin_role(&self, admin: &TenantAdmin, user_id: &UserId, is_admin: bool) -> Result<(), Error<PersonRefused>> {
        let kind = if is_admin { AuditKind::AdminAdded } else { AuditKind::AdminRemoved };
        self.update_person(admin, admin_event(admin, kind, user_id, self.now()), user_id, move |db, tenant, user| {
            async move { people::set_admin(db, &tenant, &user, is_admin).await }.boxed()
        })
        .await
    }

    /// The last administrator who can sign in stays one, unless the operator wants it otherwise.
    pub(in crate::server::service) async fn update_person<F>(
        &self,
        admin: &TenantAdmin,
        record: AuditEvent,
        user_id: &UserId,
        change: F,
    ) -> Result<(), Error<PersonRefused>>
    where
        F: for<'c> FnOnce(&'c mut Connection, TenantId, UserId) -> BoxFuture<'c, Result<bool, storage::Error>> + Send + 'static,
    {
        let (services, admin, user) = (self.clone(), admin.clone(), user_id.clone());
        self.try_write(move |db| {
            async move {
                let tenant = admin.tenant_id();
                let before = services.count_admins(&mut *db, tenant).await?;
                if !change(&mut *db, tenant.clone(), user).await? {
                    return Err(Error::Refused(PersonRefused::NoPerson));
                }
                if before > 0 && services.count_admins(&mut *db, tenant).await? == 0 && !admin.is_operator() {
                    return Err(Error::Refused(PersonRefused::LastAdmin));
                }
                audit_log::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Ends a person's browser sessions, but not the one in which the administrator does it. False when there is no such person.
    pub async fn end_sessions_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<bool, Fault> {
        let (admin, user, record) = (admin.clone(), user_id.clone(), admin_event(admin, AuditKind::SessionEnded, user_id, self.now()));
        self.write_audited(record, move |db| {
            async move {
                browser_sessions::delete_others(db, admin.tenant_id(), &user, admin.session.as_ref()).await?;
                Ok(people::find(db, admin.tenant_id(), &user).await?.is_some())
            }
            .boxed()
        })
        .await
    }

    /// Changes the tenant's name or policy; the record names what has changed. `seen`: the state that the change is meant for.
    pub async fn edit_tenant(
        &self,
        admin: &TenantAdmin,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Tenant) + Send + 'static,
    ) -> Result<(), Error<EditRefused>> {
        let (admin, now) = (admin.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let before = tenants::find(&mut *db, admin.tenant_id()).await?.ok_or(Error::Refused(EditRefused::Gone))?;
                EditRefused::check_version(seen, before.updated_at)?;
                let mut tenant = before.clone();
                edit(&mut tenant);
                let changed = tenant.differences(&before).join(" ");
                if !changed.is_empty() {
                    tenants::update(db, &tenant, now).await?;
                    delegations::cap_expiry(db, &tenant.id, tenant.policy.longest_access).await?;
                    let record = AuditEvent::new(tenant.id, AuditKind::TenantChanged, now).subject(changed);
                    audit_log::insert(db, &record.admin(Some(admin.admin_id())).from(admin.from)).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Every tenant, for those who run the deployment; nothing for others.
    pub async fn all_tenants(&self, admin: &TenantAdmin) -> Result<Vec<Tenant>, Fault> {
        if !admin.is_deployment_admin() {
            return Ok(Vec::new());
        }
        Ok(tenants::list(self.storage().reader()).await?)
    }
}

pub(in crate::server::service) fn admin_event(admin: &TenantAdmin, kind: AuditKind, user_id: &UserId, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from)
}
