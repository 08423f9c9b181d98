//! `tms tapis`: the person's sign-in to a Tapis tenant, beside those to portals. Other endpoints, other shapes, a file and a
//! type of token of its own: what Tapis gave goes to the tenant that gave it, and nowhere else.

mod answer;
mod api;
mod claims;
mod device_flow;
mod ending;
mod failure;
mod login;
mod logout;
mod secret;
mod sign_ins;
mod whoami;

use clap::{Args, Subcommand};

pub use failure::TapisFailure;

use super::failure::Failure;
use super::output::Output;
use super::target::Place;

const EXAMPLES: &str = "\
Examples:
  tms tapis login --base-url https://tacc.tapis.io --client-id my-client
  tms tapis whoami
  tms tapis logout";

/// What `tms tapis` takes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Tapis {
    /// The Tapis tenant's URL, such as https://tacc.tapis.io [default: the last one you signed in to]
    #[arg(long, global = true, env = "TAPIS_BASE_URL", value_name = "URL")]
    base_url: Option<String>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Sign in: shows a code to enter in any browser
    Login(login::Login),
    /// Show who is signed in to Tapis, and for how long
    Whoami,
    /// Sign out, here and at Tapis
    Logout,
}

impl Tapis {
    /// Whether there are events to follow.
    pub fn is_login(&self) -> bool {
        matches!(self.verb, Verb::Login(_))
    }
}

pub async fn tapis(tapis: &Tapis, place: &Place, output: &Output) -> Result<(), Failure> {
    let base_url = tapis.base_url.as_deref();
    match &tapis.verb {
        Verb::Login(login) => login::login(login, base_url, place, output).await,
        Verb::Whoami => whoami::whoami(base_url, place, output).await,
        Verb::Logout => logout::logout(base_url, place, output).await,
    }
}
