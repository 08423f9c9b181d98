//! `tms logout`

mod undeleted;
mod unreadable;

pub use unreadable::UnreadableSignIns;

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;

use crate::domain::paths;
use crate::domain::time::Timestamp;

use super::credentials::Credentials;
use super::credentials_file::CredentialsError;
use super::error_code::ErrorCode;
use super::output::Output;
use super::refresh::RenewalLock;
use super::server_api::{ApiError, ServerApi};
use super::ssh::{KeyFilesError, LocalKey, local_keys};
use super::target::{Target, TargetArgs, TargetError};
use super::time_format::{format_validity, now};
use undeleted::{UndeletedFiles, UnrevokedKey, delete_keys, keys_to_json, unrevoked_keys, write_remaining_access};

/// Why a sign-out is not complete.
#[derive(Debug, Error)]
pub enum LogoutError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    KeyFiles(#[from] KeyFilesError),
    #[error("{0}")]
    RevocationFailed(Box<RevocationFailed>),
    #[error("{0}")]
    DeletionFailed(Box<DeletionFailed>),
    #[error("{0}")]
    UnreadableSignIns(Box<UnreadableSignIns>),
}

impl LogoutError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Credentials(_) => ErrorCode::Credentials,
            Self::Target(error) => error.code(),
            Self::KeyFiles(_) => ErrorCode::KeyFiles,
            Self::RevocationFailed(_) | Self::UnreadableSignIns(_) => ErrorCode::NotRevoked,
            Self::DeletionFailed(_) => ErrorCode::NotDeleted,
        }
    }

    /// Additional members of the JSON error, besides the code and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::RevocationFailed(error) => Some(error.to_json()),
            Self::DeletionFailed(error) => Some(error.to_json()),
            Self::UnreadableSignIns(error) => Some(error.to_json()),
            Self::Credentials(_) | Self::Target(_) | Self::KeyFiles(_) => None,
        }
    }
}

/// A sign-in that the server did not revoke.
#[derive(Debug)]
pub struct RevocationFailed {
    target: Target,
    why: String,
    /// Whether it has a refresh token.
    is_renewable: bool,
    /// When it ends; `None` if the server did not state it.
    token: Option<Timestamp>,
    keys: Vec<UnrevokedKey>,
    undeleted: UndeletedFiles,
}

/// A sign-in that was revoked or did not exist, but could not be deleted completely on this machine.
#[derive(Debug)]
pub struct DeletionFailed {
    target: Target,
    was_signed_in: bool,
    undeleted: UndeletedFiles,
}

/// Revokes the sign-in and its keys on the server, and deletes both here. They are deleted even if the server cannot be reached;
/// the message then says what is still valid, until when, and how to revoke it. A failed deletion is reported and does not stop the
/// others.
pub async fn run(target_args: &TargetArgs, output: &Output) -> Result<(), LogoutError> {
    let mut credentials = match Credentials::load(output) {
        Err(fault @ (CredentialsError::Damaged { .. } | CredentialsError::Unreadable { .. })) => {
            return Err(LogoutError::UnreadableSignIns(Box::new(unreadable::discard_unreadable(&fault, target_args)?)));
        }
        credentials => credentials?,
    };
    let target = Target::resolve(target_args, credentials.last_target())?;
    let keys = local_keys(&target)?;
    let is_renewable = credentials.find(&target).is_some_and(|sign_in| sign_in.tokens.refresh_token.is_some());
    // Another `tms` could replace the tokens that are revoked and deleted here.
    let lock = if is_renewable { Some(RenewalLock::acquire().await) } else { None };
    if lock.is_some() {
        credentials = Credentials::load(output)?;
    }
    if credentials.find(&target).is_none() {
        return delete_remaining_keys(target, &keys, output);
    }

    let revoked = revoke(&target, target_args, &mut credentials, lock.as_ref(), &keys, output).await;
    let still_valid = unrevoked_keys(&keys);
    let tokens = credentials.find(&target).map(|sign_in| sign_in.tokens.clone());
    let removed = tokens.as_ref().map_or(Ok(()), |tokens| credentials.remove(&target, &tokens.access_token));
    let undeleted = UndeletedFiles { token: removed.err(), keys: delete_keys(&keys) };
    match revoked {
        Ok(()) if undeleted.is_empty() => {
            report(&target, output, &format!("Signed out of {target}.{}", format_deleted(keys.len())), None, keys.len());
            Ok(())
        }
        Ok(()) => Err(LogoutError::DeletionFailed(Box::new(DeletionFailed { target, was_signed_in: true, undeleted }))),
        Err(why) => Err(LogoutError::RevocationFailed(Box::new(RevocationFailed {
            target,
            why: why.to_string(),
            is_renewable,
            token: tokens.and_then(|tokens| tokens.valid_until()),
            keys: still_valid,
            undeleted,
        }))),
    }
}

