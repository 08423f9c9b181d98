//! Keys: made for clients and people, listed, limited and revoked.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use thiserror::Error as ThisError;
use tokio::sync::oneshot;

use super::browser_sessions::still_signed_in;
use super::entropy::Secret;
use super::proofs::{AuthenticatedClient, FreshlySignedIn, KeyKeeper, Principal, SignedIn, TokenHolder};
pub use super::ssh_keys::PublicKeyRefused;
use super::ssh_keys::{KeyPair, SshPublicKey, TooManyAtOnce};
use super::storage::host_accounts::Place;
use super::storage::pubkeys::standing::DependenciesAsked;
use super::storage::pubkeys::{OfGrant, StoredFrom};
use super::storage::{self, Connection, activity, pubkeys};
use super::{Error, Fault, Services, mvp};
use crate::domain::activity::{Activity, Kind};
use crate::domain::ids::{AccountName, ClientId, DeviceGrantId, HostName, UserId};
use crate::domain::page::Page;
use crate::domain::pubkey::{Dependencies, KeyType, LabelRefused, Missing, Pubkey, UNLIMITED, count, ends, label};
use crate::domain::time::Timestamp;

/// What key is wanted, and for where.
#[derive(Clone, Debug)]
pub struct KeyWanted {
    pub host: HostName,
    pub account: AccountName,
    /// Logins; negative: as many as you like.
    pub num_uses: i32,
    /// Negative: for ever. 0: it has ended already.
    pub ttl_minutes: i32,
    pub source: KeySource,
    /// What the person calls it; `None`: the comment of a key that is given.
    pub label: Option<String>,
}

/// Where a key comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Made here.
    Made(KeyType),
    /// Made by whoever asks; no private half crosses the network. A line of a `.pub` file.
    Given(String),
}

/// A key that has been stored.
pub struct NewKey {
    pub pubkey: Pubkey,
    /// Of a pair that was made here: shown once.
    pub private_key: Option<Secret>,
    /// The tenant has the key's host on record, or keeps no record of hosts. If not, perhaps no host will ever ask for the key.
    pub host_known: bool,
}

/// Why no key is made.
#[derive(Clone, Debug, ThisError, PartialEq, Eq)]
pub enum KeyRefused {
    #[error("{0:?}")]
    Missing(Missing),
    #[error("the public key cannot be taken: {0}")]
    PublicKey(#[from] PublicKeyRefused),
    #[error("it cannot be called that: {0:?}")]
    Label(LabelRefused),
    #[error("its registrant has registered that key for that account already, and it has not ended")]
    Exists,
    #[error("people register no keys of their own in this tenant")]
    NotHere,
    #[error("the person has been signed out meanwhile")]
    SignedOut,
    #[error("too many keys of this kind are being made")]
    TooManyAtOnce,
}

/// New limits for a key; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewLimits {
    pub max_uses: Option<u32>,
    pub ttl_minutes: Option<u32>,
}

/// Which of a person's keys are asked for.
#[derive(Clone, Debug, Default)]
pub struct OwnKeysWanted {
    pub host: Option<HostName>,
    pub account: Option<AccountName>,
    /// Neither expired nor used up.
    pub active: bool,
}

/// Who makes a key, and for whom.
struct Maker {
    place: Place,
    /// `None`: the person themselves, in the portal; that needs no permission of anybody's.
    client_id: Option<ClientId>,
    device_grant_id: Option<DeviceGrantId>,
    from: Option<IpAddr>,
    /// Who must still be signed in when it is stored.
    person: Option<SignedIn>,
}

impl Services {
    /// Makes or takes a key with which the client logs in for a person.
    pub async fn create_key(&self, client: &AuthenticatedClient, user_id: &UserId, wanted: &KeyWanted) -> Result<NewKey, Error<KeyRefused>> {
        let place =
            Place { tenant_id: client.tenant.id.clone(), user_id: user_id.clone(), host: wanted.host.clone(), account: wanted.account.clone() };
        let client_id = client.client.id.clone();
        let mut dependencies = self.dependencies(&place, Some(&client_id), None).await?;
        if client.tenant.policy.mvp && mvp::may_fill_in(&place, &dependencies) {
            mvp::fill_in(self, &place, &client_id).await?;
            dependencies = self.dependencies(&place, Some(&client_id), None).await?;
        }
        self.store_key(Maker { place, client_id: Some(client_id), device_grant_id: None, from: client.from, person: None }, wanted, &dependencies)
            .await
    }

