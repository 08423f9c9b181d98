//! `tms-portal activity follow|archive`: the audit log for other systems.

mod archive;
mod follow;
mod position_file;

use clap::Subcommand;

use super::CommandError;

#[derive(clap::Args)]
pub struct ActivityArgs {
    #[command(subcommand)]
    command: ActivityCommand,
}

#[derive(Subcommand)]
enum ActivityCommand {
    /// Print audit events as they come, each at least once, in the order of their commits; runs beside the portal
    Follow(follow::FollowArgs),
    /// Write a tenant's old audit events to a file, so that they may be deleted
    Archive(archive::ArchiveArgs),
}

pub async fn run(args: ActivityArgs) -> Result<(), CommandError> {
    match args.command {
        ActivityCommand::Follow(follow) => follow::run(&follow).await,
        ActivityCommand::Archive(archive) => archive::run(&archive).await,
    }
}
