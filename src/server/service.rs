//! WHAT THE SYSTEM DOES, one method of [`Services`] per use case.
//!
//! A use case takes who it is for as a value of [`proofs`] that only this room can make; the value carries its tenant, so no
//! use case can forget it. Time and randomness are fields ([`Clock`], [`Entropy`]), so tests can hold both.

pub mod access_tokens;
pub mod administration;
pub mod admins;
pub mod browser_sessions;
pub mod clients;
pub mod clock;
pub mod consent;
mod decisions;
pub mod delegations;
pub mod device_grants;
pub mod entropy;
pub mod form_results;
mod guesses;
pub mod host_accounts;
pub mod hosts;
pub mod housekeeping;
pub mod identities;
pub mod keys;
pub mod links;
pub mod lookups;
mod mvp;
pub mod my_apps;
pub mod my_host_accounts;
pub mod my_keys;
pub mod my_links;
mod once_a_minute;
mod pasted_key;
pub mod people;
mod poll_clocks;
pub mod proofs;
pub mod providers;
pub mod pubkeys;
pub mod record;
pub mod reservations;
pub mod resources;
mod sealed;
pub mod second_factors;
pub mod setup;
pub mod signing_out;
mod ssh_keys;
pub mod tenants;
pub mod user_codes;
pub mod user_mfa;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::Semaphore;

pub use clock::{Clock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
pub use proofs::{AuthenticatedClient, Principal, SignedIn, TenantAdmin, TokenHolder};

use super::storage::{self, BoxFuture, Connection, Storage};
use crate::domain::activity::Activity;
use crate::domain::ids::{DeviceGrantId, HostName, TenantId};
use crate::domain::paths;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::providers::Providers;
use crate::server::providers::profiles::Profiles;
use crate::server::providers::reach::Reach;
use keys::Keys;
use once_a_minute::OnceAMinute;
use poll_clocks::PollClocks;
use pubkeys::NewKeys;
use second_factors::Passkeys;
use ssh_keys::RSA_WAITING;

/// Something on our side broke. Logged once, where it is made into an answer; callers see "our side", never the text.
#[derive(Clone, Debug, Error)]
#[error("{error}")]
pub struct Fault {
    #[source]
    error: Arc<dyn std::error::Error + Send + Sync>,
    temporary: bool,
}

impl Fault {
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { error: Arc::new(error), temporary: false }
    }

    /// Whether it is worth asking again in a moment: overload, or a full disk.
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }
}

impl From<storage::Fault> for Fault {
    fn from(fault: storage::Fault) -> Self {
        Self { temporary: fault.is_temporary(), error: Arc::new(fault) }
    }
}

/// How a use case ends badly: refused for a reason the caller can act on, or broken.
#[derive(Debug)]
pub enum Error<R> {
    Refused(R),
    Internal(Fault),
}

impl<R> From<Fault> for Error<R> {
    fn from(fault: Fault) -> Self {
        Self::Internal(fault)
    }
}

impl<R> From<storage::Fault> for Error<R> {
    fn from(fault: storage::Fault) -> Self {
        Self::Internal(fault.into())
    }
}

/// More than these are not written down.
const QUESTIONS_WAITING: usize = 16;

/// The database's file in the data directory.
pub const DATABASE: &str = "tms-portal.db";

/// All use cases, cheap to clone.
#[derive(Clone)]
pub struct Services {
    shared: Arc<Shared>,
}

struct Shared {
    storage: Storage,
    keys: Keys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    public_url: String,
    polls: PollClocks,
    token_uses: OnceAMinute<(TenantId, DeviceGrantId)>,
    questions: OnceAMinute<(Option<TenantId>, HostName)>,
    providers: Providers,
    passkeys: Passkeys,
    /// Hosts' questions that wait to be written down.
    question_slots: Arc<Semaphore>,
    /// Argon2id takes 19 MiB and a core: more at once would only make all of them slow.
    password_slots: Semaphore,
    new_keys: NewKeys,
    /// Keys whose use waits to be written down.
    uses_waiting: Mutex<HashSet<i64>>,
    /// RSA keys being made, and those waiting for it.
    rsa_slots: Arc<Semaphore>,
    rsa_line: Arc<Semaphore>,
}