    /// Takes a key with which the person logs in themselves, for one of the host accounts their device was allowed.
    pub async fn create_own_key(&self, holder: &TokenHolder, wanted: &KeyWanted) -> Result<NewKey, Error<KeyRefused>> {
        let place = Place {
            tenant_id: holder.tenant_id.clone(),
            user_id: holder.user_id.clone(),
            host: wanted.host.clone(),
            account: wanted.account.clone(),
        };
        if !self.enabled_tenant(&holder.tenant_id).await?.is_some_and(|tenant| tenant.policy.own_keys) {
            return Err(Error::Refused(KeyRefused::NotHere));
        }
        let (client_id, device_grant_id) = (holder.client_id.clone(), Some(holder.grant_id.clone()));
        let dependencies = self.dependencies(&place, Some(&client_id), device_grant_id.clone()).await?;
        self.store_key(Maker { place, client_id: Some(client_id), device_grant_id, from: holder.from, person: None }, wanted, &dependencies).await
    }

    /// Takes a public key with which the person logs in themselves.
    pub async fn register_my_key(&self, person: &FreshlySignedIn, wanted: &KeyWanted) -> Result<NewKey, Error<KeyRefused>> {
        // First: whatever else is wrong, whoever pasted a private key must hear of that.
        if let KeySource::Given(line) = &wanted.source {
            SshPublicKey::parse(line).map_err(|refused| Error::Refused(refused.into()))?;
        }
        if !person.tenant().policy.own_keys {
            return Err(Error::Refused(KeyRefused::NotHere));
        }
        let (tenant_id, user_id) = (person.tenant_id().clone(), person.user_id().clone());
        let place = Place { tenant_id, user_id, host: wanted.host.clone(), account: wanted.account.clone() };
        let dependencies = self.dependencies(&place, None, None).await?;
        let maker = Maker { place, client_id: None, device_grant_id: None, from: person.visit().from, person: Some(SignedIn::clone(person)) };
        self.store_key(maker, wanted, &dependencies).await
    }

    async fn dependencies(&self, place: &Place, client_id: Option<&ClientId>, grant: Option<DeviceGrantId>) -> Result<Dependencies, Fault> {
        let asked = DependenciesAsked { place: place.clone(), client_id: client_id.cloned(), device_grant_id: grant };
        Ok(self.storage().dependencies(asked).await?)
    }

    async fn store_key(&self, maker: Maker, wanted: &KeyWanted, dependencies: &Dependencies) -> Result<NewKey, Error<KeyRefused>> {
        let Maker { place, client_id, device_grant_id, from, person } = maker;
        dependencies.check(client_id.is_some(), self.now()).map_err(|missing| Error::Refused(KeyRefused::Missing(missing)))?;
        // The host may have been named in another case, or by another of its names.
        let (host, host_known) = dependencies.link.as_ref().map_or((place.host, false), |link| (link.host.clone(), link.host_known));
        let (key, private_key) = match &wanted.source {
            KeySource::Given(line) => (SshPublicKey::parse(line).map_err(|refused| Error::Refused(refused.into()))?, None),
            KeySource::Made(key_type) => match self.make_key_pair(*key_type).await {
                Ok(KeyPair { private_key, public_key }) => (public_key, Some(private_key)),
                Err(Error::Refused(TooManyAtOnce)) => return Err(Error::Refused(KeyRefused::TooManyAtOnce)),
                Err(Error::Internal(fault)) => return Err(fault.into()),
            },
        };
        let label = label(wanted.label.as_deref(), &key.comment).map_err(|refused| Error::Refused(KeyRefused::Label(refused)))?;
        let now = self.now();
        let max_uses = count(wanted.num_uses);
        // What a device's token made ends with the token.
        let with_device = dependencies.delegated_until.filter(|_| device_grant_id.is_some());
        let expires_at = ends(wanted.ttl_minutes, now).min(with_device.unwrap_or(Timestamp::FOREVER));
        let pubkey = Pubkey {
            number: 0,
            tenant_id: place.tenant_id,
            client_id,
            user_id: place.user_id,
            host,
            account: place.account,
            device_grant_id,
            label,
            fingerprint: key.fingerprint,
            public_key: key.line,
            key_type: key.key_type,
            key_bits: key.bits,
            max_uses,
            remaining_uses: max_uses,
            initial_ttl_minutes: count(wanted.ttl_minutes),
            expires_at,
            last_used_at: None,
            created_at: now,
            updated_at: now,
        };
        let new = StoredFrom { key: pubkey.clone(), from };
        let stored = match person {
            Some(person) => self.change(move |db| async move { store_of(db, &person, new, now).await }.boxed()).await?,
            None => self.shared.new_keys.store(self, new).await?,
        };
        match stored {
            Some(number) => Ok(NewKey { pubkey: Pubkey { number, ..pubkey }, private_key, host_known }),
            None => Err(Error::Refused(self.why_not_stored(&pubkey).await?)),
        }
    }

