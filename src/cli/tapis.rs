//! `tms tapis`: sign-in to a Tapis tenant, separate from portals. It has its own endpoints, response formats, credentials file and
//! token type: a token is sent only to the tenant that issued it.

mod api;
mod claims;
mod credentials;
mod device_flow;
mod error;
mod expiry;
mod login;
mod logout;
mod response;
mod secret;
mod whoami;

use clap::{Args, Subcommand};

pub use error::TapisError;

use super::output::Output;
use super::target::TargetArgs;

const EXAMPLES: &str = "\
Examples:
  tms tapis login --base-url https://tacc.tapis.io --client-id my-client
  tms tapis whoami
  tms tapis logout";

/// What `tms tapis` takes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct TapisArgs {
    /// The Tapis tenant's URL, such as https://tacc.tapis.io [default: the last one you signed in to]
    #[arg(long, global = true, env = "TAPIS_BASE_URL", value_name = "URL")]
    base_url: Option<String>,

    #[command(subcommand)]
    command: TapisCommand,
}

#[derive(Subcommand)]
enum TapisCommand {
    /// Sign in: shows a code to enter in any browser
    Login(login::TapisLoginArgs),
    /// Show who is signed in to Tapis, and for how long
    Whoami,
    /// Sign out, here and at Tapis
    Logout,
}

impl TapisArgs {
    /// Whether the command emits events.
    pub fn is_login(&self) -> bool {
        matches!(self.command, TapisCommand::Login(_))
    }
}

pub async fn run(tapis: &TapisArgs, target_args: &TargetArgs, output: &Output) -> Result<(), TapisError> {
    let base_url = tapis.base_url.as_deref();
    match &tapis.command {
        TapisCommand::Login(login) => login::run(login, base_url, target_args, output).await,
        TapisCommand::Whoami => whoami::run(base_url, target_args, output).await,
        TapisCommand::Logout => logout::run(base_url, target_args, output).await,
    }
}
