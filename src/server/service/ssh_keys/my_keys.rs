//! A person's keys in the portal: listed and revoked, including those that clients created.

use futures_util::FutureExt;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::pagination::{ListParams, Page};
use crate::domain::ssh_key::search::{KeyFilter, KeyGrouping, KeySort};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::{RecentlyAuthenticated, SignedIn};
use crate::server::service::authorizations::my_delegations;
use crate::server::service::ssh_keys::{KeyRefused, pasted_key};
use crate::server::service::{Fault, Services};
pub use crate::server::storage::ssh_keys::KeySummary;
use crate::server::storage::ssh_keys::groups::{self, GROUPS_PER_PAGE};
pub use crate::server::storage::ssh_keys::groups::{KEYS_PER_GROUP, KeyGroupPage, KeyGroupSummary};
use crate::server::storage::ssh_keys::{KeySelection, Revoker};
use crate::server::storage::token_families::EndedSessions;
use crate::server::storage::{Connection, audit_log, browser_sessions, logout_notices, ssh_keys};

impl Services {
    /// Refuses a private key, before anything else in the form is reported.
    pub fn reject_private_key(&self, text: &str) -> Result<(), KeyRefused> {
        pasted_key::check_not_private(text).map_err(KeyRefused::PublicKey)
    }

    /// A page of a person's keys.
    pub async fn list_my_keys(&self, person: &SignedIn, params: &ListParams<KeyFilter, KeySort>) -> Result<Page<KeySummary>, Fault> {
        Ok(ssh_keys::list(self.storage().reader(), person.tenant_id(), Some(person.user_id()), params, self.now()).await?)
    }

    /// A page of a person's active keys in groups, and the number of pages. `page` counts from 0.
    pub async fn group_my_keys(&self, person: &SignedIn, by: KeyGrouping, page: u32) -> Result<(KeyGroupPage, u32), Fault> {
        let found = groups::page(self.storage().reader(), person.tenant_id(), person.user_id(), by, page, self.now()).await?;
        let pages = u32::try_from((found.group_count + GROUPS_PER_PAGE - 1) / GROUPS_PER_PAGE).unwrap_or(u32::MAX);
        Ok((found, pages))
    }

    /// Whether the audit log names a key with this fingerprint as the person's. If it is not in their list, it was revoked.
    pub async fn was_my_key(&self, person: &SignedIn, fingerprint: &str) -> Result<bool, Fault> {
        Ok(audit_log::mentions_key(self.storage().reader(), person.tenant_id(), person.user_id(), fingerprint).await?)
    }

    /// Those of a person's keys that have these numbers; other people's are left out.
    pub async fn find_my_keys(&self, person: &SignedIn, numbers: &[i64]) -> Result<Vec<KeySummary>, Fault> {
        Ok(ssh_keys::find_of_person(self.storage().reader(), person.tenant_id(), person.user_id(), numbers).await?)
    }

    /// Revokes those of a person's keys that have these numbers, so that the next lookup finds none. Returns the number of keys.
    pub async fn revoke_my_keys(&self, person: &SignedIn, numbers: Vec<i64>) -> Result<u64, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| async move { revoke(db, &person, &numbers, now).await }.boxed()).await
    }

    /// The keys that a list has now, on all its pages.
    pub async fn announce_revocation(&self, person: &SignedIn, params: &ListParams<KeyFilter, KeySort>) -> Result<AnnouncedKeys, Fault> {
        let mut db = self.storage().reader().acquire().await.map_err(crate::server::storage::Error::from)?;
        let numbers = ssh_keys::numbers(&mut db, person.tenant_id(), person.user_id(), params, None, self.now()).await?;
        let first = numbers.get(..MAX_NAMED_KEYS).unwrap_or(&numbers);
        let first = ssh_keys::find_of_person(self.storage().reader(), person.tenant_id(), person.user_id(), first).await?;
        Ok(AnnouncedKeys { count: numbers.len(), newest: numbers.first().copied().unwrap_or_default(), first })
    }

    /// Revokes the keys of a list as they were announced. `newest` and `count` are those of [`AnnouncedKeys`]: keys that were created since
    /// are left out, and if more than `count` remain, `None` is returned and no key is revoked. Otherwise returns the number of keys.
    pub async fn revoke_announced_keys(
        &self,
        person: &SignedIn,
        params: ListParams<KeyFilter, KeySort>,
        newest: i64,
        count: usize,
    ) -> Result<Option<u64>, Fault> {
        let (person, now) = (person.clone(), self.now());
        self.write(move |db| {
            async move {
                let numbers = ssh_keys::numbers(&mut *db, person.tenant_id(), person.user_id(), &params, Some(newest), now).await?;
                if numbers.len() > count {
                    return Ok(None);
                }
                revoke(db, &person, &numbers, now).await.map(Some)
            }
            .boxed()
        })
        .await
    }

    /// Revokes all of a person's keys, authorizations and delegations, and ends their other browser sessions; all clients that they signed in to
    /// are told. Requires recent authentication, so that it cannot be done at an unattended screen.
    pub async fn revoke_everything(&self, person: &RecentlyAuthenticated) -> Result<RevocationSummary, Fault> {
        let (person, now) = (SignedIn::clone(person), self.now());
        self.write(move |db| {
            async move {
                let (tenant, user, from) = (person.tenant_id(), person.user_id(), person.session().from);
                let keys = ssh_keys::revoke(db, tenant, KeySelection::Person(user), Revoker { admin: None, from }, now).await?;
                let apps = my_delegations::revoke_all(db, &person, None, now).await?.permissions;
                let sessions = browser_sessions::delete_others(db, tenant, user, Some(person.session().session_id())).await?;
                // Also of this session: its sign-ins at clients have ended.
                logout_notices::sessions_ended(db, tenant, user, EndedSessions::AllBut(None), now).await?;
                audit_log::insert(db, &AuditEvent::new(tenant.clone(), AuditKind::EverythingRevoked, now).of(user).from(from)).await?;
                Ok(RevocationSummary { keys, apps, sessions })
            }
            .boxed()
        })
        .await
    }
}

async fn revoke(db: &mut Connection, person: &SignedIn, numbers: &[i64], now: Timestamp) -> Result<u64, crate::server::storage::Error> {
    let by = Revoker { admin: None, from: person.session().from };
    ssh_keys::revoke(db, person.tenant_id(), KeySelection::Numbers(person.user_id(), numbers), by, now).await
}

/// How many keys a confirmation lists by name.
pub const MAX_NAMED_KEYS: usize = 10;

/// What a confirmation says about the keys to revoke.
#[derive(Debug)]
pub struct AnnouncedKeys {
    pub count: usize,
    /// The highest number.
    pub newest: i64,
    /// The newest few.
    pub first: Vec<KeySummary>,
}

/// Numbers of what was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationSummary {
    pub keys: u64,
    pub apps: u64,
    pub sessions: u64,
}
