//! The keys that sign tokens: they are created, rotated and removed while portals run. The database has all of them, sealed, so that several portals
//! use the same ones; each change is one transaction, made only if the keys are still those that it was planned for.

use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

use super::keystore::key_ring::{KeyRing, sealing_context};
use super::keystore::signing::{from_pem, generate, id_of};
use super::keystore::{self, KEY_FILES, Keystore, KeystoreError};
use super::rng::Secret;
use super::sealing::{seal_with, unseal_with};
use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AdminId, SigningKeyId, TenantId};
use crate::domain::signing_key::{AlgorithmKeys, KeyRingPlan, KeyRingRefused, SigningAlgorithm, SigningKey, SigningKeyState};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::DEFAULT_TENANT;
use crate::server::service::{Error, Fault, Rng, Services};
use crate::server::storage::signing_keys::{KeyStates, SealedSigningKey, SigningKeyRows};
use crate::server::storage::{self, Connection, Storage, audit_log, deployment, signing_keys, tenants};

/// The name of the periodic task.
const TASK: &str = "signing_keys";
/// Less than the interval of each portal's attempts, so that a single portal creates keys.
const TASK_INTERVAL: Duration = Duration::from_secs(55);

/// Why signing keys are not changed.
#[derive(Debug, ThisError)]
pub enum SigningKeysRefused {
    #[error(transparent)]
    Ring(#[from] KeyRingRefused),
    #[error("secrets.key does not open the signing key {0}: `tms-portal keys rotate signing --compromised --kid {0} --yes` replaces it")]
    Lost(SigningKeyId),
    #[error("there is no signing key {0}: `tms-portal keys status` lists them")]
    Unknown(SigningKeyId),
    #[error("a portal changed the signing keys at the same time; run this again")]
    Concurrent,
}

/// Which keys others may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompromisedKeys {
    /// Those that sign now.
    Active,
    One(SigningKeyId),
    /// All, such as after `secrets.key` and a copy of the database were read.
    All,
}

impl CompromisedKeys {
    fn names(&self, key: &SigningKey) -> bool {
        match self {
            Self::Active => key.state == SigningKeyState::Active,
            Self::One(id) => key.id == *id,
            Self::All => true,
        }
    }
}

/// A signing key, for operators.
#[derive(Debug, serde::Serialize)]
pub struct SigningKeyStatus {
    pub kid: String,
    pub algorithm: &'static str,
    pub state: &'static str,
    /// Times in RFC 3339: when it was published, when it began and ceased to sign, and when its last token has ended.
    pub created_at: String,
    pub activated_at: Option<String>,
    pub retired_at: Option<String>,
    pub remove_at: Option<String>,
    /// From when a next key can sign.
    pub usable_at: Option<String>,
    /// Whether `secrets.key` opens it.
    pub usable: bool,
}

/// The keys of the database as they were read, for a change of them.
struct CurrentKeys {
    keys: Vec<SigningKey>,
    states: KeyStates,
    ring: KeyRing,
}

impl CurrentKeys {
    fn lost(&self, algorithm: SigningAlgorithm) -> Option<&SigningKey> {
        self.ring.lost().iter().find(|key| key.algorithm == algorithm && key.state != SigningKeyState::Retired)
    }
}

/// Changes of signing keys that are made together.
#[derive(Default)]
struct KeyChanges {
    remove: Vec<SigningKeyId>,
    /// With their sealed public halves.
    retire: Vec<(SigningKeyId, Vec<u8>)>,
    activate: Vec<SigningKeyId>,
    insert: Vec<SealedSigningKey>,
    events: Vec<AuditEvent>,
}

/// The signing keys that these keys open.
pub(in crate::server::service) fn open_ring(keys: &Keystore, rows: &SigningKeyRows) -> KeyRing {
    KeyRing::open(rows, |context, sealed| unseal_with(keys, context, sealed))
}

