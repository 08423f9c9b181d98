//! Delegations, as administrators set them up; people make theirs by consenting ([`super::decisions`]).

use futures_util::FutureExt;

use super::decisions::withdraw_grants;
use super::proofs::TenantAdmin;
use super::storage::delegations::NewDelegation;
use super::storage::{activity, clients, delegations, people, pubkeys};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::delegation::{Delegation, MadeBy};
use crate::domain::ids::{ClientId, DelegationId, UserId};
use crate::domain::page::Page;
use crate::domain::pubkey::ends;
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::time::Timestamp;

/// Why nothing is delegated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationRefused {
    NoClient,
    NoPerson,
    Exists,
}

impl Services {
    /// Lets a client act for a person, on all of their host accounts. Says until when.
    pub async fn delegate(
        &self,
        admin: &TenantAdmin,
        client_id: &ClientId,
        user_id: &UserId,
        ttl_minutes: i32,
    ) -> Result<Timestamp, Error<DelegationRefused>> {
        let (now, id) = (self.now(), DelegationId::parse(self.new_id("dlg")).map_err(Fault::new)?);
        let until = ends(ttl_minutes, now);
        let record = record(admin, Kind::Delegated, client_id, user_id, now);
        let (tenant, client_id, user_id) = (admin.tenant_id().clone(), client_id.clone(), user_id.clone());
        self.attempt(move |db| {
            async move {
                clients::find(&mut *db, &tenant, &client_id).await?.ok_or(Error::Refused(DelegationRefused::NoClient))?;
                people::find(&mut *db, &tenant, &user_id).await?.ok_or(Error::Refused(DelegationRefused::NoPerson))?;
                let scope: ScopeSet = Scope::ALL.into_iter().collect();
                let new = NewDelegation {
                    tenant_id: &tenant,
                    id,
                    client_id: &client_id,
                    user_id: &user_id,
                    device_grant_id: None,
                    made_by: MadeBy::Admin,
                    scope: &scope,
                    expires_at: until,
                };
                if !delegations::insert_for_every_host(db, &new, now).await? {
                    return Err(Error::Refused(DelegationRefused::Exists));
                }
                activity::insert(db, &record).await?;
                Ok(())
            }
            .boxed()
        })
        .await?;
        Ok(until)
    }

    pub async fn find_delegation(&self, admin: &TenantAdmin, number: i64) -> Result<Option<Delegation>, Fault> {
        Ok(delegations::find_by_number(self.storage().reader(), admin.tenant_id(), number).await?)
    }

    /// Those set up by administrators and those that people gave.
    pub async fn list_delegations(&self, admin: &TenantAdmin, page: Page) -> Result<Vec<Delegation>, Fault> {
        Ok(delegations::page(self.storage().reader(), admin.tenant_id(), page).await?)
    }

    /// Sets a new end for a delegation set up by an administrator: what people consented to is theirs to change. `None` when
    /// there is none.
    pub async fn change_delegation(
        &self,
        admin: &TenantAdmin,
        client_id: &ClientId,
        user_id: &UserId,
        ttl_minutes: i32,
    ) -> Result<Option<Timestamp>, Fault> {
        let now = self.now();
        let until = ends(ttl_minutes, now);
        let record = record(admin, Kind::DelegationChanged, client_id, user_id, now);
        let (tenant, client_id, user_id) = (admin.tenant_id().clone(), client_id.clone(), user_id.clone());
        let changed =
            self.recorded(record, move |db| async move { delegations::set_end(db, &tenant, &client_id, &user_id, until, now).await }.boxed()).await?;
        Ok(changed.then_some(until))
    }

    /// Ends everything a client may do for a person, whoever allowed it, and deletes the keys it made for them. Says how many
    /// permissions there were.
    pub async fn end_delegation(&self, admin: &TenantAdmin, client_id: &ClientId, user_id: &UserId) -> Result<u64, Fault> {
        let now = self.now();
        let record = record(admin, Kind::DelegationEnded, client_id, user_id, now);
        let (admin, client_id, user_id) = (admin.clone(), client_id.clone(), user_id.clone());
        self.change(move |db| {
            async move {
                let tenant = admin.tenant_id();
                let withdrawn = withdraw_grants(db, &admin, &user_id, Some(&client_id), now).await?;
                let ended = withdrawn + delegations::delete(db, tenant, &user_id, Some(&client_id)).await?;
                if ended > 0 {
                    pubkeys::delete_of_client(db, tenant, &client_id, &user_id).await?;
                    activity::insert(db, &record).await?;
                }
                Ok(ended)
            }
            .boxed()
        })
        .await
    }
}

fn record(admin: &TenantAdmin, kind: Kind, client_id: &ClientId, user_id: &UserId, now: Timestamp) -> Activity {
    Activity::new(admin.tenant_id().clone(), kind, now).of(user_id).client(client_id).admin(Some(admin.admin_id())).from(admin.from)
}
