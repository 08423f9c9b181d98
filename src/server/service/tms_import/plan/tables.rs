//! Reads the rows of all tables but the keys and their reservations into the plan.

use super::super::options::Secrets;
use super::super::report::{Reason, Report, escaped};
use super::super::rows::{Row, Table};
use super::super::source::Contents;
use super::{Maker, Plan, PlannedLink};
use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::display_text;
use crate::domain::folding;
use crate::domain::ids::{AccountName, AdminId, ClientId, HostName, TenantId, UserId};
use crate::domain::ssh_key::MfaStatus;
use crate::domain::tenant::{Policy, Tenant};
use crate::domain::time::Timestamp;
use crate::server::service::auth::principals::DEFAULT_TENANT;
use crate::server::storage::tms_import::{ImportedAdmin, ImportedClient, ImportedHost, ImportedLink, Numbered};

/// The SHA-512 of the published secret of TMS' test client.
const PUBLISHED_SECRET: &str =
    "1c3e9787e63aa086675efe17a9b2b1adbeaddd19283d8bfe364a8e044f0cc24b2cb804d1136685069f0d9bd929fd79f96b89762a2f10917e6a21495b5d080ee1";

/// Plans a row of a table.
type AddRow<'p> = fn(&mut Plan<'p>, &TenantId, &Row) -> Result<(), Reason>;

