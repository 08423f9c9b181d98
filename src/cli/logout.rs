//! `tms logout`

mod unreadable;

pub use unreadable::UnreadableSignIns;

use std::fmt;

use oauth2::AccessToken;
use serde_json::{Value, json};

use crate::domain::paths;
use crate::domain::time::{Timestamp, Zone};

use super::credentials::Credentials;
use super::credentials_file::CredentialsError;
use super::failure::CliError;
use super::output::Output;
use super::server_api::ServerApi;
use super::ssh::{KeyFilesError, LocalKey, local_keys};
use super::target::{Target, TargetArgs};
use super::time_format::now;

/// A sign-in that the server did not end.
#[derive(Debug)]
pub struct RevocationFailed {
    target: Target,
    why: String,
    token: Option<Timestamp>,
    keys: Vec<UnrevokedKey>,
    undeleted: UndeletedFiles,
}

/// A sign-in that the server ended, or that was not there, and of which something is still on this machine.
#[derive(Debug)]
pub struct DeletionFailed {
    target: Target,
    was_signed_in: bool,
    left: UndeletedFiles,
}

/// What could not be deleted on this machine. Each fault names its file or directory.
#[derive(Debug)]
struct UndeletedFiles {
    token: Option<CredentialsError>,
    keys: Vec<KeyFilesError>,
}

/// A key that the server may still let in.
#[derive(Debug)]
struct UnrevokedKey {
    host: String,
    host_account: String,
    until: Timestamp,
}

/// Ends the sign-in and its keys on the server, and deletes both here. They are deleted here even when the server cannot be told; then the
/// person hears what still works, until when, and how to end it. What cannot be deleted does not keep the rest from it, and is named.
pub async fn run(target_args: &TargetArgs, output: &Output) -> Result<(), CliError> {
    let mut credentials = match Credentials::load(output) {
        Err(fault @ (CredentialsError::Damaged { .. } | CredentialsError::Unreadable { .. })) => {
            return Err(unreadable::discard_unreadable(&fault, target_args)?);
        }
        credentials => credentials?,
    };
    let target = Target::resolve(target_args, credentials.last_target())?;
    let keys = local_keys(&target)?;
    let Some(sign_in) = credentials.find(&target) else {
        let still_valid = unrevoked_keys(&keys);
        let undeleted = UndeletedFiles { token: None, keys: delete_keys(&keys) };
        let complete = undeleted.is_empty();
        if complete {
            let words = format!("You were not signed in to {target}.{}", format_deleted(keys.len()));
            report(&target, output, &words, Some("not signed in"), keys.len());
        }
        for UnrevokedKey { host, host_account, until } in still_valid {
            let (until, keys) = (format_validity(Some(until)), format!("{}{}", target.server, paths::KEYS));
            output.note(&format!("The portal may still accept the key for {host_account} on {host}, {until}: revoke it at {keys} in any browser."));
        }
        return if complete {
            Ok(())
        } else {
            Err(CliError::DeletionFailed(Box::new(DeletionFailed { target, was_signed_in: false, left: undeleted })))
        };
    };

    let (token, until) = (sign_in.access_token.clone(), sign_in.expires_at);
    let revoked = revoke(&target, target_args, &token, &keys).await;
    let still_valid = unrevoked_keys(&keys);
    let undeleted = UndeletedFiles { token: credentials.remove(&target, &token).err(), keys: delete_keys(&keys) };
    match revoked {
        Ok(()) if undeleted.is_empty() => {
            report(&target, output, &format!("Signed out of {target}.{}", format_deleted(keys.len())), None, keys.len());
            Ok(())
        }
        Ok(()) => Err(CliError::DeletionFailed(Box::new(DeletionFailed { target, was_signed_in: true, left: undeleted }))),
        Err(why) => {
            Err(CliError::RevocationFailed(Box::new(RevocationFailed { target, why: why.to_string(), token: until, keys: still_valid, undeleted })))
        }
    }
}

