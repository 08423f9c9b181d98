//! SSH keys: created for clients and people, listed, limited and revoked.

pub(super) mod auto_provision;
pub(super) mod key_pairs;
pub mod lookups;
pub mod my_keys;
pub(super) mod pasted_key;
pub mod refused_lookups;
pub mod reservations;
pub mod tenant_keys;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::storage::host_accounts::HostAccountKey;
use super::storage::ssh_keys::lookup::DependencyQuery;
use super::storage::ssh_keys::{AuthorizationKeyFilter, KeySelection, NewPubkey, Revoker};
use super::storage::{self, Connection, audit_log, ssh_keys};
use super::{Error, Fault, Services};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AccountName, AuthorizationId, ClientId, HostName, UserId};
use crate::domain::pagination::PageRequest;
use crate::domain::ssh_key::{Dependencies, DependencyError, KeyType, LabelRefused, SshKey, UNLIMITED, expiry_of, parse_max_uses, sanitize_label};
use crate::domain::time::Timestamp;
use crate::server::service::auth::browser_sessions::still_signed_in;
use crate::server::service::auth::principals::{AuthenticatedClient, KeyAccess, Principal, RecentlyAuthenticated, SignedIn, TokenHolder};
use crate::server::service::platform::rng::Secret;
use crate::server::service::ssh_keys::key_pairs::{KeyGenerationBusy, KeyPair, SshPublicKey};
pub use crate::server::service::ssh_keys::pasted_key::PublicKeyRefused;

/// The key to create: its host account, limits and label.
#[derive(Clone, Debug)]
pub struct KeyParams {
    pub host: HostName,
    pub account: AccountName,
    /// Number of logins; negative means unlimited.
    pub num_uses: i32,
    /// Lifetime; negative means unlimited, 0 that it has expired already.
    pub ttl_minutes: i32,
    pub source: KeySource,
    /// The person's name for it; `None`: the comment of a provided key.
    pub label: Option<String>,
}

/// Where the key pair is generated.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Here.
    Generated(KeyType),
    /// By the caller, who sends the public key as a line of a `.pub` file; no private key crosses the network.
    Provided(String),
}

/// A stored key.
pub struct CreatedKey {
    pub pubkey: SshKey,
    /// For a pair that was generated here: the private key, shown once.
    pub private_key: Option<Secret>,
    /// Whether the host is registered, or the tenant registers no hosts. If not, it is possible that no host ever asks for the key.
    pub host_known: bool,
}

/// Why a key is not created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefused {
    DependencyMissing(DependencyError),
    PublicKey(PublicKeyRefused),
    Label(LabelRefused),
    Exists,
    OwnKeysDisabled,
    SignedOut,
    KeyGenerationBusy,
}

/// New limits of a key; `None` leaves a value unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewLimits {
    pub max_uses: Option<u32>,
    pub ttl_minutes: Option<u32>,
}

/// Filter for a person's keys.
#[derive(Clone, Debug, Default)]
pub struct OwnKeyFilter {
    pub host: Option<HostName>,
    pub account: Option<AccountName>,
    /// Only keys that are neither expired nor used up.
    pub active: bool,
}

/// Who creates a key, and for whom.
struct KeyCreation {
    host_account: HostAccountKey,
    /// `None`: the person, in the portal, which needs no delegation.
    client_id: Option<ClientId>,
    authorization_id: Option<AuthorizationId>,
    from: Option<IpAddr>,
    /// The person who must still be signed in when it is stored.
    person: Option<SignedIn>,
}

impl Services {
    /// Creates a key with which a client logs in for a person, generated here or provided. Refused if a dependency is missing.
    pub async fn create_key(&self, client: &AuthenticatedClient, user_id: &UserId, params: &KeyParams) -> Result<CreatedKey, Error<KeyRefused>> {
        let place = HostAccountKey {
            tenant_id: client.tenant.id.clone(),
            user_id: user_id.clone(),
            host: params.host.clone(),
            account: params.account.clone(),
        };
        let client_id = client.client.id.clone();
        let mut dependencies = self.dependencies(&place, Some(&client_id), None).await?;
        if client.tenant.policy.auto_provision && auto_provision::may_provision(&place, &dependencies) {
            auto_provision::provision(self, &place, &client_id).await?;
            dependencies = self.dependencies(&place, Some(&client_id), None).await?;
        }
        self.store_key(
            KeyCreation { host_account: place, client_id: Some(client_id), authorization_id: None, from: client.from, person: None },
            params,
            &dependencies,
        )
        .await
    }

