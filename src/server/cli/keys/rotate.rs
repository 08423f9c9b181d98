//! `tms-portal keys rotate`: replaces a key while portals run. The keys that sign tokens are in [`signing`].

use std::fmt::Display;

use clap::Subcommand;

use super::print_to_do;
use super::signing::{self, SigningArgs};
use super::status::{print_dependents, short};
use crate::domain::progress::{Amount, ProgressObserver as _};
use crate::server::cli::progress::Progress;
use crate::server::cli::{CommandError, open_alone};
use crate::server::config::DataOptions;
use crate::server::service::platform::key_rotation::{Dependent, KeyStatus, RotationRefused};
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
    /// The key: codes.key, secrets.key, or signing for those that sign tokens
    #[arg(value_name = "KEY", value_parser = RotateTarget::parse, required = true)]
    key: Option<RotateTarget>,
    /// End the old key at once, because others may know it; without --yes, only says what stops working
    #[arg(long)]
    compromised: bool,
    #[command(flatten)]
    signing: SigningArgs,
    /// Carry out --compromised
    #[arg(long, requires = "compromised")]
    yes: bool,
    /// No other portal uses the PostgreSQL database
    #[arg(long)]
    single_portal: bool,
}

/// What is rotated.
#[derive(Clone, Copy)]
enum RotateTarget {
    File(RotatedKey),
    /// The keys that sign tokens.
    Signing,
}

impl RotateTarget {
    fn parse(name: &str) -> Result<Self, String> {
        if name == "signing" { Ok(Self::Signing) } else { RotatedKey::parse(name).map(Self::File).map_err(|names| format!("{names}, or signing")) }
    }
}

#[derive(Subcommand)]
enum RotateStep {
    /// Create and record the next key, which all portals then need
    Prepare(StepArgs),
    /// Use the next key for new values; what is stored under the previous one stays valid
    Activate(StepArgs),
    /// Delete the record of the next key, whose file is lost, so that another one can be prepared
    Cancel(StepArgs),
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
            let services = open_alone(&step.data.existing_portal()?).await?;
            services.prepare_key(step.key).await.map_err(refused)?;
            let name = step.key.file_name();
            println!(
                "The next {name} is in keys/{name}.next. Copy it to all portals; when /readyz of each is 200: tms-portal keys rotate activate {name}"
            );
            services.close().await;
            Ok(())
        }
        Some(RotateStep::Activate(step)) => {
            let services = open_alone(&step.data.existing_portal()?).await?;
            activate(&services, step.key).await?;
            close(&services, step.key).await
        }
        Some(RotateStep::Cancel(step)) => {
            let services = open_alone(&step.data.existing_portal()?).await?;
            let name = step.key.file_name();
            if services.cancel_key(step.key).await.map_err(refused)? {
                println!("The next {name} is not recorded any more. If there is a keys/{name}.next, the next rotation uses it.");
            } else {
                println!("Nothing to do: {name} has no next key.");
            }
            services.close().await;
            Ok(())
        }
        Some(RotateStep::Finish { step, expire }) => {
            let services = open_alone(&step.data.existing_portal()?).await?;
            wait_for_portals(&services, step.key).await?;
            finish(&services, step.key, expire, false).await?;
            close(&services, step.key).await
        }
    }
}

/// Renames the files as the record says at the end of all steps, and says what this user may not do.
async fn close(services: &Services, key: RotatedKey) -> Result<(), CommandError> {
    print_to_do(services.arrange_key_files(key).await?);
    services.close().await;
    Ok(())
}

/// All steps, except that a previous key which something depends on stays valid.
async fn rotate(args: WholeArgs) -> Result<(), CommandError> {
    let portal = args.data.existing_portal()?;
    let key = match args.key {
        Some(RotateTarget::File(_)) if args.signing.is_given() => return Err(other("--kid and --all are for `keys rotate signing`")),
        Some(RotateTarget::File(key)) => key,
        Some(RotateTarget::Signing) if args.compromised => return signing::end_compromised(&portal, args.signing, args.yes).await,
        Some(RotateTarget::Signing) => return signing::rotate(&portal).await,
        None => return Err(other("which key? codes.key, secrets.key or signing")),
    };
    if matches!(portal.database, Database::Postgres(_)) && !args.single_portal {
        return Err(other(
            "several portals can use this database: run the steps (keys rotate prepare, activate, finish), or add --single-portal if there is only one",
        ));
    }
    let services = open_alone(&portal).await?;
    let before = services.key_status(key).await?;
    if args.compromised && !args.yes {
        print_consequences(key);
        println!("{}", ends(&before));
        println!("Nothing was changed: add --yes to end the key.");
        services.close().await;
        return Ok(());
    }
    let replaced = if args.compromised { replace_compromised(&services, key, &before).await } else { replace(&services, key, &before).await };
    close(&services, key).await?;
    replaced
}

