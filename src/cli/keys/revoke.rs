//! `tms keys revoke`

use std::fmt;

use clap::Args;
use serde_json::json;

use super::super::failure::Failure;
use super::super::keys_api::Keys;
use super::super::output::Output;
use super::super::signed_in::SignedIn;
use super::super::ssh::{KeptKey, kept_keys};
use super::super::target::Place;
use crate::wire::MyKey;

/// What `tms keys revoke` takes besides the place.
#[derive(Args)]
pub struct Revoke {
    /// Keys to revoke, each by its ID or fingerprint as listed by `tms keys`
    #[arg(value_name = "FINGERPRINT|ID", required_unless_present = "all")]
    keys: Vec<KeyName>,

    /// Revoke all keys listed by `tms keys`
    #[arg(long, conflicts_with = "keys")]
    all: bool,

    /// Do not ask for confirmation with --all
    #[arg(long)]
    yes: bool,
}

/// How a person points at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KeyName {
    Id(i64),
    /// One key may log in to several host accounts, and is then listed as often.
    Fingerprint(String),
}

/// Revokes keys. All that are named must be there before any is revoked.
pub async fn revoke(revoke: &Revoke, place: &Place, output: &Output) -> Result<(), Failure> {
    if revoke.all && !revoke.yes && !output.can_ask() {
        return Err(Failure::NobodyToAsk);
    }
    let SignedIn { server, token } = SignedIn::load(place, output)?;
    let Keys { readable: listed, unreadable } = server.my_keys(&token).await?;
    output.unreadable(unreadable, "key");
    let kept = kept_keys(&server.target)?;
    let chosen = if revoke.all { listed.iter().collect() } else { choose(&revoke.keys, &listed)? };
    let question = format!("Revoke {}? They stop working immediately.", count(chosen.len()));
    let wanted = chosen.is_empty() || !revoke.all || revoke.yes || output.ask(&question).await;

    let mut revoked = Vec::new();
    for key in chosen.into_iter().filter(|_| wanted) {
        // One that is gone by now was revoked by somebody else: it is done.
        server.revoke_key(&token, key.id).await?;
        output.note(&format!("Revoked {}: {} on {}.", key.id, key.host_account, key.host));
        // Its private half is of no use any more. Where it cannot be deleted, it does no harm.
        if let Some(Err(why)) = kept.iter().find(|kept| kept.is(key.id, &key.public_key_fingerprint)).map(KeptKey::delete) {
            output.note(&why.to_string());
        }
        revoked.push(json!({
            "id": key.id, "host": key.host, "host_account": key.host_account, "public_key_fingerprint": key.public_key_fingerprint
        }));
    }
    let object = json!({ "server": server.target.server.as_str(), "tenant": server.target.tenant, "num_revoked": revoked.len(), "num_unreadable": unreadable, "keys": revoked });
    output.result(&format!("{} revoked.", count(revoked.len())), &object);
    Ok(())
}

fn choose<'a>(names: &[KeyName], listed: &'a [MyKey]) -> Result<Vec<&'a MyKey>, Failure> {
    if let Some(unknown) = names.iter().find(|name| !listed.iter().any(|key| name.is_of(key))) {
        return Err(Failure::NoSuchKey(unknown.to_string()));
    }
    Ok(listed.iter().filter(|key| names.iter().any(|name| name.is_of(key))).collect())
}

fn count(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        n => format!("{n} keys"),
    }
}

impl KeyName {
    fn is_of(&self, key: &MyKey) -> bool {
        match self {
            Self::Id(id) => key.id == *id,
            Self::Fingerprint(fingerprint) => key.public_key_fingerprint == *fingerprint,
        }
    }
}

impl std::str::FromStr for KeyName {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match typed.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) if typed.starts_with("SHA256:") => Ok(Self::Fingerprint(typed.to_owned())),
            Err(_) => Err("give a key's ID or its fingerprint, which begins with SHA256:"),
        }
    }
}

impl fmt::Display for KeyName {
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
    fn a_key_is_named_by_number_or_fingerprint() {
        assert_eq!("17".parse(), Ok(KeyName::Id(17)));
        assert_eq!("SHA256:17".parse(), Ok(KeyName::Fingerprint("SHA256:17".to_owned())));
        for wrong in ["", "all", "testhost1", "MD5:aa:bb", "../17"] {
            assert!(wrong.parse::<KeyName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_that_are_named_have_to_be_there() {
        let listed = [key(1, "SHA256:a"), key(2, "SHA256:b"), key(3, "SHA256:a")];
        let ids = |names: &[&str]| {
            let names: Vec<KeyName> = names.iter().map(|name| name.parse().unwrap()).collect();
            choose(&names, &listed).map(|keys| keys.iter().map(|key| key.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["2"]).unwrap(), [2]);
        assert_eq!(ids(&["SHA256:a", "1"]).unwrap(), [1, 3], "each once, wherever it logs in");
        assert!(matches!(ids(&["1", "4"]), Err(Failure::NoSuchKey(name)) if name == "4"));
    }
}