    /// Registers a key with which the person logs in from their device, for a host account that its token covers.
    pub async fn create_own_key(&self, holder: &TokenHolder, params: &KeyParams) -> Result<CreatedKey, Error<KeyRefused>> {
        let place = HostAccountKey {
            tenant_id: holder.tenant_id.clone(),
            user_id: holder.user_id.clone(),
            host: params.host.clone(),
            account: params.account.clone(),
        };
        if !self.enabled_tenant(&holder.tenant_id).await?.is_some_and(|tenant| tenant.policy.own_keys) {
            return Err(Error::Refused(KeyRefused::OwnKeysDisabled));
        }
        let (client_id, authorization_id) = (holder.client_id.clone(), Some(holder.authorization_id.clone()));
        let dependencies = self.dependencies(&place, Some(&client_id), authorization_id.clone()).await?;
        self.store_key(
            KeyCreation { host_account: place, client_id: Some(client_id), authorization_id, from: holder.from, person: None },
            params,
            &dependencies,
        )
        .await
    }

    /// Registers a public key with which the person logs in.
    pub async fn register_my_key(&self, person: &RecentlyAuthenticated, params: &KeyParams) -> Result<CreatedKey, Error<KeyRefused>> {
        // Checked first: a pasted private key must be reported before anything else.
        if let KeySource::Provided(line) = &params.source {
            SshPublicKey::parse(line).map_err(|refused| Error::Refused(KeyRefused::PublicKey(refused)))?;
        }
        if !person.tenant().policy.own_keys {
            return Err(Error::Refused(KeyRefused::OwnKeysDisabled));
        }
        let (tenant_id, user_id) = (person.tenant_id().clone(), person.user_id().clone());
        let place = HostAccountKey { tenant_id, user_id, host: params.host.clone(), account: params.account.clone() };
        let dependencies = self.dependencies(&place, None, None).await?;
        let maker = KeyCreation {
            host_account: place,
            client_id: None,
            authorization_id: None,
            from: person.session().from,
            person: Some(SignedIn::clone(person)),
        };
        self.store_key(maker, params, &dependencies).await
    }

    async fn dependencies(
        &self,
        place: &HostAccountKey,
        client_id: Option<&ClientId>,
        authorization_id: Option<AuthorizationId>,
    ) -> Result<Dependencies, Fault> {
        let asked = DependencyQuery { host_account: place.clone(), client_id: client_id.cloned(), authorization_id };
        Ok(self.storage().find_dependencies(asked).await?)
    }

    async fn store_key(&self, creation: KeyCreation, params: &KeyParams, dependencies: &Dependencies) -> Result<CreatedKey, Error<KeyRefused>> {
        let KeyCreation { host_account: place, client_id, authorization_id, from, person } = creation;
        dependencies.check(client_id.is_some(), self.now()).map_err(|missing| Error::Refused(KeyRefused::DependencyMissing(missing)))?;
        // The request may name the host in another case or by an alias.
        let (host, host_known) = dependencies.link.as_ref().map_or((place.host, false), |link| (link.host.clone(), link.host_known));
        let (key, private_key) = match &params.source {
            KeySource::Provided(line) => (SshPublicKey::parse(line).map_err(|refused| Error::Refused(KeyRefused::PublicKey(refused)))?, None),
            KeySource::Generated(key_type) => match self.make_key_pair(*key_type).await {
                Ok(KeyPair { private_key, public_key }) => (public_key, Some(private_key)),
                Err(Error::Refused(KeyGenerationBusy)) => return Err(Error::Refused(KeyRefused::KeyGenerationBusy)),
                Err(Error::Internal(fault)) => return Err(fault.into()),
            },
        };
        let label = sanitize_label(params.label.as_deref(), &key.comment).map_err(|refused| Error::Refused(KeyRefused::Label(refused)))?;
        let now = self.now();
        let max_uses = parse_max_uses(params.num_uses);
        // A key created with an access token ends with the authorization, whose date the delegation has, not with the token.
        let authorized_until = dependencies.delegated_until.filter(|_| authorization_id.is_some());
        let expires_at = expiry_of(params.ttl_minutes, now).min(authorized_until.unwrap_or(Timestamp::FOREVER));
        let pubkey = SshKey {
            number: 0,
            tenant_id: place.tenant_id,
            client_id,
            user_id: place.user_id,
            host,
            account: place.account,
            authorization_id,
            label,
            fingerprint: key.fingerprint,
            public_key: key.line,
            key_type: key.key_type,
            key_bits: key.bits,
            max_uses,
            remaining_uses: max_uses,
            initial_ttl_minutes: parse_max_uses(params.ttl_minutes),
            expires_at,
            last_used_at: None,
            created_at: now,
            updated_at: now,
        };
        let new = NewPubkey { key: pubkey.clone(), from };
        let stored = match person {
            Some(person) => self.write(move |db| async move { insert_own_key(db, &person, new, now).await }.boxed()).await?,
            None => self.shared.key_inserts.store(self, new).await?,
        };
        match stored {
            Some(number) => Ok(CreatedKey { pubkey: SshKey { number, ..pubkey }, private_key, host_known }),
            None => Err(Error::Refused(self.insert_failure(&pubkey).await?)),
        }
    }

