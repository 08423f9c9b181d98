//! The operators' command line: `tms-portal COMMAND`.

// First: the modules below use its macros.
#[macro_use]
mod out;

mod activity;
mod admin;
mod backup;
mod check;
mod client;
mod copy;
mod doctor;
mod idp;
mod import;
mod init;
mod keys;
mod messages;
mod migrate;
mod person;
mod progress;
mod reload;
mod resource;
mod restore;
mod secrets;
mod serve;
mod systemd;
mod tenant;
mod variables;
mod verify;

use std::collections::BTreeMap;
use std::fs::File;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::config::{Config, ConfigProblems, DataOptions, ExistingPortal, ServerOptions};
use super::providers::egress::EgressPolicy;
use super::service::platform::backup::BackupError;
use super::service::platform::data_lock::{DataLock, DataLockError, keep_commands_away, share_with_commands};
use super::service::platform::key_backup::KeyBackupError;
use super::service::platform::lasting::is_lasting_io;
use super::service::{Clock, DataLocation, Database, Fault, Services, SystemClock, SystemRng, TenantAdmin, schema_state};
use super::tls::development;
use crate::command_docs::CommandDocs;
use crate::domain::display_text;
use crate::domain::ids::TenantId;
use crate::environment::without_empty_variables;

/// Runs and administers a Trust Manager portal
///
/// Settings come from flags, then the environment, then the configuration file.
#[derive(Parser)]
#[command(
    name = "tms-portal",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings; serve also ends with 2 after any other failure that a restart would not correct."
)]
struct PortalArgs {
    #[command(subcommand)]
    command: PortalCommand,
}

#[derive(Subcommand)]
enum PortalCommand {
    /// Start the portal; if only this machine can reach it, the first start creates database and keys
    Serve(init::SetupOptions),
    /// Create the database, keys, tenants and administrator secrets, and show the secrets once
    Init(init::SetupOptions),
    /// Check the settings and report errors
    Check(ServerOptions),
    /// Check the system as the server would use it: files, database, keys, port, certificate, clock, disk. Changes nothing
    Doctor(doctor::DoctorArgs),
    /// Bring the schema of the database up to date; with SQLite the portal must be stopped
    Migrate(migrate::MigrateArgs),
    /// Back up the database, while the portal runs or not, or the keys, which are not in that backup
    Backup(backup::BackupArgs),
    /// Check a backup, and put it in the place of the database; the portal must be stopped. Or restore the keys
    Restore(restore::RestoreArgs),
    /// Check the database and its keys
    Verify(verify::VerifyArgs),
    /// Create and rotate the keys of a deployment
    Keys(keys::KeysArgs),
    /// Copy all data to an empty database: from SQLite to PostgreSQL, or back
    Copy(copy::CopyArgs),
    /// Import the data of a TMS server; a dry run without --yes
    Import(Box<import::ImportArgs>),
    /// Change a tenant's policy
    Tenant(tenant::TenantArgs),
    /// Manage a tenant's administrators for the TMS API
    Admin(admin::AdminArgs),
    /// Change what a client may do
    Client(client::ClientArgs),
    /// Manage the applications that accept access tokens of this portal
    Resource(resource::ResourceArgs),
    /// Manage a tenant's identity providers
    Idp(idp::IdpArgs),
    /// Manage a tenant's people
    Person(person::PersonArgs),
    /// Follow the audit log, or archive old events
    Activity(activity::ActivityArgs),
    /// Write the manual pages or the shell completions, for packages
    #[command(hide = true)]
    Doc(CommandDocs),
}

impl PortalCommand {
    /// Whether the output is JSON lines, so that an error is one too.
    fn prints_json_lines(&self) -> bool {
        match self {
            Self::Backup(arguments) => arguments.json(),
            Self::Restore(arguments) => arguments.json(),
            Self::Verify(arguments) => arguments.json,
            Self::Copy(arguments) => arguments.json,
            Self::Import(arguments) => arguments.json(),
            _ => false,
        }
    }
}

/// How long work on other threads may take after a command has ended.
const RUNTIME_LIMIT: Duration = Duration::from_millis(500);

