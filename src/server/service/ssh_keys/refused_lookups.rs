//! Refused key lookups. Recorded in the background, for the person concerned and for administrators; hosts are not told more than before.
//!
//! Lookups need no authentication, so anybody can cause refusals. Of these few are recorded, and none delays a lookup: see
//! [`RefusalRecorder`] and the limits in `storage/refused_lookups.rs`.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Semaphore;

use crate::domain::ids::{AccountName, ClientId, HostName, TenantId, UserId};
use crate::domain::refused_lookup::{RefusalReason, RefusedLookup};
use crate::domain::ssh_key::Fingerprint;
use crate::domain::time::Timestamp;
use crate::server::request_id;
use crate::server::service::auth::principals::{SignedIn, TenantAdmin, TokenHolder};
use crate::server::service::platform::housekeeping::REFUSAL_RETENTION;
use crate::server::service::platform::write_throttle::WriteThrottle;
use crate::server::service::{Fault, Services};
use crate::server::storage::ssh_keys::lookup::KeyCandidate;
use crate::server::storage::{clients, host_accounts, hosts, refused_lookups};

/// Limit of refusals that wait to be recorded.
const MAX_PENDING: usize = 8;
/// Limit per minute: of refusals of unknown keys, and as many of registered ones.
const PER_MINUTE: u32 = 300;
const PER_MINUTE_AND_HOST: u32 = 30;
/// Of several people who registered one key for one account, so many are told.
const MAX_OWNERS: usize = 3;
/// Limit of rows that a list has.
const MAX_LISTED: i64 = 200;

/// A login of which refusals are recorded at most once a minute.
type LoginKey = (Option<TenantId>, HostName, AccountName, Fingerprint, RefusalReason);

/// Decides in memory which refusals are recorded.
pub(in crate::server::service) struct RefusalRecorder {
    slots: Arc<Semaphore>,
    logins: WriteThrottle<LoginKey>,
    minute: Mutex<Minute>,
}

impl Default for RefusalRecorder {
    fn default() -> Self {
        let minute = Mutex::new(Minute::beginning(Timestamp::from_millis(0)));
        Self { slots: Arc::new(Semaphore::new(MAX_PENDING)), logins: WriteThrottle::default(), minute }
    }
}

impl RefusalRecorder {
    fn admits(&self, refusal: &Refusal, now: Timestamp) -> bool {
        let key = (
            refusal.login.tenant_id.clone(),
            refusal.login.host.clone(),
            refusal.login.account.clone(),
            refusal.login.fingerprint.clone(),
            refusal.reason,
        );
        self.logins.is_due(key, now) && self.minute.lock().unwrap_or_else(PoisonError::into_inner).admits(refusal, now)
    }
}

/// What was recorded in the current minute. Unknown keys, which anybody can send, do not use up what is for registered ones.
struct Minute {
    began: Timestamp,
    /// By whether the key is registered.
    total: HashMap<bool, u32>,
    hosts: HashMap<(bool, Option<TenantId>, HostName), u32>,
}

impl Minute {
    fn beginning(began: Timestamp) -> Self {
        Self { began, total: HashMap::new(), hosts: HashMap::new() }
    }

    fn admits(&mut self, refusal: &Refusal, now: Timestamp) -> bool {
        if now < self.began || now.since(self.began) >= Duration::from_secs(60) {
            *self = Self::beginning(now);
        }
        let known = !refusal.owners.is_empty();
        let total = self.total.entry(known).or_default();
        if *total >= PER_MINUTE {
            return false;
        }
        let host = self.hosts.entry((known, refusal.login.tenant_id.clone(), refusal.login.host.clone())).or_default();
        if *host >= PER_MINUTE_AND_HOST {
            return false;
        }
        *host += 1;
        *total += 1;
        true
    }
}

/// Who registered a refused key, and why it was refused.
struct RefusedOwner {
    client_id: Option<ClientId>,
    reason: RefusalReason,
    expires_at: Timestamp,
}

/// A login that was refused.
#[derive(Clone)]
pub(in crate::server::service) struct RefusedLogin {
    /// `None`: the tenant that is responsible for the host name.
    pub tenant_id: Option<TenantId>,
    pub host: HostName,
    pub account: AccountName,
    pub fingerprint: Fingerprint,
    /// IP address of the host.
    pub from: Option<IpAddr>,
}

/// A refused lookup.
pub(in crate::server::service) struct Refusal {
    login: RefusedLogin,
    /// If the key is registered for the account: the people who registered it, each with the reason of their latest registration.
    owners: BTreeMap<UserId, RefusedOwner>,
    /// The reason if there are none.
    reason: RefusalReason,
}

