//! `tms-portal import`: moves the data of a TMS server here.

mod compare;
mod compare_lists;
mod old_server;
mod report_file;
mod status;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::progress::Progress;
use super::{CommandError, open_with_lock};
use crate::domain::ids::{HostName, TenantId};
use crate::domain::progress::{Amount, ProgressObserver};
use crate::server::config::{ConfigProblems, DataOptions, ExistingPortal};
use crate::server::service::platform::backup::{Backup, back_up_before_import};
use crate::server::service::platform::data_lock::{DataLock, DataLockError};
use crate::server::service::tms_import::options::{ImportOptions, OldSettings, Secrets};
use crate::server::service::tms_import::report::{KeyLine, printable};
use crate::server::service::tms_import::{ImportError, Mode, Observer, Outcome, Source};
use crate::server::service::{self, Clock, DataLocation, Database, Services, SystemClock};
use report_file::ReportFile;

/// It cannot be done, or answers differ.
const CANNOT: u8 = 10;
/// It can be done, but people or programs will notice.
const NOTICED: u8 = 11;
/// It was imported, but the report could not be written.
const NO_REPORT: u8 = 1;
/// A portal cleans up every minute; after this time none runs.
const IDLE: Duration = Duration::from_secs(90);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(clap::Args)]
#[command(
    after_help = "Without --yes nothing is written. Exit codes: 0 done, or nothing that people or programs would notice; 1 it was imported, but the \
                  report could not be written; 10 it cannot be done; 11 (without --yes) it can be done, but people or programs will notice: read the report."
)]
pub struct ImportArgs {
    #[command(subcommand)]
    command: Option<ImportCommand>,
    #[command(flatten)]
    source: SourceOptions,
    /// Whether the old secrets of clients and administrators are valid here
    #[arg(long, value_enum, default_value = "keep")]
    secrets: KeepSecrets,
    /// How long old secrets are valid that have not been used; after the first use they have no end
    #[arg(long, value_name = "DAYS", default_value = "180d", value_parser = parse_days)]
    secrets_until: Duration,
    /// Whether anyone may register clients
    #[arg(long, value_enum, default_value = "closed")]
    registration: Registration,
    /// Write the report, with each affected key, to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Import although a portal uses the data directory; it cannot write meanwhile
    #[arg(long)]
    while_running: bool,
    /// Import; without it, only report what would be imported and who would be affected
    #[arg(long)]
    yes: bool,
    /// Print JSON lines: progress, then the report
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Compare the answers of the old server with those here, for each key; changes nothing
    Compare(Box<compare::CompareArgs>),
    /// List the clients and administrators who have not used their old secrets here yet
    Status(status::StatusArgs),
}