/// Runs the command line and returns its exit code.
pub fn run() -> ExitCode {
    let matches = without_empty_variables(PortalArgs::command()).get_matches();
    let verb = PortalArgs::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command;
    let json = verb.prints_json_lines();
    if let Err(problem) = super::telemetry::init() {
        return report(ConfigProblems(vec![problem]).into(), json);
    }
    variables::warn_of_misspelt(&PortalArgs::command());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(error.into(), json),
    };
    let result = runtime.block_on(dispatch(verb));
    // Without a limit it would wait for RSA keys that are being generated for requests which no longer wait.
    runtime.shutdown_timeout(RUNTIME_LIMIT);
    super::telemetry::shut_down();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(error, json),
    }
}

async fn dispatch(command: PortalCommand) -> Result<(), CommandError> {
    match command {
        PortalCommand::Serve(options) => serve::start(options).await.map_err(CommandError::of_start),
        PortalCommand::Init(options) => init::run(Config::read(&options.server)?, options.secrets_to).await,
        PortalCommand::Check(options) => Ok(check::run(&Config::read(&options)?, SystemClock.now())?),
        PortalCommand::Doctor(arguments) => doctor::run(arguments).await,
        PortalCommand::Migrate(arguments) => migrate::run(&arguments).await,
        PortalCommand::Backup(arguments) => backup::run(arguments).await,
        PortalCommand::Restore(arguments) => restore::run(arguments).await,
        PortalCommand::Verify(arguments) => verify::run(&arguments).await,
        PortalCommand::Keys(arguments) => keys::run(arguments).await,
        PortalCommand::Copy(arguments) => copy::run(&arguments).await,
        PortalCommand::Import(arguments) => import::run(*arguments).await,
        PortalCommand::Tenant(arguments) => tenant::run(arguments).await,
        PortalCommand::Admin(arguments) => admin::run(arguments).await,
        PortalCommand::Client(arguments) => client::run(arguments).await,
        PortalCommand::Resource(arguments) => resource::run(arguments).await,
        PortalCommand::Idp(arguments) => idp::run(arguments).await,
        PortalCommand::Person(arguments) => person::run(arguments).await,
        PortalCommand::Activity(arguments) => activity::run(arguments).await,
        PortalCommand::Doc(docs) => Ok(docs.write(PortalArgs::command())?),
    }
}

/// Prints why a command failed, and returns its exit code.
fn report(error: CommandError, json: bool) -> ExitCode {
    let (code, reason) = match error {
        CommandError::Settings(problems) => (NEEDS_OPERATOR, format!("the settings are not valid:\n{problems}")),
        CommandError::Lasting(reason) | CommandError::Other(reason) => (1, reason),
        CommandError::WithCode(code, reason) => (code, reason),
        CommandError::Exit(code) => return ExitCode::from(code),
    };
    if json {
        println!("{}", serde_json::json!({ "event": "error", "message": reason, "exit_code": code }));
    } else {
        eprintln!("tms-portal: {reason}");
    }
    ExitCode::from(code)
}

/// The exit code of wrong usage and settings, and of a server for all that a restart would not correct: service managers must not repeat it.
const NEEDS_OPERATOR: u8 = 2;

/// Why a command failed.
enum CommandError {
    Settings(ConfigProblems),
    /// Only an operator can correct it: data or keys are missing or of another release or deployment, or a file cannot be used.
    Lasting(String),
    Other(String),
    /// Ends with this code.
    WithCode(u8, String),
    /// Reported already; ends with this code.
    Exit(u8),
}

impl CommandError {
    fn new(reason: &dyn std::fmt::Display, is_lasting: bool) -> Self {
        if is_lasting { Self::Lasting(reason.to_string()) } else { Self::Other(reason.to_string()) }
    }

    /// That of `serve`.
    fn of_start(self) -> Self {
        match self {
            Self::Lasting(reason) => Self::WithCode(NEEDS_OPERATOR, reason),
            other => other,
        }
    }
}

impl From<ConfigProblems> for CommandError {
    fn from(problems: ConfigProblems) -> Self {
        Self::Settings(problems)
    }
}

impl From<Fault> for CommandError {
    fn from(fault: Fault) -> Self {
        Self::new(&fault, fault.is_lasting())
    }
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        Self::new(&error, error.is_lasting())
    }
}

