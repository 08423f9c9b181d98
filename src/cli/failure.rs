//! Everything that can go wrong, as one line that says what to do, a word for scripts and an exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use thiserror::Error;

use super::certificates::{CaFileRefused, Untrusted};
use super::credentials_file::CredentialsFault;
use super::http::{NoAnswer, Through, Why};
use super::logout::{NotDeleted, NotRevoked, SignInLost};
use super::metadata::MetadataRefused;
use super::printable::Printable;
use super::server_url::{ServerUrl, ServerUrlRefused};
use super::ssh::{DestinationRefused, KeyFilesFault};
use super::tapis::TapisFailure;
use super::target::Target;
use crate::domain::time::span_in_words;

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub enum Failure {
    #[error("no server is set: pass its URL with --server URL")]
    NoServer,
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlRefused),
    #[error("`{0}` is not a valid tenant name (letters, digits and . _ - only): check --tenant")]
    Tenant(String),
    #[error("you are not signed in to {0}: run `tms login`")]
    NotSignedIn(Target),
    #[error("your sign-in to {0} has expired or was revoked: run `tms login`")]
    SignInEnded(Target),
    #[error("Denied in the browser. Nothing was shared.")]
    Denied,
    #[error("{server} refused the sign-in: {message}")]
    DeniedBecause { server: ServerUrl, message: Printable },
    #[error("the code expired before it was approved: run `tms login` again for a new one")]
    CodeExpired,
    #[error("this host does not support linking accounts: no helper is listening at {} ({why}). Ask the host's operators", .socket.display())]
    NoHelper { socket: PathBuf, why: io::Error },
    #[error("this host's helper is busy: try again in a few minutes; if the problem persists, tell the host's operators")]
    HelperBusy,
    #[error("this host's helper closed the connection: run `tms link` again")]
    HelperGone,
    #[error("this host's helper sent an invalid message: tell the host's operators")]
    HelperNotUnderstood,
    #[error("{0}")]
    NotLinked(Printable),
    #[error("Refused in the browser. Nothing was linked.")]
    LinkRefused,
    #[error("the code expired before it was confirmed, or was replaced by a newer one: run `tms link` again")]
    LinkExpired,
    #[error("stopped")]
    Interrupted,
    #[error("no response from {server}: {why}. Check {}, then try again", .why.through.what_to_check())]
    NoAnswer { server: ServerUrl, why: NoAnswer },
    #[error("{server}{through} is busy: try again {when}")]
    Busy { server: ServerUrl, through: Through, when: String },
    #[error("cannot create an HTTP client for {server}: {why}")]
    NoClient { server: ServerUrl, why: Printable },
    #[error("{server}{through} redirected to {location}: if that is the right address, pass it instead")]
    Redirected { server: ServerUrl, through: Through, location: Printable },
    #[error("{server} does not know the tenant `{tenant}`, or is not a TMS portal: check --server and --tenant")]
    NoSuchTenant { server: ServerUrl, tenant: String },
    #[error(transparent)]
    Metadata(#[from] MetadataRefused),
    #[error("--server names the tenant `{in_server}`, and --tenant (or TMS_TENANT) names `{tenant}`: pass one of them only")]
    TwoTenants { in_server: String, tenant: String },
    #[error("users cannot sign in to the tenant `{tenant}` of {server}; {}", others(.server, .open))]
    NoSignIn { server: ServerUrl, tenant: String, open: Vec<Printable> },
    #[error("{server} sent an invalid response ({what}): tell its operators")]
    Unexpected { server: ServerUrl, what: Printable },
    #[error("{server} refused: {message}")]
    Refused { server: ServerUrl, message: Printable },
    #[error("{server} refused: {message}")]
    NotAllowed { server: ServerUrl, message: Printable },
    #[error("your sign-in to {target} does not cover this ({scope}): sign in again with `tms login`")]
    NotCovered { target: Target, scope: Printable },
    #[error(
        "an administrator of {target} has reduced the permissions of this application, `tms`, since you signed in: {scope} is missing. Signing in again does not help; ask the administrators to allow it again"
    )]
    Narrowed { target: Target, scope: Printable },
    #[error(
        "your sign-in to {target} does not cover this, because the administrators there did not let this application, `tms`, request it ({scope}): ask them to allow it, then sign in again with `tms login`"
    )]
    NotGranted { target: Target, scope: Printable },
    #[error("the identity of {server}{through} cannot be verified: {why}")]
    Untrusted { server: ServerUrl, through: Through, why: Untrusted },
    #[error(transparent)]
    CaFile(#[from] CaFileRefused),
    #[error(transparent)]
    Credentials(#[from] CredentialsFault),
    #[error("key {0} does not exist or is not visible to this sign-in: see `tms keys`")]
    NoSuchKey(String),
    #[error("not a terminal: pass --yes to revoke all keys")]
    NobodyToAsk,
    #[error(transparent)]
    Tapis(#[from] TapisFailure),
    #[error(transparent)]
    Destination(#[from] DestinationRefused),
    #[error(transparent)]
    KeyFiles(#[from] KeyFilesFault),
    #[error("cannot run `ssh` ({0}): install OpenSSH's client, the package openssh-client on Debian")]
    NoSsh(io::Error),
    #[error("{0}")]
    NotRevoked(Box<NotRevoked>),
    #[error("{0}")]
    NotDeleted(Box<NotDeleted>),
    #[error("{0}")]
    SignInLost(Box<SignInLost>),
    #[error("could not start: {0}")]
    Runtime(io::Error),
}

impl Failure {
    pub fn no_answer(server: &ServerUrl, why: NoAnswer) -> Self {
        let (server, NoAnswer { why, through }) = (server.clone(), why);
        match why {
            Why::Busy { retry_after } => {
                let when = retry_after.map_or_else(|| "in a minute".to_owned(), |span| format!("in {}", span_in_words(span)));
                Self::Busy { server, through, when }
            }
            Why::Untrusted(why) => Self::Untrusted { server, through, why },
            why => Self::NoAnswer { server, why: NoAnswer { why, through } },
        }
    }

    /// What scripts are told besides the word and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::NotRevoked(why) => Some(why.object()),
            Self::NotDeleted(why) => Some(why.object()),
            Self::SignInLost(why) => Some(why.object()),
            Self::Tapis(failure) => failure.details(),
            Self::NoSignIn { open, .. } => Some(json!({ "tenants": open })),
            _ => None,
        }
    }

    /// As documented in `tms --help`.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_number())
    }

    /// The word that stands for it in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoServer | Self::ServerUrl(_) | Self::Tenant(_) | Self::TwoTenants { .. } | Self::CaFile(_) | Self::NobodyToAsk => "usage",
            Self::NoSignIn { .. } => "no_sign_in",
            Self::NotRevoked(_) | Self::SignInLost(_) => "not_revoked",
            Self::NotDeleted(_) => "not_deleted",
            Self::NotSignedIn(_) | Self::SignInEnded(_) => "not_signed_in",
            Self::Denied | Self::DeniedBecause { .. } | Self::LinkRefused => "access_denied",
            Self::CodeExpired | Self::LinkExpired => "expired_token",
            Self::NoHelper { .. } | Self::HelperBusy => "no_helper",
            Self::HelperGone | Self::HelperNotUnderstood => "unexpected_answer",
            Self::NotLinked(_) => "not_linked",
            Self::Interrupted => "interrupted",
            Self::NoAnswer { .. } | Self::Busy { .. } => "no_answer",
            Self::Redirected { .. } | Self::NoSuchTenant { .. } | Self::Metadata(_) | Self::Unexpected { .. } => "unexpected_answer",
            Self::Refused { .. } => "refused",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NotCovered { .. } | Self::Narrowed { .. } | Self::NotGranted { .. } => "insufficient_scope",
            Self::Untrusted { .. } => "untrusted",
            Self::Credentials(_) => "credentials",
            Self::NoSuchKey(_) => "no_such_key",
            Self::Tapis(failure) => failure.word(),
            Self::Destination(_) => "no_such_host_account",
            Self::KeyFiles(_) => "key_files",
            Self::NoSsh(_) => "no_ssh",
            Self::Runtime(_) | Self::NoClient { .. } => "internal",
        }
    }

    fn exit_number(&self) -> u8 {
        match self {
            Self::NoServer | Self::ServerUrl(_) | Self::Tenant(_) | Self::TwoTenants { .. } | Self::CaFile(_) | Self::NobodyToAsk => 2,
            Self::NoSignIn { .. } => 2,
            Self::NotSignedIn(_) | Self::SignInEnded(_) | Self::NotCovered { .. } | Self::Narrowed { .. } | Self::NotGranted { .. } => 3,
            Self::Denied | Self::DeniedBecause { .. } | Self::LinkRefused => 4,
            Self::CodeExpired | Self::LinkExpired => 5,
            Self::Interrupted => 130,
            Self::Tapis(failure) => failure.exit_number(),
            _ => 1,
        }
    }
}

/// Where people can sign in instead. The server is named, too: if a tenant's issuer was passed as the server, `--tenant` alone would contradict it.
fn others(server: &ServerUrl, open: &[Printable]) -> String {
    match open {
        [] => "nor to any other of its tenants: tell its operators".to_owned(),
        [only] => format!("they can to `{only}`: pass --server {server} --tenant {only}"),
        several => {
            let names: Vec<String> = several.iter().map(|tenant| format!("`{tenant}`")).collect();
            format!("they can to {}: pass --server {server} --tenant and one of these", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_as_the_help_says() {
        for (failure, number) in [(Failure::NoServer, 2), (Failure::Denied, 4), (Failure::CodeExpired, 5), (Failure::Interrupted, 130)] {
            assert_eq!(failure.exit_number(), number);
            assert!(crate::cli::EXIT_CODES.lines().any(|line| line.trim_start().starts_with(&format!("{number}  "))));
        }
    }
}
