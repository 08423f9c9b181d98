//! `tms-portal keys init`: the keys of a new deployment, for a directory that the service manager passes to the portal.

use std::path::PathBuf;

use clap::Subcommand;

use super::CommandError;
use crate::server::service::SystemRng;
use crate::server::service::platform::keystore::Keystore;

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
}

pub fn run(arguments: &KeysArgs) -> Result<(), CommandError> {
    let KeysCommand::Init { to } = &arguments.command;
    if Keystore::create(to, &SystemRng)? {
        println!("Created keys in {}. Back them up, apart from the database.", to.display());
    } else {
        println!("Nothing to do: the keys are in {}.", to.display());
    }
    Ok(())
}
