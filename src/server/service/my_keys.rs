//! A person's keys, in the portal: seen and revoked, whoever made them.

use futures_util::FutureExt;

use super::proofs::SignedIn;
pub use super::storage::pubkeys::{KeysWanted, Show, Sort};
use super::storage::{activity, pubkeys};
use super::{Fault, Services};
use crate::domain::activity::{Activity, Kind};
use crate::domain::listing::Listed;
use crate::domain::pubkey::Pubkey;

/// How many rows a list shows at once.
pub const PIECE: usize = 25;

impl Services {
    /// A piece of the list of a person's keys.
    pub async fn list_my_keys(&self, person: &SignedIn, wanted: &KeysWanted) -> Result<Listed<Pubkey>, Fault> {
        Ok(pubkeys::list_of_person(self.storage().reader(), person.tenant_id(), person.user_id(), wanted, self.now(), PIECE).await?)
    }

    /// Those of a person's keys that have these numbers; what is somebody else's is left out.
    pub async fn find_my_keys(&self, person: &SignedIn, numbers: &[i64]) -> Result<Vec<Pubkey>, Fault> {
        Ok(pubkeys::find_of_person(self.storage().reader(), person.tenant_id(), person.user_id(), numbers).await?)
    }

    /// Revokes those of a person's keys that have these numbers: the next lookup is told there is none. Says how many they were.
    pub async fn revoke_my_keys(&self, person: &SignedIn, numbers: Vec<i64>) -> Result<usize, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.change(move |db| {
            async move {
                let keys = pubkeys::find_of_person(&mut *db, person.tenant_id(), person.user_id(), &numbers).await?;
                for key in &keys {
                    pubkeys::delete(db, key.number).await?;
                    let record = Activity::new(key.tenant_id.clone(), Kind::KeyRevoked, now).of(&key.user_id).subject(&key.fingerprint);
                    let record = Activity { client_id: key.client_id.clone(), ..record };
                    activity::insert(db, &record.from(person.visit().from)).await?;
                }
                Ok(keys.len())
            }
            .boxed()
        })
        .await
    }
}
