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

/// The reservations that are in force, until their keys are found.
#[derive(Default)]
pub struct Reservations {
    waiting: HashMap<KeyName, Vec<(i64, ImportedReservation)>>,
}

impl Reservations {
    /// Reads those that are in force; a child whose parent is not is left out.
    pub fn read(contents: &Contents, plan: &mut Plan<'_>, report: &mut Report) -> Self {
        let mut found: Vec<(KeyName, i64, ImportedReservation)> = Vec::new();
        for row in contents.rows(Table::Reservations) {
            report.read(Table::Reservations);
            match Self::reservation(row, plan) {
                Ok(reservation) => found.push(reservation),
                Err(reason) => report.not_imported(Table::Reservations, reason, || row.text("resid").to_owned()),
            }
        }
        let parents: HashSet<(String, String)> =
            found.iter().filter(|(.., row)| row.resid == row.parent_resid).map(|(.., row)| (row.tenant_id.clone(), row.resid.clone())).collect();
        let mut reservations = Self::default();
        for (key, number, row) in found {
            if parents.contains(&(row.tenant_id.clone(), row.parent_resid.clone())) {
                reservations.waiting.entry(key).or_default().push((number, row));
            } else {
                report.not_imported(Table::Reservations, Reason::ParentNotImported, || row.resid.clone());
            }
        }
        reservations
    }

    fn reservation(row: &Row, plan: &mut Plan<'_>) -> Result<(KeyName, i64, ImportedReservation), Reason> {
        let tenant = plan.names.get(row.text("tenant")).cloned().ok_or(Reason::TenantNotTaken)?;
        let client = ClientId::parse(row.text("client_id")).map_err(|_| Reason::Name)?;
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
        Ok((key, row.integer("id").unwrap_or_default(), reservation))
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