impl From<KeyBackupError> for CommandError {
    fn from(error: KeyBackupError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<DataLockError> for CommandError {
    fn from(refused: DataLockError) -> Self {
        Self::new(&refused, refused.is_lasting())
    }
}

impl From<development::DevelopmentTlsError> for CommandError {
    fn from(unusable: development::DevelopmentTlsError) -> Self {
        Self::new(&unusable, unusable.is_lasting())
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::new(&error, is_lasting_io(&error))
    }
}

/// How much a database has, by the rows of its tables.
fn amount(rows: &BTreeMap<String, i64>) -> String {
    format!("{} rows of {} tables", rows.values().sum::<i64>(), rows.len())
}

/// Parses a display name.
fn parse_name(text: &str) -> Result<String, String> {
    display_text::parse_name(text).map_err(|why| format!("the name {why}"))
}

async fn open(config: &Config, create: bool) -> Result<Services, Fault> {
    open_in(DataLocation { dir: &config.data_dir, database: &config.database, create }, &config.public_url, &config.egress).await
}

/// Takes the lock of the data directory of a SQLite database. Several portals can share a PostgreSQL database.
fn lock_data(config: &Config) -> Result<Option<DataLock>, DataLockError> {
    match config.database {
        Database::File(_) => DataLock::acquire(&config.data_dir).map(Some),
        Database::Postgres(_) => Ok(None),
    }
}

/// A tenant of an existing portal, for commands that change it.
#[derive(clap::Args)]
struct TenantOptions {
    #[command(flatten)]
    data: DataOptions,
    /// The tenant
    #[arg(long, value_parser = |name: &str| TenantId::parse(name))]
    tenant: TenantId,
}

impl TenantOptions {
    async fn open(&self) -> Result<Services, CommandError> {
        open_existing(&self.data.existing_portal()?).await
    }

    /// Opens the portal with the rights of the tenant's administrator: operators have access to the machine.
    async fn open_as_operator(&self) -> Result<(Services, TenantAdmin), CommandError> {
        let services = self.open().await?;
        let operator = services.operator(&self.tenant).await?;
        Ok((services, operator.ok_or_else(|| CommandError::Other(format!("tenant {} does not exist", self.tenant)))?))
    }
}

/// Held until the process ends, so that no backup is restored while a command changes data.
static COMMAND_LOCK: OnceLock<File> = OnceLock::new();

/// Opens an existing portal, for commands that change stored data.
async fn open_existing(existing: &ExistingPortal) -> Result<Services, CommandError> {
    open_with_lock(existing, None).await
}

/// `held`: the lock of the data directory, if the command has it.
async fn open_with_lock(existing: &ExistingPortal, held: Option<&DataLock>) -> Result<Services, CommandError> {
    if let Database::File(_) = existing.database {
        let _ = COMMAND_LOCK.set(share_with_commands(&existing.data_dir)?);
    }
    open_migrated(existing, held).await
}

/// Opens an existing portal while no other command changes its data: one that began before a rotation would use the previous key.
async fn open_alone(existing: &ExistingPortal) -> Result<Services, CommandError> {
    if let Database::File(_) = existing.database {
        let _ = COMMAND_LOCK.set(keep_commands_away(&existing.data_dir)?);
    }
    open_migrated(existing, None).await
}

async fn open_migrated(existing: &ExistingPortal, held: Option<&DataLock>) -> Result<Services, CommandError> {
    let lock = if held.is_none() { lock_for_migration(existing).await? } else { None };
    let data = DataLocation { dir: &existing.data_dir, database: &existing.database, create: false };
    let services = open_in(data, "", &existing.egress).await?;
    drop(lock);
    Ok(services)
}

/// Takes the lock of the data directory if opening the SQLite database will migrate it, or may: a portal of an older release could not go on.
/// With PostgreSQL it can, because its migrations keep what the releases before them need.
async fn lock_for_migration(existing: &ExistingPortal) -> Result<Option<DataLock>, CommandError> {
    if matches!(existing.database, Database::Postgres(_)) {
        return Ok(None);
    }
    let schema = schema_state(&existing.database).await.map_err(|error| CommandError::Other(error.to_string()))?;
    if schema.as_ref().is_some_and(|schema| schema.pending.is_empty()) {
        return Ok(None);
    }
    match (DataLock::acquire(&existing.data_dir), schema) {
        (Err(DataLockError::Held(_)), Some(schema)) => Err(CommandError::Other(format!(
            "the database has the schema {} of an older release (this one has {}), and a portal uses it: stop that portal and run \
             tms-portal migrate, or start the portal of this release",
            schema.found, schema.newest
        ))),
        (lock, _) => Ok(Some(lock?)),
    }
}

async fn open_in(data: DataLocation<'_>, public_url: &str, egress: &EgressPolicy) -> Result<Services, Fault> {
    Services::open(data, public_url, egress, std::sync::Arc::new(SystemClock), std::sync::Arc::new(SystemRng)).await
}
