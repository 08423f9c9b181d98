//! A person's host accounts in the portal: listed and unlinked.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::host_account::{HostAccount, HostAccountFilter, HostAccountSort};
use crate::domain::ids::{AccountName, HostAccountId, HostName};
use crate::domain::pagination::{ListParams, Page};
use crate::server::service::auth::principals::SignedIn;
use crate::server::service::host_accounts::delete_with_keys;
use crate::server::service::{Fault, Services};
pub use crate::server::storage::host_accounts::HostAccountSummary;
use crate::server::storage::host_accounts::{self, HostAccountKey};
use crate::server::storage::{self, Connection, hosts};

impl Services {
    /// A page of a person's host accounts, expired ones included.
    pub async fn list_my_host_accounts(
        &self,
        person: &SignedIn,
        params: &ListParams<HostAccountFilter, HostAccountSort>,
    ) -> Result<Page<HostAccountSummary>, Fault> {
        Ok(host_accounts::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), params, self.now()).await?)
    }

    /// One of a person's host accounts.
    pub async fn find_my_host_account(&self, person: &SignedIn, id: &HostAccountId) -> Result<Option<HostAccount>, Fault> {
        let found = host_accounts::find(self.storage().reader(), person.tenant_id(), id).await?;
        Ok(found.filter(|account| account.user_id == *person.user_id()))
    }

    /// Unlinks one of a person's host accounts and revokes its keys. `None` if it does not exist or is another person's.
    pub async fn unlink_my_host_account(&self, person: &SignedIn, id: &HostAccountId) -> Result<Option<HostAccount>, Fault> {
        let Some(account) = self.find_my_host_account(person, id).await? else { return Ok(None) };
        let place = HostAccountKey {
            tenant_id: person.tenant_id().clone(),
            user_id: person.user_id().clone(),
            host: HostName::parse(account.host.clone()).map_err(Fault::new)?,
            account: AccountName::parse(account.account.clone()).map_err(Fault::new)?,
        };
        let (now, host) = (self.now(), hosts::canonical_name(self.storage().reader(), &place.tenant_id, &place.host).await?);
        let record = AuditEvent::new(person.tenant_id().clone(), AuditKind::HostUnlinked, now).of(person.user_id());
        let record = record.subject(format!("{}@{host}", account.account)).on(&host, &place.account).from(person.session().from);
        // With automatic provisioning a deleted link would be created again; an expired one is not.
        let remains = person.tenant().policy.auto_provision.then(|| HostAccount { expires_at: now, updated_at: now, ..account.clone() });
        let by_whom = record.clone();
        let unlinked = self.write_audited(record, move |db| async move { unlink(db, &place, remains, &by_whom).await }.boxed()).await?;
        Ok(unlinked.then_some(account))
    }
}

async fn unlink(db: &mut Connection, place: &HostAccountKey, kept_link: Option<HostAccount>, record: &AuditEvent) -> Result<bool, storage::Error> {
    let unlinked = delete_with_keys(db, place, record).await?;
    if let Some(account) = kept_link.filter(|_| unlinked) {
        host_accounts::insert(db, &place.tenant_id, &account).await?;
    }
    Ok(unlinked)
}
