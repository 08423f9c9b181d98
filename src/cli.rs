//! The user's command line: sign in from a terminal (RFC 8628) or through a browser (RFC 8252), show who is signed in and which host
//! accounts are linked, log in to them over SSH, revoke keys, and sign in to Tapis with its own protocol.
//!
//! Results go to stdout, all other messages to stderr. Each command is one file.

mod browser_flow;
mod certificates;
mod credentials;
mod credentials_file;
mod device_flow;
mod error_code;
mod hosts;
mod http;
mod keys;
mod keys_api;
mod link;
mod login;
mod logout;
mod metadata;
mod oauth_client;
mod output;
mod previous_sign_in;
mod printable;
mod qr_code;
mod refresh;
mod scopes;
mod server_api;
mod server_session;
mod server_url;
mod spinner;
mod ssh;
mod state_dir;
mod table;
mod tapis;
mod target;
mod time_format;
mod tokens;
mod verification_prompt;
mod whoami;

use std::io;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::Value;
use thiserror::Error;

use error_code::ErrorCode;
use keys::KeysError;
use link::HelperError;
use login::LoginError;
use logout::LogoutError;
use output::{ErrorReport, Output};
use server_session::SessionError;
use ssh::{PreparedLogin, SshError};
use tapis::TapisError;
use target::TargetArgs;

use crate::command_docs::CommandDocs;
use crate::environment::without_empty_variables;

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  something failed: the network, the server, the credentials file
    2  the command line is wrong, or names a tenant to which users cannot sign in
    3  not signed in, the sign-in has expired (run `tms login` or `tms tapis login`), or it does not cover this: the message says why
    4  the sign-in or the link was denied in the browser
    5  the code or the request expired before it was approved: run the command again
    6  the sign-in was ended elsewhere: in the portal, by an administrator, or because a copy of it was used
  130  stopped with Ctrl-C
`tms ssh` ends with the exit code of ssh, once ssh has started.

The sign-in and the keys of `tms ssh` are stored in the platform's directory for application state (on Linux ~/.local/state/tms), readable only by you.
TMS_CONFIG_DIR sets another directory. HTTPS_PROXY and NO_PROXY are honoured, except for this machine (localhost); NO_COLOR turns colours off.";

const SSH_EXAMPLES: &str = "\
Examples:
  tms ssh frontera
  tms ssh jdoe@frontera -- squeue --me
  tms ssh frontera -- -L 8888:localhost:8888 -N
  tms ssh --why frontera";

/// Sign in to a TMS portal from the terminal, and log in to hosts with SSH keys that it manages.
#[derive(Parser)]
#[command(name = "tms", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    target: TargetArgs,

    /// Print JSON for scripts: one object, for `login` and `link` one object per line and event
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Sign in: with the browser on this machine, or with a code to enter in any browser
    ///
    /// The browser is used if there is one on this machine and you are not logged in over SSH. It goes back to a page of `tms` on 127.0.0.1.
    #[command(after_help = EXIT_CODES)]
    Login(login::LoginArgs),
    /// Sign out: revoke the sign-in and its keys, here and on the server
    ///
    /// If the server cannot be reached, both are still deleted here; the exit code is then 1, and the message says what is still valid, until
    /// when, and how to revoke it.
    Logout,
    /// Show who is signed in, and for how long
    Whoami,
    /// List the host accounts you shared with this sign-in
    Hosts,
    /// On a host: link the account you are logged in to
    ///
    /// Shows a code to confirm in any browser. Needs no sign-in here and no network: this host's helper contacts the portal.
    /// Run it again to renew a link; a newer code replaces an older one.
    #[command(after_help = EXIT_CODES)]
    Link(link::LinkArgs),
    /// List your SSH keys; `tms keys revoke` revokes them
    Keys(keys::KeysArgs),
    /// Log in to a host over SSH, or run a command there
    ///
    /// Creates a key on this machine if there is none that works, registers its public half with the portal, and runs the
    /// system's ssh. The private half never leaves this machine. On a terminal, it first signs you in if necessary.
    #[command(after_help = SSH_EXAMPLES)]
    Ssh(ssh::SshArgs),
    /// Sign in to a Tapis tenant, show who is signed in, and sign out
    ///
    /// Separate from sign-ins to portals: neither is used for the other. --server and --tenant are for portals only.
    Tapis(tapis::TapisArgs),
    /// Write the manual pages or the shell completions, for packages
    #[command(hide = true)]
    Doc(CommandDocs),
}

/// Why a command failed.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Logout(#[from] LogoutError),
    /// Of `tms whoami` and `tms hosts`.
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Link(#[from] HelperError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Ssh(#[from] SshError),
    #[error(transparent)]
    Tapis(#[from] TapisError),
    #[error("stopped")]
    Interrupted,
    #[error("could not start: {0}")]
    Runtime(io::Error),
    #[error("cannot write: {0}")]
    Docs(io::Error),
}

impl CliError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Login(error) => error.code(),
            Self::Logout(error) => error.code(),
            Self::Session(error) => error.code(),
            Self::Link(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Ssh(error) => error.code(),
            Self::Tapis(error) => error.code(),
            Self::Interrupted => ErrorCode::Interrupted,
            Self::Runtime(_) | Self::Docs(_) => ErrorCode::Internal,
        }
    }

    fn report(&self) -> ErrorReport {
        ErrorReport { code: self.code().as_str(), message: self.to_string(), details: self.details(), is_user_denial: self.is_user_denial() }
    }

    /// Additional members of the JSON error, besides the code and the message.
    fn details(&self) -> Option<Value> {
        match self {
            Self::Login(error) => error.details(),
            Self::Logout(error) => error.details(),
            Self::Ssh(error) => error.details(),
            Self::Tapis(error) => error.details(),
            Self::Session(_) | Self::Link(_) | Self::Keys(_) | Self::Interrupted | Self::Runtime(_) | Self::Docs(_) => None,
        }
    }

    fn is_user_denial(&self) -> bool {
        match self {
            Self::Login(error) => error.is_user_denial(),
            Self::Link(error) => error.is_user_denial(),
            Self::Ssh(error) => error.is_user_denial(),
            _ => false,
        }
    }
}

