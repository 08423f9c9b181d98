//! A person's keys in the portal: listed and revoked, including those that clients created.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::ClientId;
use crate::domain::pagination::{ListParams, Page};
use crate::domain::ssh_key::{KeyFilter, KeySort, SshKey};
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::authorizations::my_delegations;
use crate::server::service::ssh_keys::{KeyRefused, pasted_key};
use crate::server::service::{Fault, Services};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::{audit_log, browser_sessions, delegations, ssh_keys};

impl Services {
    /// Refuses a private key, before anything else in the form is reported.
    pub fn reject_private_key(&self, text: &str) -> Result<(), KeyRefused> {
        pasted_key::check_not_private(text).map_err(KeyRefused::PublicKey)
    }

    /// A page of a person's keys.
    pub async fn list_my_keys(&self, person: &SignedIn, params: &ListParams<KeyFilter, KeySort>) -> Result<Page<SshKey>, Fault> {
        Ok(ssh_keys::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), params, self.now()).await?)
    }

    /// Whether the audit log names a key with this fingerprint as the person's. If it is not in their list, it was revoked.
    pub async fn was_my_key(&self, person: &SignedIn, fingerprint: &str) -> Result<bool, Fault> {
        Ok(audit_log::mentions_key(self.storage().reader(), person.tenant_id(), person.user_id(), fingerprint).await?)
    }

    /// Those of a person's keys that have these numbers; other people's are left out.
    pub async fn find_my_keys(&self, person: &SignedIn, numbers: &[i64]) -> Result<Vec<SshKey>, Fault> {
        Ok(ssh_keys::find_of_person(self.storage().reader(), person.tenant_id(), person.user_id(), numbers).await?)
    }

    /// Revokes those of a person's keys that have these numbers, so that the next lookup finds none. Returns the number of keys.
    pub async fn revoke_my_keys(&self, person: &SignedIn, numbers: Vec<i64>) -> Result<usize, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| {
            async move {
                let keys = ssh_keys::find_of_person(&mut *db, person.tenant_id(), person.user_id(), &numbers).await?;
                let by = Revoker { admin: None, from: person.session().from };
                for key in &keys {
                    ssh_keys::revoke(db, &key.tenant_id, KeySelection::Number(key.number), by, now).await?;
                }
                Ok(keys.len())
            }
            .boxed()
        })
        .await
    }

    /// The numbers of the keys that a client created for a person.
    pub async fn keys_of_client(&self, person: &SignedIn, client: &ClientId) -> Result<Vec<i64>, Fault> {
        Ok(ssh_keys::ids_of_client(self.storage().reader(), person.tenant_id(), person.user_id(), client).await?)
    }

    /// Revokes all of a person's keys and delegations, and ends their other browser sessions. Requires recent authentication, so that it
    /// cannot be done at an unattended screen.
    pub async fn revoke_everything(&self, person: &RecentlyAuthenticated) -> Result<RevocationSummary, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.write(move |db| {
            async move {
                let (tenant, user, from) = (person.tenant_id(), person.user_id(), person.session().from);
                let keys = ssh_keys::revoke(db, tenant, KeySelection::Person(user), Revoker { admin: None, from }, now).await?;
                let mut apps = 0;
                let standing = delegations::of_person(&mut *db, tenant, user).await?;
                for delegation in standing.into_iter().filter(|delegation| now < delegation.expires_at) {
                    apps += u64::from(my_delegations::revoke(db, &person, &delegation, now).await?);
                }
                let sessions = browser_sessions::delete_others(db, tenant, user, Some(person.session().session_id())).await?;
                audit_log::insert(db, &AuditEvent::new(tenant.clone(), AuditKind::EverythingRevoked, now).of(user).from(from)).await?;
                Ok(RevocationSummary { keys, apps, sessions })
            }
            .boxed()
        })
        .await
    }
}

/// Numbers of what was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationSummary {
    pub keys: u64,
    pub apps: u64,
    pub sessions: u64,
}
