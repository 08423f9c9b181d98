//! A person's host accounts, in the portal: seen and unlinked.

use futures_util::FutureExt;

use super::proofs::SignedIn;
pub use super::storage::host_accounts::InUse;
use super::storage::host_accounts::{self, Place};
use super::storage::{self, Connection, hosts};
use super::{Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::host_account::{HostAccount, Show, Sort};
use crate::domain::ids::{AccountName, HostAccountId, HostName};
use crate::domain::listing::{Listed, Wanted};

impl Services {
    /// A piece of the list of a person's host accounts; expired ones too, so that they can be seen.
    pub async fn list_my_host_accounts(&self, person: &SignedIn, wanted: &Wanted<Show, Sort>) -> Result<Listed<InUse>, Fault> {
        Ok(host_accounts::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), wanted, self.now()).await?)
    }

    /// One of a person's host accounts.
    pub async fn find_my_host_account(&self, person: &SignedIn, id: &HostAccountId) -> Result<Option<HostAccount>, Fault> {
        let found = host_accounts::find(self.storage().reader(), person.tenant_id(), id).await?;
        Ok(found.filter(|account| account.user_id == *person.user_id()))
    }

    /// Unlinks one of a person's host accounts; its keys are revoked. `None` when it is not theirs, or gone.
    pub async fn unlink_my_host_account(&self, person: &SignedIn, id: &HostAccountId) -> Result<Option<HostAccount>, Fault> {
        let Some(account) = self.find_my_host_account(person, id).await? else { return Ok(None) };
        let place = Place {
            tenant_id: person.tenant_id().clone(),
            user_id: person.user_id().clone(),
            host: HostName::parse(account.host.clone()).map_err(Fault::new)?,
            account: AccountName::parse(account.account.clone()).map_err(Fault::new)?,
        };
        let (now, host) = (self.now(), hosts::registered(self.storage().reader(), &place.tenant_id, &place.host).await?);
        let record = Activity::new(person.tenant_id().clone(), Kind::HostUnlinked, now).of(person.user_id());
        let record = record.subject(format!("{}@{host}", account.account)).from(person.visit().from);
        // What is not there MVP mode links again; what has expired it leaves.
        let remains = person.tenant().policy.mvp.then(|| HostAccount { expires_at: now, updated_at: now, ..account.clone() });
        let unlinked = self.recorded(record, move |db| async move { unlink(db, &place, remains).await }.boxed()).await?;
        Ok(unlinked.then_some(account))
    }
}

async fn unlink(db: &mut Connection, place: &Place, remains: Option<HostAccount>) -> Result<bool, storage::Fault> {
    let unlinked = host_accounts::delete(db, place).await?;
    if let Some(account) = remains.filter(|_| unlinked) {
        host_accounts::insert(db, &place.tenant_id, &account).await?;
    }
    Ok(unlinked)
}
