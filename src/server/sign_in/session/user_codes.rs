//! User codes that were entered before sign-in (RFC 8628 §3.3).

use serde::{Deserialize, Serialize};

use super::PortalSession;
use crate::domain::ids::CodeEntryId;
use crate::domain::paths::ReturnTo;
use crate::server::service::Fault;

pub(super) const PENDING_USER_CODES: &str = "typed_codes";

/// How many tabs can keep a user code until the sign-in is complete.
const MAX_PENDING_USER_CODES: usize = 8;

/// A user code that was entered before sign-in, or that belongs to another tenant, kept until the person has signed in there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUserCode {
    pub entry: CodeEntryId,
    pub code: String,
}

impl PortalSession {
    /// The code of this entry; without an id, the last one entered.
    pub async fn pending_user_code(&self, entry: Option<&CodeEntryId>) -> Result<Option<PendingUserCode>, Fault> {
        let typed = self.pending_user_codes().await?;
        Ok(typed.into_iter().find(|typed| entry.is_none_or(|entry| typed.entry == *entry)))
    }

    /// The code that a sign-in which continues with `return_to` submits: the one it is for, or the last one if it is for nothing else.
    pub async fn pending_user_code_for(&self, return_to: &ReturnTo) -> Result<Option<PendingUserCode>, Fault> {
        match return_to.code_entry() {
            None if *return_to != ReturnTo::default() => Ok(None),
            entry => self.pending_user_code(entry.as_ref()).await,
        }
    }

    /// Keeps a code until sign-in, in several tabs if need be.
    pub async fn add_pending_user_code(&self, typed: &PendingUserCode) -> Result<(), Fault> {
        let mut all = self.pending_user_codes().await?;
        all.retain(|other| other.entry != typed.entry && other.code != typed.code);
        all.truncate(MAX_PENDING_USER_CODES - 1);
        all.insert(0, typed.clone());
        self.set(PENDING_USER_CODES, &all).await
    }

    pub async fn forget_pending_user_code(&self, entry: &CodeEntryId) -> Result<(), Fault> {
        let mut all = self.pending_user_codes().await?;
        all.retain(|other| other.entry != *entry);
        self.set(PENDING_USER_CODES, &all).await
    }

    pub(super) async fn pending_user_codes(&self) -> Result<Vec<PendingUserCode>, Fault> {
        Ok(self.get(PENDING_USER_CODES).await?.unwrap_or_default())
    }
}