impl Refusal {
    /// The host itself is refused.
    pub fn of_host(login: RefusedLogin, reason: RefusalReason) -> Self {
        Self { login, owners: BTreeMap::new(), reason }
    }

    /// All registrations of the key are refused; `reason` if there are none.
    pub fn of_keys<'k>(login: RefusedLogin, reason: RefusalReason, keys: impl Iterator<Item = (&'k KeyCandidate, RefusalReason)>) -> Self {
        let mut refusal = Self::of_host(login, reason);
        for (key, reason) in keys {
            let owner = RefusedOwner { client_id: key.client_id.clone(), reason, expires_at: key.status.effective_expiry() };
            if refusal.owners.get(&key.user_id).is_none_or(|known| known.expires_at < owner.expires_at) {
                refusal.owners.insert(key.user_id.clone(), owner);
            }
        }
        if let Some(owner) = refusal.owners.values().next() {
            refusal.reason = owner.reason;
        }
        refusal
    }

    /// Another login took the last use.
    pub fn used_up(login: RefusedLogin, key: &KeyCandidate) -> Self {
        Self::of_keys(login, RefusalReason::KeyUsedUp, std::iter::once((key, RefusalReason::KeyUsedUp)))
    }
}

impl Services {
    /// Records a refusal in the background, unless it is one of too many.
    pub(in crate::server::service) fn record_refusal_later(&self, refusal: Refusal) {
        let now = self.now();
        let Ok(slot) = Arc::clone(&self.shared.refusals.slots).try_acquire_owned() else { return };
        if !self.shared.refusals.admits(&refusal, now) {
            return;
        }
        let services = self.clone();
        request_id::spawn(async move {
            if let Err(fault) = services.record_refusal(refusal, now).await
                && !fault.is_logged()
            {
                tracing::warn!(error = %fault, "A refused key lookup could not be recorded");
            }
            drop(slot);
        });
    }

