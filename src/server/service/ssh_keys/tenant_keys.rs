//! A tenant's keys, as administrators list and revoke them.

use futures_util::FutureExt;

use crate::domain::pagination::{ListParams, Page};
use crate::domain::ssh_key::SshKey;
use crate::domain::ssh_key::search::{KeyFilter, KeySort};
use crate::server::service::auth::principals::TenantAdmin;
use crate::server::service::{Fault, Services};
use crate::server::storage::ssh_keys::{self, KeySelection, KeySummary, Revoker};

impl Services {
    pub async fn search_keys(&self, admin: &TenantAdmin, params: &ListParams<KeyFilter, KeySort>) -> Result<Page<KeySummary>, Fault> {
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
}
