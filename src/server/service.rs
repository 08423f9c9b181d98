//! The service layer: one method of [`Services`] per use case.
//!
//! A use case takes its caller as a principal ([`auth::principals`]), which only this layer can create and which carries the tenant, so
//! that no use case can forget it. Time and randomness are fields ([`Clock`], [`Rng`]), so that tests can fix both.

mod access_overview;
pub mod admin;
pub mod audit_log;
pub mod auth;
pub mod authorizations;
pub mod code_flow;
pub mod device_flow;
pub mod host_accounts;
pub mod notifications;
pub mod platform;
pub mod ssh_keys;
pub mod tms_import;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures_util::FutureExt;
use thiserror::Error;
use tokio::sync::Semaphore;

pub use crate::server::service::auth::principals::{AuthenticatedClient, Principal, SignedIn, TenantAdmin, TokenHolder};
pub use crate::server::service::platform::clock::{Clock, SystemClock};
pub use crate::server::service::platform::rng::{Rng, SystemRng};

pub use super::storage::Database;
pub use super::storage::copy::{Copied, CopyError, copy, last_cleanup};
pub use super::storage::inspection::{DatabaseFound, Inspection, SchemaState, schema_state};
pub use super::storage::postgres::PostgresAddress;
use super::storage::{self, BoxFuture, Connection, FailureKind, Storage, backup, deployment, generation};
use crate::domain::audit_log::AuditEvent;
use crate::domain::ids::{ClientId, HostName, TenantId, TokenFamilyId};
use crate::domain::paths;
use crate::domain::refused_request::RefusedRequestReason;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::providers::Providers;
use crate::server::providers::egress::EgressPolicy;
use crate::server::providers::profiles::Profiles;
use crate::server::service::auth::second_factors::RelyingParty;
use crate::server::service::device_flow::poll_pacing::PollPacing;
use crate::server::service::platform::backup::refuse_exposed;
use crate::server::service::platform::disk_full;
use crate::server::service::platform::keystore::{self, Keystore, KeystoreError};
use crate::server::service::platform::readiness::ReadinessCache;
use crate::server::service::platform::refusal_log::RefusalLog;
use crate::server::service::platform::signing_keys::{create_first_keys, open_ring};
use crate::server::service::platform::write_throttle::WriteThrottle;
use crate::server::service::ssh_keys::key_pairs::MAX_QUEUED_RSA_KEYS;
use crate::server::service::ssh_keys::refused_lookups::RefusalRecorder;
use crate::server::storage::secret_hashes::OutdatedSecretOwner;
use ssh_keys::KeyInsertQueue;

/// An internal failure. Logged once, where it is converted into a response; callers never see the text.
#[derive(Clone, Debug, Error)]
#[error("{error}")]
pub struct Fault {
    #[source]
    error: Arc<dyn std::error::Error + Send + Sync>,
    kind: FailureKind,
}

impl Fault {
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { error: Arc::new(error), kind: FailureKind::Permanent }
    }

    /// A fault after which a retry may succeed.
    pub fn temporary(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { kind: FailureKind::Temporary, ..Self::new(error) }
    }

    /// Whether a retry may succeed: overload, a full disk, or a database that is away.
    pub fn is_temporary(&self) -> bool {
        self.kind != FailureKind::Permanent
    }

    /// Whether it needs no line in the log: a full disk fails all changes, and has one line a minute ([`disk_full::log`]).
    pub fn is_logged(&self) -> bool {
        self.kind == FailureKind::DiskFull
    }
}

impl From<KeystoreError> for Fault {
    fn from(error: KeystoreError) -> Self {
        Self::new(error)
    }
}

impl From<storage::Error> for Fault {
    fn from(fault: storage::Error) -> Self {
        let kind = fault.kind();
        if kind == FailureKind::DiskFull {
            disk_full::log(&fault);
        }
        Self { kind, error: Arc::new(fault) }
    }
}

/// The error of a use case: refused for a reason that the caller can act on, or an internal fault.
#[derive(Debug)]
pub enum Error<R> {
    Refused(R),
    Internal(Fault),
}

impl<R> Error<R> {
    /// The same error with another reason for a refusal.
    pub fn map_refused<S>(self, map: impl FnOnce(R) -> S) -> Error<S> {
        match self {
            Self::Refused(refused) => Error::Refused(map(refused)),
            Self::Internal(fault) => Error::Internal(fault),
        }
    }
}

impl<R> From<Fault> for Error<R> {
    fn from(fault: Fault) -> Self {
        Self::Internal(fault)
    }
}

impl<R> From<storage::Error> for Error<R> {
    fn from(fault: storage::Error) -> Self {
        Self::Internal(fault.into())
    }
}

