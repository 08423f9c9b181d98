//! What administrators do in the portal beyond the TMS API: searchable lists, and managing people.

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

/// A client, and until when its old secret is valid, during a rotation.
#[derive(Clone, Debug)]
pub struct ClientWithRotation {
    pub client: Client,
    pub old_secret_until: Option<Timestamp>,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditRefused {
    NotFound,
    /// The object was changed since the form was rendered; saving would undo that change.
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
    pub async fn search_clients(&self, admin: &TenantAdmin, params: &ListParams<client::ClientFilter, ()>) -> Result<Page<Client>, Fault> {
        Ok(clients::list(self.storage().reader(), admin.tenant_id(), params).await?.map(|found| found.client))
    }

    pub async fn client_with_rotation(&self, admin: &TenantAdmin, id: &ClientId) -> Result<Option<ClientWithRotation>, Fault> {
        let now = self.now();
        let found = clients::find(self.storage().reader(), admin.tenant_id(), id).await?;
        Ok(found.map(|found| ClientWithRotation {
            client: found.client,
            old_secret_until: found.secrets.and_then(|secrets| secrets.old).map(|(_, until)| until).filter(|until| now < *until),
        }))
    }

    /// The number of keys the client created that still exist, and of people with a delegation to it.
    pub async fn client_usage_counts(&self, admin: &TenantAdmin, id: &ClientId) -> Result<(i64, i64), Fault> {
        Ok(clients::usage_counts(self.storage().reader(), admin.tenant_id(), id).await?)
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

    pub async fn search_hosts(&self, admin: &TenantAdmin, params: &ListParams<(), ()>) -> Result<Page<HostSummary>, Fault> {
        Ok(hosts::list(self.storage().reader(), admin.tenant_id(), None, params).await?)
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
        params: &ListParams<person::PersonFilter, person::PersonSort>,
    ) -> Result<Page<PersonSummary>, Fault> {
        Ok(people::list(self.storage().reader(), admin.tenant_id(), None, params, self.now()).await?)
    }

    pub async fn person_detail(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<PersonSummary>, Fault> {
        let found = people::list(self.storage().reader(), admin.tenant_id(), Some(user_id), &ListParams::default(), self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// All host accounts of a person.
    pub async fn host_accounts_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<host_account::HostAccount>, Fault> {
        Ok(host_accounts::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    pub async fn sessions_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<SessionSummary>, Fault> {
        Ok(browser_sessions::of_person(self.storage().reader(), admin.tenant_id(), user_id, self.now()).await?)
    }

    pub async fn search_delegations(
        &self,
        admin: &TenantAdmin,
        params: &ListParams<delegation::DelegationFilter, delegation::DelegationSort>,
    ) -> Result<Page<DelegationSummary>, Fault> {
        Ok(delegations::list(self.storage().reader(), admin.tenant_id(), None, None, params, self.now()).await?)
    }

    pub async fn search_keys(&self, admin: &TenantAdmin, params: &ListParams<ssh_key::KeyFilter, ssh_key::KeySort>) -> Result<Page<SshKey>, Fault> {
        Ok(ssh_keys::list(self.storage().reader(), admin.tenant_id(), None, params, self.now()).await?)
    }

    /// Finds a key of the tenant.
    pub async fn tenant_key(&self, admin: &TenantAdmin, number: i64) -> Result<Option<SshKey>, Fault> {
        Ok(ssh_keys::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    /// Revokes a key of the tenant. False if it does not exist.
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

    /// A random password that is easy to read aloud.
    pub fn generate_password(&self) -> Secret {
        random_password(self.rng())
    }

    /// Creates a person's account, with a local password if the tenant allows those.
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

    /// Sets a new local password, and ends the person's browser sessions.
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

    /// Disables a person and ends their browser sessions, or enables them again. While disabled, their tokens are refused.
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

    /// Grants or revokes the administrator role.
    pub async fn set_admin_role(&self, admin: &TenantAdmin, user_id: &UserId, is_admin: bool) -> Result<(), Error<PersonRefused>> {
        let kind = if is_admin { AuditKind::AdminAdded } else { AuditKind::AdminRemoved };
        self.update_person(admin, admin_event(admin, kind, user_id, self.now()), user_id, move |db, tenant, user| {
            async move { people::set_admin(db, &tenant, &user, is_admin).await }.boxed()
        })
        .await
    }

    /// Runs a change of a person. Refused if no administrator could sign in afterwards, unless an operator makes it.
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

    /// Ends a person's browser sessions, except the one in which the administrator acts. False if there is no such person.
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

    /// Changes the tenant's name or policy; the audit event names the changed settings. `seen`: the state that the form showed; refused as
    /// stale if it differs from the current one.
    pub async fn edit_tenant(
        &self,
        admin: &TenantAdmin,
        seen: Option<Timestamp>,
        edit: impl FnOnce(&mut Tenant) + Send + 'static,
    ) -> Result<(), Error<EditRefused>> {
        let (admin, now) = (admin.clone(), self.now());
        self.try_write(move |db| {
            async move {
                let before = tenants::find(&mut *db, admin.tenant_id()).await?.ok_or(Error::Refused(EditRefused::NotFound))?;
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

    /// All tenants for administrators of the deployment; empty for others.
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
