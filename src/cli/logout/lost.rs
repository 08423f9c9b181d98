//! `tms logout` where the kept sign-ins cannot be read: no portal can be told, and all the more has to go from this machine.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

use super::super::credentials_file::{self, CredentialsFault};
use super::super::failure::Failure;
use super::super::ssh::{KeptKey, all_kept_keys};
use super::super::target::{Place, Target};
use super::{Left, StillValid, delete, objects, still_valid, still_works};
use crate::domain::paths;

/// Sign-ins that could not be read.
#[derive(Debug)]
pub struct SignInLost {
    why: String,
    /// Where they can have been to, as far as that is known.
    servers: BTreeSet<String>,
    keys: Vec<StillValid>,
    left: Left,
}

/// Deletes what can be deleted of all sign-ins, and says what was left behind.
pub fn give_up(fault: &CredentialsFault, place: &Place) -> Result<Failure, Failure> {
    let keys = all_kept_keys()?;
    let named = Target::choose(place, None).ok().map(|target| target.server.to_string());
    let servers = keys.iter().filter_map(KeptKey::server).map(str::to_owned).chain(named).collect();
    let still_valid = still_valid(&keys);
    let left = Left { token: credentials_file::delete(fault).err(), keys: delete(&keys) };
    Ok(Failure::SignInLost(Box::new(SignInLost { why: fault.cause(), servers, keys: still_valid, left })))
}

impl fmt::Display for SignInLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, servers, keys, left } = self;
        let begin = if left.token.is_none() { "signed out on this machine only" } else { "not signed out" };
        writeln!(f, "{begin}: no sign-in could be revoked: {why}")?;
        still_works(f, left, "each stored access token, until it expires", keys)?;
        let sessions: Vec<String> = servers.iter().map(|server| format!("{server}{}", paths::SESSIONS)).collect();
        match sessions.as_slice() {
            [] => write!(f, "To end all of this, revoke the sign-in in its portal, on the page {}, in any browser.", paths::SESSIONS),
            sessions => write!(f, "To end all of this, revoke the sign-in at {} in any browser.", sessions.join(" and ")),
        }
    }
}

impl SignInLost {
    /// For scripts.
    pub fn object(&self) -> Value {
        json!({
            "servers": self.servers,
            "signed_in": self.left.token.is_some(),
            "revoked": false,
            "reason": self.why,
            "keys": objects(&self.keys),
            "not_deleted": self.left.sentences(),
        })
    }
}
