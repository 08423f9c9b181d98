//! Imports the database of a TMS server: everything in one transaction, or nothing. A dry run takes the same decisions, writes nothing, and
//! reports who would be affected. See `docs/decisions/0023-import.md`.

pub mod compare;
pub mod compare_lists;
mod copy_text;
mod dump;
mod keys;
mod names;
pub mod options;
mod plan;
pub mod report;
mod reservations;
mod rows;
mod source;
mod source_error;
mod target;
mod times;

use std::collections::{BTreeSet, HashMap, HashSet};

use thiserror::Error as ThisError;

pub use keys::Observer;
pub use source::Source;
pub use source_error::SourceError;

use crate::domain::audit_log::{AuditEvent, AuditKind};
use crate::domain::ids::{AdminId, TenantId};
use crate::domain::progress::Amount;
use crate::server::service::admin::admins::ADMIN_SECRET;
use crate::server::service::admin::clients::CLIENT_SECRET;
use crate::server::service::{Database, Fault, Services};
use crate::server::storage::tms_import::{self as stored, Import};
use crate::server::storage::{self, Connection, audit_log};
use keys::{KeyBatch, KeyReader, SeenKeys};
use names::{TenantNames, tenant_names};
use options::ImportOptions;
use plan::{Maker, Plan, PlannedRows};
use report::Report;
use reservations::Reservations;
use source::Contents;
use target::{Target, TenantState, state_of};

/// Rows per statement that inserts.
const BATCH: usize = 500;