/// What is imported, and how; the same for the import and the comparison.
#[derive(clap::Args)]
struct SourceOptions {
    #[command(flatten)]
    data: DataOptions,
    /// The old database: a SQLite file of TMS 0.1 or 0.2, or a plain dump (pg_dump) of 0.3, both also with gzip; - is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The old server's config/tms.toml: whether MVP is on, and who may register clients
    #[arg(long, value_name = "FILE")]
    tms_toml: Option<PathBuf>,
    /// Another name for a tenant; can be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = parse_tenant)]
    tenant: Vec<(String, TenantId)>,
    /// Only this tenant; can be repeated
    #[arg(long, value_name = "OLD")]
    only_tenant: Vec<String>,
    /// Also the tenant test
    #[arg(long)]
    with_test_tenant: bool,
    /// What becomes of keys, MFA records, links and delegations that have expired, which TMS served nevertheless: serve-not, or
    /// grace=DAYS, for which they are valid (at most 30)
    #[arg(long, value_name = "POLICY", default_value = "serve-not", value_parser = parse_ended)]
    ended: Ended,
    /// The tenant that answers for a host which several tenants have; can be repeated
    #[arg(long, value_name = "HOST=TENANT", value_parser = parse_host_owner)]
    host_owner: Vec<(HostName, TenantId)>,
    /// mvp: create the clients, MFA records, links and delegations that keys lack, as MVP does; never for system accounts
    #[arg(long, value_enum)]
    mend: Option<Mend>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeepSecrets {
    Keep,
    New,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Registration {
    Closed,
    AsItWas,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mend {
    Mvp,
}

/// `None`: what has expired stays so.
#[derive(Clone, Copy)]
struct Ended(Option<Duration>);

fn parse_tenant(text: &str) -> Result<(String, TenantId), String> {
    let (old, new) = text.split_once('=').ok_or("use OLD=NEW")?;
    Ok((old.to_owned(), TenantId::parse(new).map_err(|refused| format!("{new}: {refused}"))?))
}

fn parse_host_owner(text: &str) -> Result<(HostName, TenantId), String> {
    let (host, tenant) = text.split_once('=').ok_or("use HOST=TENANT")?;
    let host = HostName::parse(host).map_err(|refused| format!("{host}: {refused}"))?;
    Ok((host, TenantId::parse(tenant).map_err(|refused| format!("{tenant}: {refused}"))?))
}

fn parse_days(text: &str) -> Result<Duration, String> {
    let days: u32 = text.strip_suffix('d').unwrap_or(text).parse().map_err(|_| "use a number of days, such as 180d")?;
    if (1..=3_650).contains(&days) { Ok(DAY * days) } else { Err("use 1 to 3650 days".to_owned()) }
}

fn parse_ended(text: &str) -> Result<Ended, String> {
    match text.strip_prefix("grace=") {
        None if text == "serve-not" => Ok(Ended(None)),
        None => Err("use serve-not or grace=DAYS".to_owned()),
        Some(days) => match days.parse::<u32>() {
            Ok(days @ 1..=30) => Ok(Ended(Some(DAY * days))),
            _ => Err("grace: use 1 to 30 days".to_owned()),
        },
    }
}

impl SourceOptions {
    fn file(&self) -> Result<&PathBuf, CommandError> {
        self.from.as_ref().ok_or_else(|| ConfigProblems(vec!["--from: name the old database".to_owned()]).into())
    }

    async fn open(&self) -> Result<Source, CommandError> {
        let from = self.file()?;
        Source::open(from).await.map_err(|error| cannot(format!("--from {}: {error}", from.display())))
    }

    fn options(&self) -> Result<ImportOptions, CommandError> {
        let settings = self.tms_toml.as_ref().map(|file| {
            let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
            text.and_then(|text| OldSettings::parse(&text)).map_err(|why| ConfigProblems(vec![format!("--tms-toml {}: {why}", file.display())]))
        });
        Ok(ImportOptions {
            tenants: self.tenant.iter().cloned().collect(),
            only_tenants: self.only_tenant.clone(),
            with_test_tenant: self.with_test_tenant,
            grace: self.ended.0,
            host_owners: self.host_owner.iter().cloned().collect(),
            mend: self.mend.is_some(),
            settings: settings.transpose()?,
            ..ImportOptions::default()
        })
    }

    fn portal(&self) -> Result<ExistingPortal, CommandError> {
        Ok(self.data.existing_portal()?)
    }
}

impl ImportArgs {
    /// Whether the output is JSON lines.
    pub fn json(&self) -> bool {
        match &self.command {
            Some(ImportCommand::Compare(compare)) => compare.json,
            Some(ImportCommand::Status(status)) => status.json,
            None => self.json,
        }
    }
}

/// Follows an import: progress, and the lines of the report's file.
struct Follower {
    progress: Progress,
    file: Option<ReportFile>,
}

impl Observer for Follower {
    fn affected(&mut self, line: &KeyLine) {
        if let Some(file) = &mut self.file {
            file.add(line);
        }
    }

    fn progress(&mut self) -> Option<&mut dyn ProgressObserver> {
        Some(&mut self.progress)
    }
}

pub async fn run(args: ImportArgs) -> Result<(), CommandError> {
    match args.command {
        Some(ImportCommand::Compare(compare)) => compare::run(&compare).await,
        Some(ImportCommand::Status(status)) => status::run(&status).await,
        None => import(&args).await,
    }
}

async fn import(args: &ImportArgs) -> Result<(), CommandError> {
    let options = ImportOptions {
        secrets: if args.secrets == KeepSecrets::Keep { Secrets::Keep(args.secrets_until) } else { Secrets::New },
        keep_open_registration: args.registration == Registration::AsItWas,
        ..args.source.options()?
    };
    args.source.file()?;
    let portal = args.source.portal()?;
    let lock = if args.yes && !args.while_running { lock(&portal).await? } else { None };
    let mut progress = Progress::new(args.json);
    progress.begin("reading", Amount::Unknown);
    let mut source = args.source.open().await?;
    let services = open_with_lock(&portal, lock.as_ref()).await?;
    let copy = if args.yes { copy_before(&portal, &mut progress).await } else { Ok(None) };
    let result = match copy {
        Ok(copy) => {
            let result = import_into(&services, &portal, &mut source, &options, args, progress).await;
            keep_copy(copy, matches!(result, Ok((Outcome::Written, _))), args.json);
            result
        }
        Err(error) => Err(error),
    };
    services.close().await;
    let (_, code) = result?;
    code.map_or(Ok(()), |code| Err(CommandError::Exit(code)))
}

/// Copies the database, so that the state before the import can be restored.
async fn copy_before(portal: &ExistingPortal, progress: &mut Progress) -> Result<Option<Backup>, CommandError> {
    let data = DataLocation { dir: &portal.data_dir, database: &portal.database, create: false };
    let made = back_up_before_import(data, SystemClock.now(), progress).await;
    made.map_err(|error| cannot(format!("nothing was imported, because the database could not be copied before: {error}")))
}

/// Deletes the copy if nothing was imported, else tells where it is.
fn keep_copy(copy: Option<Backup>, imported: bool, json: bool) {
    match copy {
        Some(copy) if !imported => {
            if let Err(error) = copy.discard() {
                eprintln!("tms-portal: the copy that was made before could not be deleted: {error}");
            }
        }
        Some(copy) if !json => println!(
            "The database as it was before is {0}. To go back: stop the portal, then tms-portal restore {0}. Delete it when you do not need it any more.",
            copy.file.display()
        ),
        _ => {}
    }
}

/// Keeps a portal away from a SQLite file. On PostgreSQL there is no lock for that, so a portal is noticed by its last clean-up.
async fn lock(portal: &ExistingPortal) -> Result<Option<DataLock>, CommandError> {
    const ADVICE: &str = "or add --while-running: the portal cannot write during the import";
    if let Database::File(_) = portal.database {
        let lock = DataLock::acquire(&portal.data_dir).map_err(|error| match error {
            DataLockError::Held(_) => cannot(format!("{error}, {ADVICE}")),
            _ => cannot(error.to_string()),
        })?;
        return Ok(Some(lock));
    }
    let last = service::last_cleanup(&portal.database).await.map_err(|error| cannot(error.to_string()))?;
    if last.is_some_and(|last| SystemClock.now().since(last) < IDLE) {
        return Err(cannot(format!("a portal used this database in the last 90 seconds; stop it and wait, {ADVICE}")));
    }
    Ok(None)
}

/// Returns also the exit code, if it is not 0.
async fn import_into(
    services: &Services,
    portal: &ExistingPortal,
    source: &mut Source,
    options: &ImportOptions,
    args: &ImportArgs,
    progress: Progress,
) -> Result<(Outcome, Option<u8>), CommandError> {
    let from = args.source.file()?;
    let file = args.report.as_ref().map(|path| ReportFile::create(path, from, &portal.data_dir)).transpose();
    let file = file.map_err(|error| cannot(format!("--report: {error}")))?;
    let mut follower = Follower { progress, file };
    let mode = if args.yes { Mode::Write } else { Mode::DryRun };
    let imported = services.import_tms(&portal.database, source, options, mode, &mut follower).await;
    let Follower { file, progress } = follower;
    drop(progress);
    let (outcome, report) = imported.map_err(|error| match error {
        ImportError::Source(error) => cannot(format!("--from: {error}")),
        ImportError::Internal(fault) => cannot(format!("nothing was imported: {fault}")),
    })?;
    let written = file.map_or(Ok(()), |file| file.finish(&report));
    if let Err(error) = &written {
        let warning = format!("--report: {error}");
        if args.json {
            println!("{}", json!({ "event": "warning", "message": warning }));
        } else {
            eprintln!("tms-portal: {warning}");
        }
    }
    if args.json {
        let outcome = match outcome {
            Outcome::NothingToDo => "nothing_to_do",
            Outcome::NotWritten if report.obstacles.is_empty() => "dry_run",
            Outcome::NotWritten => "cannot",
            Outcome::Written => "imported",
        };
        println!("{}", json!({ "event": "report", "outcome": outcome, "report": report.to_json() }));
    } else {
        text::print(outcome, &report);
    }
    let code = match outcome {
        Outcome::Written => written.err().map(|_| NO_REPORT),
        _ if written.is_err() => Some(CANNOT),
        Outcome::NotWritten if !report.obstacles.is_empty() => Some(CANNOT),
        Outcome::NotWritten if report.is_noticed() => Some(NOTICED),
        _ => None,
    };
    Ok((outcome, code))
}

/// Why it cannot be done.
fn cannot(reason: String) -> CommandError {
    // It may have texts of the old database or its server.
    CommandError::WithCode(CANNOT, printable(&reason))
}
