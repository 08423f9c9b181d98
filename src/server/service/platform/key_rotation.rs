//! Replaces `codes.key` and `secrets.key` while portals run: a next key is prepared, activated, and the previous one ends when nothing depends
//! on it. The database says which key is in use; each step is one transaction, and can be repeated.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use thiserror::Error as ThisError;

pub use super::keystore::arrangement::ToDo;
use super::keystore::arrangement::arrange;
use super::keystore::key_ring;
use super::keystore::{
    ENDED, FIRST, Fingerprints, KEYS_DIR, Keystore, KeystoreError, NEXT, PREVIOUS, Recorded, RotatedKey, create_next, delete_next,
};
use super::signing_keys::open_ring;
use crate::domain::ids::{ProviderId, TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::server::service::{Error, Fault, Services};
use crate::server::storage::sealed::{SealedKind, SealedRow, SealedSecret};
use crate::server::storage::{self, Connection, deployment, key_usage, sealed, signing_keys};

/// How often a running portal looks whether a key was rotated.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// After this time all running portals use a key that was activated.
const ACTIVATION_TIME: Duration = Duration::from_secs(5);
const BATCH: u32 = 200;

/// Why a step of a rotation is refused.
#[derive(Debug, ThisError)]
pub enum RotationRefused {
    #[error("an earlier rotation of {0} is not finished: `tms-portal keys status` says what depends on the previous key")]
    NotFinished(&'static str),
    #[error("there is no next key for {0}: run `tms-portal keys rotate prepare {0}`")]
    NotPrepared(&'static str),
    #[error("{0} has no previous key: nothing is to be finished")]
    NotRotating(&'static str),
    #[error("the files of {0} have to be renamed before another key can be created; as a user who may do so, run: {1}")]
    NotRenamed(&'static str, String),
    #[error("another command rotates {0} at the same time; run this again")]
    Concurrent(&'static str),
    #[error("the new {0} was activated just now: wait {1:?} until all portals use it, then run this again")]
    TooEarly(&'static str, Duration),
    #[error("{many} things depend on the previous {key}: see `tms-portal keys status`; they stop working with --expire", many = .1.len(), key = .0)]
    InUse(&'static str, Vec<Dependent>),
}

/// Something whose stored form depends on a key that is not in use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Dependent {
    /// Such as `client` or `recovery codes`.
    pub kind: String,
    pub tenant: String,
    pub id: String,
}

/// The state of a key.
#[derive(Debug, serde::Serialize)]
pub struct KeyStatus {
    pub key: &'static str,
    pub fingerprint: String,
    /// The fingerprint of the key that was prepared.
    pub next: Option<String>,
    /// The fingerprint of the previous key, which is still accepted.
    pub previous: Option<String>,
    /// When the rotation began to use the key, in RFC 3339.
    pub activated_at: Option<String>,
    /// What depends on another key than that in use: on the previous one, or, if there is none, on one that has ended.
    pub dependents: Vec<Dependent>,
}

/// What a renewed encryption did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub changed: u64,
    /// Secrets that no key opens.
    pub lost: u64,
}

impl Services {
    /// Reads the keys again if the database names others than those in use, or if a file for one that it names was missing. Returns whether they
    /// were replaced; on failure those in use stay.
    pub async fn reload_keys(&self) -> Result<bool, Fault> {
        let (recorded, states) = (self.recorded_keys().await?, signing_keys::states(self.storage().reader()).await?);
        let before = self.keys();
        let has_same_files = before.is_current(&recorded);
        if has_same_files && before.ring().is_current(&states) {
            return Ok(false);
        }
        let rows = signing_keys::list(self.storage().reader()).await?;
        let (services, held) = (self.clone(), before.clone());
        let read = move || {
            let files = if has_same_files { Ok(held) } else { services.open_key_files(&recorded).map(Arc::new) };
            files.map(|files| files.with_ring(open_ring(&files, &rows)))
        };
        let keys = tokio::task::spawn_blocking(read).await.map_err(Fault::new)??;
        let changed = !keys.has_same_keys(&before);
        *self.shared.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(changed)
    }

    fn open_key_files(&self, recorded: &Fingerprints) -> Result<Keystore, KeystoreError> {
        Keystore::open(&self.shared.data_dir, false, self.rng(), recorded)
    }

    async fn recorded_keys(&self) -> Result<Vec<(String, String)>, Fault> {
        Ok(deployment::key_fingerprints(self.storage().reader()).await?)
    }

    /// A key of a rotation that this portal did not have when it looked last.
    pub fn missing_key(&self) -> Option<String> {
        self.keys().missing()
    }

    pub async fn key_status(&self, key: RotatedKey) -> Result<KeyStatus, Fault> {
        let (all, name) = (self.recorded_keys().await?, key.file_name());
        let recorded = Recorded::of(name, &all);
        let activated_at = deployment::key_activation(self.storage().reader(), name).await?;
        let dependents = if key == RotatedKey::Codes { self.dependents().await? } else { Vec::new() };
        Ok(KeyStatus {
            key: name,
            fingerprint: recorded.active.unwrap_or_default().to_owned(),
            next: recorded.next.map(str::to_owned),
            previous: recorded.previous.map(str::to_owned),
            activated_at: activated_at.map(Timestamp::to_rfc3339),
            dependents,
        })
    }

    /// What depends on another `codes.key` than the one in use.
    async fn dependents(&self) -> Result<Vec<Dependent>, Fault> {
        self.reload_keys().await?;
        let found = key_usage::outdated(self.storage().reader(), self.keys().mark(), self.now()).await?;
        Ok(as_dependents(found))
    }

    /// Creates the next key, unless its file exists, and records it. Can be repeated. Files of an earlier rotation are renamed first, and a key that
    /// has been in use is refused.
    pub async fn prepare_key(&self, key: RotatedKey) -> Result<(), Error<RotationRefused>> {
        let (recorded, name) = (self.recorded_keys().await?, key.file_name());
        let all = Recorded::of(name, &recorded);
        if all.previous.is_some() {
            return Err(Error::Refused(RotationRefused::NotFinished(name)));
        }
        if all.usable_next().is_some() {
            self.reload_keys().await?;
            return self.refuse_missing(name);
        }
        let left = self.arrange_key_files(key).await?;
        let file = match create_next(&self.shared.data_dir.join(KEYS_DIR), key, self.rng()) {
            Ok(file) if !all.was_used(&file.fingerprint) => file,
            Ok(file) => {
                let same = Fault::from(KeystoreError::SameKey(file.path));
                return Err(left.map_or(Error::Internal(same), |left| Error::Refused(RotationRefused::NotRenamed(name, left.command))));
            }
            Err(error) => return Err(Fault::from(error).into()),
        };
        let fingerprint = file.fingerprint.clone();
        self.change_keys(name, recorded, move |db| {
            async move { deployment::set_key_fingerprint(db, &format!("{name}{NEXT}"), &fingerprint).await }.boxed()
        })
        .await
    }

    /// Deletes the record of the next key. False if there is none.
    pub async fn cancel_key(&self, key: RotatedKey) -> Result<bool, Error<RotationRefused>> {
        let (recorded, name) = (self.recorded_keys().await?, key.file_name());
        if Recorded::of(name, &recorded).next.is_none() {
            return Ok(false);
        }
        self.change_keys(name, recorded, move |db| async move { deployment::delete_key_fingerprint(db, &format!("{name}{NEXT}")).await }.boxed())
            .await?;
        Ok(true)
    }

    /// Deletes the file and the record of the next key, which others may know.
    pub async fn discard_next_key(&self, key: RotatedKey) -> Result<(), Error<RotationRefused>> {
        let recorded = self.recorded_keys().await?;
        if let Some(next) = Recorded::of(key.file_name(), &recorded).usable_next() {
            delete_next(&self.shared.data_dir.join(KEYS_DIR), key, next).map_err(Fault::from)?;
        }
        self.cancel_key(key).await.map(drop)
    }

    fn refuse_missing(&self, name: &str) -> Result<(), Error<RotationRefused>> {
        match self.missing_key() {
            Some(missing) if missing.starts_with(name) => {
                Err(Fault::from(KeystoreError::NotCopied(self.shared.data_dir.join(KEYS_DIR).join(missing))).into())
            }
            _ => Ok(()),
        }
    }

    /// Uses the next key for new values; what is stored stays valid. False if this was done before.
    pub async fn activate_key(&self, key: RotatedKey) -> Result<bool, Error<RotationRefused>> {
        self.use_next_key(key, PREVIOUS).await
    }

    /// Uses the next `codes.key`, and ends the one before in the same moment. Returns what is not valid any more.
    pub async fn replace_codes_key_at_once(&self) -> Result<Vec<Dependent>, Error<RotationRefused>> {
        self.use_next_key(RotatedKey::Codes, ENDED).await?;
        let ended = self.dependents().await?;
        self.delete_outdated_recovery_codes().await?;
        Ok(ended)
    }

    /// `becomes`: the suffix under which the key that was in use is recorded.
    async fn use_next_key(&self, key: RotatedKey, becomes: &'static str) -> Result<bool, Error<RotationRefused>> {
        let (recorded, name, now) = (self.recorded_keys().await?, key.file_name(), self.now());
        let all = Recorded::of(name, &recorded);
        let (Some(active), Some(next)) = (all.active.map(str::to_owned), all.usable_next().map(str::to_owned)) else {
            let refused = RotationRefused::NotPrepared(name);
            return if all.previous.is_some() { Ok(false) } else { Err(Error::Refused(refused)) };
        };
        self.reload_keys().await?;
        self.refuse_missing(name)?;
        let first = all.first.unwrap_or(&active).to_owned();
        self.change_keys(name, recorded, move |db| {
            async move {
                deployment::set_key_fingerprint(db, &format!("{name}{FIRST}"), &first).await?;
                deployment::set_key_fingerprint(db, &format!("{name}{becomes}"), &active).await?;
                deployment::set_key_fingerprint(db, name, &next).await?;
                deployment::delete_key_fingerprint(db, &format!("{name}{NEXT}")).await?;
                deployment::set_key_activation(db, name, now).await
            }
            .boxed()
        })
        .await?;
        Ok(true)
    }

    /// How long to wait until all running portals use the key that was activated last.
    pub async fn activation_time_left(&self, key: RotatedKey) -> Result<Duration, Fault> {
        let at = deployment::key_activation(self.storage().reader(), key.file_name()).await?;
        // A time ahead is that of another machine's clock.
        Ok(at.map_or(Duration::ZERO, |at| ACTIVATION_TIME.saturating_sub(self.now().since(at))))
    }

    /// Ends the previous key, after what can be sealed anew was. Refused while something depends on it, unless `expire`, which returns that, and
    /// before all portals use the new key, unless `at_once`.
    pub async fn finish_key(
        &self,
        key: RotatedKey,
        expire: bool,
        at_once: bool,
        progress: impl FnMut(u64),
    ) -> Result<Vec<Dependent>, Error<RotationRefused>> {
        let (recorded, name, now) = (self.recorded_keys().await?, key.file_name(), self.now());
        let Some(previous) = Recorded::of(name, &recorded).previous.map(str::to_owned) else {
            // A finish that was interrupted may have left some.
            self.delete_outdated_recovery_codes().await?;
            return Err(Error::Refused(RotationRefused::NotRotating(name)));
        };
        let left = self.activation_time_left(key).await?;
        if !left.is_zero() && !at_once {
            return Err(Error::Refused(RotationRefused::TooEarly(name, left)));
        }
        self.reload_keys().await?;
        if key == RotatedKey::Secrets {
            self.reseal_secrets(progress).await?;
        }
        let mark = self.keys().mark().to_vec();
        let ended = self.try_write(move |db| {
            async move {
                let dependents = if key == RotatedKey::Codes { as_dependents(key_usage::outdated(&mut *db, &mark, now).await?) } else { Vec::new() };
                if !dependents.is_empty() && !expire {
                    return Err(Error::Refused(RotationRefused::InUse(name, dependents)));
                }
                if deployment::key_fingerprints(&mut *db).await? != recorded {
                    return Err(Error::Refused(RotationRefused::Concurrent(name)));
                }
                deployment::delete_key_fingerprint(db, &format!("{name}{PREVIOUS}")).await?;
                deployment::set_key_fingerprint(db, &format!("{name}{ENDED}"), &previous).await?;
                Ok(dependents)
            }
            .boxed()
        });
        let ended = ended.await?;
        self.reload_keys().await?;
        self.delete_outdated_recovery_codes().await?;
        Ok(ended)
    }

    /// Unless a previous key is accepted. Codes that are not valid would be counted as left.
    async fn delete_outdated_recovery_codes(&self) -> Result<(), Fault> {
        loop {
            if Recorded::of(RotatedKey::Codes.file_name(), &self.recorded_keys().await?).needed().count() > 1 {
                return Ok(());
            }
            let mark = self.keys().mark().to_vec();
            let deleted = self.write(move |db| async move { key_usage::delete_outdated_recovery_codes(db, &mark, BATCH).await }.boxed()).await?;
            if deleted < u64::from(BATCH) {
                return Ok(());
            }
        }
    }

    /// Changes the record of this key, and uses it. Refused if the record is not `recorded` any more.
    async fn change_keys<F>(&self, name: &'static str, recorded: Vec<(String, String)>, change: F) -> Result<(), Error<RotationRefused>>
    where
        F: for<'c> FnOnce(&'c mut Connection) -> storage::BoxFuture<'c, Result<(), storage::Error>> + Send + 'static,
    {
        let changed = self.write(move |db| {
            async move {
                let unchanged = deployment::key_fingerprints(&mut *db).await? == recorded;
                if unchanged {
                    change(db).await?;
                }
                Ok(unchanged)
            }
            .boxed()
        });
        if !changed.await? {
            return Err(Error::Refused(RotationRefused::Concurrent(name)));
        }
        self.reload_keys().await?;
        Ok(())
    }

    /// Gives the key's files the names that fit the record, and deletes that of the key that has ended. Returns what this user may not do.
    pub async fn arrange_key_files(&self, key: RotatedKey) -> Result<Option<ToDo>, Fault> {
        let recorded = self.recorded_keys().await?;
        Ok(arrange(&self.shared.data_dir.join(KEYS_DIR), key, &recorded)?)
    }

    /// Seals all secrets with the key in use that are sealed with another one. `progress` gets the number of secrets that were looked at. Can be
    /// interrupted and repeated: each is sealed with one of the keys at any time.
    pub async fn reseal_secrets(&self, mut progress: impl FnMut(u64)) -> Result<Resealed, Fault> {
        self.reload_keys().await?;
        let (mut result, mut looked_at) = (Resealed::default(), 0);
        let mut count = |batch: usize| {
            looked_at += u64::try_from(batch).unwrap_or_default();
            progress(looked_at);
        };
        for kind in SealedKind::ALL {
            let mut after = (String::new(), String::new());
            loop {
                let batch = sealed::list_of_tenants(self.storage().reader(), kind, (&after.0, &after.1), BATCH).await?;
                let Some(SealedRow::OfTenant(_, tenant, id)) = batch.last().map(|last| last.row.clone()) else { break };
                after = (tenant, id);
                count(batch.len());
                self.reseal_batch(batch, &mut result).await?;
            }
        }
        let signing_keys = sealed::list_signing_keys(self.storage().reader()).await?;
        count(signing_keys.len());
        self.reseal_batch(signing_keys, &mut result).await?;
        let mut after = Vec::new();
        loop {
            let batch = sealed::list_form_results(self.storage().reader(), &after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(result) };
            after.clone_from(&last.hash);
            count(batch.len());
            self.reseal_batch(batch, &mut result).await?;
        }
    }

    async fn reseal_batch(&self, batch: Vec<SealedSecret>, result: &mut Resealed) -> Result<(), Fault> {
        let mut replacements = Vec::new();
        for secret in batch {
            match self.reseal(&sealing_context(&secret)?, &secret.sealed) {
                Ok(None) => {}
                Ok(Some(new)) => replacements.push((secret, new)),
                Err(_) => result.lost += 1,
            }
        }
        if replacements.is_empty() {
            return Ok(());
        }
        result.changed += u64::try_from(replacements.len()).unwrap_or_default();
        self.write(move |db| {
            async move {
                for (secret, new) in &replacements {
                    sealed::replace(db, secret, new).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
    }
}

fn as_dependents(found: Vec<(String, String, String)>) -> Vec<Dependent> {
    let mut dependents: Vec<_> = found.into_iter().map(|(kind, tenant, id)| Dependent { kind, tenant, id }).collect();
    dependents.sort();
    dependents
}

/// What a secret is bound to.
fn sealing_context(secret: &SealedSecret) -> Result<String, Fault> {
    use crate::server::service::admin::providers;
    use crate::server::service::auth::second_factors;
    use crate::server::service::device_flow::user_codes::code_associated_data;
    use crate::server::service::platform::form_results;
    let (kind, tenant, id) = match &secret.row {
        SealedRow::OfTenant(kind, tenant, id) => (kind, tenant, id),
        SealedRow::FormResult => return Ok(form_results::sealing_context(&secret.hash)),
        SealedRow::SigningKey(id) => return Ok(key_ring::sealing_context(id)),
    };
    let tenant = TenantId::parse(tenant.as_str()).map_err(Fault::new)?;
    Ok(match kind {
        SealedKind::Apps => second_factors::sealing_context(&tenant, &UserId::parse(id.as_str()).map_err(Fault::new)?),
        SealedKind::Providers => providers::sealing_context(&tenant, &ProviderId::parse(id.as_str()).map_err(Fault::new)?),
        SealedKind::DeviceCodes | SealedKind::LinkCodes => code_associated_data(&secret.hash),
    })
}
