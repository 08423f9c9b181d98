//! What a sign-out leaves behind: files that could not be deleted here, and keys that the server did not revoke.

use std::fmt;

use serde_json::{Value, json};

use super::super::credentials_file::CredentialsError;
use super::super::ssh::{KeyFilesError, LocalKey};
use super::super::time_format::{format_validity, now};
use crate::domain::time::Timestamp;

/// What could not be deleted on this machine. Each error names its file or directory.
#[derive(Debug)]
pub struct UndeletedFiles {
    pub token: Option<CredentialsError>,
    pub keys: Vec<KeyFilesError>,
}

/// A key that the server may still accept.
#[derive(Debug)]
pub struct UnrevokedKey {
    pub host: String,
    pub host_account: String,
    pub until: Timestamp,
}

/// The keys that have not expired yet.
pub fn unrevoked_keys(keys: &[LocalKey]) -> Vec<UnrevokedKey> {
    let now = now();
    let key = |key: &LocalKey| {
        let until = key.record.as_ref()?.expires_at;
        (until > now).then(|| UnrevokedKey { host: key.host.clone(), host_account: key.host_account.clone(), until })
    };
    keys.iter().filter_map(key).collect()
}

/// Deletes all keys; returns the errors.
pub fn delete_keys(keys: &[LocalKey]) -> Vec<KeyFilesError> {
    keys.iter().filter_map(|key| key.delete().err()).collect()
}

/// Lists what is still valid because the server could not be told, one line each.
pub fn write_remaining_access(f: &mut fmt::Formatter<'_>, undeleted: &UndeletedFiles, token: &str, keys: &[UnrevokedKey]) -> fmt::Result {
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

/// For scripts.
pub fn keys_to_json(keys: &[UnrevokedKey]) -> Vec<Value> {
    keys.iter().map(|key| json!({ "host": key.host, "host_account": key.host_account, "expires_at": key.until.to_rfc3339() })).collect()
}

impl UndeletedFiles {
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.keys.is_empty()
    }

    /// One for each that could not be deleted.
    pub fn messages(&self) -> Vec<String> {
        let token = self.token.iter().map(|fault| format!("the access token: {fault}"));
        token.chain(self.keys.iter().map(ToString::to_string)).collect()
    }
}

impl fmt::Display for UndeletedFiles {
    /// Continues the message: one line per error, each preceded by a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages().iter().try_for_each(|sentence| write!(f, "\n    {sentence}"))
    }
}
