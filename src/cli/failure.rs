//! Everything that can go wrong, as one line that says what to do, a word for scripts and an exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use thiserror::Error;

use super::certificates::{CaFileRefused, UntrustedCertificate};
use super::credentials_file::CredentialsError;
use super::http::{TransportError, TransportErrorKind, ViaProxy};
use super::logout::{DeletionFailed, RevocationFailed, UnreadableSignIns};
use super::metadata::MetadataRefused;
use super::printable::Printable;
use super::server_url::{ServerUrl, ServerUrlRefused};
use super::ssh::{DestinationRefused, KeyFilesError};
use super::tapis::TapisError;
use super::target::Target;
use crate::domain::time::humanize_duration;

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub enum CliError {
    #[error("no server is set: pass its URL with --server URL")]
    MissingServer,
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlRefused),
    #[error("`{0}` is not a valid tenant name (letters, digits and . _ - only): check --tenant")]
    InvalidTenant(String),
    #[error("you are not signed in to {0}: run `tms login`")]
    NotSignedIn(Target),
    #[error("your sign-in to {0} has expired or was revoked: run `tms login`")]
    SignInExpired(Target),
    #[error("Denied in the browser. Nothing was shared.")]
    Denied,
    #[error("{server} refused the sign-in: {message}")]
    DeniedByServer { server: ServerUrl, message: Printable },
    #[error("the code expired before it was approved: run `tms login` again for a new one")]
    CodeExpired,
    #[error("this host does not support linking accounts: no helper is listening at {} ({why}). Ask the host's operators", .socket.display())]
    HelperUnavailable { socket: PathBuf, why: io::Error },
    #[error("this host's helper is busy: try again in a few minutes; if the problem persists, tell the host's operators")]
    HelperBusy,
    #[error("this host's helper closed the connection: run `tms link` again")]
    HelperDisconnected,
    #[error("this host's helper sent an invalid message: tell the host's operators")]
    HelperProtocol,
    #[error("{0}")]
    LinkFailed(Printable),
    #[error("Refused in the browser. Nothing was linked.")]
    LinkRefused,
    #[error("the code expired before it was confirmed, or was replaced by a newer one: run `tms link` again")]
    LinkExpired,
    #[error("stopped")]
    Interrupted,
    #[error("no response from {server}: {why}. Check {}, then try again", .why.through.troubleshooting_hint())]
    NoResponse { server: ServerUrl, why: TransportError },
    #[error("{server}{through} is busy: try again {when}")]
    Busy { server: ServerUrl, through: ViaProxy, when: String },
    #[error("cannot create an HTTP client for {server}: {why}")]
    HttpClientSetup { server: ServerUrl, why: Printable },
    #[error("{server}{through} redirected to {location}: if that is the right address, pass it instead")]
    Redirected { server: ServerUrl, through: ViaProxy, location: Printable },
    #[error("{server} does not know the tenant `{tenant}`, or is not a TMS portal: check --server and --tenant")]
    UnknownTenant { server: ServerUrl, tenant: String },
    #[error(transparent)]
    Metadata(#[from] MetadataRefused),
    #[error("--server names the tenant `{in_server}`, and --tenant (or TMS_TENANT) names `{tenant}`: pass one of them only")]
    ConflictingTenants { in_server: String, tenant: String },
    #[error("users cannot sign in to the tenant `{tenant}` of {server}; {}", suggest_tenants(.server, .open))]
    SignInUnavailable { server: ServerUrl, tenant: String, open: Vec<Printable> },
    #[error("{server} sent an invalid response ({what}): tell its operators")]
    UnexpectedResponse { server: ServerUrl, what: Printable },
    #[error("{server} refused: {message}")]
    Refused { server: ServerUrl, message: Printable },
    #[error("{server} refused: {message}")]
    Forbidden { server: ServerUrl, message: Printable },
    #[error("your sign-in to {target} does not cover this ({scope}): sign in again with `tms login`")]
    InsufficientScope { target: Target, scope: Printable },
    #[error(
        "an administrator of {target} has reduced the permissions of this application, `tms`, since you signed in: {scope} is missing. Signing in again does not help; ask the administrators to allow it again"
    )]
    ScopeReduced { target: Target, scope: Printable },
    #[error(
        "your sign-in to {target} does not cover this, because the administrators there did not let this application, `tms`, request it ({scope}): ask them to allow it, then sign in again with `tms login`"
    )]
    ScopeNotGranted { target: Target, scope: Printable },
    #[error("the identity of {server}{through} cannot be verified: {why}")]
    UntrustedCertificate { server: ServerUrl, through: ViaProxy, why: UntrustedCertificate },
    #[error(transparent)]
    CaFile(#[from] CaFileRefused),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("key {0} does not exist or is not visible to this sign-in: see `tms keys`")]
    UnknownKey(String),
    #[error("not a terminal: pass --yes to revoke all keys")]
    ConfirmationRequired,
    #[error(transparent)]
    Tapis(#[from] TapisError),
    #[error(transparent)]
    Destination(#[from] DestinationRefused),
    #[error(transparent)]
    KeyFiles(#[from] KeyFilesError),
    #[error("cannot run `ssh` ({0}): install OpenSSH's client, the package openssh-client on Debian")]
    SshUnavailable(io::Error),
    #[error("{0}")]
    RevocationFailed(Box<RevocationFailed>),
    #[error("{0}")]
    DeletionFailed(Box<DeletionFailed>),
    #[error("{0}")]
    UnreadableSignIns(Box<UnreadableSignIns>),
    #[error("could not start: {0}")]
    Runtime(io::Error),
}

impl CliError {
    pub fn from_transport(server: &ServerUrl, why: TransportError) -> Self {
        let (server, TransportError { kind: why, through }) = (server.clone(), why);
        match why {
            TransportErrorKind::Busy { retry_after } => {
                let when = retry_after.map_or_else(|| "in a minute".to_owned(), |span| format!("in {}", humanize_duration(span)));
                Self::Busy { server, through, when }
            }
            TransportErrorKind::UntrustedCertificate(why) => Self::UntrustedCertificate { server, through, why },
            why => Self::NoResponse { server, why: TransportError { kind: why, through } },
        }
    }

    /// What scripts are told besides the word and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::RevocationFailed(why) => Some(why.to_json()),
            Self::DeletionFailed(why) => Some(why.object()),
            Self::UnreadableSignIns(why) => Some(why.to_json()),
            Self::Tapis(failure) => failure.details(),
            Self::SignInUnavailable { open, .. } => Some(json!({ "tenants": open })),
            _ => None,
        }
    }

    /// As documented in `tms --help`.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_status())
    }

    /// The word that stands for it in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingServer
            | Self::ServerUrl(_)
            | Self::InvalidTenant(_)
            | Self::ConflictingTenants { .. }
            | Self::CaFile(_)
            | Self::ConfirmationRequired => "usage",
            Self::SignInUnavailable { .. } => "no_sign_in",
            Self::RevocationFailed(_) | Self::UnreadableSignIns(_) => "not_revoked",
            Self::DeletionFailed(_) => "not_deleted",
            Self::NotSignedIn(_) | Self::SignInExpired(_) => "not_signed_in",
            Self::Denied | Self::DeniedByServer { .. } | Self::LinkRefused => "access_denied",
            Self::CodeExpired | Self::LinkExpired => "expired_token",
            Self::HelperUnavailable { .. } | Self::HelperBusy => "no_helper",
            Self::HelperDisconnected | Self::HelperProtocol => "unexpected_answer",
            Self::LinkFailed(_) => "not_linked",
            Self::Interrupted => "interrupted",
            Self::NoResponse { .. } | Self::Busy { .. } => "no_answer",
            Self::Redirected { .. } | Self::UnknownTenant { .. } | Self::Metadata(_) | Self::UnexpectedResponse { .. } => "unexpected_answer",
            Self::Refused { .. } => "refused",
            Self::Forbidden { .. } => "not_allowed",
            Self::InsufficientScope { .. } | Self::ScopeReduced { .. } | Self::ScopeNotGranted { .. } => "insufficient_scope",
            Self::UntrustedCertificate { .. } => "untrusted",
            Self::Credentials(_) => "credentials",
            Self::UnknownKey(_) => "no_such_key",
            Self::Tapis(failure) => failure.code(),
            Self::Destination(_) => "no_such_host_account",
            Self::KeyFiles(_) => "key_files",
            Self::SshUnavailable(_) => "no_ssh",
            Self::Runtime(_) | Self::HttpClientSetup { .. } => "internal",
        }
    }

    fn exit_status(&self) -> u8 {
        match self {
            Self::MissingServer
            | Self::ServerUrl(_)
            | Self::InvalidTenant(_)
            | Self::ConflictingTenants { .. }
            | Self::CaFile(_)
            | Self::ConfirmationRequired => 2,
            Self::SignInUnavailable { .. } => 2,
            Self::NotSignedIn(_)
            | Self::SignInExpired(_)
            | Self::InsufficientScope { .. }
            | Self::ScopeReduced { .. }
            | Self::ScopeNotGranted { .. } => 3,
            Self::Denied | Self::DeniedByServer { .. } | Self::LinkRefused => 4,
            Self::CodeExpired | Self::LinkExpired => 5,
            Self::Interrupted => 130,
            Self::Tapis(failure) => failure.exit_status(),
            _ => 1,
        }
    }
}

/// Where people can sign in instead. The server is named, too: if a tenant's issuer was passed as the server, `--tenant` alone would contradict it.
fn suggest_tenants(server: &ServerUrl, open: &[Printable]) -> String {
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
        for (failure, number) in [(CliError::MissingServer, 2), (CliError::Denied, 4), (CliError::CodeExpired, 5), (CliError::Interrupted, 130)] {
            assert_eq!(failure.exit_status(), number);
            assert!(crate::cli::EXIT_CODES.lines().any(|line| line.trim_start().starts_with(&format!("{number}  "))));
        }
    }
}