/// Why an import failed; nothing was written.
#[derive(Debug, ThisError)]
pub enum ImportError {
    #[error("{0}")]
    Source(#[from] SourceError),
    #[error("{0}")]
    Internal(#[from] Fault),
}

impl From<storage::Error> for ImportError {
    fn from(error: storage::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// How far an import goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Decides and reports.
    DryRun,
    Write,
    /// Decides again what was decided before, for a comparison.
    Again,
}

/// The result of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file was imported before.
    NothingToDo,
    /// A dry run; or the report says why nothing was written.
    NotWritten,
    Written,
}

impl Services {
    /// Imports a source into a database, which is the one of these services.
    pub async fn import_tms(
        &self,
        database: &Database,
        source: &mut Source,
        options: &ImportOptions,
        mode: Mode,
        observer: &mut dyn Observer,
    ) -> Result<(Outcome, Report), ImportError> {
        let contents = source.contents().await?;
        let mut report = Report { release: contents.release.as_str(), sha256: source.sha256.clone(), ..Report::default() };
        let mut names = tenant_names(&contents, options, &mut report);
        let mut import = match mode {
            Mode::Write => Import::begin(database).await?,
            Mode::DryRun | Mode::Again => Import::begin_dry_run(self.storage().reader()).await?,
        };
        let replaced = if mode == Mode::Again {
            names.values().cloned().collect()
        } else {
            let states = tenant_states(import.db(), &mut names, &mut report).await?;
            let Some(replaced) = states else { return Ok((Outcome::NothingToDo, report)) };
            replaced
        };
        let tenants: Vec<TenantId> = names.values().cloned().collect();
        let target = Target::load(import.db(), &tenants, &replaced).await?;
        check_host_owners(import.db(), options, &tenants, &mut report).await?;
        let maker = ServicesMaker(self);
        let mut plan = Plan::new(options, &maker, names, target, self.now());
        plan.add_tables(&contents, &mut report);
        let reservations = Reservations::read(&contents, &mut plan, &mut report);
        let unknown_hosts: Vec<_> = options.host_owners.keys().filter(|host| !contents.has_host(host)).collect();
        let writes = mode == Mode::Write && report.obstacles.is_empty();
        if writes {
            for tenant in &replaced {
                stored::wipe(import.db(), tenant).await?;
            }
        }
        let contested = import_keys(&mut import, source, contents, &mut plan, reservations, writes, &mut report, observer).await?;
        report_contested(contested, &plan, &mut report);
        // Those of keys whose links were created are known only now.
        for host in unknown_hosts.into_iter().filter(|host| !plan.host_claims.contains_key(&host.as_str().to_ascii_lowercase())) {
            report.obstacles.push(format!("--host-owner: the old database has no host {host}"));
        }
        plan.note_counts(&mut report);
        if let Some(settings) = &options.settings {
            report.notes.extend(settings.hints());
        }
        if !writes || !report.obstacles.is_empty() {
            return Ok((Outcome::NotWritten, report));
        }
        self.finish_import(import.db(), &plan, &report).await?;
        import.commit().await?;
        Ok((Outcome::Written, report))
    }

    /// Host names, numbers and records.
    async fn finish_import(&self, db: &mut Connection, plan: &Plan<'_>, report: &Report) -> Result<(), storage::Error> {
        for claim in plan.host_claims.values() {
            let chosen = plan.options.host_owners.contains_key(&claim.spelled);
            stored::assign_host_name(db, &claim.spelled, &claim.tenant, claim.since, chosen).await?;
        }
        for (table, highest) in plan.target.highest() {
            stored::raise_last_number(db, table, highest).await?;
        }
        let rows = i64::try_from(report.imported_rows()).unwrap_or(i64::MAX);
        for tenant in plan.names.values() {
            stored::rebuild_aliases(db, tenant, plan.now).await?;
            stored::record(db, tenant, &report.sha256, rows, plan.now).await?;
            let event = AuditEvent::new(tenant.clone(), AuditKind::Imported, plan.now).admin(Some(&AdminId::of_operator()));
            audit_log::insert(db, &event.subject(&report.sha256)).await?;
        }
        Ok(())
    }
}

/// Checks the tenants here, and removes those from `names` that this file was imported into. Returns those whose rows are replaced; `None` if
/// there is nothing to do.
async fn tenant_states(db: &mut Connection, names: &mut TenantNames, report: &mut Report) -> Result<Option<BTreeSet<TenantId>>, storage::Error> {
    let (mut replaced, mut imported) = (BTreeSet::new(), BTreeSet::new());
    for tenant in names.values() {
        match state_of(db, tenant, &report.sha256).await? {
            TenantState::Free => {}
            TenantState::Imported => drop(imported.insert(tenant.clone())),
            TenantState::Replaceable => drop(replaced.insert(tenant.clone())),
            TenantState::ChangedSince => report.obstacles.push(format!(
                "the tenant {tenant} was imported from another file and has changed since: a second import would undo these changes; \
                 import into a new data directory"
            )),
            TenantState::InUse => {
                report
                    .obstacles
                    .push(format!("the tenant {tenant} is in use here; import before it is used, or under another name with --tenant OLD=NEW"));
            }
        }
    }
    if !imported.is_empty() && imported.len() == names.len() && report.obstacles.is_empty() {
        return Ok(None);
    }
    names.retain(|_, tenant| !imported.contains(tenant));
    report.notes.extend(imported.iter().map(|tenant| format!("the tenant {tenant} was imported from this file before; it is left unchanged")));
    report.notes.extend(replaced.iter().map(|tenant| format!("the rows of the tenant {tenant} are from an earlier import; they are replaced")));
    if names.is_empty() && report.obstacles.is_empty() {
        report.obstacles.push("no tenant is selected".to_owned());
    }
    Ok(Some(replaced))
}

async fn check_host_owners(db: &mut Connection, options: &ImportOptions, tenants: &[TenantId], report: &mut Report) -> Result<(), storage::Error> {
    for tenant in options.host_owners.values().filter(|tenant| !tenants.contains(tenant)).collect::<BTreeSet<_>>() {
        if storage::tenants::find(&mut *db, tenant).await?.is_none() {
            report.obstacles.push(format!("--host-owner: there is no tenant {tenant}"));
        }
    }
    Ok(())
}

/// Reads all keys, and with `writes` inserts all planned rows and the keys. Returns the hosts with keys of several tenants.
#[expect(clippy::too_many_arguments, reason = "the parts of one import, which only its caller has together")]
async fn import_keys(
    import: &mut Import,
    source: &mut Source,
    contents: Contents,
    plan: &mut Plan<'_>,
    reservations: Reservations,
    writes: bool,
    report: &mut Report,
    observer: &mut dyn Observer,
) -> Result<HashMap<String, HashSet<TenantId>>, ImportError> {
    let (total, mut done) = (contents.keys, 0);
    drop(contents);
    if let Some(progress) = observer.progress() {
        progress.begin("keys", Amount::Keys(total));
    }
    let mut reader = KeyReader { reservations, seen: SeenKeys::default(), report, observer, contested_hosts: HashMap::new() };
    insert_planned(import.db(), plan, writes).await?;
    let keys = source.keys(async |rows| {
        let mut batch = KeyBatch::default();
        for row in &rows {
            reader.add(plan, row, &mut batch);
        }
        insert_planned(import.db(), plan, writes).await?;
        if writes && !batch.keys.is_empty() {
            stored::insert_keys(import.db(), &batch.keys).await?;
        }
        if writes && !batch.reservations.is_empty() {
            stored::insert_reservations(import.db(), &batch.reservations).await?;
        }
        done += rows.len() as u64;
        if let Some(progress) = reader.observer.progress() {
            progress.advance_to(done);
        }
        Ok::<_, ImportError>(())
    });
    keys.await?;
    let KeyReader { reservations, report, contested_hosts, .. } = reader;
    reservations.finish(report);
    Ok(contested_hosts)
}

/// Inserts the rows that are planned so far, in the order of their references.
async fn insert_planned(db: &mut Connection, plan: &mut Plan<'_>, writes: bool) -> Result<(), storage::Error> {
    let PlannedRows { tenants, admins, clients, people, hosts, links, delegations } = std::mem::take(&mut plan.rows);
    if !writes {
        return Ok(());
    }
    for (tenant, exists) in &tenants {
        stored::save_tenant(db, tenant, *exists).await?;
    }
    for admin in &admins {
        stored::save_admin(db, admin).await?;
    }
    for rows in clients.chunks(BATCH) {
        stored::insert_clients(db, rows).await?;
    }
    for rows in people.chunks(BATCH) {
        stored::insert_people(db, rows).await?;
    }
    for rows in hosts.chunks(BATCH) {
        stored::insert_hosts(db, rows).await?;
    }
    for rows in links.chunks(BATCH) {
        stored::insert_links(db, rows).await?;
    }
    for rows in delegations.chunks(BATCH) {
        stored::insert_delegations(db, rows).await?;
    }
    Ok(())
}

fn report_contested(contested: HashMap<String, HashSet<TenantId>>, plan: &Plan<'_>, report: &mut Report) {
    let mut contested: Vec<_> = contested.into_iter().collect();
    contested.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    for (host, others) in contested {
        let Some(claim) = plan.host_claims.get(&host) else { continue };
        let mut others: Vec<&str> = others.iter().map(TenantId::as_str).collect();
        others.sort_unstable();
        report.obstacles.push(format!(
            "the host {} has keys of {} and of {}: hosts that send no tenant get those of one tenant only; choose it with --host-owner {}=TENANT",
            claim.spelled,
            claim.tenant,
            others.join(", "),
            claim.spelled
        ));
    }
}

struct ServicesMaker<'s>(&'s Services);

impl Maker for ServicesMaker<'_> {
    fn client_hash(&self, tms_hash: &str) -> Vec<u8> {
        self.0.keys().hash(CLIENT_SECRET, tms_hash)
    }

    fn admin_hash(&self, tms_hash: &str) -> Vec<u8> {
        self.0.keys().hash(ADMIN_SECRET, tms_hash)
    }

    fn new_id(&self, prefix: &str) -> String {
        self.0.new_id(prefix)
    }
}