    async fn record_refusal(&self, refusal: Refusal, now: Timestamp) -> Result<(), Fault> {
        let RefusedLogin { tenant_id, host, account, fingerprint, .. } = refusal.login.clone();
        let fingerprint = fingerprint.as_str().to_owned();
        let query = refused_lookups::LoginQuery { tenant_id, host, account, fingerprint };
        let context = refused_lookups::find_context(self.storage().reader(), &query, now).await?;
        let rows = rows_to_record(refusal, context, now);
        if rows.is_empty() {
            return Ok(());
        }
        self.write(move |db| {
            async move {
                for row in &rows {
                    refused_lookups::record(db, row).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The person's refused lookups: those of registered keys first, and each newest first.
    pub async fn list_my_refused_lookups(&self, person: &SignedIn) -> Result<Vec<RefusedLookup>, Fault> {
        self.list_refused_lookups_of(person.tenant_id(), person.user_id(), None).await
    }

    /// A person's refused lookups, in the same order.
    pub async fn list_refused_lookups_of_person(&self, admin: &TenantAdmin, user_id: &UserId) -> Result<Vec<RefusedLookup>, Fault> {
        self.list_refused_lookups_of(admin.tenant_id(), user_id, None).await
    }

    /// A host's refused lookups under any of its names, in the same order.
    pub async fn list_refused_lookups_of_host(&self, admin: &TenantAdmin, host: &HostName) -> Result<Vec<RefusedLookup>, Fault> {
        let host = self.registered(admin, host).await?;
        let since = self.now() - REFUSAL_RETENTION;
        Ok(refused_lookups::list_of_host(self.storage().reader(), admin.tenant_id(), &host, since, MAX_LISTED).await?)
    }

    /// The refused lookups of the token's person for the host accounts that the token covers, newest first.
    pub async fn list_own_refused_lookups(
        &self,
        holder: &TokenHolder,
        host: Option<&HostName>,
        account: Option<&AccountName>,
    ) -> Result<Vec<RefusedLookup>, Fault> {
        let reader = self.storage().reader();
        let covered = host_accounts::of_authorization(reader, &holder.tenant_id, &holder.authorization_id).await?;
        let names = covered.iter().filter_map(|covered| HostName::parse(covered.host.clone()).ok()).collect::<Vec<_>>();
        let stored = hosts::all_registered(reader, &holder.tenant_id, &names.iter().collect()).await?;
        let host = match host {
            Some(host) => Some(hosts::canonical_name(reader, &holder.tenant_id, host).await?),
            None => None,
        };
        let is_covered = |refused: &RefusedLookup| {
            covered.iter().any(|covered| {
                let name = HostName::parse(covered.host.clone()).ok();
                let name = name.map(|name| stored.get(&name).cloned().unwrap_or(name));
                name.as_ref() == Some(&refused.host) && covered.account == refused.account.as_str()
            })
        };
        let listed = self.list_refused_lookups_of(&holder.tenant_id, &holder.user_id, host.as_ref()).await?;
        let matches_account = |refused: &RefusedLookup| account.is_none_or(|account| *account == refused.account) && is_covered(refused);
        let mut listed: Vec<RefusedLookup> = listed.into_iter().filter(matches_account).collect();
        listed.sort_by_key(|refused| std::cmp::Reverse(refused.last_at));
        Ok(listed)
    }

    /// The names of the clients that created the keys, by id.
    pub async fn client_names_of(&self, tenant: &TenantId, refused: &[RefusedLookup]) -> Result<HashMap<String, String>, Fault> {
        let mut ids: Vec<&str> = refused.iter().filter_map(|refused| Some(refused.client_id.as_ref()?.as_str())).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(clients::names(self.storage().reader(), tenant, &ids).await?)
    }

    async fn list_refused_lookups_of(&self, tenant: &TenantId, user: &UserId, host: Option<&HostName>) -> Result<Vec<RefusedLookup>, Fault> {
        let since = self.now() - REFUSAL_RETENTION;
        Ok(refused_lookups::list_of_person(self.storage().reader(), tenant, user, host, since, MAX_LISTED).await?)
    }
}

/// The rows for a refusal: one for each owner of the key; or else one for the only person to whom the account is linked, or for
/// administrators alone. And one for each owner in another tenant, whose key was not found because the host's name belongs to this one.
fn rows_to_record(refusal: Refusal, context: refused_lookups::LoginContext, now: Timestamp) -> Vec<refused_lookups::NewRefusedLookup> {
    let Refusal { login: RefusedLogin { account, fingerprint, from, .. }, owners, reason } = refusal;
    let row = |tenant_id: TenantId, host: HostName, reason, key_known, user_id, client_id| refused_lookups::NewRefusedLookup {
        tenant_id,
        host,
        account: account.clone(),
        fingerprint: fingerprint.as_str().to_owned(),
        reason,
        key_known,
        user_id,
        client_id,
        from,
        at: now,
    };
    let mut rows = Vec::new();
    if reason == RefusalReason::UnknownKey {
        for key in context.elsewhere {
            rows.push(row(key.tenant_id, key.host, RefusalReason::HostOfOtherTenant, true, Some(key.user_id), key.client_id));
        }
    }
    let Some(place) = context.place else { return rows };
    if owners.is_empty() {
        let reason = match reason {
            RefusalReason::UnknownKey if !place.ever_linked => RefusalReason::LinkMissing,
            RefusalReason::UnknownKey if !place.linked => RefusalReason::LinkExpired,
            reason => reason,
        };
        rows.push(row(place.tenant_id, place.host, reason, false, place.only_person, None));
        return rows;
    }
    for (user_id, owner) in owners.into_iter().take(MAX_OWNERS) {
        rows.push(row(place.tenant_id.clone(), place.host.clone(), owner.reason, true, Some(user_id), owner.client_id));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(host: &str, fingerprint: &str) -> Refusal {
        let login = RefusedLogin {
            tenant_id: None,
            host: HostName::parse(host).expect("a host"),
            account: AccountName::parse("jdoe").expect("an account"),
            fingerprint: Fingerprint::parse(&format!("SHA256:{fingerprint}")).expect("a fingerprint"),
            from: None,
        };
        Refusal::of_host(login, RefusalReason::UnknownKey)
    }

    #[test]
    fn refusals_are_limited_per_login_host_and_minute() {
        let (recorder, now) = (RefusalRecorder::default(), Timestamp::from_millis(1_000_000));
        let admitted = |host: &str, fingerprint: &str, now| recorder.admits(&refusal(host, fingerprint), now);
        assert_eq!([admitted("a", "x", now), admitted("a", "x", now), admitted("b", "x", now)], [true, false, true]);
        let many = (0..1_000).filter(|n| admitted("a", &n.to_string(), now)).count();
        assert_eq!(many + 1, PER_MINUTE_AND_HOST as usize);
        let hosts = (0..1_000).filter(|n| admitted(&format!("host{n}"), "x", now)).count();
        assert_eq!(many + 2 + hosts, PER_MINUTE as usize);
        let mut known = refusal("a", "z");
        known
            .owners
            .insert(UserId::parse("jdoe").expect("a user"), RefusedOwner { client_id: None, reason: RefusalReason::KeyExpired, expires_at: now });
        assert!(recorder.admits(&known, now), "of a registered key");
        assert!(admitted("a", "x", now + Duration::from_secs(60)), "in the next minute");
    }
}
