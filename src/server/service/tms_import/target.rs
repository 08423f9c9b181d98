//! What is here already: tenants, numbers and host names.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::domain::audit_log::AuditKind;
use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::ids::{ClientId, HostName, TenantId};
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::storage::tms_import::{self, Numbered};
use crate::server::storage::{self, Connection};

/// The events of changes that a second import would undo. Logins are none, nor is what anyone can cause without a secret. Settings of the
/// tenant, and administrators that were added, stay.
const CHANGES: [AuditKind; 40] = [
    AuditKind::IdentityUnlinked,
    AuditKind::DeviceApproved,
    AuditKind::DeviceRevoked,
    AuditKind::DeviceReplayed,
    AuditKind::RefreshTokenReused,
    AuditKind::DeviceExpired,
    AuditKind::AuthorizationAllowed,
    AuditKind::SignInAllowed,
    AuditKind::AuthorizationCodeReplayed,
    AuditKind::AuthorizationLapsed,
    AuditKind::KeyCreated,
    AuditKind::KeyChanged,
    AuditKind::KeyRevoked,
    AuditKind::EverythingRevoked,
    AuditKind::KeyReserved,
    AuditKind::ReservationEnded,
    AuditKind::HostLinked,
    AuditKind::HostLinkChanged,
    AuditKind::HostUnlinked,
    AuditKind::DelegationCreated,
    AuditKind::DelegationChanged,
    AuditKind::DelegationRevoked,
    AuditKind::MfaOpened,
    AuditKind::MfaChanged,
    AuditKind::MfaClosed,
    AuditKind::ClientCreated,
    AuditKind::ClientChanged,
    AuditKind::ClientSecretChanged,
    AuditKind::ClientDeleted,
    AuditKind::HostAdded,
    AuditKind::HostRemoved,
    AuditKind::HostCredentialCreated,
    AuditKind::HostCredentialChanged,
    AuditKind::HostCredentialRemoved,
    AuditKind::AdminSecretChanged,
    AuditKind::AdminRemoved,
    AuditKind::PersonAdded,
    AuditKind::PersonChanged,
    AuditKind::PersonInvited,
    AuditKind::ProviderRemoved,
];

/// Numbers of rows: an old number is kept if it is free.
#[derive(Debug, Default)]
pub struct Numbers {
    used: HashSet<i64>,
    /// The highest number that was given, here or in the old database.
    highest: i64,
    /// How many rows got another number.
    pub changed: u64,
}

impl Numbers {
    fn new(used: Vec<i64>, last: i64) -> Self {
        Self { used: used.into_iter().collect(), highest: last, changed: 0 }
    }

    /// The numbers of the old rows are known before the first is assigned, so that a new number is none of them.
    pub fn reserve_up_to(&mut self, highest: i64) {
        self.highest = self.highest.max(highest);
    }

    pub fn assign(&mut self, old: i64) -> i64 {
        if old > 0 && self.used.insert(old) {
            self.highest = self.highest.max(old);
            return old;
        }
        self.changed += 1;
        self.next()
    }

    /// For a row without an old number.
    pub fn next(&mut self) -> i64 {
        self.highest += 1;
        self.used.insert(self.highest);
        self.highest
    }

    pub fn highest(&self) -> i64 {
        self.highest
    }
}

/// Whether a tenant can be imported into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    Free,
    /// From this very file.
    Imported,
    /// Imported from another file; nothing that would be replaced has changed since.
    Replaceable,
    /// Imported from another file, and used since.
    ChangedSince,
    InUse,
}

/// The state of a tenant, as far as it decides whether it can be imported into.
pub async fn state_of(db: &mut Connection, tenant: &TenantId, sha256: &str) -> Result<TenantState, storage::Error> {
    match tms_import::imported_from(db, tenant).await? {
        Some(source) if source == sha256 => Ok(TenantState::Imported),
        Some(_) if tms_import::has_event_since_import(db, tenant, &CHANGES).await? => Ok(TenantState::ChangedSince),
        Some(_) => Ok(TenantState::Replaceable),
        None if tms_import::is_in_use(db, tenant).await? => Ok(TenantState::InUse),
        None => Ok(TenantState::Free),
    }
}

/// What is here already.
pub struct Target {
    /// Those that are imported into, if they exist.
    pub tenants: HashMap<TenantId, Tenant>,
    /// Those that were imported before, by whether their settings were changed here since.
    pub unchanged_settings: BTreeSet<TenantId>,
    pub changed_settings: BTreeSet<TenantId>,
    /// The name and version of each tenant's own client.
    pub own_clients: Vec<(TenantId, (String, String))>,
    pub tenant_numbers: Numbers,
    pub people: Numbers,
    pub keys: Numbers,
    pub reservations: Numbers,
    numbers: HashMap<(TenantId, Numbered), Numbers>,
    /// The tenants of host names, in lower case; those of the tenants that are replaced are not among them.
    pub host_owners: HashMap<String, (TenantId, Timestamp)>,
}