impl Services {
    /// Opens the data directory, creating database and keys if they are not there yet.
    ///
    /// `public_url` is where people and machines reach this portal, without a slash at its end; `reach` how far it goes for identity
    /// providers.
    pub async fn open(data_dir: &Path, public_url: &str, reach: &Reach, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, Fault> {
        let keys = Keys::load_or_create(data_dir, entropy.as_ref())?;
        let storage = Storage::open(&data_dir.join(DATABASE)).await?;
        let providers = Providers::new(Profiles::read(data_dir).map_err(Fault::new)?, reach).map_err(Fault::new)?;
        Ok(Self {
            shared: Arc::new(Shared {
                storage,
                keys,
                clock,
                entropy,
                public_url: public_url.to_owned(),
                polls: PollClocks::default(),
                token_uses: OnceAMinute::default(),
                questions: OnceAMinute::default(),
                password_slots: Semaphore::new(2),
                new_keys: NewKeys::default(),
                providers,
                passkeys: Passkeys::of(public_url),
                question_slots: Arc::new(Semaphore::new(QUESTIONS_WAITING)),
                uses_waiting: Mutex::default(),
                rsa_slots: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
                rsa_line: Arc::new(Semaphore::new(RSA_WAITING)),
            }),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Where this portal is reached from outside.
    pub fn public_url(&self) -> &str {
        &self.shared.public_url
    }

    /// The tenant's name in tokens and metadata (RFC 8414 §2 `issuer`).
    pub fn issuer(&self, tenant: &TenantId) -> String {
        format!("{}{}", self.shared.public_url, paths::tenant(tenant))
    }

    /// A tenant that is there and switched on.
    pub async fn enabled_tenant(&self, id: &TenantId) -> Result<Option<Tenant>, Fault> {
        let tenant = storage::tenants::find(self.shared.storage.reader(), id).await?;
        Ok(tenant.filter(|tenant| tenant.enabled))
    }

    /// The tenants that are switched on.
    pub async fn enabled_tenants(&self) -> Result<Vec<Tenant>, Fault> {
        let tenants = storage::tenants::list(self.shared.storage.reader()).await?;
        Ok(tenants.into_iter().filter(|tenant| tenant.enabled).collect())
    }

    /// Says whether the database answers.
    pub async fn ready(&self) -> Result<(), Fault> {
        Ok(self.shared.storage.ping().await?)
    }

    /// Lets what is being written finish, then closes the database.
    pub async fn close(&self) {
        self.shared.storage.close().await;
    }

    fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    fn keys(&self) -> &Keys {
        &self.shared.keys
    }

    fn entropy(&self) -> &dyn Entropy {
        self.shared.entropy.as_ref()
    }

    /// A change that is made or breaks.
    async fn change<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, storage::Fault>> + Send + 'static,
    {
        Ok(self.shared.storage.write(work).await?)
    }

    /// A change that stands in the record if it changed anything. False when there was nothing to change.
    async fn recorded<F>(&self, record: Activity, work: F) -> Result<bool, Fault>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<bool, storage::Fault>> + Send + 'static,
    {
        self.change(move |db| {
            async move {
                let changed = work(&mut *db).await?;
                if changed {
                    storage::activity::insert(db, &record).await?;
                }
                Ok(changed)
            }
            .boxed()
        })
        .await
    }

    /// A change that may be refused, and then leaves no trace.
    async fn attempt<T, R, F>(&self, work: F) -> Result<T, Error<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Error<R>>> + Send + 'static,
    {
        self.shared.storage.write(work).await
    }

    fn new_id(&self, prefix: &str) -> String {
        entropy::public_id(prefix, self.entropy(), self.now())
    }
}
