//! Drafts: values of forms that were not carried out.

use super::PortalSession;
use crate::domain::form::{self, FormDraft};
use crate::server::service::Fault;

pub(super) const DRAFTS: &str = "drafts";

impl PortalSession {
    pub(super) async fn drafts(&self) -> Result<Vec<FormDraft>, Fault> {
        Ok(self.get(DRAFTS).await?.unwrap_or_default())
    }

    /// Stores the values of a form that was not carried out.
    pub async fn save_draft(&self, draft: FormDraft) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        form::save_draft(&mut drafts, draft);
        self.set(DRAFTS, &drafts).await
    }

    pub async fn draft(&self, id: &str) -> Result<Option<FormDraft>, Fault> {
        Ok(self.drafts().await?.into_iter().find(|draft| draft.id == id))
    }

    /// Removes the values of a form that has been carried out.
    pub async fn discard_draft(&self, account: &str, page: &str, action: &str) -> Result<(), Fault> {
        let mut drafts = self.drafts().await?;
        let before = drafts.len();
        form::discard_draft(&mut drafts, account, page, action);
        if drafts.len() == before { Ok(()) } else { self.set(DRAFTS, &drafts).await }
    }
}
