//! Failures that only Tapis commands have.

use serde_json::{Value, json};
use thiserror::Error;

use crate::cli::credentials_file::CredentialsError;
use crate::cli::error_code::ErrorCode;
use crate::cli::http::RequestError;
use crate::cli::printable::Printable;
use crate::cli::server_url::{ServerUrl, ServerUrlRefused};

/// Why a `tms tapis` command failed.
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
    #[error("{server} refused: {message}")]
    Refused { server: ServerUrl, message: Printable },
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlRefused),
}

impl TapisError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MissingBaseUrl | Self::MissingClientId(_) | Self::ServerUrl(_) => ErrorCode::Usage,
            Self::UnknownClient { .. } | Self::Refused { .. } => ErrorCode::Refused,
            Self::NotSignedIn(_) | Self::SignInExpired(_) => ErrorCode::NotSignedIn,
            Self::CodeExpired => ErrorCode::ExpiredToken,
            Self::UnexpectedResponse { .. } => ErrorCode::UnexpectedAnswer,
            Self::RevocationFailed { .. } | Self::UnreadableSignIns(_) => ErrorCode::NotRevoked,
            Self::ServerError { .. } => ErrorCode::NoResponse,
            Self::Request(error) => error.code(),
            Self::Credentials(_) => ErrorCode::Credentials,
        }
    }

    /// Additional members of the JSON error, besides the code and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::RevocationFailed { server, why, .. } => {
                Some(json!({ "base_url": server.as_str(), "signed_in": false, "revoked": false, "reason": why }))
            }
            Self::UnreadableSignIns(why) => Some(json!({ "signed_in": false, "revoked": false, "reason": why })),
            _ => None,
        }
    }
}
