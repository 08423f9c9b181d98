//! `tms keys revoke`

use std::fmt;

use clap::Args;
use serde_json::json;
use thiserror::Error;

use super::super::error_code::ErrorCode;
use super::super::keys_api::KeyListing;
use super::super::output::Output;
use super::super::server_session::{ServerSession, SessionError};
use super::super::ssh::{KeyFilesError, LocalKey, local_keys};
use super::super::target::TargetArgs;
use crate::wire::MyKey;

/// Arguments of `tms keys revoke`.
#[derive(Args)]
pub struct RevokeArgs {
    /// Keys to revoke, each by its ID or fingerprint as listed by `tms keys`
    #[arg(value_name = "FINGERPRINT|ID", required_unless_present = "all")]
    keys: Vec<KeySelector>,

    /// Revoke all keys listed by `tms keys`
    #[arg(long, conflicts_with = "keys")]
    all: bool,

    /// Do not ask for confirmation with --all
    #[arg(long)]
    yes: bool,
}

/// Why keys were not listed or revoked.
#[derive(Debug, Error)]
pub enum KeysError {
    #[error("key {0} does not exist or is not visible to this sign-in: see `tms keys`")]
    UnknownKey(String),
    #[error("not a terminal: pass --yes to revoke all keys")]
    ConfirmationRequired,
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    KeyFiles(#[from] KeyFilesError),
}

impl KeysError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownKey(_) => ErrorCode::NoSuchKey,
            Self::ConfirmationRequired => ErrorCode::Usage,
            Self::Session(error) => error.code(),
            Self::KeyFiles(_) => ErrorCode::KeyFiles,
        }
    }
}

/// How a key is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeySelector {
    Id(i64),
    /// A key that logs in to several host accounts is listed once for each.
    Fingerprint(String),
}

/// Revokes keys. All named keys must exist before any is revoked.
pub async fn run(revoke: &RevokeArgs, target_args: &TargetArgs, output: &Output) -> Result<(), KeysError> {
    if revoke.all && !revoke.yes && !output.can_prompt() {
        return Err(KeysError::ConfirmationRequired);
    }
    let session = ServerSession::load(target_args, output)?;
    let server = &session.server;
    let KeyListing { entries: listed, unreadable } = session.send(async |token| server.my_keys(token).await).await?;
    output.note_unreadable(unreadable, "key");
    let local = local_keys(&server.target)?;
    let selected = if revoke.all { listed.iter().collect() } else { select_keys(&revoke.keys, &listed)? };
    let question = format!("Revoke {}? They stop working immediately.", count_keys(selected.len()));
    let confirmed = selected.is_empty() || !revoke.all || revoke.yes || output.confirm(&question).await;

    let mut revoked = Vec::new();
    for key in selected.into_iter().filter(|_| confirmed) {
        // A key that no longer exists was revoked elsewhere: success.
        session.send(async |token| server.revoke_key(token, key.id).await).await?;
        output.note(&format!("Revoked {}: {} on {}.", key.id, key.host_account, key.host));
        // The private half is now useless. If it cannot be deleted, it does no harm.
        if let Some(Err(why)) = local.iter().find(|local_key| local_key.matches(key.id, &key.public_key_fingerprint)).map(LocalKey::delete) {
            output.note(&why.to_string());
        }
        revoked.push(json!({
            "id": key.id, "host": key.host, "host_account": key.host_account, "public_key_fingerprint": key.public_key_fingerprint
        }));
    }
    let object = json!({ "server": server.target.server.as_str(), "tenant": server.target.tenant, "num_revoked": revoked.len(), "num_unreadable": unreadable, "keys": revoked });
    output.result(&format!("{} revoked.", count_keys(revoked.len())), &object);
    Ok(())
}

fn select_keys<'a>(selectors: &[KeySelector], keys: &'a [MyKey]) -> Result<Vec<&'a MyKey>, KeysError> {
    if let Some(unknown) = selectors.iter().find(|selector| !keys.iter().any(|key| selector.matches(key))) {
        return Err(KeysError::UnknownKey(unknown.to_string()));
    }
    Ok(keys.iter().filter(|key| selectors.iter().any(|selector| selector.matches(key))).collect())
}

fn count_keys(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        n => format!("{n} keys"),
    }
}

impl KeySelector {
    fn matches(&self, key: &MyKey) -> bool {
        match self {
            Self::Id(id) => key.id == *id,
            Self::Fingerprint(fingerprint) => key.public_key_fingerprint == *fingerprint,
        }
    }
}

impl std::str::FromStr for KeySelector {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match typed.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) if typed.starts_with("SHA256:") => Ok(Self::Fingerprint(typed.to_owned())),
            Err(_) => Err("give a key's ID or its fingerprint, which begins with SHA256:"),
        }
    }
}

impl fmt::Display for KeySelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Fingerprint(fingerprint) => f.write_str(fingerprint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: i64, fingerprint: &str) -> MyKey {
        let key = json!({
            "id": id, "host": "testhost1", "host_account": "testhostaccount1", "client_id": "tms-cli",
            "public_key": "ssh-ed25519 AAAA", "public_key_fingerprint": fingerprint, "key_type": "ed25519", "state": "active",
            "max_uses": 1, "remaining_uses": 1, "created": "", "expires_at": "", "last_used_at": null,
        });
        serde_json::from_value(key).unwrap()
    }

    #[test]
    fn keys_are_selected_by_id_or_fingerprint() {
        assert_eq!("17".parse(), Ok(KeySelector::Id(17)));
        assert_eq!("SHA256:17".parse(), Ok(KeySelector::Fingerprint("SHA256:17".to_owned())));
        for wrong in ["", "all", "testhost1", "MD5:aa:bb", "../17"] {
            assert!(wrong.parse::<KeySelector>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_selected_keys_must_exist() {
        let listed = [key(1, "SHA256:a"), key(2, "SHA256:b"), key(3, "SHA256:a")];
        let ids = |names: &[&str]| {
            let names: Vec<KeySelector> = names.iter().map(|name| name.parse().unwrap()).collect();
            select_keys(&names, &listed).map(|keys| keys.iter().map(|key| key.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["2"]).unwrap(), [2]);
        assert_eq!(ids(&["SHA256:a", "1"]).unwrap(), [1, 3], "each once, wherever it logs in");
        assert!(matches!(ids(&["1", "4"]), Err(KeysError::UnknownKey(name)) if name == "4"));
    }
}