/// Stores the first signing keys, unless there are some: for each algorithm one that signs and the next one. With RS256 that of `signing-key.pem` signs,
/// as in older releases. Fails if the file is missing although tokens may depend on it.
pub(in crate::server::service) async fn create_first_keys(
    storage: &Storage,
    keys: &Keystore,
    data_dir: &Path,
    entropy: &dyn Rng,
    now: Timestamp,
) -> Result<(), Fault> {
    if !signing_keys::states(storage.reader()).await?.is_empty() {
        return Ok(());
    }
    let file = keystore::directory(data_dir).join(KEY_FILES[2]);
    let is_in_use = deployment::is_in_use(storage.reader()).await?;
    let mut first: Vec<SealedSigningKey> = Vec::new();
    match keys.first_signing_key() {
        Some(pem) => {
            let pem = Secret::from_plaintext(String::from_utf8_lossy(pem));
            let key = sealed_key(keys, entropy, &pem, SigningAlgorithm::default(), SigningKeyState::Active, now);
            first.push(key.map_err(|error| KeystoreError::InvalidSigningKey(file, error.to_string()))?);
        }
        None if is_in_use => return Err(KeystoreError::Missing(file).into()),
        None => {}
    }
    for algorithm in SigningAlgorithm::ALL {
        for state in [SigningKeyState::Active, SigningKeyState::Next] {
            if !first.iter().any(|new| (new.key.algorithm, new.key.state) == (algorithm, state)) {
                first.push(sealed_key(keys, entropy, &generated(algorithm).await?, algorithm, state, now)?);
            }
        }
    }
    let insert = storage.write(move |db| {
        async move {
            // Another portal may have been faster.
            if signing_keys::states(&mut *db).await?.is_empty() {
                for key in &first {
                    signing_keys::insert(db, key).await?;
                }
            }
            Ok::<_, storage::Error>(())
        }
        .boxed()
    });
    Ok(insert.await?)
}

async fn generated(algorithm: SigningAlgorithm) -> Result<Secret, Fault> {
    let pem = tokio::task::spawn_blocking(move || generate(algorithm)).await.map_err(Fault::new)?.map_err(Fault::new)?;
    Ok(Secret::from_plaintext(pem.as_str()))
}

fn sealed_key(
    keys: &Keystore,
    entropy: &dyn Rng,
    pem: &Secret,
    algorithm: SigningAlgorithm,
    state: SigningKeyState,
    now: Timestamp,
) -> Result<SealedSigningKey, Fault> {
    let (_, public) = from_pem(pem.reveal().as_bytes(), algorithm).map_err(Fault::new)?;
    let id = id_of(&public).map_err(Fault::new)?;
    let sealed = seal_with(keys, entropy, &sealing_context(id.as_str()), pem)?;
    Ok(SealedSigningKey { key: SigningKey::new(id, algorithm, state, now), sealed })
}

impl Services {
    /// The keys that sign and verify tokens here.
    pub fn signing_keys(&self) -> Vec<SigningKey> {
        self.keys().ring().keys().cloned().collect()
    }

    /// Creates missing keys, rotates those that have signed for `every`, and removes those without tokens; one portal of several does it. `None`: keys
    /// are rotated by command only. Keys that `secrets.key` does not open are left to the operator.
    pub async fn maintain_signing_keys(&self, every: Option<Duration>) -> Result<(), Fault> {
        let now = self.now();
        let current = self.current_signing_keys().await?;
        let ahead: Vec<_> = current.keys.iter().filter(|key| key.has_time_ahead_of(now)).cloned().collect();
        if !ahead.is_empty() {
            return self.correct_key_times(ahead, now).await;
        }
        let usable = SigningAlgorithm::ALL.into_iter().filter(|algorithm| current.lost(*algorithm).is_none());
        let plans = usable.map(|algorithm| (algorithm, AlgorithmKeys::of(algorithm, &current.keys).due(now, every)));
        let plans: Vec<_> = plans.filter(|(_, plan)| !plan.is_empty()).collect();
        if plans.is_empty() {
            return Ok(());
        }
        let begin = self.write(move |db| async move { deployment::begin_task(db, TASK, now, now - TASK_INTERVAL).await }.boxed());
        if begin.await? && self.change_signing_keys(current, plans, None).await? {
            tracing::info!("Signing keys were created, rotated or removed");
        }
        Ok(())
    }

