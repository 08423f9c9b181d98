//! Keys and their reservations: which are imported, and whether they log in here.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::plan::{Plan, PlannedLink};
use super::report::{KeyLine, LOCKED_OUT, Reason, Report, WILL_END, escaped};
use super::reservations::{KeyName, Reservations};
use super::rows::{Row, Table};
use crate::domain::client::CLI_CLIENT_ID;
use crate::domain::folding;
use crate::domain::host_account::is_system_account;
use crate::domain::ids::{AccountName, ClientId, HostAccountId, HostName, TenantId, UserId};
use crate::domain::progress::ProgressObserver;
use crate::domain::refused_lookup::RefusalReason;
use crate::domain::ssh_key::{Dependencies, HostAccountLink, KeyStatus, LookupDecision, MfaStatus, UNLIMITED, sanitize_label};
use crate::domain::time::Timestamp;
use crate::server::service::ssh_keys::key_pairs::SshPublicKey;
use crate::server::service::ssh_keys::pasted_key::PublicKeyRefused;
use crate::server::storage::tms_import::{ImportedClient, ImportedKey, ImportedReservation, Numbered};

/// Keys that end within this time are listed.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Errors of this kind that are listed.
const MAX_ERRORS: usize = 20;

/// Follows an import.
pub trait Observer {
    /// A key whose owner will notice the import.
    fn affected(&mut self, _line: &KeyLine) {}

    /// Each key with what is planned for it: `None` if it logs in as before.
    fn judged(&mut self, _host: &str, _account: &str, _fingerprint: &str, _reason: Option<Reason>) {}

    /// Is told how far it is.
    fn progress(&mut self) -> Option<&mut dyn ProgressObserver> {
        None
    }
}

/// The names in a row of a key.
struct KeyNames {
    tenant: TenantId,
    client: ClientId,
    user: UserId,
    host: HostName,
    account: AccountName,
}

impl KeyNames {
    fn read(row: &Row, plan: &Plan<'_>) -> Result<Self, Reason> {
        Ok(Self {
            tenant: plan.names.get(row.text("tenant")).cloned().ok_or(Reason::TenantNotTaken)?,
            client: ClientId::parse(row.text("client_id")).map_err(|_| Reason::Name)?,
            user: UserId::parse(row.text("client_user_id")).map_err(|_| Reason::Name)?,
            host: HostName::parse(row.text("host")).map_err(|_| Reason::Name)?,
            account: AccountName::parse(row.text("host_account")).map_err(|_| Reason::Name)?,
        })
    }

    fn lowercase_host(&self) -> String {
        self.host.as_str().to_ascii_lowercase()
    }
}

/// What a key depends on, as planned.
struct Planned {
    client_enabled: bool,
    mfa: MfaStatus,
    link: PlannedLink,
    delegated_until: Timestamp,
}

/// Finds keys that are there twice, also if the cases of their hosts differ: by the SHA-256 of what distinguishes them, because they may be
/// many.
#[derive(Default)]
pub struct SeenKeys(HashSet<[u8; 32]>);

impl SeenKeys {
    /// False if it was there before.
    fn insert(&mut self, names: &KeyNames, fingerprint: &str) -> bool {
        let mut hash = Sha256::new();
        let host = names.lowercase_host();
        for part in [names.tenant.as_str(), fingerprint, &host, names.account.as_str(), names.user.as_str(), names.client.as_str()] {
            // None of them has a NUL character.
            hash.update(part);
            hash.update([0]);
        }
        self.0.insert(hash.finalize().into())
    }
}

/// The keys of a batch that are imported, and their reservations.
#[derive(Default)]
pub struct KeyBatch {
    pub keys: Vec<ImportedKey>,
    pub reservations: Vec<ImportedReservation>,
}

/// What reading keys accumulates.
pub struct KeyReader<'r> {
    pub reservations: Reservations,
    pub seen: SeenKeys,
    pub report: &'r mut Report,
    pub observer: &'r mut dyn Observer,
    /// Hosts with keys of several tenants, and the tenants that do not answer for them.
    pub contested_hosts: HashMap<String, HashSet<TenantId>>,
}