/// Runs the command line. Each failure is reported in one line, with an exit code documented in `tms --help`.
pub fn run() -> ExitCode {
    let command_line = CommandLine::parse_args();
    let output = command_line.output();
    match run_command(&command_line, &output) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            output.error(error.report());
            ExitCode::from(error.code().exit_status())
        }
    }
}

impl CommandLine {
    fn parse_args() -> Self {
        let command = without_empty_variables(Self::command());
        let matches = command.try_get_matches().unwrap_or_else(|error| with_separator_tip(error).exit());
        let typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
        // Otherwise they would be ignored, and the command would use a different tenant than the one named.
        if matches.subcommand_name() == Some("tapis") && (typed("server") || typed("tenant")) {
            let words = "--server and --tenant are for TMS portals: name a Tapis tenant with --base-url";
            Self::command().error(ErrorKind::ArgumentConflict, words).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    fn output(&self) -> Output {
        match (self.json, &self.command) {
            (false, _) => Output::Text,
            (true, Command::Login(_) | Command::Link(_)) => Output::JsonEvents,
            (true, Command::Tapis(tapis)) if tapis.is_login() => Output::JsonEvents,
            (true, _) => Output::Json,
        }
    }

    /// Returns the login to start, if there is one.
    async fn execute(&self, output: &Output) -> Result<Option<PreparedLogin>, CliError> {
        match &self.command {
            Command::Login(login) => login::run(login, &self.target, output).await?,
            Command::Logout => logout::run(&self.target, output).await?,
            Command::Whoami => whoami::run(&self.target, output).await?,
            Command::Hosts => hosts::run(&self.target, output).await?,
            Command::Link(link) => link::run(link, output).await?,
            Command::Keys(keys) => keys::run(keys, &self.target, output).await?,
            Command::Ssh(ssh) => return Ok(ssh::run(ssh, &self.target, output).await?),
            Command::Tapis(tapis) => tapis::run(tapis, &self.target, output).await?,
            Command::Doc(docs) => docs.write(Self::command()).map_err(CliError::Docs)?,
        }
        Ok(None)
    }
}

/// Adds a tip to clap's error for options after the host without `--`: they are usually meant for ssh.
fn with_separator_tip(mut error: clap::Error) -> clap::Error {
    let words = std::env::args_os();
    let for_ssh = error.kind() == ErrorKind::UnknownArgument
        && CommandLine::command().ignore_errors(true).try_get_matches_from(words).is_ok_and(|matches| matches.subcommand_name() == Some("ssh"));
    if for_ssh {
        let tip = "what is for ssh, its options or a command, stands behind `--`: tms ssh HOST -- COMMAND";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Runs the command, and `ssh` if the command prepares a login. Returns the exit status.
fn run_command(command_line: &CommandLine, output: &Output) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    let outcome = runtime.block_on(async {
        match (run_until_interrupted(command_line, output).await?, &command_line.command) {
            (Some(login), Command::Ssh(ssh)) => Ok(login.start(ssh, output).await?),
            _ => Ok(0),
        }
    });
    // A hanging name look-up blocks a thread that cannot be cancelled: do not wait for it.
    runtime.shutdown_background();
    outcome
}

/// Ctrl-C takes effect only where the command awaits, so never while the credentials file is being written. Once `ssh` runs, Ctrl-C is for it.
async fn run_until_interrupted(command_line: &CommandLine, output: &Output) -> Result<Option<PreparedLogin>, CliError> {
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
        outcome = command_line.execute(output) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_definition_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn packages_get_manual_pages_and_completions() {
        let dir = tempfile::tempdir().unwrap();
        for kind in ["man", "completions"] {
            let words = ["tms", "doc", kind, dir.path().to_str().unwrap()];
            let Command::Doc(docs) = CommandLine::parse_from(words).command else { panic!("another command") };
            docs.write(CommandLine::command()).unwrap();
        }
        for file in ["tms.1", "tms-ssh.1", "tms-keys-revoke.1", "tms.bash", "tms.fish", "_tms"] {
            assert!(dir.path().join(file).exists(), "{file}");
        }
        assert!(!dir.path().join("tms-doc.1").exists(), "it is hidden");
    }

    #[test]
    fn the_help_lists_every_exit_status() {
        for code in [
            ErrorCode::Internal,
            ErrorCode::Usage,
            ErrorCode::NotSignedIn,
            ErrorCode::AccessDenied,
            ErrorCode::ExpiredToken,
            ErrorCode::SignInEnded,
            ErrorCode::Interrupted,
        ] {
            let status = code.exit_status();
            assert!(EXIT_CODES.lines().any(|line| line.trim_start().starts_with(&format!("{status}  "))), "{status}");
        }
    }
}