/// The keys one by one: one that was made with an earlier sign-in would outlive this one. What the server does not do for one of them, such
/// as for a sign-in that does not cover it, it does with the token, or says so there.
async fn revoke(target: &Target, target_args: &TargetArgs, token: &AccessToken, keys: &[LocalKey]) -> Result<(), CliError> {
    let server = ServerApi::new(target.clone(), target_args)?;
    let Some(endpoint) = server.metadata().await?.revocation_endpoint else {
        return Err(server.unexpected_response("no revocation_endpoint"));
    };
    for key in keys.iter().filter_map(|key| key.record.as_ref()) {
        let _with_the_token = server.revoke_key(token, key.id).await;
    }
    server.revoke(&endpoint, token).await
}

fn unrevoked_keys(keys: &[LocalKey]) -> Vec<UnrevokedKey> {
    let now = now();
    let key = |key: &LocalKey| {
        let until = key.record.as_ref()?.expires_at;
        (until > now).then(|| UnrevokedKey { host: key.host.clone(), host_account: key.host_account.clone(), until })
    };
    keys.iter().filter_map(key).collect()
}

/// Deletes every key that can be deleted, and says which cannot.
fn delete_keys(keys: &[LocalKey]) -> Vec<KeyFilesError> {
    keys.iter().filter_map(|key| key.delete().err()).collect()
}

fn format_deleted(keys: usize) -> String {
    match keys {
        0 => String::new(),
        1 => " Its key on this machine was deleted.".to_owned(),
        n => format!(" Its {n} keys on this machine were deleted."),
    }
}

/// How long something that was not revoked goes on.
pub fn format_validity(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(Timestamp::FOREVER) => "until it is revoked".to_owned(),
        Some(time) => format!("until {}", time.humanize_in(&Zone::system())),
        None => "for as long as the server allows".to_owned(),
    }
}

impl fmt::Display for RevocationFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, why, token, keys, undeleted: left } = self;
        if left.token.is_none() {
            writeln!(f, "signed out of {target} on this machine only, because the portal did not revoke the sign-in: {why}")?;
        } else {
            writeln!(f, "not signed out of {target}: the portal did not revoke the sign-in ({why}), and its token is still here")?;
        }
        write_remaining_access(f, left, &format!("the access token, {}", format_validity(*token)), keys)?;
        write!(f, "To end all of this, revoke the sign-in at {}{} in any browser.", target.server, paths::SESSIONS)
    }
}

/// What is left behind that the server was not told of, a line for each.
fn write_remaining_access(f: &mut fmt::Formatter<'_>, undeleted: &UndeletedFiles, token: &str, keys: &[UnrevokedKey]) -> fmt::Result {
    if undeleted.is_empty() {
        writeln!(f, "The files on this machine are deleted. Any copies still work:")?;
    } else {
        writeln!(f, "Some files on this machine could not be deleted:{undeleted}")?;
        writeln!(f, "These still work, from here or from a copy:")?;
    }
    writeln!(f, "    {token}")?;
    keys.iter().try_for_each(|UnrevokedKey { host, host_account, until }| {
        writeln!(f, "    the key for {host_account} on {host}, {}", format_validity(Some(*until)))
    })
}

fn keys_to_json(keys: &[UnrevokedKey]) -> Vec<Value> {
    keys.iter().map(|key| json!({ "host": key.host, "host_account": key.host_account, "expires_at": key.until.to_rfc3339() })).collect()
}

impl RevocationFailed {
    /// For scripts.
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
        let Self { target, was_signed_in, left } = self;
        if *was_signed_in {
            write!(f, "signed out of {target}, but some files on this machine could not be deleted. They no longer work:{left}")
        } else {
            write!(f, "you were not signed in to {target}, but keys stored on this machine could not all be deleted:{left}")
        }
    }
}

impl DeletionFailed {
    /// For scripts.
    pub fn object(&self) -> Value {
        json!({
            "server": self.target.server.as_str(),
            "tenant": self.target.tenant,
            "signed_in": false,
            "revoked": self.was_signed_in,
            "not_deleted": self.left.messages(),
        })
    }
}

impl UndeletedFiles {
    fn is_empty(&self) -> bool {
        self.token.is_none() && self.keys.is_empty()
    }

    fn messages(&self) -> Vec<String> {
        let token = self.token.iter().map(|fault| format!("the access token: {fault}"));
        token.chain(self.keys.iter().map(ToString::to_string)).collect()
    }
}

impl fmt::Display for UndeletedFiles {
    /// A line for each, behind the line before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages().iter().try_for_each(|sentence| write!(f, "\n    {sentence}"))
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
