//! Results of submitted forms: a form that is submitted twice is carried out once, and the second submission gets the first one's result.

use std::time::Duration;

use futures_util::FutureExt;

use crate::server::service::platform::rng::Secret;
use crate::server::service::{Fault, Services};
use crate::server::storage::form_results;

/// How long a second submission gets the first one's result; afterwards the form is carried out again. A submission without a result by
/// then was lost with its server: requests take less time.
pub(in crate::server::service) const RESULT_LIFETIME: Duration = Duration::from_secs(60);

/// One submission: a hash of account, action, form key and all fields.
#[derive(Clone)]
pub struct SubmissionId {
    id: Vec<u8>,
    /// All hashes under which it may be stored, this one and those of other keys.
    all: Vec<Vec<u8>>,
}

/// State of a submission.
pub enum Submission {
    /// The first one; its result must be stored, or it must be forgotten.
    First,
    /// An earlier one is in progress.
    InProgress,
    /// An earlier one has ended, with this result.
    Done(Secret),
}

impl Services {
    /// `body`: the form as it was sent, with its form key.
    pub fn submission_id(&self, account: &str, action: &str, body: &str) -> SubmissionId {
        let (keys, text) = (self.keys(), format!("{account}\n{action}\n{body}"));
        SubmissionId { id: keys.hash("form submission", &text), all: keys.hashes("form submission", &text) }
    }

    pub async fn begin_submission(&self, id: &SubmissionId) -> Result<Submission, Fault> {
        let now = self.now();
        for id in &id.all {
            if let Some(sealed) = form_results::find(self.storage().reader(), id, now - RESULT_LIFETIME, now).await? {
                return Ok(Submission::Done(self.unseal(&sealing_context(id), &sealed)?));
            }
        }
        let row = id.id.clone();
        let first = self.write(move |db| async move { form_results::begin(db, &row, now, now - RESULT_LIFETIME).await }.boxed()).await?;
        Ok(if first { Submission::First } else { Submission::InProgress })
    }

    /// Stores a result, sealed because it may contain a secret that is shown once.
    pub async fn finish_submission(&self, id: &SubmissionId, result: &Secret) -> Result<(), Fault> {
        let (sealed, row) = (self.seal(&sealing_context(&id.id), result)?, id.id.clone());
        self.write(move |db| async move { form_results::finish(db, &row, &sealed).await }.boxed()).await
    }

    pub async fn discard_submission(&self, id: &SubmissionId) -> Result<(), Fault> {
        let row = id.id.clone();
        self.write(move |db| async move { form_results::delete(db, &row).await }.boxed()).await
    }

    /// A form key for a form that is rendered for `account`: a random value, and a MAC that it was created here for that account.
    pub fn form_key(&self, account: &str) -> String {
        let random = self.draft_id();
        let mac = self.keys().hash("form key", &format!("{account}\n{random}"));
        format!("{random}.{}", hex::encode(mac))
    }

    /// Whether a form key was created here for `account`.
    pub fn is_form_key(&self, account: &str, key: &str) -> bool {
        let Some((random, mac)) = key.split_once('.') else { return false };
        hex::decode(mac).is_ok_and(|mac| self.keys().matches("form key", &format!("{account}\n{random}"), &mac))
    }

    /// An id for a draft that cannot be guessed.
    pub fn draft_id(&self) -> String {
        Secret::generate(self.rng()).reveal().to_owned()
    }
}

pub(in crate::server::service) fn sealing_context(id: &[u8]) -> String {
    format!("form_results/{}", hex::encode(id))
}