impl Target {
    /// `tenants`: those that are imported into; `replaced`: those of them whose rows are replaced.
    pub async fn load(db: &mut Connection, tenants: &[TenantId], replaced: &BTreeSet<TenantId>) -> Result<Self, storage::Error> {
        let last = tms_import::last_numbers(db).await?;
        let last = |table: &str| last.get(table).copied().unwrap_or_default();
        let except: Vec<&TenantId> = replaced.iter().collect();
        let mut numbers = HashMap::new();
        let mut existing = HashMap::new();
        let (mut unchanged_settings, mut changed_settings, mut own_clients) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let cli = ClientId::parse(CLI_CLIENT_ID).ok();
        for tenant in tenants {
            let is_replaced = replaced.contains(tenant);
            for table in Numbered::ALL {
                let used = tms_import::numbers_in_use(db, table, tenant, is_replaced).await?;
                numbers.insert((tenant.clone(), table), Numbers::new(used, last(table.as_str())));
            }
            if let Some(found) = storage::tenants::find(&mut *db, tenant).await? {
                existing.insert(tenant.clone(), found);
            }
            if is_replaced {
                let changed = tms_import::has_event_since_import(db, tenant, &[AuditKind::TenantChanged]).await?;
                let settings = if changed { &mut changed_settings } else { &mut unchanged_settings };
                settings.insert(tenant.clone());
            }
            if let Some(cli) = &cli
                && let Some(own) = storage::clients::find(&mut *db, tenant, cli).await?
            {
                own_clients.push((tenant.clone(), (own.client.app_name, own.client.app_version)));
            }
        }
        let (keys, reservations) = tms_import::key_numbers_in_use(db, &except).await?;
        let highest_key = keys.iter().copied().max().unwrap_or_default();
        let all_tenants = storage::tenants::list(&mut *db).await?.iter().map(|tenant| tenant.row_id).collect();
        let mut host_owners = HashMap::new();
        for (host, tenant, since) in tms_import::host_owners(db, &except).await? {
            if let (Ok(host), Ok(tenant)) = (HostName::parse(host), TenantId::parse(tenant)) {
                host_owners.entry(host.as_str().to_ascii_lowercase()).or_insert((tenant, Timestamp::from_millis(since)));
            }
        }
        Ok(Self {
            tenants: existing,
            unchanged_settings,
            changed_settings,
            own_clients,
            tenant_numbers: Numbers::new(all_tenants, last("tenants")),
            people: Numbers::new(Vec::new(), last("people")),
            keys: Numbers::new(keys, highest_key),
            reservations: Numbers::new(reservations, last("reservations")),
            numbers,
            host_owners,
        })
    }

    pub fn numbers(&mut self, tenant: &TenantId, table: Numbered) -> &mut Numbers {
        self.numbers.entry((tenant.clone(), table)).or_default()
    }

    /// The highest number of each table.
    pub fn highest(&self) -> Vec<(&'static str, i64)> {
        let mut highest =
            vec![("tenants", self.tenant_numbers.highest()), ("people", self.people.highest()), ("reservations", self.reservations.highest())];
        highest.extend(self.numbers.iter().map(|((_, table), numbers)| (table.as_str(), numbers.highest())));
        highest
    }

    /// How many rows got another number, by table.
    pub fn changed(&self) -> Vec<(&'static str, u64)> {
        let mut changed = vec![("pubkeys", self.keys.changed)];
        changed.extend(self.numbers.iter().filter(|((_, table), _)| *table != Numbered::Clients).map(|((_, table), n)| (table.as_str(), n.changed)));
        changed.retain(|(_, count)| *count > 0);
        changed.sort_unstable();
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_a_secret_or_a_session_is_a_change() {
        for kind in [
            AuditKind::SignedIn,
            AuditKind::SignInFailed,
            AuditKind::SignInBlocked,
            AuditKind::SecondFactorFailed,
            AuditKind::PasswordChangeFailed,
            AuditKind::CodeSubmittedTwice,
            AuditKind::CodeGuessingStopped,
            AuditKind::SecretGuessingStopped,
            AuditKind::DeviceReported,
            AuditKind::KeyUsed,
            AuditKind::HostLinkRequested,
            AuditKind::Imported,
            AuditKind::ImportedSecretUsed,
        ] {
            assert!(!CHANGES.contains(&kind), "{kind:?}");
        }
        assert!(CHANGES.iter().enumerate().all(|(at, kind)| !CHANGES.iter().skip(at + 1).any(|other| other == kind)), "each once");
    }

    #[test]
    fn old_numbers_are_kept_where_they_are_free() {
        let mut numbers = Numbers::new(vec![1], 1);
        numbers.reserve_up_to(3);
        assert_eq!([numbers.assign(1), numbers.assign(3), numbers.assign(2), numbers.assign(0)], [4, 3, 2, 5]);
        assert_eq!((numbers.changed, numbers.highest(), numbers.next()), (2, 5, 6));
    }
}