impl<'p> Plan<'p> {
    /// Plans all tables but keys and reservations.
    pub fn add_tables(&mut self, contents: &Contents, report: &mut Report) {
        self.reserve_numbers(contents);
        for row in contents.rows(Table::Tenants) {
            self.add_tenant(row, report);
        }
        let steps: [(Table, AddRow<'p>, &[&str]); 6] = [
            (Table::Admins, Self::add_admin, &["admin_user"]),
            (Table::Clients, Self::add_client, &["client_id"]),
            (Table::UserMfa, Self::add_person, &["tms_user_id"]),
            (Table::Hosts, Self::add_host, &["host", "addr"]),
            (Table::UserHosts, Self::add_link, &["tms_user_id", "host_account", "host"]),
            (Table::Delegations, Self::add_delegation, &["client_id", "client_user_id"]),
        ];
        for (table, add, named_by) in steps {
            for row in contents.rows(table) {
                report.read(table);
                let name = || named_by.iter().map(|column| row.text(column)).collect::<Vec<_>>().join(" ");
                let added = match self.names.get(row.text("tenant")).cloned() {
                    Some(tenant) => add(self, &tenant, row),
                    None => Err(Reason::TenantNotTaken),
                };
                match added {
                    Ok(()) => report.imported(table),
                    Err(reason) => {
                        report.not_imported(table, reason, || format!("{} ({})", name(), row.text("tenant")));
                        report.left_out.extend(row.integer("id").map(|id| (table, row.text("tenant").to_owned(), id)));
                    }
                }
            }
        }
        self.assign_hosts();
        self.note(report);
    }

    fn reserve_numbers(&mut self, contents: &Contents) {
        let tables = [
            (Table::Clients, Numbered::Clients),
            (Table::UserMfa, Numbered::UserMfa),
            (Table::Hosts, Numbered::Hosts),
            (Table::UserHosts, Numbered::HostAccounts),
            (Table::Delegations, Numbered::Delegations),
        ];
        let highest = |table: Table| contents.rows(table).iter().map(Row::number).max().unwrap_or_default();
        for tenant in self.names.values() {
            for (table, numbered) in tables {
                self.target.numbers(tenant, numbered).reserve_up_to(highest(table));
            }
        }
        self.target.tenant_numbers.reserve_up_to(highest(Table::Tenants));
        self.target.reservations.reserve_up_to(highest(Table::Reservations));
        self.target.keys.reserve_up_to(contents.highest_key);
    }

    fn add_tenant(&mut self, row: &Row, report: &mut Report) {
        let old = row.text("tenant");
        let Some(id) = self.names.get(old).cloned() else { return };
        let (created_at, updated_at) = (self.time_or_now(row, "created"), self.time_or_now(row, "updated"));
        let existing = self.target.tenants.get(&id).cloned();
        let mut enabled = row.boolean("enabled").unwrap_or(false);
        if id.as_str() == DEFAULT_TENANT && !enabled {
            report.notes.push("the tenant default was disabled; it stays enabled, because its administrators run the deployment".to_owned());
            enabled = true;
        }
        let exists = existing.is_some();
        let mut tenant = existing.unwrap_or_else(|| Tenant {
            row_id: self.target.tenant_numbers.assign(row.number()),
            id: id.clone(),
            display_name: id.to_string(),
            enabled,
            policy: Policy::default(),
            created_at,
            updated_at,
        });
        // What was switched off here stays off, unless an import did that.
        let set_here = exists && !self.target.unchanged_settings.contains(&id);
        if set_here && enabled && !tenant.enabled {
            report.notes.push(format!("the tenant {id} was disabled here; it stays disabled"));
        }
        tenant.enabled = enabled && (tenant.enabled || !set_here);
        tenant.updated_at = if exists { self.now } else { updated_at };
        if self.target.changed_settings.contains(&id) {
            report.notes.push(format!("the settings of the tenant {id} were changed here since the last import; they stay"));
        } else if let Some(settings) = &self.options.settings {
            tenant.policy.auto_provision = settings.mvp();
            tenant.policy.open_registration = self.options.keep_open_registration && settings.open_registration();
        }
        self.enabled_tenants.insert(id.clone(), tenant.enabled);
        self.rows.tenants.push((tenant, exists));
        report.tenants.push((escaped(old), id.to_string()));
        report.imported(Table::Tenants);
    }

    fn add_admin(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        if row.text("privilege") != "PERM_ADMIN" {
            return Err(Reason::Privilege);
        }
        let admin_id = AdminId::parse(row.text("admin_user")).map_err(|_| Reason::Name)?;
        if !self.admins.insert((tenant.clone(), admin_id.clone())) {
            return Err(Reason::Twice);
        }
        let secret =
            self.imported_secret(row.text("admin_secret"), &format!("administrator {admin_id} of {tenant}"), |maker, hash| maker.admin_hash(hash));
        let created_at = self.time_or_now(row, "created");
        self.rows.admins.push(ImportedAdmin { tenant_id: tenant.clone(), admin_id, secret, created_at });
        Ok(())
    }

    fn add_client(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        let id = ClientId::parse(row.text("client_id")).map_err(|_| Reason::Name)?;
        let (name, version) = (row.text("app_name"), row.text("app_version"));
        if id.as_str() == CLI_CLIENT_ID || (name, version) == ("TMS command line", "1") {
            return Err(Reason::Reserved);
        }
        let enabled = row.boolean("enabled").ok_or(Reason::Value)?;
        if self.clients.contains_key(&(tenant.clone(), id.to_string())) {
            return Err(Reason::Twice);
        }
        let (name, version) = self.display_names(tenant, &id, name, version);
        let secret = self.imported_secret(row.text("client_secret"), &format!("client {id} of {tenant}"), |maker, hash| maker.client_hash(hash));
        let client = ImportedClient {
            number: self.target.numbers(tenant, Numbered::Clients).assign(row.number()),
            tenant_id: tenant.to_string(),
            client_id: id.to_string(),
            app_name_folded: folding::search_key(&name),
            app_name: name,
            app_version: version,
            imported_secret_hash: secret.as_ref().map(|(hash, _)| hex::encode(hash)),
            imported_secret_until: secret.map(|(_, until)| until.as_millis()),
            enabled: i64::from(enabled),
            created_at: self.time_or_now(row, "created").as_millis(),
            updated_at: self.time_or_now(row, "updated").as_millis(),
        };
        self.clients.insert((tenant.clone(), client.client_id.clone()), enabled);
        self.rows.clients.push(client);
        Ok(())
    }

    /// The name and version of a client as people may see them: without invisible characters, and unlike those of other clients, else the id
    /// instead of the name, if need be with a number.
    pub fn display_names(&mut self, tenant: &TenantId, id: &ClientId, name: &str, version: &str) -> (String, String) {
        let shown = display_text::sanitize(name).unwrap_or_else(|| id.to_string());
        let shown_version = display_text::sanitize(version).unwrap_or_else(|| "0".to_owned());
        if (shown.as_str(), shown_version.as_str()) != (name, version) {
            self.renamed_clients.push(id.to_string());
        }
        let short: String = id.as_str().chars().take(display_text::MAX_LENGTH - 20).collect();
        let last = short.clone();
        let others = (2_u64..).map(move |number| format!("{short} {number}"));
        let mut names = [shown, id.to_string()].into_iter().chain(others);
        let is_free = |name: &String| self.client_names.insert((tenant.clone(), (name.clone(), shown_version.clone())));
        (names.find(is_free).unwrap_or(last), shown_version)
    }

    /// The hash of an old secret, and until when it is valid. `None` if it is not imported: the owner needs a new one.
    fn imported_secret(&mut self, stored: &str, owner: &str, hash: impl FnOnce(&dyn Maker, &str) -> Vec<u8>) -> Option<(Vec<u8>, Timestamp)> {
        let well_formed = stored.len() == 128 && stored.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match self.options.secrets {
            Secrets::Keep(valid) if well_formed && stored != PUBLISHED_SECRET => Some((hash(self.maker, stored), self.now + valid)),
            _ => {
                self.changed_secrets.push(owner.to_owned());
                None
            }
        }
    }

    fn add_person(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        let user = UserId::parse(row.text("tms_user_id")).map_err(|_| Reason::Name)?;
        let time = row.time("expires_at").ok_or(Reason::Time)?;
        let enabled = row.boolean("enabled").ok_or(Reason::Value)?;
        if self.people.contains_key(&(tenant.clone(), user.to_string())) {
            return Err(Reason::Twice);
        }
        let expires_at = self.expiry(time);
        let created_at = self.time_or_now(row, "created");
        let updated_at = self.time_or_now(row, "updated");
        let number = self.target.numbers(tenant, Numbered::UserMfa).assign(row.number());
        self.insert_person(tenant, user.as_str(), number, MfaStatus { enabled, expires_at }, (created_at, updated_at));
        Ok(())
    }

    fn add_host(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        let host = HostName::parse(row.text("host")).map_err(|_| Reason::Name)?;
        let address = display_text::sanitize(row.text("addr")).ok_or(Reason::Value)?;
        // Both compare without regard to case here.
        let same = |other: &ImportedHost| {
            other.tenant_id == tenant.as_str() && other.host.eq_ignore_ascii_case(host.as_str()) && other.address.eq_ignore_ascii_case(&address)
        };
        if self.rows.hosts.iter().any(same) {
            return Err(Reason::Twice);
        }
        let created_at = self.time_or_now(row, "created");
        self.claim(tenant, &host, created_at);
        let host = ImportedHost {
            number: self.target.numbers(tenant, Numbered::Hosts).assign(row.number()),
            tenant_id: tenant.to_string(),
            host: host.to_string(),
            address,
            created_at: created_at.as_millis(),
            updated_at: self.time_or_now(row, "updated").as_millis(),
        };
        self.rows.hosts.push(host);
        Ok(())
    }

    fn add_link(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        let (user, account) = (row.text("tms_user_id"), row.text("host_account"));
        if user == "*" || account == "*" {
            return Err(Reason::Wildcard);
        }
        let user = UserId::parse(user).map_err(|_| Reason::Name)?;
        let host = HostName::parse(row.text("host")).map_err(|_| Reason::Name)?;
        let account = AccountName::parse(account).map_err(|_| Reason::Name)?;
        let time = row.time("expires_at").ok_or(Reason::Time)?;
        if !self.people.contains_key(&(tenant.clone(), user.to_string())) {
            return Err(Reason::MfaMissing);
        }
        let (expires_at, created_at) = (self.expiry(time), self.time_or_now(row, "created"));
        let key = (tenant.clone(), user.to_string(), host.as_str().to_ascii_lowercase(), account.to_string());
        if let Some(other) = self.links.get_mut(&key) {
            // Of two that differ in the case of the host, the one that lasts longer counts.
            if expires_at > other.expires_at {
                other.expires_at = expires_at;
                let same = |link: &&mut ImportedLink| {
                    (link.tenant_id.as_str(), link.user_id.as_str(), link.account.as_str()) == (tenant.as_str(), user.as_str(), account.as_str())
                        && link.host.eq_ignore_ascii_case(host.as_str())
                };
                if let Some(link) = self.rows.links.iter_mut().find(same) {
                    link.expires_at = expires_at.as_millis();
                }
            }
            return Err(Reason::Twice);
        }
        let number = self.target.numbers(tenant, Numbered::HostAccounts).assign(row.number());
        let updated_at = self.time_or_now(row, "updated");
        self.insert_link(key, &host, number, PlannedLink { expires_at, by_mvp: time.by_mvp }, (created_at, updated_at));
        Ok(())
    }

    fn add_delegation(&mut self, tenant: &TenantId, row: &Row) -> Result<(), Reason> {
        let user = row.text("client_user_id");
        if user == "*" {
            return Err(Reason::Wildcard);
        }
        let client = ClientId::parse(row.text("client_id")).map_err(|_| Reason::Name)?;
        let user = UserId::parse(user).map_err(|_| Reason::Name)?;
        let time = row.time("expires_at").ok_or(Reason::Time)?;
        if !self.clients.contains_key(&(tenant.clone(), client.to_string())) {
            return Err(Reason::ClientMissing);
        }
        if !self.people.contains_key(&(tenant.clone(), user.to_string())) {
            return Err(Reason::MfaMissing);
        }
        if self.delegations.contains_key(&(tenant.clone(), client.to_string(), user.to_string())) {
            return Err(Reason::Twice);
        }
        let number = self.target.numbers(tenant, Numbered::Delegations).assign(row.number());
        let (expires_at, times) = (self.expiry(time), (self.time_or_now(row, "created"), self.time_or_now(row, "updated")));
        self.insert_delegation((tenant.clone(), client.to_string(), user.to_string()), number, expires_at, time.by_mvp, times);
        Ok(())
    }
}
