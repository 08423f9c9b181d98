//! What can go wrong with Tapis only.

use serde_json::{Value, json};
use thiserror::Error;

use crate::cli::printable::Printable;
use crate::cli::server_url::ServerUrl;

/// Why `tms tapis` did not do what it was asked to.
#[derive(Debug, Error)]
pub enum TapisError {
    #[error("no Tapis tenant is set: pass its URL, such as --base-url https://tacc.tapis.io")]
    MissingBaseUrl,
    #[error("{0} accepts registered clients only: pass a client ID with --client-id")]
    MissingClientId(ServerUrl),
    #[error("{server} does not know the client `{client_id}`: check --client-id and --base-url")]
    UnknownClient { server: ServerUrl, client_id: Printable },
    #[error("you are not signed in to {0}: run `tms tapis login`")]
    NotSignedIn(ServerUrl),
    #[error("your sign-in to {0} has expired or was revoked: run `tms tapis login`")]
    SignInExpired(ServerUrl),
    #[error("the code expired before it was entered: run `tms tapis login` again for a new one")]
    CodeExpired,
    #[error("{server} did not send a Tapis response ({what}): check --base-url")]
    UnexpectedResponse { server: ServerUrl, what: Printable },
    #[error(
        "signed out of {server} on this machine only: the token is deleted here, but Tapis did not revoke it: {why}\nIt stays valid {valid}; any copy of it still works"
    )]
    RevocationFailed { server: ServerUrl, why: String, valid: String },
    #[error(
        "signed out of Tapis on this machine only: no token could be revoked: {0}\nThe file is deleted. Any copy of a token that it contained works until it expires"
    )]
    UnreadableSignIns(String),
    #[error("{server} reported an internal error ({message}): try again later")]
    ServerError { server: ServerUrl, message: Printable },
}

impl TapisError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingBaseUrl | Self::MissingClientId(_) => "usage",
            Self::UnknownClient { .. } => "refused",
            Self::NotSignedIn(_) | Self::SignInExpired(_) => "not_signed_in",
            Self::CodeExpired => "expired_token",
            Self::UnexpectedResponse { .. } => "unexpected_answer",
            Self::RevocationFailed { .. } | Self::UnreadableSignIns(_) => "not_revoked",
            Self::ServerError { .. } => "no_answer",
        }
    }

    /// What scripts are told besides the word and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::RevocationFailed { server, why, .. } => {
                Some(json!({ "base_url": server.as_str(), "signed_in": false, "revoked": false, "reason": why }))
            }
            Self::UnreadableSignIns(why) => Some(json!({ "signed_in": false, "revoked": false, "reason": why })),
            _ => None,
        }
    }

    pub fn exit_status(&self) -> u8 {
        match self {
            Self::MissingBaseUrl | Self::MissingClientId(_) => 2,
            Self::NotSignedIn(_) | Self::SignInExpired(_) => 3,
            Self::CodeExpired => 5,
            Self::UnknownClient { .. }
            | Self::UnexpectedResponse { .. }
            | Self::RevocationFailed { .. }
            | Self::UnreadableSignIns(_)
            | Self::ServerError { .. } => 1,
        }
    }
}
