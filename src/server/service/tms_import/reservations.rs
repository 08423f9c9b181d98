//! Reservations: those that are in force are imported with their keys.

use std::collections::{HashMap, HashSet};

use super::plan::Plan;
use super::report::{Reason, Report};
use super::rows::{Row, Table};
use super::source::Contents;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::reservation::MAX_LIFETIME;
use crate::domain::time::Timestamp;
use crate::server::storage::tms_import::ImportedReservation;

/// The tenant, fingerprint and host in lower case that name a key in a reservation.
pub type KeyName = (TenantId, String, String);

/// What names the reservation that one extends: its own, or that of another reservation of the same client.
fn parent_of(row: &ImportedReservation) -> (String, String, String) {
    (row.tenant_id.clone(), row.client_id.clone(), row.parent_resid.clone())
}

/// Whether it can be a segment of a path, as the API takes it; TMS makes UUIDs.
fn is_resid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The reservations that are in force, until their keys are found.
#[derive(Default)]
pub struct Reservations {
    waiting: HashMap<KeyName, Vec<(i64, ImportedReservation)>>,
}

impl Reservations {
    /// Reads those that are in force; a child whose parent is not is left out, and none lasts longer than its parent.
    pub fn read(contents: &Contents, plan: &mut Plan<'_>, report: &mut Report) -> Self {
        let mut found: Vec<(KeyName, i64, ImportedReservation)> = Vec::new();
        for row in contents.rows(Table::Reservations) {
            report.read(Table::Reservations);
            match Self::reservation(row, plan) {
                Ok(reservation) => found.push(reservation),
                Err(reason) => report.not_imported(Table::Reservations, reason, || row.text("resid").to_owned()),
            }
        }
        let (mut own, mut parents) = (HashSet::new(), HashMap::new());
        found.retain(|(.., row)| {
            let is_first = own.insert((row.tenant_id.clone(), row.resid.clone()));
            if !is_first {
                report.not_imported(Table::Reservations, Reason::Twice, || row.resid.clone());
            } else if row.resid == row.parent_resid {
                parents.insert(parent_of(row), row.expires_at);
            }
            is_first
        });
        let mut reservations = Self::default();
        for (key, number, row) in found {
            if let Some(parent_ends) = parents.get(&parent_of(&row)) {
                let expires_at = row.expires_at.min(*parent_ends);
                reservations.waiting.entry(key).or_default().push((number, ImportedReservation { expires_at, ..row }));
            } else {
                report.not_imported(Table::Reservations, Reason::ParentNotImported, || row.resid.clone());
            }
        }
        reservations
    }

    fn reservation(row: &Row, plan: &mut Plan<'_>) -> Result<(KeyName, i64, ImportedReservation), Reason> {
        let tenant = plan.names.get(row.text("tenant")).cloned().ok_or(Reason::TenantNotTaken)?;
        let client = ClientId::parse(row.text("client_id")).map_err(|_| Reason::Name)?;
        if !is_resid(row.text("resid")) {
            return Err(Reason::Name);
        }
        let ends = row.time("expires_at").ok_or(Reason::Time)?.at;
        let created_at = plan.time_or_now(row, "created");
        let ends = ends.min(created_at + MAX_LIFETIME);
        if ends <= plan.now {
            return Err(Reason::Ended);
        }
        if !plan.clients.contains_key(&(tenant.clone(), client.to_string())) {
            return Err(Reason::ClientMissing);
        }
        let key = (tenant.clone(), row.text("public_key_fingerprint").to_owned(), row.text("host").to_ascii_lowercase());
        let reservation = ImportedReservation {
            number: 0,
            tenant_id: tenant.to_string(),
            resid: row.text("resid").to_owned(),
            parent_resid: row.text("parent_resid").to_owned(),
            client_id: client.to_string(),
            pubkey: 0,
            expires_at: ends.as_millis(),
            created_at: created_at.as_millis(),
            updated_at: plan.time_or_now(row, "updated").as_millis(),
        };
        Ok((key, row.number(), reservation))
    }

    /// Until when a key is reserved.
    pub fn reserved_until(&self, key: &KeyName) -> Option<Timestamp> {
        self.waiting.get(key)?.iter().map(|(_, row)| Timestamp::from_millis(row.expires_at)).max()
    }

    /// Those of an imported key, with their numbers.
    pub fn take(&mut self, key: &KeyName, pubkey: i64, plan: &mut Plan<'_>) -> Vec<ImportedReservation> {
        let rows = self.waiting.remove(key).unwrap_or_default();
        let numbered = |(old, row)| ImportedReservation { number: plan.target.reservations.assign(old), pubkey, ..row };
        rows.into_iter().map(numbered).collect()
    }

    /// Reports those whose keys were not found.
    pub fn finish(self, report: &mut Report) {
        for (_, row) in self.waiting.into_values().flatten() {
            report.not_imported(Table::Reservations, Reason::KeyNotImported, || row.resid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_path_segments_name_reservations() {
        assert!(is_resid("eb60ca6b-b0dc-4281-81d2-3284afe85856"));
        for text in ["", "a\u{202e}b", "a\u{7}", "a/b", "..", "a b", "é", &"a".repeat(65)] {
            assert!(!is_resid(text), "{text:?}");
        }
    }
}