/// Limit of key lookups that wait to be recorded.
const MAX_PENDING_LOOKUPS: usize = 16;

/// File name of the database in the data directory.
pub const DATABASE_FILE: &str = "tms-portal.db";

/// All use cases; cheap to clone.
#[derive(Clone)]
pub struct Services {
    shared: Arc<ServicesInner>,
}

struct ServicesInner {
    storage: Storage,
    data_dir: PathBuf,
    /// Replaced during a rotation.
    keys: RwLock<Arc<Keystore>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    public_url: String,
    poll_pacing: PollPacing,
    readiness: ReadinessCache,
    /// By family and generation.
    token_use_throttle: WriteThrottle<(TenantId, TokenFamilyId, Option<u32>)>,
    /// The same for tokens that were introspected.
    seen_throttle: WriteThrottle<(TenantId, TokenFamilyId, u32)>,
    lookup_throttle: WriteThrottle<(Option<TenantId>, HostName)>,
    rehash_throttle: WriteThrottle<OutdatedSecretOwner>,
    refusals: RefusalRecorder,
    refusal_log: RefusalLog,
    /// Limits writes about guessed secrets.
    guessing_throttle: WriteThrottle<String>,
    /// Limits events about refused requests of clients.
    refused_request_throttle: WriteThrottle<(TenantId, ClientId, RefusedRequestReason)>,
    providers: Providers,
    passkeys: RelyingParty,
    /// Limits key lookups that wait to be recorded.
    lookup_write_slots: Arc<Semaphore>,
    /// Argon2id needs 19 MiB and a core: more at once would slow down all of them.
    password_slots: Semaphore,
    key_inserts: KeyInsertQueue,
    /// Keys with a use that waits to be recorded.
    pending_uses: Mutex<HashSet<i64>>,
    /// Limits RSA keys being generated or waiting for it.
    rsa_slots: Arc<Semaphore>,
    rsa_queue: Arc<Semaphore>,
}

/// Where a deployment's data are.
#[derive(Clone, Copy)]
pub struct DataLocation<'a> {
    /// The directory of the keys, and of the files that an operator may add.
    pub dir: &'a Path,
    pub database: &'a Database,
    /// Whether to create a deployment if there is none.
    pub create: bool,
}

/// Refuses a start that could not go on, before the database is created or migrated: the database is exposed, it or a key is missing, or a key
/// is not the one that the database depends on.
async fn check_data(data: DataLocation<'_>, entropy: &dyn Rng) -> Result<(), Fault> {
    let Database::File(file) = data.database else { return Ok(()) };
    refuse_exposed(file).map_err(Fault::new)?;
    match backup::recorded_keys(file).await? {
        Some(recorded) => Ok(Keystore::open_for_database(data.dir, entropy, &recorded).map(drop)?),
        None if keystore::has_keys(data.dir) && std::fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0) => {
            Err(Fault::new(KeystoreError::EmptyDatabase { keys: keystore::directory(data.dir), database: file.clone() }))
        }
        None => Ok(()),
    }
}

/// Opens the keys that the database names, and stores or records those that it does not have yet.
async fn open_keystore(data: DataLocation<'_>, storage: &Storage, entropy: &dyn Rng, now: Timestamp) -> Result<Keystore, Fault> {
    let keys = open_key_files(data, storage, entropy).await?;
    create_first_keys(storage, &keys, data.dir, entropy, now).await?;
    let rows = storage::signing_keys::list(storage.reader()).await?;
    Ok(keys.with_ring(open_ring(&keys, &rows)))
}

async fn open_key_files(data: DataLocation<'_>, storage: &Storage, entropy: &dyn Rng) -> Result<Keystore, Fault> {
    let recorded = deployment::key_fingerprints(storage.reader()).await?;
    let create = data.create && recorded.is_empty() && !deployment::is_in_use(storage.reader()).await?;
    let keys = Keystore::open(data.dir, create, entropy, &recorded)?;
    if let Some(missing) = keys.missing() {
        tracing::error!("keys/{missing} does not exist, but the database names it: copy it from where the rotation was begun");
    }
    let is_new = |name: &str| !recorded.iter().any(|(of, _)| of == name);
    let new: Vec<_> = keys.fingerprints().into_iter().filter(|(name, _)| is_new(name)).map(|(name, key)| (name, key.to_owned())).collect();
    if new.is_empty() {
        return Ok(keys);
    }
    let record = storage.write(move |db| {
        async move {
            for (name, fingerprint) in new {
                deployment::insert_key_fingerprint(db, name, &fingerprint).await?;
            }
            deployment::key_fingerprints(&mut *db).await
        }
        .boxed()
    });
    // Another portal may have recorded its own at the same time.
    let recorded = record.await?;
    Ok(Keystore::open(data.dir, false, entropy, &recorded)?)
}