impl KeyReader<'_> {
    /// Judges a key, and adds it to the batch if it is imported.
    pub fn add(&mut self, plan: &mut Plan<'_>, row: &Row, batch: &mut KeyBatch) {
        self.report.read(Table::Pubkeys);
        let read = self.read(plan, row);
        let reason = read.as_ref().map_or_else(|reason| Some(*reason), |(.., noticed)| *noticed);
        self.observer.judged(row.text("host"), row.text("host_account"), row.text("public_key_fingerprint"), reason);
        match read {
            Ok((name, key, noticed)) => {
                let reservations = self.reservations.take(&name, key.number, plan);
                reservations.iter().for_each(|_| self.report.imported(Table::Reservations));
                batch.reservations.extend(reservations);
                batch.keys.push(key);
                self.report.imported(Table::Pubkeys);
                if let Some(reason) = noticed {
                    self.report_key(row, reason);
                }
            }
            Err(reason) => {
                let example = || format!("{} {}@{} ({})", row.text("client_id"), row.text("host_account"), row.text("host"), row.text("tenant"));
                self.report.not_imported(Table::Pubkeys, reason, example);
                match reason {
                    Reason::TenantNotTaken | Reason::Twice => {}
                    // sshd compares the fingerprint itself: such a key does not log in today either.
                    Reason::Fingerprint if self.report.errors.len() < MAX_ERRORS => self.report.errors.push(format!(
                        "the key {} has the fingerprint of another key: {}",
                        row.text("id"),
                        escaped(row.text("public_key_fingerprint"))
                    )),
                    Reason::Fingerprint => {}
                    reason => self.report_key(row, reason),
                }
            }
        }
    }

    fn report_key(&mut self, row: &Row, reason: Reason) {
        let line = KeyLine {
            list: if matches!(reason, Reason::Limited | Reason::EndsSoon) { WILL_END } else { LOCKED_OUT },
            reason: reason.word(),
            tenant: escaped(row.text("tenant")),
            client_id: escaped(row.text("client_id")),
            user_id: escaped(row.text("client_user_id")),
            host: escaped(row.text("host")),
            account: escaped(row.text("host_account")),
            fingerprint: escaped(row.text("public_key_fingerprint")),
        };
        self.report.key(reason, &line);
        self.observer.affected(&line);
    }

    fn read(&mut self, plan: &mut Plan<'_>, row: &Row) -> Result<(KeyName, ImportedKey, Option<Reason>), Reason> {
        let names = KeyNames::read(row, plan)?;
        let public_key = SshPublicKey::parse(row.text("public_key")).map_err(|refused| match refused {
            PublicKeyRefused::TooShort(_) => Reason::ShortRsa,
            PublicKeyRefused::Unsupported(_) => Reason::KeyType,
            _ => Reason::KeyUnreadable,
        })?;
        if public_key.fingerprint != row.text("public_key_fingerprint") {
            return Err(Reason::Fingerprint);
        }
        let expires = row.time("expires_at").ok_or(Reason::Time)?;
        let (max_uses, remaining) = (count(row, "max_uses")?, count(row, "remaining_uses")?);
        let initial_ttl_minutes = count(row, "initial_ttl_minutes")?;
        let planned = plan.dependencies(&names)?;
        if !self.seen.insert(&names, &public_key.fingerprint) {
            return Err(Reason::Twice);
        }
        let expires_at = plan.expiry(expires);
        let (mut max_uses, mut uses) = (max_uses, max_uses.saturating_sub(remaining));
        if plan.options.grace.is_some() && expires.at.max(expires_at) > plan.now && uses >= max_uses {
            (max_uses, uses) = (UNLIMITED, 0);
            plan.revived += 1;
        }
        let number = plan.target.keys.assign(row.number());
        let label = sanitize_label(None, &public_key.comment).unwrap_or_default();
        let key = ImportedKey {
            number,
            tenant_id: names.tenant.to_string(),
            client_id: names.client.to_string(),
            user_id: names.user.to_string(),
            host: names.host.to_string(),
            account: names.account.to_string(),
            fingerprint: public_key.fingerprint,
            public_key: public_key.line,
            key_type: public_key.key_type.as_str(),
            key_bits: public_key.bits,
            max_uses,
            uses,
            initial_ttl_minutes,
            expires_at: expires_at.as_millis(),
            created_at: plan.time_or_now(row, "created").as_millis(),
            updated_at: plan.time_or_now(row, "updated").as_millis(),
            label_folded: folding::search_key(&label),
            label,
        };
        let name = (names.tenant.clone(), key.fingerprint.clone(), names.lowercase_host());
        let noticed = self.judge(plan, &names, &key, &planned, self.reservations.reserved_until(&name));
        Ok((name, key, noticed))
    }

    /// Why the owner of the key will notice the import; `None` if they will not.
    fn judge(
        &mut self,
        plan: &Plan<'_>,
        names: &KeyNames,
        key: &ImportedKey,
        planned: &Planned,
        reserved_until: Option<Timestamp>,
    ) -> Option<Reason> {
        let link = HostAccountId::parse("hac_import").ok().map(|id| HostAccountLink {
            id,
            host: names.host.clone(),
            host_known: true,
            expires_at: planned.link.expires_at,
        });
        let status = KeyStatus {
            tenant_enabled: plan.enabled_tenants.get(&names.tenant).copied().unwrap_or_default(),
            client_enabled: Some(planned.client_enabled),
            dependencies: Dependencies { person_enabled: Some(true), mfa: Some(planned.mfa), link, delegated_until: Some(planned.delegated_until) },
            max_uses: key.max_uses,
            uses: key.uses,
            remaining_uses: key.max_uses.saturating_sub(key.uses),
            expires_at: Timestamp::from_millis(key.expires_at),
            reserved_until,
            last_used_at: None,
        };
        if let LookupDecision::Refused(reason) = status.authorize_login(plan.now) {
            return Some(reason_of(reason));
        }
        let claim = plan.host_claims.get(&names.lowercase_host());
        if claim.is_some_and(|claim| claim.tenant != names.tenant) {
            if !plan.options.host_owners.contains_key(&names.host) {
                self.contested_hosts.entry(names.lowercase_host()).or_default().insert(names.tenant.clone());
            }
            return Some(Reason::HostOfOther);
        }
        if planned.link.by_mvp && is_system_account(names.account.as_str()) {
            return Some(Reason::SystemAccount);
        }
        if status.is_limited() { Some(Reason::Limited) } else { (status.effective_expiry() <= plan.now + SOON).then_some(Reason::EndsSoon) }
    }
}

