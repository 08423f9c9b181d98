//! `tms-portal keys rotate`: replaces a key while portals run.

use std::fmt::Display;

use clap::Subcommand;

use super::status::print_dependents;
use super::{open_alone, print_to_do};
use crate::domain::progress::{Amount, ProgressObserver as _};
use crate::server::cli::CommandError;
use crate::server::cli::progress::Progress;
use crate::server::config::DataOptions;
use crate::server::service::platform::key_rotation::{Dependent, RotationRefused};
use crate::server::service::platform::keystore::RotatedKey;
use crate::server::service::{Database, Error, Services};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct RotateArgs {
    #[command(subcommand)]
    step: Option<RotateStep>,
    #[command(flatten)]
    whole: WholeArgs,
}

/// All steps that are safe for one portal.
#[derive(clap::Args)]
struct WholeArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The key: codes.key or secrets.key
    #[arg(value_name = "KEY", value_parser = RotatedKey::parse, required = true)]
    key: Option<RotatedKey>,
    /// End the old key at once, because others may know it; without --yes, only says what stops working
    #[arg(long)]
    compromised: bool,
    /// Carry out --compromised
    #[arg(long, requires = "compromised")]
    yes: bool,
    /// No other portal uses the PostgreSQL database
    #[arg(long)]
    single_portal: bool,
}

#[derive(Subcommand)]
enum RotateStep {
    /// Create and record the next key, which all portals then need
    Prepare(StepArgs),
    /// Use the next key for new values; what is stored under the previous one stays valid
    Activate(StepArgs),
    /// End the previous key, unless something depends on it
    Finish {
        #[command(flatten)]
        step: StepArgs,
        /// End it although something depends on it, which then has to be set anew
        #[arg(long)]
        expire: bool,
    },
}

#[derive(clap::Args)]
struct StepArgs {
    #[command(flatten)]
    data: DataOptions,
    /// The key: codes.key or secrets.key
    #[arg(value_name = "KEY", value_parser = RotatedKey::parse)]
    key: RotatedKey,
}

pub async fn run(args: RotateArgs) -> Result<(), CommandError> {
    match args.step {
        None => rotate(args.whole).await,
        Some(RotateStep::Prepare(step)) => {
            let (_lock, services) = open_alone(&step.data.existing_portal()?).await?;
            services.prepare_key(step.key).await.map_err(refused)?;
            let name = step.key.file_name();
            println!(
                "The next {name} is in keys/{name}.next. Copy it to all portals; when /readyz of each is 200: tms-portal keys rotate activate {name}"
            );
            services.close().await;
            Ok(())
        }
        Some(RotateStep::Activate(step)) => {
            let (_lock, services) = open_alone(&step.data.existing_portal()?).await?;
            activate(&services, step.key).await?;
            services.close().await;
            Ok(())
        }
        Some(RotateStep::Finish { step, expire }) => {
            let (_lock, services) = open_alone(&step.data.existing_portal()?).await?;
            wait_for_portals(&services, step.key).await?;
            finish(&services, step.key, expire, false).await?;
            services.close().await;
            Ok(())
        }
    }
}

/// All steps, except that a previous key which something depends on stays valid.
async fn rotate(args: WholeArgs) -> Result<(), CommandError> {
    let Some(key) = args.key else { return Err(other("which key? codes.key or secrets.key")) };
    let portal = args.data.existing_portal()?;
    if matches!(portal.database, Database::Postgres(_)) && !args.single_portal {
        return Err(other(
            "several portals can use this database: run the steps (keys rotate prepare, activate, finish), or add --single-portal if there is only one",
        ));
    }
    let (_lock, services) = open_alone(&portal).await?;
    if args.compromised && !args.yes {
        print_consequences(key);
        println!("Nothing was changed: add --yes to end the key.");
        return Ok(());
    }
    let before = services.key_status(key).await?;
    if before.previous.is_none() {
        services.prepare_key(key).await.map_err(refused)?;
    }
    if args.compromised {
        end_at_once(&services, key, before.previous.is_some()).await?;
        print_consequences(key);
        services.close().await;
        return Ok(());
    }
    activate(&services, key).await?;
    let left = services.key_status(key).await?.dependents;
    if left.is_empty() {
        wait_for_portals(&services, key).await?;
        finish(&services, key, false, false).await?;
    } else {
        println!("The previous key stays valid for what depends on it:");
        print_dependents(&left);
        let name = key.file_name();
        println!("Secrets change to the new key when they are used. Then: tms-portal keys rotate finish {name}");
    }
    services.close().await;
    Ok(())
}

