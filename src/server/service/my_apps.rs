//! What may act for a person, in the portal: seen, shortened, prolonged and ended.

use futures_util::FutureExt;

use super::browser_sessions::still_signed_in;
use super::decisions::end_access;
use super::proofs::SignedIn;
pub use super::storage::delegations::{ClientName, InUse};
use super::storage::{Connection, activity, delegations, device_grants, pubkeys};
use super::{Error, Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::delegation::{ChangeRefused, Delegation, Show, Sort};
use crate::domain::listing::{Listed, Wanted};
use crate::domain::time::Timestamp;

impl Services {
    /// A piece of the list of what may act for a person.
    pub async fn list_my_apps(&self, person: &SignedIn, wanted: &Wanted<Show, Sort>) -> Result<Listed<InUse>, Fault> {
        Ok(delegations::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), None, wanted, self.now()).await?)
    }

    /// One of those that are in force.
    pub async fn find_my_app(&self, person: &SignedIn, number: i64) -> Result<Option<InUse>, Fault> {
        let (in_force, reader) = (Wanted::default(), self.storage().reader());
        let found = delegations::list(reader, person.tenant_id(), Some(person.user_id()), Some(number), &in_force, self.now()).await?;
        Ok(found.items.into_iter().next())
    }

    /// Sets a new end for what may act for a person; a later one is as good as another consent.
    pub async fn change_my_app(&self, person: &SignedIn, number: i64, until: Timestamp) -> Result<(), Error<ChangeRefused>> {
        let may_prolong = self.may_allow(person);
        let (person, now) = (person.clone(), self.now());
        self.attempt(move |db| {
            async move {
                if !still_signed_in(db, &person, now).await? {
                    return Err(Error::Refused(ChangeRefused::Gone));
                }
                let standing = delegations::of_person(&mut *db, person.tenant_id(), person.user_id()).await?;
                let found = standing.into_iter().find(|one| one.number == number && now < one.expires_at);
                let delegation = found.ok_or(Error::Refused(ChangeRefused::Gone))?;
                delegation.may_end(until, person.tenant().policy.longest_access, now).map_err(Error::Refused)?;
                if let (true, Err(missing)) = (until > delegation.expires_at, may_prolong) {
                    return Err(Error::Refused(ChangeRefused::Missing(missing)));
                }
                delegations::set_end_of(db, &delegation, until, now).await?;
                activity::insert(db, &record(&person, &delegation, Kind::DelegationChanged, now)).await?;
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// Ends what may act for a person: a device's token stops with it, and the keys the client made for them are deleted, unless
    /// another permission for the same client remains. False when it had ended already.
    pub async fn end_my_app(&self, person: &SignedIn, number: i64) -> Result<bool, Fault> {
        let Some(found) = self.find_my_app(person, number).await? else { return Ok(false) };
        let (person, now) = (person.clone(), self.now());
        self.change(move |db| async move { end(db, &person, &found.delegation, now).await }.boxed()).await
    }
}

/// See [`Services::end_my_app`].
pub(super) async fn end(db: &mut Connection, person: &SignedIn, delegation: &Delegation, now: Timestamp) -> Result<bool, super::storage::Fault> {
    let ended = match &delegation.device_grant_id {
        Some(id) => {
            let Some(grant) = device_grants::find(&mut *db, person.tenant_id(), id).await? else { return Ok(false) };
            let before = grant.state.clone();
            let Ok(withdrawn) = grant.withdraw(person.user_id(), now) else { return Ok(false) };
            end_access(db, before, withdrawn, record(person, delegation, Kind::DeviceWithdrawn, now)).await?
        }
        None => {
            // What is not there MVP mode makes again; what has expired it leaves.
            let ended = match person.tenant().policy.mvp {
                true => delegations::set_end_of(db, delegation, now, now).await?,
                false => delegations::delete_one(db, delegation).await?,
            };
            if ended {
                activity::insert(db, &record(person, delegation, Kind::DelegationEnded, now)).await?;
                pubkeys::delete_unfounded(db, person.tenant_id(), &delegation.client_id, person.user_id(), now).await?;
            }
            ended
        }
    };
    Ok(ended)
}

fn record(person: &SignedIn, delegation: &Delegation, kind: Kind, now: Timestamp) -> Activity {
    let record = Activity::new(person.tenant_id().clone(), kind, now).of(person.user_id()).from(person.visit().from);
    match &delegation.device_grant_id {
        Some(grant) => record.about(&delegation.client_id, grant),
        None => record.client(&delegation.client_id),
    }
}