    /// It was there already, or what it rests on went away just now.
    async fn why_not_stored(&self, key: &Pubkey) -> Result<KeyRefused, Fault> {
        let there = pubkeys::find(self.storage().reader(), &key.tenant_id, &key.host, &key.fingerprint).await?;
        let of_same_party = |there: &Pubkey| {
            (&there.account, &there.user_id, &there.client_id, &there.device_grant_id)
                == (&key.account, &key.user_id, &key.client_id, &key.device_grant_id)
        };
        if there.iter().any(of_same_party) {
            return Ok(KeyRefused::Exists);
        }
        let place = Place { tenant_id: key.tenant_id.clone(), user_id: key.user_id.clone(), host: key.host.clone(), account: key.account.clone() };
        let dependencies = self.dependencies(&place, key.client_id.as_ref(), key.device_grant_id.clone()).await?;
        Ok(match dependencies.check(key.client_id.is_some(), self.now()) {
            Err(missing) => KeyRefused::Missing(missing),
            // Back already: whoever asks again gets the key.
            Ok(()) if key.client_id.is_some() => KeyRefused::Missing(Missing::Delegation),
            Ok(()) => KeyRefused::SignedOut,
        })
    }

    /// A client's own key, or any of the tenant's for an administrator.
    pub async fn find_key(&self, principal: &Principal, number: i64) -> Result<Option<Pubkey>, Fault> {
        let found = pubkeys::find_by_number(self.storage().reader(), principal.tenant_id(), number).await?;
        Ok(found.filter(|key| principal.only_client().is_none_or(|client| key.client_id.as_ref() == Some(client))))
    }

    pub async fn list_keys(&self, principal: &Principal, page: Page) -> Result<Vec<Pubkey>, Fault> {
        Ok(pubkeys::page(self.storage().reader(), principal.tenant_id(), principal.only_client(), page).await?)
    }

    /// Sets new limits. False when there is no such key.
    pub async fn limit_key(&self, keeper: &KeyKeeper, host: &HostName, fingerprint: &str, limits: NewLimits) -> Result<bool, Fault> {
        let (keeper, host, fingerprint, now) = (keeper.clone(), host.clone(), fingerprint.to_owned(), self.now());
        self.change(move |db| {
            async move {
                let keys = find_of_keeper(db, &keeper, &host, &fingerprint).await?;
                let max_uses = limits.max_uses.map(|max| max.min(UNLIMITED));
                let minutes = limits.ttl_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX));
                for key in &keys {
                    pubkeys::set_limits(db, key.number, max_uses, minutes.map(|minutes| ends(minutes, now)), now).await?;
                    activity::insert(db, &record(key, Kind::KeyChanged, now).admin(keeper.admin_id.as_ref()).from(keeper.from)).await?;
                }
                Ok(!keys.is_empty())
            }
            .boxed()
        })
        .await
    }

    /// Revokes a key for every account on the host: the next lookup is told there is none. Says for how many it was.
    pub async fn delete_key(&self, keeper: &KeyKeeper, host: &HostName, fingerprint: &str) -> Result<u64, Fault> {
        let (keeper, host, fingerprint, now) = (keeper.clone(), host.clone(), fingerprint.to_owned(), self.now());
        self.change(move |db| {
            async move {
                let mut revoked = 0;
                for key in find_of_keeper(db, &keeper, &host, &fingerprint).await? {
                    revoked += u64::from(pubkeys::delete(db, key.number).await?);
                    activity::insert(db, &record(&key, Kind::KeyRevoked, now).admin(keeper.admin_id.as_ref()).from(keeper.from)).await?;
                }
                Ok(revoked)
            }
            .boxed()
        })
        .await
    }

    /// A person's keys on the host accounts that a device may act on: all of them, or those on one host or account, or those within their
    /// limits.
    pub async fn list_own_keys(&self, holder: &TokenHolder, wanted: OwnKeysWanted, page: Page) -> Result<Vec<Pubkey>, Fault> {
        let OwnKeysWanted { host, account, active } = wanted;
        let wanted = OfGrant { host, account, active_at: active.then(|| self.now()) };
        Ok(pubkeys::page_of_grant(self.storage().reader(), &holder.tenant_id, &holder.user_id, &holder.grant_id, &wanted, page).await?)
    }

    /// Revokes one of those. False when it is none of them.
    pub async fn revoke_own_key(&self, holder: &TokenHolder, number: i64) -> Result<bool, Fault> {
        let (holder, now) = (holder.clone(), self.now());
        self.change(move |db| {
            async move {
                let only_it = Page { after: number.saturating_sub(1), limit: 1 };
                let listed =
                    pubkeys::page_of_grant(&mut *db, &holder.tenant_id, &holder.user_id, &holder.grant_id, &OfGrant::default(), only_it).await?;
                let Some(key) = listed.into_iter().find(|key| key.number == number) else { return Ok(false) };
                pubkeys::delete(db, key.number).await?;
                activity::insert(db, &record(&key, Kind::KeyRevoked, now).from(holder.from)).await?;
                Ok(true)
            }
            .boxed()
        })
        .await
    }
}