/// `rotating`: an earlier rotation is not finished, and its previous key is the one to end.
async fn end_at_once(services: &Services, key: RotatedKey, rotating: bool) -> Result<(), CommandError> {
    if rotating || key == RotatedKey::Secrets {
        activate(services, key).await?;
        return finish(services, key, true, true).await;
    }
    let ended = services.replace_codes_key_at_once().await.map_err(refused)?;
    print_to_do(services.arrange_key_files(key).await?);
    print_ended(key, &ended);
    Ok(())
}

async fn activate(services: &Services, key: RotatedKey) -> Result<(), CommandError> {
    let name = key.file_name();
    if services.activate_key(key).await.map_err(refused)? {
        println!("The new {name} is in use. Back up the keys: tms-portal backup keys");
    } else {
        println!("The new {name} is in use already.");
    }
    print_to_do(services.arrange_key_files(key).await?);
    Ok(())
}

/// Until all running portals use the key that was activated.
async fn wait_for_portals(services: &Services, key: RotatedKey) -> Result<(), CommandError> {
    let left = services.activation_time_left(key).await?;
    if !left.is_zero() {
        println!("Waiting until running portals use the new key: {} seconds", left.as_secs() + 1);
        tokio::time::sleep(left).await;
    }
    Ok(())
}

async fn finish(services: &Services, key: RotatedKey, expire: bool, at_once: bool) -> Result<(), CommandError> {
    let name = key.file_name();
    let mut progress = Progress::new(false);
    progress.begin("secrets", Amount::Unknown);
    let finished = services.finish_key(key, expire, at_once, |done| progress.advance_to(done)).await;
    drop(progress);
    let ended = match finished {
        Ok(ended) => ended,
        Err(Error::Refused(RotationRefused::NotRotating(_))) => {
            println!("Nothing to do: {name} has no previous key.");
            print_to_do(services.arrange_key_files(key).await?);
            return Ok(());
        }
        Err(Error::Refused(in_use @ RotationRefused::InUse(..))) => {
            if let RotationRefused::InUse(_, dependents) = &in_use {
                print_dependents(dependents);
            }
            return Err(other(in_use));
        }
        Err(error) => return Err(refused(error)),
    };
    print_to_do(services.arrange_key_files(key).await?);
    print_ended(key, &ended);
    Ok(())
}

fn print_ended(key: RotatedKey, ended: &[Dependent]) {
    println!("The previous {} has ended.", key.file_name());
    if !ended.is_empty() {
        println!("These have stopped working, and have to be set anew:");
        print_dependents(ended);
    }
}

fn print_consequences(key: RotatedKey) {
    match key {
        RotatedKey::Codes => println!(
            "Without the previous codes.key, these stop working: all secrets of clients, administrators and hosts, recovery codes, invitations, and open \
             requests of devices and links. Sessions, passwords, passkeys, authenticator apps and SSH keys stay valid."
        ),
        RotatedKey::Secrets => println!(
            "Nothing stops working. Whoever has the previous secrets.key and a copy of the database from before can read the secrets of authenticator apps \
             and of identity providers' clients: replace these, and delete such copies."
        ),
    }
}

fn other(reason: impl Display) -> CommandError {
    CommandError::Other(reason.to_string())
}

fn refused(error: Error<RotationRefused>) -> CommandError {
    match error {
        Error::Refused(refused) => other(refused),
        Error::Internal(fault) => fault.into(),
    }
}
