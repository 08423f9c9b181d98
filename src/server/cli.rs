//! The operator's command line: `tms-portal VERB`.

// First: its macros are for those below.
#[macro_use]
mod out;

mod admin;
mod check;
mod client;
mod idp;
mod init;
mod migrate;
mod person;
mod serve;
mod tenant;
mod words;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::config::{Config, DataOptions, Existing, Options, Problems};
use super::providers::reach::Reach;
use super::service::{Fault, Services, SystemClock, SystemEntropy, TenantAdmin};
use super::tls::development;
use crate::domain::ids::TenantId;
use crate::domain::readable;

/// Runs and administers a Trust Manager portal
///
/// Settings come from flags, then the environment, then the configuration file.
#[derive(Parser)]
#[command(name = "tms-portal", version, after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings.")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the portal; the first start creates missing files
    Serve(Options),
    /// Create the database, keys, tenants and administrator secrets, and show the secrets once
    Init(Options),
    /// Check the settings and report errors
    Check(Options),
    /// Migrate the database schema
    Migrate(DataOptions),
    /// Change a tenant's policy
    Tenant(tenant::Arguments),
    /// Manage a tenant's administrators for the TMS API
    Admin(admin::Arguments),
    /// Change what a client may do
    Client(client::Arguments),
    /// Manage a tenant's identity providers
    Idp(idp::Arguments),
    /// Manage a tenant's people
    Person(person::Arguments),
}

/// Reads the command line, does it, and says how it went.
pub fn run() -> ExitCode {
    let verb = Arguments::parse().verb;
    super::telemetry::start();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(dispatch(verb)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Settings(problems)) => {
            eprintln!("tms-portal: the settings are not valid:\n{problems}");
            ExitCode::from(2)
        }
        Err(Failed::Other(reason)) => failed(&reason),
    }
}

async fn dispatch(verb: Verb) -> Result<(), Failed> {
    match verb {
        Verb::Serve(options) => serve::run(Config::read(&options)?).await,
        Verb::Init(options) => init::run(Config::read(&options)?).await,
        Verb::Check(options) => {
            check::run(&Config::read(&options)?);
            Ok(())
        }
        Verb::Migrate(options) => migrate::run(&options.existing()?).await,
        Verb::Tenant(arguments) => tenant::run(arguments).await,
        Verb::Admin(arguments) => admin::run(arguments).await,
        Verb::Client(arguments) => client::run(arguments).await,
        Verb::Idp(arguments) => idp::run(arguments).await,
        Verb::Person(arguments) => person::run(arguments).await,
    }
}

fn failed(reason: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("tms-portal: {reason}");
    ExitCode::FAILURE
}

/// Why a verb could not be done.
enum Failed {
    Settings(Problems),
    Other(String),
}

impl From<Problems> for Failed {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.to_string())
    }
}

impl From<development::Unusable> for Failed {
    fn from(unusable: development::Unusable) -> Self {
        Self::Other(unusable.to_string())
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

/// Reads a name that people read.
fn name(text: &str) -> Result<String, String> {
    readable::name(text).map_err(|why| format!("the name {why}"))
}

async fn open(config: &Config) -> Result<Services, Fault> {
    open_in(&config.data_dir, &config.public_url, &config.reach).await
}

/// A tenant of a portal that has been set up, for the verbs that change it.
#[derive(clap::Args)]
struct InTenant {
    #[command(flatten)]
    options: DataOptions,
    /// The tenant
    #[arg(long, value_parser = |name: &str| TenantId::parse(name))]
    tenant: TenantId,
}

impl InTenant {
    async fn open(&self) -> Result<Services, Failed> {
        Ok(open_existing(&self.options.existing()?).await?)
    }

    /// With whoever sits here, as the tenant's administrator.
    async fn open_as_operator(&self) -> Result<(Services, TenantAdmin), Failed> {
        let services = self.open().await?;
        let operator = services.operator(&self.tenant).await?;
        Ok((services, operator.ok_or_else(|| Failed::Other(format!("tenant {} does not exist", self.tenant)))?))
    }
}

/// For verbs that change what is stored.
async fn open_existing(existing: &Existing) -> Result<Services, Fault> {
    open_in(&existing.data_dir, "", &existing.reach).await
}

async fn open_in(data_dir: &Path, public_url: &str, reach: &Reach) -> Result<Services, Fault> {
    Services::open(data_dir, public_url, reach, std::sync::Arc::new(SystemClock), std::sync::Arc::new(SystemEntropy)).await
}
