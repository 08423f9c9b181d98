//! `tms-portal keys`: creating and rotating the keys of a deployment.

mod rotate;
mod signing;
mod status;

use std::path::PathBuf;

use clap::Subcommand;

use self::rotate::RotateArgs;
use self::status::StatusArgs;
use super::{CommandError, open_alone};
use crate::server::config::DataOptions;
use crate::server::service::SystemRng;
use crate::server::service::platform::key_rotation::ToDo;
use crate::server::service::platform::keystore::{self, RotatedKey};

#[derive(clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Create the keys of a new deployment, readable by their owner only; existing ones are kept
    ///
    /// For systemd's LoadCredential, or as the directory `keys` of the data directory. A deployment that has a database needs the
    /// keys that it was created with.
    Init {
        /// Their directory
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Show which keys are in use, and what depends on others
    Status(StatusArgs),
    /// Replace codes.key, secrets.key or the keys that sign tokens while the portal runs
    Rotate(RotateArgs),
    /// Create the file of the next key of a rotation, for a directory that the portal's user cannot change
    ///
    /// The file belongs to the owner of the key in use. An existing one is kept. `keys rotate` uses it.
    Next {
        /// The key: codes.key or secrets.key
        #[arg(value_name = "KEY", value_parser = RotatedKey::parse)]
        key: RotatedKey,
        /// The directory of the keys
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Rename and delete key files as the database says, after a rotation on another machine
    Tidy(DataOptions),
}

pub async fn run(arguments: KeysArgs) -> Result<(), CommandError> {
    match arguments.command {
        KeysCommand::Init { to } => init(&to),
        KeysCommand::Status(args) => status::run(&args).await,
        KeysCommand::Rotate(args) => rotate::run(args).await,
        KeysCommand::Next { key, to } => {
            let next = keystore::create_next(&to, key, &SystemRng).map_err(|error| CommandError::Other(error.to_string()))?;
            println!("{} has the next key. Back it up with the others.", next.path.display());
            Ok(())
        }
        KeysCommand::Tidy(options) => tidy(&options).await,
    }
}

fn init(to: &std::path::Path) -> Result<(), CommandError> {
    if keystore::create(to, &SystemRng).map_err(|error| CommandError::Other(error.to_string()))? {
        println!("Created keys in {}. Back them up, apart from the database.", to.display());
    } else {
        println!("Nothing to do: the keys are in {}.", to.display());
    }
    Ok(())
}

async fn tidy(options: &DataOptions) -> Result<(), CommandError> {
    let portal = options.existing_portal()?;
    let services = open_alone(&portal).await?;
    for key in RotatedKey::ALL {
        print_to_do(services.arrange_key_files(key).await?);
    }
    services.close().await;
    Ok(())
}

/// Says what a user who may change the directory of the keys has to do.
fn print_to_do(left: Option<ToDo>) {
    let Some(ToDo { command, error }) = left else { return };
    println!("The files of the keys could not be renamed ({error}). The portal works without that; as a user who may do so, run:\n  {command}");
}