impl Plan<'_> {
    /// What a key depends on; with `--mend`, what is missing is created.
    fn dependencies(&mut self, names: &KeyNames) -> Result<Planned, Reason> {
        let client = (names.tenant.clone(), names.client.to_string());
        let person = (names.tenant.clone(), names.user.to_string());
        let link = (names.tenant.clone(), names.user.to_string(), names.lowercase_host(), names.account.to_string());
        let delegation = (names.tenant.clone(), names.client.to_string(), names.user.to_string());
        let mend = self.options.mend && !is_system_account(names.account.as_str());
        let (now, times) = (self.now, (self.now, self.now));
        if !self.clients.contains_key(&client) {
            let number =
                self.mended(mend && names.client.as_str() != CLI_CLIENT_ID, &names.tenant, Numbered::Clients).ok_or(Reason::ClientMissing)?;
            let (app_name, app_version) = self.display_names(&names.tenant, &names.client, names.client.as_str(), "0");
            self.rows.clients.push(ImportedClient {
                number,
                tenant_id: names.tenant.to_string(),
                client_id: names.client.to_string(),
                app_name_folded: folding::search_key(&app_name),
                app_name,
                app_version,
                imported_secret_hash: None,
                imported_secret_until: None,
                enabled: 1,
                created_at: now.as_millis(),
                updated_at: now.as_millis(),
            });
            self.clients.insert(client.clone(), true);
        }
        if !self.people.contains_key(&person) {
            let number = self.mended(mend, &names.tenant, Numbered::UserMfa).ok_or(Reason::MfaMissing)?;
            let forever = MfaStatus { enabled: true, expires_at: Timestamp::FOREVER };
            self.insert_person(&names.tenant, names.user.as_str(), number, forever, times);
        }
        if !self.links.contains_key(&link) {
            let number = self.mended(mend, &names.tenant, Numbered::HostAccounts).ok_or(Reason::LinkMissing)?;
            let forever = PlannedLink { expires_at: Timestamp::FOREVER, by_mvp: true };
            self.insert_link(link.clone(), &names.host, number, forever, times);
        }
        if !self.delegations.contains_key(&delegation) {
            let number = self.mended(mend, &names.tenant, Numbered::Delegations).ok_or(Reason::DelegationMissing)?;
            self.insert_delegation(delegation.clone(), number, Timestamp::FOREVER, true, times);
        }
        Ok(Planned {
            client_enabled: self.clients.get(&client).copied().ok_or(Reason::ClientMissing)?,
            mfa: self.people.get(&person).copied().ok_or(Reason::MfaMissing)?,
            link: self.links.get(&link).copied().ok_or(Reason::LinkMissing)?,
            delegated_until: self.delegations.get(&delegation).copied().ok_or(Reason::DelegationMissing)?,
        })
    }

    /// The number of a row that is created.
    fn mended(&mut self, mend: bool, tenant: &TenantId, table: Numbered) -> Option<i64> {
        self.mended += u64::from(mend);
        mend.then(|| self.target.numbers(tenant, table).next())
    }
}

/// A count of a key; more than TMS' largest number is that.
fn count(row: &Row, column: &str) -> Result<u32, Reason> {
    let value = row.integer(column).ok_or(Reason::Value)?;
    Ok(u32::try_from(value.max(0)).unwrap_or(UNLIMITED).min(UNLIMITED))
}

fn reason_of(refused: RefusalReason) -> Reason {
    match refused {
        RefusalReason::KeyUsedUp => Reason::NoUses,
        RefusalReason::MfaMissing => Reason::MfaMissing,
        RefusalReason::MfaDisabled | RefusalReason::PersonDisabled => Reason::MfaOff,
        RefusalReason::MfaExpired => Reason::MfaEnded,
        RefusalReason::LinkMissing => Reason::LinkMissing,
        RefusalReason::LinkExpired => Reason::LinkEnded,
        RefusalReason::DelegationMissing => Reason::DelegationMissing,
        RefusalReason::DelegationExpired => Reason::DelegationEnded,
        RefusalReason::ClientDisabled => Reason::ClientOff,
        RefusalReason::TenantDisabled => Reason::TenantOff,
        RefusalReason::UidBelowMinimum => Reason::SystemAccount,
        RefusalReason::HostOfOtherTenant => Reason::HostOfOther,
        RefusalReason::KeyExpired
        | RefusalReason::ReservationEnded
        | RefusalReason::UnknownKey
        | RefusalReason::KeyTypeMismatch
        | RefusalReason::CredentialMissing
        | RefusalReason::CredentialInvalid
        | RefusalReason::CredentialOfOtherHost => Reason::Expired,
    }
}
