//! Invitations that were entered before sign-in.

use serde::{Deserialize, Serialize};

use super::{PortalSession, SESSION_LIFETIME};
use crate::domain::ids::TenantId;
use crate::domain::time::Timestamp;
use crate::server::service::Fault;
use crate::server::sign_in::session::slots::{Slot, SlotEntry};

const INVITATIONS: Slot = Slot { name: "invitations", lifetime: SESSION_LIFETIME };

/// An invitation that was entered before sign-in.
#[derive(Clone, Serialize, Deserialize)]
struct PendingInvitation {
    tenant: Option<TenantId>,
    code: String,
}

impl PortalSession {
    /// An invitation that was entered before sign-in: the tab's own, or the newest for that tenant.
    pub async fn invitation(&self, id: &str, tenant: Option<&TenantId>) -> Result<Option<(String, String)>, Fault> {
        let all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        let own = all.iter().find(|kept| kept.id == id);
        let found = own.or_else(|| all.iter().find(|kept| kept.value.tenant.as_ref() == tenant && tenant.is_some()));
        Ok(found.map(|kept| (kept.id.clone(), kept.value.code.clone())))
    }

    pub async fn add_invitation(&self, id: &str, tenant: Option<TenantId>, code: &str, now: Timestamp) -> Result<(), Fault> {
        self.insert_entry(&INVITATIONS, id, PendingInvitation { tenant, code: code.to_owned() }, now).await
    }

    /// Removes that invitation; without an id, all for that tenant.
    pub async fn forget_invitations(&self, id: &str, tenant: Option<&TenantId>) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<PendingInvitation>> = self.entries(&INVITATIONS).await?;
        all.retain(|kept| if id.is_empty() { kept.value.tenant.as_ref() != tenant } else { kept.id != id });
        self.set_entries(&INVITATIONS, &all).await
    }
}
