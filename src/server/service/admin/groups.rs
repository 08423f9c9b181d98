//! The groups that people are in, for administrators.

use futures_util::FutureExt;

use super::people::admin_event;
use crate::domain::audit_log::AuditKind;
use crate::domain::group::{GroupMembership, GroupName};
use crate::domain::ids::UserId;
use crate::server::service::auth::people::PersonRefused;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::{people, person_groups};

impl Services {
    /// A person's memberships, by group.
    pub async fn groups_of(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<GroupMembership>, Fault> {
        Ok(person_groups::of_person(self.storage().reader(), admin.tenant_id(), user_id).await?)
    }

    /// Replaces the groups to which administrators added a person. Those that claims say stay.
    pub async fn set_groups(&self, admin: &TenantAdmin, user_id: &UserId, groups: Vec<GroupName>) -> Result<(), Error<PersonRefused>> {
        let (tenant, user) = (admin.tenant_id().clone(), user_id.clone());
        let record = admin_event(admin, AuditKind::PersonChanged, user_id, self.now());
        let changed = self.write_audited(record, move |db| {
            async move {
                if people::find(&mut *db, &tenant, &user).await?.is_none() {
                    return Ok(false);
                }
                person_groups::replace(db, &tenant, &user, None, &groups).await?;
                Ok(true)
            }
            .boxed()
        });
        changed.await?.then_some(()).ok_or(Error::Refused(PersonRefused::NoPerson))
    }
}