impl Services {
    /// Opens the data directory and the database. Keys are created only if the database has no data, which would depend on the missing ones.
    ///
    /// `public_url` is the portal's origin, without trailing slash; `egress` limits the requests to identity providers.
    pub async fn open(
        data: DataLocation<'_>,
        public_url: &str,
        egress: &EgressPolicy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Rng>,
    ) -> Result<Self, Fault> {
        let providers = Providers::new(Profiles::read(data.dir).map_err(Fault::new)?, egress).map_err(Fault::new)?;
        check_data(data, entropy.as_ref()).await?;
        let storage = Storage::open(data.database, data.create).await?;
        let keys = open_keystore(data, &storage, entropy.as_ref(), clock.now()).await?;
        Ok(Self {
            shared: Arc::new(ServicesInner {
                storage,
                data_dir: data.dir.to_owned(),
                keys: RwLock::new(Arc::new(keys)),
                clock,
                rng: entropy,
                public_url: public_url.to_owned(),
                poll_pacing: PollPacing::default(),
                readiness: ReadinessCache::default(),
                token_use_throttle: WriteThrottle::default(),
                seen_throttle: WriteThrottle::default(),
                lookup_throttle: WriteThrottle::default(),
                rehash_throttle: WriteThrottle::default(),
                refusals: RefusalRecorder::default(),
                refusal_log: RefusalLog::default(),
                guessing_throttle: WriteThrottle::default(),
                refused_request_throttle: WriteThrottle::default(),
                password_slots: Semaphore::new(2),
                key_inserts: KeyInsertQueue::default(),
                providers,
                passkeys: RelyingParty::for_url(public_url),
                lookup_write_slots: Arc::new(Semaphore::new(MAX_PENDING_LOOKUPS)),
                pending_uses: Mutex::default(),
                rsa_slots: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
                rsa_queue: Arc::new(Semaphore::new(MAX_QUEUED_RSA_KEYS)),
            }),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The portal's origin, without trailing slash.
    pub fn public_url(&self) -> &str {
        &self.shared.public_url
    }

    /// The tenant's issuer URL in tokens and metadata (RFC 8414 §2 `issuer`).
    pub fn issuer(&self, tenant: &TenantId) -> String {
        format!("{}{}", self.shared.public_url, paths::tenant(tenant))
    }

    /// A tenant, if it exists and is enabled.
    pub async fn enabled_tenant(&self, id: &TenantId) -> Result<Option<Tenant>, Fault> {
        let tenant = storage::tenants::find(self.shared.storage.reader(), id).await?;
        Ok(tenant.filter(|tenant| tenant.enabled))
    }

    /// The enabled tenants.
    pub async fn enabled_tenants(&self) -> Result<Vec<Tenant>, Fault> {
        let tenants = storage::tenants::list(self.shared.storage.reader()).await?;
        Ok(tenants.into_iter().filter(|tenant| tenant.enabled).collect())
    }

    /// Marks a SQLite database so that its WAL is not mistaken for that of a copy, and truncates the WAL.
    pub async fn renew_generation(&self, database: &Database) -> Result<(), Fault> {
        let Database::File(file) = database else { return Ok(()) };
        let mut random = [0; 16];
        self.rng().fill(&mut random);
        Ok(generation::renew(self.storage(), file, hex::encode(random)).await?)
    }

    /// Waits for pending writes, then closes the database.
    pub async fn close(&self) {
        self.log_all_suppressed_refusals();
        self.shared.storage.close().await;
    }

    fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// The keys as of now: a rotation may replace them at any time.
    fn keys(&self) -> Arc<Keystore> {
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rng(&self) -> &dyn Rng {
        self.shared.rng.as_ref()
    }

    /// A change without refusals.
    async fn write<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, storage::Error>> + Send + 'static,
    {
        Ok(self.shared.storage.write(work).await?)
    }

    /// A change that is recorded in the audit log if it changed anything. Returns false if there was nothing to change.
    async fn write_audited<F>(&self, event: AuditEvent, work: F) -> Result<bool, Fault>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<bool, storage::Error>> + Send + 'static,
    {
        self.write(move |db| {
            async move {
                let changed = work(&mut *db).await?;
                if changed {
                    storage::audit_log::insert(db, &event).await?;
                }
                Ok(changed)
            }
            .boxed()
        })
        .await
    }

    /// A change that may be refused, and then has no effect.
    async fn try_write<T, R, F>(&self, work: F) -> Result<T, Error<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, Error<R>>> + Send + 'static,
    {
        self.shared.storage.write(work).await
    }

    fn new_id(&self, prefix: &str) -> String {
        platform::rng::public_id(prefix, self.rng(), self.now())
    }
}