/// Without a sign-in, only keys can be left.
fn delete_remaining_keys(target: Target, keys: &[LocalKey], output: &Output) -> Result<(), LogoutError> {
    let still_valid = unrevoked_keys(keys);
    let undeleted = UndeletedFiles { token: None, keys: delete_keys(keys) };
    let complete = undeleted.is_empty();
    if complete {
        let words = format!("You were not signed in to {target}.{}", format_deleted(keys.len()));
        report(&target, output, &words, Some("not signed in"), keys.len());
    }
    for UnrevokedKey { host, host_account, until } in still_valid {
        let (until, keys) = (format_validity(Some(until)), format!("{}{}", target.server, paths::KEYS));
        output.note(&format!("The portal may still accept the key for {host_account} on {host}, {until}: revoke it at {keys} in any browser."));
    }
    if complete { Ok(()) } else { Err(LogoutError::DeletionFailed(Box::new(DeletionFailed { target, was_signed_in: false, undeleted }))) }
}

/// Revokes the keys one by one, because a key of an earlier sign-in would outlive this one. Failures for single keys, such as
/// missing scope, are ignored: revoking the sign-in then revokes the key or reports the failure. The same holds for a failed renewal.
async fn revoke(
    target: &Target,
    target_args: &TargetArgs,
    credentials: &mut Credentials,
    lock: Option<&RenewalLock>,
    keys: &[LocalKey],
    output: &Output,
) -> Result<(), ApiError> {
    let server = ServerApi::new(target.clone(), target_args)?;
    let Some(endpoint) = server.metadata().await?.revocation_endpoint else {
        return Err(server.unexpected_response("no revocation_endpoint"));
    };
    let keys: Vec<_> = keys.iter().filter_map(|key| key.record.as_ref()).collect();
    let has_expired = |credentials: &Credentials| credentials.find(target).is_some_and(|sign_in| sign_in.tokens.need_renewal(Duration::ZERO, now()));
    if let Some(lock) = lock.filter(|_| !keys.is_empty() && has_expired(credentials)) {
        let _with_the_sign_in = lock.renew(&server, credentials, output).await;
    }
    let Some(sign_in) = credentials.find(target) else { return Ok(()) };
    for key in keys {
        let _with_the_sign_in = server.revoke_key(&sign_in.tokens.access_token, key.id).await;
    }
    server.revoke(&endpoint, &sign_in.tokens).await
}

fn format_deleted(keys: usize) -> String {
    match keys {
        0 => String::new(),
        1 => " Its key on this machine was deleted.".to_owned(),
        n => format!(" Its {n} keys on this machine were deleted."),
    }
}

impl fmt::Display for RevocationFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, why, is_renewable, token, keys, undeleted } = self;
        if undeleted.token.is_none() {
            writeln!(f, "signed out of {target} on this machine only, because the portal did not revoke the sign-in: {why}")?;
        } else {
            writeln!(f, "not signed out of {target}: the portal did not revoke the sign-in ({why}), and its token is still here")?;
        }
        let name = if *is_renewable { "the refresh token" } else { "the access token" };
        write_remaining_access(f, undeleted, &format!("{name}, {}", format_validity(*token)), keys)?;
        write!(f, "To end all of this, revoke the sign-in at {}{} in any browser.", target.server, paths::APPS)
    }
}

impl RevocationFailed {
    /// Details for JSON output.
    pub fn to_json(&self) -> Value {
        json!({
            "server": self.target.server.as_str(),
            "tenant": self.target.tenant,
            "signed_in": self.undeleted.token.is_some(),
            "revoked": false,
            "reason": self.why,
            "token_expires_at": self.token.map(Timestamp::to_rfc3339),
            "keys": keys_to_json(&self.keys),
            "not_deleted": self.undeleted.messages(),
        })
    }
}

impl fmt::Display for DeletionFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, was_signed_in, undeleted } = self;
        if *was_signed_in {
            write!(f, "signed out of {target}, but some files on this machine could not be deleted. They no longer work:{undeleted}")
        } else {
            write!(f, "you were not signed in to {target}, but keys stored on this machine could not all be deleted:{undeleted}")
        }
    }
}

impl DeletionFailed {
    /// Details for JSON output.
    pub fn to_json(&self) -> Value {
        json!({
            "server": self.target.server.as_str(),
            "tenant": self.target.tenant,
            "signed_in": false,
            "revoked": self.was_signed_in,
            "not_deleted": self.undeleted.messages(),
        })
    }
}

fn report(target: &Target, output: &Output, words: &str, not_revoked: Option<&str>, keys_deleted: usize) {
    let object = json!({
        "server": target.server.as_str(),
        "tenant": target.tenant,
        "signed_in": false,
        "revoked": not_revoked.is_none(),
        "reason": not_revoked,
        "keys_deleted": keys_deleted,
    });
    output.result(words, &object);
}
