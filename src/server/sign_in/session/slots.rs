//! Slots: what several tabs do at the same time, kept in the session as short lists.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::PortalSession;
use crate::domain::time::Timestamp;
use crate::server::service::Fault;

/// Limit of entries per slot; the oldest is removed.
pub(super) const MAX_SLOT_ENTRIES: usize = 8;

/// What several tabs do at the same time, each under an id in its URL and forms.
pub(super) struct Slot {
    pub name: &'static str,
    pub lifetime: Duration,
}

/// What one tab does.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SlotEntry<T> {
    pub id: String,
    pub since: Timestamp,
    pub value: T,
}

impl PortalSession {
    /// Stores what a tab does under its id.
    pub(super) async fn insert_entry(&self, slot: &Slot, id: &str, what: impl Serialize, since: Timestamp) -> Result<(), Fault> {
        let mut all: Vec<SlotEntry<serde_json::Value>> = self.entries(slot).await?;
        all.retain(|kept| kept.id != id && kept.since.is_within(slot.lifetime, since));
        all.truncate(MAX_SLOT_ENTRIES - 1);
        all.insert(0, SlotEntry { id: id.to_owned(), since, value: serde_json::to_value(what).map_err(Fault::new)? });
        self.set_entries(slot, &all).await
    }

    /// What is stored under an id, if it has not expired; without an id, the newest.
    pub(super) async fn entry<T: DeserializeOwned>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<SlotEntry<T>>, Fault> {
        let all: Vec<SlotEntry<T>> = self.entries(slot).await?;
        Ok(all.into_iter().filter(|kept| kept.since.is_within(slot.lifetime, now)).find(|kept| id.is_empty() || kept.id == id))
    }

    pub(super) async fn take_entry<T: Serialize + DeserializeOwned + Sync>(&self, slot: &Slot, id: &str, now: Timestamp) -> Result<Option<T>, Fault> {
        let Some(found) = self.entry::<T>(slot, id, now).await? else { return Ok(None) };
        let mut all: Vec<SlotEntry<T>> = self.entries(slot).await?;
        all.retain(|kept| kept.id != found.id);
        self.set_entries(slot, &all).await?;
        Ok(Some(found.value))
    }

    pub(super) async fn entries<T: DeserializeOwned>(&self, slot: &Slot) -> Result<Vec<SlotEntry<T>>, Fault> {
        Ok(self.get(slot.name).await?.unwrap_or_default())
    }

    pub(super) async fn set_entries<T: Serialize + Sync>(&self, slot: &Slot, all: &[SlotEntry<T>]) -> Result<(), Fault> {
        if all.is_empty() {
            return self.take::<serde_json::Value>(slot.name).await.map(drop);
        }
        self.set(slot.name, &all).await
    }
}
