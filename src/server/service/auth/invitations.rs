//! Invitations: one-time codes with which an existing person links their first identity.

use std::time::Duration;

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::UserId;
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::{identities, people};

/// How long an invitation is valid.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);
pub(super) const INVITATION_HASH_KIND: &str = "invitation";

impl Services {
    /// Invites an existing person to link an identity. Returns the code, which is shown once; `None` if there is no such person.
    pub async fn invite(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Option<Secret>, Fault> {
        let code = Secret::generate(self.rng());
        let hash = self.keys().hash(INVITATION_HASH_KIND, code.reveal());
        let (tenant, user, until) = (admin.tenant_id().clone(), user_id.clone(), self.now() + INVITATION_LIFETIME);
        let record =
            AuditEvent::new(tenant.clone(), AuditKind::PersonInvited, self.now()).of(user_id).admin(Some(admin.admin_id())).from(admin.from());
        let invited = self
            .write_audited(record, move |db| {
                async move {
                    if people::find(&mut *db, &tenant, &user).await?.is_none() {
                        return Ok(false);
                    }
                    identities::insert_invitation(db, &tenant, &user, &hash, until).await?;
                    Ok(true)
                }
                .boxed()
            })
            .await?;
        Ok(invited.then_some(code))
    }
}