    /// Why an insert was refused: the key existed already, or a dependency was removed concurrently.
    async fn insert_failure(&self, key: &SshKey) -> Result<KeyRefused, Fault> {
        let there = ssh_keys::find(self.storage().reader(), &key.tenant_id, &key.host, &key.fingerprint).await?;
        let of_same_party = |there: &SshKey| {
            (&there.account, &there.user_id, &there.client_id, &there.authorization_id)
                == (&key.account, &key.user_id, &key.client_id, &key.authorization_id)
        };
        if there.iter().any(of_same_party) {
            return Ok(KeyRefused::Exists);
        }
        let place =
            HostAccountKey { tenant_id: key.tenant_id.clone(), user_id: key.user_id.clone(), host: key.host.clone(), account: key.account.clone() };
        let dependencies = self.dependencies(&place, key.client_id.as_ref(), key.authorization_id.clone()).await?;
        Ok(match dependencies.check(key.client_id.is_some(), self.now()) {
            Err(missing) => KeyRefused::DependencyMissing(missing),
            // The dependency is back already: a retry succeeds.
            Ok(()) if key.client_id.is_some() => KeyRefused::DependencyMissing(DependencyError::Delegation),
            Ok(()) => KeyRefused::SignedOut,
        })
    }

    /// A client's own key, or any of the tenant's for an administrator.
    pub async fn find_key(&self, principal: &Principal, number: i64) -> Result<Option<SshKey>, Fault> {
        let found = ssh_keys::find_by_number(self.storage().reader(), principal.tenant_id(), number).await?;
        Ok(found.filter(|key| principal.client_scope().is_none_or(|client| key.client_id.as_ref() == Some(client))))
    }

    pub async fn list_keys(&self, principal: &Principal, page: PageRequest) -> Result<Vec<SshKey>, Fault> {
        Ok(ssh_keys::page(self.storage().reader(), principal.tenant_id(), principal.client_scope(), page).await?)
    }

    /// Sets a key's limits. False if there is no such key.
    pub async fn set_key_limits(&self, access: &KeyAccess, host: &HostName, fingerprint: &str, limits: NewLimits) -> Result<bool, Fault> {
        let (access, host, fingerprint, now) = (access.clone(), host.clone(), fingerprint.to_owned(), self.now());
        self.write(move |db| {
            async move {
                let keys = find_accessible(db, &access, &host, &fingerprint).await?;
                let max_uses = limits.max_uses.map(|max| max.min(UNLIMITED));
                let minutes = limits.ttl_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX));
                for key in &keys {
                    ssh_keys::set_limits(db, key.number, max_uses, minutes.map(|minutes| expiry_of(minutes, now)), now).await?;
                    audit_log::insert(db, &audit_event(key, AuditKind::KeyChanged, now).admin(access.admin_id.as_ref()).from(access.from)).await?;
                }
                Ok(!keys.is_empty())
            }
            .boxed()
        })
        .await
    }

    /// Revokes a key for every account on the host, so that the next lookup finds none. Returns the number of registrations.
    pub async fn revoke_key(&self, access: &KeyAccess, host: &HostName, fingerprint: &str) -> Result<u64, Fault> {
        let (access, host, fingerprint, now) = (access.clone(), host.clone(), fingerprint.to_owned(), self.now());
        self.write(move |db| {
            async move {
                let (mut revoked, by) = (0, Revoker { admin: access.admin_id.as_ref(), from: access.from });
                for key in find_accessible(db, &access, &host, &fingerprint).await? {
                    revoked += ssh_keys::revoke(db, &access.tenant_id, KeySelection::Number(key.number), by, now).await?;
                }
                Ok(revoked)
            }
            .boxed()
        })
        .await
    }

    /// A page of the person's keys on the host accounts that a device may act on, filtered by host, account and validity.
    pub async fn list_own_keys(&self, holder: &TokenHolder, filter: OwnKeyFilter, page: PageRequest) -> Result<Vec<SshKey>, Fault> {
        let OwnKeyFilter { host, account, active } = filter;
        let filter = AuthorizationKeyFilter { host, account, active_at: active.then(|| self.now()) };
        Ok(ssh_keys::page_of_authorization(self.storage().reader(), &holder.tenant_id, &holder.user_id, &holder.authorization_id, &filter, page)
            .await?)
    }

    /// Revokes one of those. False if it is not among them.
    pub async fn revoke_own_key(&self, holder: &TokenHolder, number: i64) -> Result<bool, Fault> {
        let (holder, now) = (holder.clone(), self.now());
        self.write(move |db| {
            async move {
                let only_it = PageRequest { after: number.saturating_sub(1), limit: 1 };
                let listed = ssh_keys::page_of_authorization(
                    &mut *db,
                    &holder.tenant_id,
                    &holder.user_id,
                    &holder.authorization_id,
                    &AuthorizationKeyFilter::default(),
                    only_it,
                )
                .await?;
                let Some(key) = listed.into_iter().find(|key| key.number == number) else { return Ok(false) };
                let by = Revoker { admin: None, from: holder.from };
                Ok(ssh_keys::revoke(db, &holder.tenant_id, KeySelection::Number(key.number), by, now).await? > 0)
            }
            .boxed()
        })
        .await
    }
}

