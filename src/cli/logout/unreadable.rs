//! `tms logout` if the stored sign-ins cannot be read: no portal can be told, and everything is deleted from this machine.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use super::super::credentials_file::{self, CredentialsError};
use super::super::ssh::{KeyFilesError, LocalKey, all_local_keys};
use super::super::target::{Target, TargetArgs};
use super::undeleted::{UndeletedFiles, UnrevokedKey, delete_keys, keys_to_json, unrevoked_keys, write_remaining_access};
use crate::domain::paths;

/// Sign-ins that could not be read.
#[derive(Debug)]
pub struct UnreadableSignIns {
    why: String,
    /// Their servers, as far as known.
    servers: BTreeSet<String>,
    keys: Vec<UnrevokedKey>,
    undeleted: UndeletedFiles,
}

/// Deletes as much as possible of all sign-ins, and reports what was left.
pub fn discard_unreadable(error: &CredentialsError, target_args: &TargetArgs) -> Result<UnreadableSignIns, KeyFilesError> {
    let keys = all_local_keys()?;
    let requested = Target::resolve(target_args, None).ok().map(|target| target.server.to_string());
    let servers = keys.iter().filter_map(LocalKey::server).map(str::to_owned).chain(requested).collect();
    let still_valid = unrevoked_keys(&keys);
    let undeleted = UndeletedFiles { token: credentials_file::delete_unreadable(error).err(), keys: delete_keys(&keys) };
    Ok(UnreadableSignIns { why: error.cause(), servers, keys: still_valid, undeleted })
}

impl fmt::Display for UnreadableSignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, servers, keys, undeleted } = self;
        let summary = if undeleted.token.is_none() { "signed out on this machine only" } else { "not signed out" };
        writeln!(f, "{summary}: no sign-in could be revoked: {why}")?;
        write_remaining_access(f, undeleted, "each stored token, until it expires", keys)?;
        let sessions: Vec<String> = servers.iter().map(|server| format!("{server}{}", paths::APPS)).collect();
        match sessions.as_slice() {
            [] => write!(f, "To end all of this, revoke the sign-in in its portal, on the page {}, in any browser.", paths::APPS),
            sessions => write!(f, "To end all of this, revoke the sign-in at {} in any browser.", sessions.join(" and ")),
        }
    }
}

impl UnreadableSignIns {
    /// Details for JSON output.
    pub fn to_json(&self) -> Value {
        json!({
            "servers": self.servers,
            "signed_in": self.undeleted.token.is_some(),
            "revoked": false,
            "reason": self.why,
            "keys": keys_to_json(&self.keys),
            "not_deleted": self.undeleted.messages(),
        })
    }
}
