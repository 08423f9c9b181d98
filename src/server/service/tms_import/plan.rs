//! What is imported: the rows to insert, and what keys depend on.

mod tables;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::names::TenantNames;
use super::options::ImportOptions;
use super::report::Report;
use super::rows::Row;
use super::target::Target;
use super::times::OldTime;
use crate::domain::delegation::Creator;
use crate::domain::ids::{AdminId, HostName, TenantId};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::ssh_key::MfaStatus;
use crate::domain::tenant::Tenant;
use crate::domain::time::Timestamp;
use crate::server::storage::tms_import::{ImportedAdmin, ImportedClient, ImportedDelegation, ImportedHost, ImportedLink, ImportedPerson};

/// What ran out longer ago is not revived by `--ended grace`.
const LONGEST_ENDED: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What a plan needs of the deployment.
pub trait Maker {
    /// The stored form of what TMS stores of a client's secret.
    fn client_hash(&self, tms_hash: &str) -> Vec<u8>;
    /// As [`Self::client_hash`], of an administrator's.
    fn admin_hash(&self, tms_hash: &str) -> Vec<u8>;
    fn new_id(&self, prefix: &str) -> String;
}

/// A link, as far as keys depend on it.
#[derive(Clone, Copy, Debug)]
pub struct PlannedLink {
    pub expires_at: Timestamp,
    pub by_mvp: bool,
}

/// The rows to insert, in the order of their references.
#[derive(Default)]
pub struct PlannedRows {
    pub tenants: Vec<(Tenant, bool)>,
    pub admins: Vec<ImportedAdmin>,
    pub clients: Vec<ImportedClient>,
    pub people: Vec<ImportedPerson>,
    pub hosts: Vec<ImportedHost>,
    pub links: Vec<ImportedLink>,
    pub delegations: Vec<ImportedDelegation>,
}

/// A host name, and which tenant answers for it.
#[derive(Clone, Debug)]
pub struct HostClaim {
    pub spelled: HostName,
    pub tenant: TenantId,
    pub since: Timestamp,
}

/// The person, host in lower case, and account of a link.
pub type LinkKey = (TenantId, String, String, String);

/// The plan of an import.
pub struct Plan<'p> {
    pub options: &'p ImportOptions,
    pub maker: &'p dyn Maker,
    pub now: Timestamp,
    pub names: TenantNames,
    pub target: Target,
    pub rows: PlannedRows,
    pub enabled_tenants: HashMap<TenantId, bool>,
    admins: HashSet<(TenantId, AdminId)>,
    /// Whether each client is enabled.
    pub clients: HashMap<(TenantId, String), bool>,
    pub people: HashMap<(TenantId, String), MfaStatus>,
    pub links: HashMap<LinkKey, PlannedLink>,
    /// By client and person.
    pub delegations: HashMap<(TenantId, String, String), Timestamp>,
    /// By host name in lower case.
    pub host_claims: HashMap<String, HostClaim>,
    pub revived: u64,
    /// How many rows were created by `--mend`.
    pub mended: u64,
    far_times: u64,
    times_without_zone: u64,
    changed_secrets: Vec<String>,
    /// Names and versions of clients, which are unique in a tenant.
    client_names: HashSet<(TenantId, (String, String))>,
    renamed_clients: Vec<String>,
}

impl<'p> Plan<'p> {
    pub fn new(options: &'p ImportOptions, maker: &'p dyn Maker, names: TenantNames, target: Target, now: Timestamp) -> Self {
        let client_names = target.own_clients.iter().cloned().collect();
        Self {
            options,
            maker,
            now,
            names,
            target,
            rows: PlannedRows::default(),
            enabled_tenants: HashMap::new(),
            admins: HashSet::new(),
            clients: HashMap::new(),
            people: HashMap::new(),
            links: HashMap::new(),
            delegations: HashMap::new(),
            host_claims: HashMap::new(),
            revived: 0,
            mended: 0,
            far_times: 0,
            times_without_zone: 0,
            changed_secrets: Vec::new(),
            client_names,
            renamed_clients: Vec::new(),
        }
    }

    pub fn insert_person(&mut self, tenant: &TenantId, user: &str, number: i64, mfa: MfaStatus, (created_at, updated_at): (Timestamp, Timestamp)) {
        self.people.insert((tenant.clone(), user.to_owned()), mfa);
        self.rows.people.push(ImportedPerson {
            person_number: self.target.people.next(),
            number,
            tenant_id: tenant.to_string(),
            user_id: user.to_owned(),
            enabled: i64::from(mfa.enabled),
            expires_at: mfa.expires_at.as_millis(),
            created_at: created_at.as_millis(),
            updated_at: updated_at.as_millis(),
        });
    }

