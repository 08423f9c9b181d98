//! Linked host accounts.

use super::proofs::{SignedIn, TokenHolder};
use super::storage::host_accounts;
use super::{Fault, Services};
use crate::domain::host_account::HostAccount;

impl Services {
    /// All of a person's, by host and account; expired ones too, so that they can be seen.
    pub async fn list_host_accounts(&self, person: &SignedIn) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::of_person(self.storage().reader(), person.tenant_id(), person.user_id()).await?)
    }

    /// Those the person ticked when they allowed this token's client.
    pub async fn list_granted_host_accounts(&self, holder: &TokenHolder) -> Result<Vec<HostAccount>, Fault> {
        Ok(host_accounts::of_grant(self.storage().reader(), &holder.tenant_id, &holder.grant_id).await?)
    }
}
