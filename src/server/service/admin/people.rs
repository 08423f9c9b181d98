//! People, as administrators list, add and change them.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::display_text;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::person::{PersonFilter, PersonSort, PersonSummary};
use crate::domain::time::Timestamp;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::platform::rng::{Secret, random_password};
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::browser_sessions::SessionSummary;
use crate::server::storage::people::Person;
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{self, BoxFuture, Connection, audit_log, browser_sessions, logout_notices, people};

impl Services {
    pub async fn search_people(&self, admin: &TenantAdmin, params: &ListParams<PersonFilter, PersonSort>) -> Result<Page<PersonSummary>, Fault> {
        Ok(people::list(self.storage().reader(), admin.tenant_id(), None, params, self.now()).await?)
    }

    pub async fn person_detail(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<PersonSummary>, Fault> {
        let found = people::list(self.storage().reader(), admin.tenant_id(), Some(user_id), &ListParams::default(), self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    pub async fn sessions_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<SessionSummary>, Fault> {
        Ok(browser_sessions::of_person(self.storage().reader(), admin.tenant_id(), user_id, admin.session.as_ref(), self.now()).await?)
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
        let (hash, admins_own, now) = (self.password_hash(password).await?, admin.session.clone(), self.now());
        self.update_person(admin, admin_event(admin, AuditKind::PersonChanged, user_id, now), user_id, move |db, tenant, user| {
            async move {
                browser_sessions::delete_others(db, &tenant, &user, admins_own.as_ref()).await?;
                logout_notices::sessions_ended(db, &tenant, &user, EndedSessions::AllBut(admins_own.as_ref()), now).await?;
                people::set_password(db, &tenant, &user, &hash).await
            }
            .boxed()
        })
        .await
    }

    /// Disables a person and ends their browser sessions, or enables them again. While disabled, their tokens are refused.
    pub async fn set_person_enabled(&self, admin: &TenantAdmin, user_id: &UserId, enabled: bool) -> Result<(), Error<PersonRefused>> {
        let now = self.now();
        self.update_person(admin, admin_event(admin, AuditKind::PersonChanged, user_id, now), user_id, move |db, tenant, user| {
            async move {
                if !enabled {
                    browser_sessions::delete_others(db, &tenant, &user, None).await?;
                    // Their tokens are refused, and work again when they are enabled.
                    logout_notices::queue_of_sessions(db, &tenant, &user, EndedSessions::AllBut(None), now).await?;
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
        let (admin, user, now) = (admin.clone(), user_id.clone(), self.now());
        self.write_audited(admin_event(&admin, AuditKind::SessionEnded, user_id, now), move |db| {
            async move {
                browser_sessions::delete_others(db, admin.tenant_id(), &user, admin.session.as_ref()).await?;
                logout_notices::sessions_ended(db, admin.tenant_id(), &user, EndedSessions::AllBut(admin.session.as_ref()), now).await?;
                Ok(people::find(db, admin.tenant_id(), &user).await?.is_some())
            }
            .boxed()
        })
        .await
    }
}

impl Services {
    /// Signs out one of a person's sessions. False if it has ended, or is not theirs.
    pub async fn end_session_of(&self, admin: &TenantAdmin, user_id: &UserId, session: &SessionId) -> Result<bool, Fault> {
        let (admin, user, session, now) = (admin.clone(), user_id.clone(), session.clone(), self.now());
        self.write_audited(admin_event(&admin, AuditKind::SessionEnded, user_id, now), move |db| {
            async move {
                let ended = browser_sessions::delete_of_person(db, admin.tenant_id(), &user, &session).await?;
                if ended {
                    logout_notices::sessions_ended(db, admin.tenant_id(), &user, EndedSessions::Only(&session), now).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }
}

pub(in crate::server::service) fn admin_event(admin: &TenantAdmin, kind: AuditKind, user_id: &UserId, now: Timestamp) -> AuditEvent {
    AuditEvent::new(admin.tenant_id().clone(), kind, now).of(user_id).admin(Some(admin.admin_id())).from(admin.from)
}