    pub fn insert_link(&mut self, key: LinkKey, host: &HostName, number: i64, link: PlannedLink, (linked_at, updated_at): (Timestamp, Timestamp)) {
        self.claim(&key.0, host, linked_at);
        self.rows.links.push(ImportedLink {
            number,
            tenant_id: key.0.to_string(),
            id: self.maker.new_id("hac"),
            user_id: key.1.clone(),
            host: host.to_string(),
            account: key.3.clone(),
            linked_at: linked_at.as_millis(),
            expires_at: link.expires_at.as_millis(),
            updated_at: updated_at.as_millis(),
            linked_by: creator(link.by_mvp),
        });
        self.links.insert(key, link);
    }

    pub fn insert_delegation(
        &mut self,
        key: (TenantId, String, String),
        number: i64,
        expires_at: Timestamp,
        by_mvp: bool,
        (created_at, updated_at): (Timestamp, Timestamp),
    ) {
        let scope: ScopeSet = Scope::TMS.into_iter().collect();
        self.rows.delegations.push(ImportedDelegation {
            number,
            tenant_id: key.0.to_string(),
            id: self.maker.new_id("dlg"),
            client_id: key.1.clone(),
            user_id: key.2.clone(),
            scope: scope.to_string(),
            created_at: created_at.as_millis(),
            expires_at: expires_at.as_millis(),
            updated_at: updated_at.as_millis(),
            made_by: creator(by_mvp),
        });
        self.delegations.insert(key, expires_at);
    }

    /// The first tenant to have a host answers for it.
    fn claim(&mut self, tenant: &TenantId, host: &HostName, since: Timestamp) {
        let claim = HostClaim { spelled: host.clone(), tenant: tenant.clone(), since };
        match self.host_claims.entry(host.as_str().to_ascii_lowercase()) {
            Entry::Occupied(mut other) => {
                if since < other.get().since {
                    other.insert(claim);
                }
            }
            Entry::Vacant(place) => {
                place.insert(claim);
            }
        }
    }

    /// The operator's decisions come first, then the tenants that are here already.
    fn assign_hosts(&mut self) {
        for (host, claim) in &mut self.host_claims {
            if let Some((tenant, since)) = self.target.host_owners.get(host) {
                (claim.tenant, claim.since) = (tenant.clone(), *since);
            }
            if let Some(tenant) = self.options.host_owners.get(&claim.spelled) {
                claim.tenant = tenant.clone();
            }
        }
    }

    /// An expiry; with `--ended grace`, of what ran out a later one.
    pub fn expiry(&mut self, time: OldTime) -> Timestamp {
        self.far_times += u64::from(time.far && !time.by_mvp);
        self.times_without_zone += u64::from(time.without_zone);
        match self.options.grace {
            Some(grace) if time.at <= self.now && self.now.since(time.at) <= LONGEST_ENDED => {
                self.revived += 1;
                self.now + grace
            }
            _ => time.at,
        }
    }

    /// When a row was created or changed; now if that cannot be read, or is in the future.
    pub fn time_or_now(&mut self, row: &Row, column: &str) -> Timestamp {
        let Some(time) = row.time(column) else { return self.now };
        self.times_without_zone += u64::from(time.without_zone);
        time.at.min(self.now)
    }

    fn note(&self, report: &mut Report) {
        let ranges = self.rows.hosts.iter().filter(|host| host.address.contains(['*', '['])).count();
        if ranges > 0 {
            report.notes.push(format!("{ranges} addresses of hosts are ranges (* or [a,b]); they are imported, but tms ssh cannot connect to them"));
        }
        let off = self.rows.clients.iter().filter(|client| client.enabled == 0).map(|client| client.client_id.as_str()).collect::<Vec<_>>();
        if !off.is_empty() {
            report.clients_refused = true;
            report.notes.push(format!("disabled clients, which the old server accepted nevertheless, are refused here: {}", off.join(", ")));
        }
        if !self.renamed_clients.is_empty() {
            let renamed = self.renamed_clients.join(", ");
            report
                .notes
                .push(format!("the name or version of these clients has invisible characters or is too long, and is shown without: {renamed}"));
        }
        if !self.changed_secrets.is_empty() {
            let shown: HashSet<&String> = self.changed_secrets.iter().collect();
            let mut shown: Vec<&str> = shown.into_iter().map(String::as_str).collect();
            shown.sort_unstable();
            report.clients_refused = true;
            report.notes.push(format!("need a new secret: {}", shown.join(", ")));
        }
    }

    /// What is counted while rows and keys are read.
    pub fn note_counts(&self, report: &mut Report) {
        for (table, changed) in self.target.changed() {
            report.notes.push(format!("{changed} rows of {table} get another number, because theirs is in use here"));
        }
        for (count, what) in [
            (self.far_times, "times are so far in the future that they mean \"never\""),
            (self.times_without_zone, "times have no zone, and are read as UTC"),
            (self.mended, "rows that keys depend on were missing and are created, as MVP does"),
            (self.revived, "expired rows and used-up keys are valid again until the end of the grace period"),
        ] {
            if count > 0 {
                report.notes.push(format!("{count} {what}"));
            }
        }
    }
}

fn creator(by_mvp: bool) -> &'static str {
    if by_mvp { Creator::Mvp.as_str() } else { Creator::Admin.as_str() }
}