/// Inserts a person's own key if they are still signed in.
async fn insert_own_key(db: &mut Connection, person: &SignedIn, new: NewPubkey, now: Timestamp) -> Result<Option<i64>, storage::Error> {
    if !still_signed_in(db, person, now).await? {
        return Ok(None);
    }
    Ok(ssh_keys::insert_all(db, &[new]).await?.pop().flatten())
}

/// The accessible keys with this fingerprint, one per account on the host.
async fn find_accessible(db: &mut Connection, access: &KeyAccess, host: &HostName, fingerprint: &str) -> Result<Vec<SshKey>, storage::Error> {
    let found = ssh_keys::find(db, &access.tenant_id, host, fingerprint).await?;
    let is_accessible = |key: &SshKey| key.client_id == access.client_id && access.user_id.as_ref().is_none_or(|user| key.user_id == *user);
    Ok(found.into_iter().filter(is_accessible).collect())
}

fn audit_event(key: &SshKey, kind: AuditKind, now: Timestamp) -> AuditEvent {
    let record = AuditEvent::new(key.tenant_id.clone(), kind, now).of(&key.user_id).subject(&key.fingerprint).on(&key.host, &key.account);
    match &key.client_id {
        Some(client) => record.client(client),
        None => record,
    }
}

/// Queue of keys to insert: all that wait while the writer is busy are inserted by one statement.
#[derive(Default)]
pub(super) struct KeyInsertQueue {
    pending: Arc<Mutex<Vec<(NewPubkey, Responder)>>>,
}

type Responder = oneshot::Sender<Result<Option<i64>, Fault>>;

impl KeyInsertQueue {
    /// The key's number once it is on disk; `None` if it conflicts with an existing row.
    async fn store(&self, services: &Services, key: NewPubkey) -> Result<Option<i64>, Fault> {
        let (answer, answered) = oneshot::channel();
        let first = {
            let mut waiting = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((key, answer));
            waiting.len() == 1
        };
        if first {
            // In its own task: the others must be answered even if this caller stops waiting.
            tokio::spawn(store_all(services.clone(), Arc::clone(&self.pending)));
        }
        answered.await.map_err(|_| Fault::from(storage::Error::NotRun))?
    }
}

async fn store_all(services: Services, waiting: Arc<Mutex<Vec<(NewPubkey, Responder)>>>) {
    let taken: Arc<Mutex<Option<Vec<Responder>>>> = Arc::default();
    let (answers, line) = (Arc::clone(&taken), Arc::clone(&waiting));
    let stored = services
        .write(move |db| {
            async move {
                let all = std::mem::take(&mut *line.lock().unwrap_or_else(PoisonError::into_inner));
                let (keys, waiters): (Vec<NewPubkey>, Vec<Responder>) = all.into_iter().unzip();
                *answers.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiters);
                ssh_keys::insert_all(db, &keys).await
            }
            .boxed()
        })
        .await;
    let waiters = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
    // The write never ran: the queue is not empty, and no task would serve it.
    let left = || std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().map(|(_, waiter)| waiter).collect();
    let waiters = waiters.unwrap_or_else(left);
    match stored {
        Ok(numbers) => waiters.into_iter().zip(numbers).for_each(|(waiter, number)| drop(waiter.send(Ok(number)))),
        Err(fault) => waiters.into_iter().for_each(|waiter| drop(waiter.send(Err(fault.clone())))),
    }
}