async fn replace(services: &Services, key: RotatedKey, before: &KeyStatus) -> Result<(), CommandError> {
    let name = key.file_name();
    if let Some(previous) = &before.previous {
        if !before.dependents.is_empty() {
            print_dependents(&before.dependents);
            return Err(other(format!(
                "nothing was rotated: these depend on {}, the previous {name} of an earlier rotation; `tms-portal keys rotate finish {name}` ends it \
                 when nothing does (with --expire: in any case). Then run this again",
                short(previous)
            )));
        }
        wait_for_portals(services, key).await?;
        finish(services, key, false, false).await?;
    }
    services.prepare_key(key).await.map_err(refused)?;
    activate(services, key).await?;
    let left = services.key_status(key).await?.dependents;
    if left.is_empty() {
        wait_for_portals(services, key).await?;
        return finish(services, key, false, false).await;
    }
    println!("The previous key stays valid for what depends on it:");
    print_dependents(&left);
    println!("Secrets change to the new key when they are used. Then: tms-portal keys rotate finish {name}");
    Ok(())
}

/// Ends the key in use and, if an earlier rotation is not finished, its previous and its next key: all were in the same directory.
async fn replace_compromised(services: &Services, key: RotatedKey, before: &KeyStatus) -> Result<(), CommandError> {
    let (name, codes) = (key.file_name(), key == RotatedKey::Codes);
    if before.previous.is_some() {
        if !codes {
            wait_for_portals(services, key).await?;
        }
        finish(services, key, true, codes).await?;
    }
    let not_replaced = |error| other(format!("the {name} in use, {}, was not replaced: {}", short(&before.fingerprint), reason_of(error)));
    services.discard_next_key(key).await.map_err(not_replaced)?;
    services.prepare_key(key).await.map_err(not_replaced)?;
    if codes {
        let ended = services.replace_codes_key_at_once().await.map_err(not_replaced)?;
        print_ended(key, &ended);
    } else {
        activate(services, key).await?;
        // A portal that has not noticed the new key seals under the one that is ended.
        wait_for_portals(services, key).await?;
        finish(services, key, true, false).await?;
    }
    let after = services.key_status(key).await?;
    if after.fingerprint == before.fingerprint {
        return Err(other(format!("the {name} in use, {}, was not replaced", short(&before.fingerprint))));
    }
    println!("{}\nIn use now: {}. Back up the keys: tms-portal backup keys", ends(before), short(&after.fingerprint));
    print_consequences(key);
    Ok(())
}

/// Which keys a compromised one ends with.
fn ends(status: &KeyStatus) -> String {
    let others = [("the previous one", &status.previous), ("the next one", &status.next)];
    let others = others.into_iter().filter_map(|(which, fingerprint)| Some(format!(", {which} ({})", short(fingerprint.as_ref()?))));
    format!("Ends: the {} in use ({}){}", status.key, short(&status.fingerprint), others.collect::<String>())
}

async fn activate(services: &Services, key: RotatedKey) -> Result<(), CommandError> {
    let name = key.file_name();
    if services.activate_key(key).await.map_err(refused)? {
        println!("The new {name} is in use. Back up the keys: tms-portal backup keys");
    } else {
        println!("The new {name} is in use already.");
    }
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
    match finished {
        Ok(ended) => print_ended(key, &ended),
        Err(Error::Refused(RotationRefused::NotRotating(_))) => println!("Nothing to do: {name} has no previous key."),
        Err(Error::Refused(in_use @ RotationRefused::InUse(..))) => {
            if let RotationRefused::InUse(_, dependents) = &in_use {
                print_dependents(dependents);
            }
            return Err(other(in_use));
        }
        Err(error) => return Err(refused(error)),
    }
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
            "Nothing stops working. Anyone who has the previous secrets.key and a copy of the database from before can read the secrets of authenticator apps \
             and of identity providers' clients, and sign tokens: replace the secrets, delete such copies, and replace the signing keys with \
             `tms-portal keys rotate signing --compromised --all`."
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

fn reason_of(error: Error<RotationRefused>) -> String {
    match error {
        Error::Refused(refused) => refused.to_string(),
        Error::Internal(fault) => fault.to_string(),
    }
}