/// Stores a person's own key if they are still signed in.
async fn store_of(db: &mut Connection, person: &SignedIn, new: StoredFrom, now: Timestamp) -> Result<Option<i64>, storage::Fault> {
    if !still_signed_in(db, person, now).await? {
        return Ok(None);
    }
    Ok(pubkeys::insert_all(db, &[new]).await?.pop().flatten())
}

/// The keeper's keys with this fingerprint, for each account on the host that they are for.
async fn find_of_keeper(db: &mut Connection, keeper: &KeyKeeper, host: &HostName, fingerprint: &str) -> Result<Vec<Pubkey>, storage::Fault> {
    let found = pubkeys::find(db, &keeper.tenant_id, host, fingerprint).await?;
    let wanted = |key: &Pubkey| key.client_id == keeper.client_id && keeper.user_id.as_ref().is_none_or(|user| key.user_id == *user);
    Ok(found.into_iter().filter(wanted).collect())
}

fn record(key: &Pubkey, kind: Kind, now: Timestamp) -> Activity {
    let record = Activity::new(key.tenant_id.clone(), kind, now).of(&key.user_id).subject(&key.fingerprint);
    match &key.client_id {
        Some(client) => record.client(client),
        None => record,
    }
}

/// New keys on their way into the database: all that wait while the writer is busy are stored by one statement.
#[derive(Default)]
pub(super) struct NewKeys {
    waiting: Arc<Mutex<Vec<(StoredFrom, Answer)>>>,
}

type Answer = oneshot::Sender<Result<Option<i64>, Fault>>;

impl NewKeys {
    /// The key's number once it is on the disk; `None` when it could not be stored beside what is there.
    async fn store(&self, services: &Services, key: StoredFrom) -> Result<Option<i64>, Fault> {
        let (answer, answered) = oneshot::channel();
        let first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((key, answer));
            waiting.len() == 1
        };
        if first {
            // In a task of its own: the others must get their answers even if this caller stops waiting.
            tokio::spawn(store_all(services.clone(), Arc::clone(&self.waiting)));
        }
        answered.await.map_err(|_| Fault::from(storage::Fault::NotRun))?
    }
}

async fn store_all(services: Services, waiting: Arc<Mutex<Vec<(StoredFrom, Answer)>>>) {
    let taken: Arc<Mutex<Option<Vec<Answer>>>> = Arc::default();
    let (answers, line) = (Arc::clone(&taken), Arc::clone(&waiting));
    let stored = services
        .change(move |db| {
            async move {
                let all = std::mem::take(&mut *line.lock().unwrap_or_else(PoisonError::into_inner));
                let (keys, waiters): (Vec<StoredFrom>, Vec<Answer>) = all.into_iter().unzip();
                *answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiters);
                pubkeys::insert_all(db, &keys).await
            }
            .boxed()
        })
        .await;
    let waiters = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Never run: the line is still there, and would have nobody to serve it.
    let left = || std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().map(|(_, waiter)| waiter).collect();
    let waiters = waiters.unwrap_or_else(left);
    match stored {
        Ok(numbers) => waiters.into_iter().zip(numbers).for_each(|(waiter, number)| drop(waiter.send(Ok(number)))),
        Err(fault) => waiters.into_iter().for_each(|waiter| drop(waiter.send(Err(fault.clone())))),
    }
}