    async fn correct_key_times(&self, keys: Vec<SigningKey>, now: Timestamp) -> Result<(), Fault> {
        self.write(move |db| {
            async move {
                for key in &keys {
                    signing_keys::correct_times(db, key, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }

    /// The next key of each algorithm signs from now on. Refused if one was published less than 24 hours ago.
    pub async fn rotate_signing_keys(&self) -> Result<(), Error<SigningKeysRefused>> {
        let current = self.current_signing_keys().await?;
        let mut plans = Vec::new();
        for algorithm in SigningAlgorithm::ALL {
            if let Some(lost) = current.lost(algorithm) {
                return Err(Error::Refused(SigningKeysRefused::Lost(lost.id.clone())));
            }
            let plan = AlgorithmKeys::of(algorithm, &current.keys).rotate(self.now());
            plans.push((algorithm, plan.map_err(|refused| Error::Refused(SigningKeysRefused::from(refused)))?));
        }
        self.change_as_operator(current, plans).await
    }

    /// The keys that [`end_compromised_keys`](Self::end_compromised_keys) would remove.
    pub async fn compromised_keys(&self, which: &CompromisedKeys) -> Result<Vec<SigningKey>, Error<SigningKeysRefused>> {
        let current = self.current_signing_keys().await?;
        let named: Vec<_> = current.keys.into_iter().filter(|key| which.names(key)).collect();
        match which {
            CompromisedKeys::One(id) if named.is_empty() => Err(Error::Refused(SigningKeysRefused::Unknown(id.clone()))),
            _ => Ok(named),
        }
    }

    /// Removes keys that others may know, with those that `secrets.key` does not open: their tokens are refused from now on. The next key, or a new one,
    /// signs in the place of an active one.
    pub async fn end_compromised_keys(&self, which: &CompromisedKeys) -> Result<(), Error<SigningKeysRefused>> {
        self.compromised_keys(which).await?;
        let current = self.current_signing_keys().await?;
        let is_lost = |key: &SigningKey| current.ring.lost().iter().any(|lost| lost.id == key.id);
        let plan = |algorithm| AlgorithmKeys::of(algorithm, &current.keys).end(|key| which.names(key) || is_lost(key));
        let plans: Vec<_> = SigningAlgorithm::ALL.map(|algorithm| (algorithm, plan(algorithm))).into();
        self.change_as_operator(current, plans).await
    }

    async fn change_as_operator(&self, current: CurrentKeys, plans: Vec<(SigningAlgorithm, KeyRingPlan)>) -> Result<(), Error<SigningKeysRefused>> {
        let changed = self.change_signing_keys(current, plans, Some(AdminId::of_operator())).await?;
        if changed { Ok(()) } else { Err(Error::Refused(SigningKeysRefused::Concurrent)) }
    }

    pub async fn signing_key_status(&self) -> Result<Vec<SigningKeyStatus>, Fault> {
        let CurrentKeys { mut keys, ring, .. } = self.current_signing_keys().await?;
        keys.sort_by_key(|key| (key.algorithm, key.state, key.created_at));
        let status = |key: &SigningKey| SigningKeyStatus {
            kid: key.id.to_string(),
            algorithm: key.algorithm.as_str(),
            state: key.state.as_str(),
            created_at: key.created_at.to_rfc3339(),
            activated_at: key.activated_at.map(Timestamp::to_rfc3339),
            retired_at: key.retired_at.map(Timestamp::to_rfc3339),
            remove_at: key.remove_at.map(Timestamp::to_rfc3339),
            usable_at: key.usable_at().map(Timestamp::to_rfc3339),
            usable: !ring.lost().iter().any(|lost| lost.id == key.id),
        };
        Ok(keys.iter().map(status).collect())
    }

    async fn current_signing_keys(&self) -> Result<CurrentKeys, Fault> {
        // `secrets.key` may have been rotated since this portal looked last.
        self.reload_keys().await?;
        let rows = signing_keys::list(self.storage().reader()).await?;
        let ring = open_ring(&self.keys(), &rows);
        Ok(CurrentKeys { keys: rows.keys.into_iter().map(|row| row.key).collect(), states: rows.states, ring })
    }

    /// Carries out plans, and uses the keys. False if the keys were changed since they were read: nothing was done.
    async fn change_signing_keys(
        &self,
        current: CurrentKeys,
        plans: Vec<(SigningAlgorithm, KeyRingPlan)>,
        operator: Option<AdminId>,
    ) -> Result<bool, Fault> {
        let now = self.now();
        let mut changes = KeyChanges::default();
        for (algorithm, plan) in plans {
            self.add_changes(&mut changes, &current, algorithm, plan, operator.as_ref()).await?;
        }
        let expected = current.states;
        let changed = self.write(move |db| {
            async move {
                let is_unchanged = signing_keys::states(&mut *db).await? == expected;
                if is_unchanged {
                    make_changes(db, &changes, now).await?;
                }
                Ok(is_unchanged)
            }
            .boxed()
        });
        let changed = changed.await?;
        self.reload_keys().await?;
        Ok(changed)
    }

    async fn add_changes(
        &self,
        changes: &mut KeyChanges,
        current: &CurrentKeys,
        algorithm: SigningAlgorithm,
        plan: KeyRingPlan,
        operator: Option<&AdminId>,
    ) -> Result<(), Fault> {
        let now = self.now();
        let tenant = TenantId::parse(DEFAULT_TENANT).map_err(Fault::new)?;
        let event = |kind, id: &SigningKeyId| AuditEvent::new(tenant.clone(), kind, now).subject(format!("{algorithm} {id}")).admin(operator);
        for state in plan.create {
            let new = sealed_key(&self.keys(), self.rng(), &generated(algorithm).await?, algorithm, state, now)?;
            changes.events.extend((state == SigningKeyState::Active).then(|| event(AuditKind::SigningKeyRotated, &new.key.id)));
            changes.insert.push(new);
        }
        for id in plan.remove {
            let has_tokens = current.keys.iter().any(|key| key.id == id && key.remove_at.is_none_or(|end| end > now));
            changes.events.extend(has_tokens.then(|| event(AuditKind::SigningKeyCompromised, &id)));
            changes.remove.push(id);
        }
        if let Some(id) = plan.retire {
            match current.ring.public_half(&id) {
                Some(public) => changes.retire.push((id.clone(), self.seal(&sealing_context(id.as_str()), &public)?)),
                None => changes.remove.push(id),
            }
        }
        changes.events.extend(plan.activate.iter().map(|id| event(AuditKind::SigningKeyRotated, id)));
        changes.activate.extend(plan.activate);
        Ok(())
    }
}

/// In an order in which no algorithm has two active or two next keys.
async fn make_changes(db: &mut Connection, changes: &KeyChanges, now: Timestamp) -> Result<(), storage::Error> {
    for id in &changes.remove {
        signing_keys::delete(db, id).await?;
    }
    for (id, public_sealed) in &changes.retire {
        signing_keys::retire(db, id, public_sealed, now).await?;
    }
    for id in &changes.activate {
        signing_keys::activate(db, id, now).await?;
    }
    for key in &changes.insert {
        signing_keys::insert(db, key).await?;
    }
    for event in &changes.events {
        // Before the first tenants were created there is no audit log.
        if tenants::find(&mut *db, &event.tenant_id).await?.is_some() {
            audit_log::insert(db, event).await?;
        }
    }
    Ok(())
}
