//! What can go wrong with Tapis only.

use serde_json::{Value, json};
use thiserror::Error;

use crate::cli::printable::Printable;
use crate::cli::server_url::ServerUrl;

/// Why `tms tapis` did not do what it was asked to.
#[derive(Debug, Error)]
pub enum TapisFailure {
    #[error("no Tapis tenant is set: pass its URL, such as --base-url https://tacc.tapis.io")]
    NoBaseUrl,
    #[error("{0} accepts registered clients only: pass a client ID with --client-id")]
    NoClientId(ServerUrl),
    #[error("{server} does not know the client `{client_id}`: check --client-id and --base-url")]
    UnknownClient { server: ServerUrl, client_id: Printable },
    #[error("you are not signed in to {0}: run `tms tapis login`")]
    NotSignedIn(ServerUrl),
    #[error("your sign-in to {0} has expired or was revoked: run `tms tapis login`")]
    SignInEnded(ServerUrl),
    #[error("the code expired before it was entered: run `tms tapis login` again for a new one")]
    CodeExpired,
    #[error("{server} did not send a Tapis response ({what}): check --base-url")]
    NotTapis { server: ServerUrl, what: Printable },
    #[error(
        "signed out of {server} on this machine only: the token is deleted here, but Tapis did not revoke it: {why}\nIt stays valid {valid}; any copy of it still works"
    )]
    NotRevoked { server: ServerUrl, why: String, valid: String },
    #[error(
        "signed out of Tapis on this machine only: no token could be revoked: {0}\nThe file is deleted. Any copy of a token that it contained works until it expires"
    )]
    SignInLost(String),
    #[error("{server} reported an internal error ({message}): try again later")]
    Fault { server: ServerUrl, message: Printable },
}

impl TapisFailure {
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoBaseUrl | Self::NoClientId(_) => "usage",
            Self::UnknownClient { .. } => "refused",
            Self::NotSignedIn(_) | Self::SignInEnded(_) => "not_signed_in",
            Self::CodeExpired => "expired_token",
            Self::NotTapis { .. } => "unexpected_answer",
            Self::NotRevoked { .. } | Self::SignInLost(_) => "not_revoked",
            Self::Fault { .. } => "no_answer",
        }
    }

    /// What scripts are told besides the word and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::NotRevoked { server, why, .. } => Some(json!({ "base_url": server.as_str(), "signed_in": false, "revoked": false, "reason": why })),
            Self::SignInLost(why) => Some(json!({ "signed_in": false, "revoked": false, "reason": why })),
            _ => None,
        }
    }

    pub fn exit_number(&self) -> u8 {
        match self {
            Self::NoBaseUrl | Self::NoClientId(_) => 2,
            Self::NotSignedIn(_) | Self::SignInEnded(_) => 3,
            Self::CodeExpired => 5,
            Self::UnknownClient { .. } | Self::NotTapis { .. } | Self::NotRevoked { .. } | Self::SignInLost(_) | Self::Fault { .. } => 1,
        }
    }
}
