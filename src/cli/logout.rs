//! `tms logout`

use std::fmt;

use oauth2::AccessToken;
use serde_json::{Value, json};

use crate::domain::paths;
use crate::domain::time::{Timestamp, Zone};

use super::credentials::Credentials;
use super::failure::Failure;
use super::moments::now;
use super::output::Output;
use super::server_api::ServerApi;
use super::ssh::{KeptKey, kept_keys};
use super::target::{Place, Target};

/// A sign-in that was ended on this machine, and not by the server.
#[derive(Debug)]
pub struct NotRevoked {
    target: Target,
    why: String,
    token: Option<Timestamp>,
    keys: Vec<StillValid>,
}

/// A key that the server may still let in.
#[derive(Debug)]
struct StillValid {
    host: String,
    host_account: String,
    until: Timestamp,
}

/// Ends the sign-in and its keys on the server, and deletes both here. They are deleted here even when the server cannot be told; then the
/// person hears what still works, until when, and how to end it.
pub async fn logout(place: &Place, output: &Output) -> Result<(), Failure> {
    let mut credentials = Credentials::load(output)?;
    let target = Target::choose(place, credentials.current())?;
    let keys = kept_keys(&target)?;
    let Some(sign_in) = credentials.find(&target) else {
        let still_valid = still_valid(&keys);
        let number = delete(&keys)?;
        report(&target, output, &format!("You were not signed in to {target}.{}", deleted(number)), Some("not signed in"), number);
        for StillValid { host, host_account, until } in still_valid {
            let (until, keys) = (how_long(Some(until)), format!("{}{}", target.server, paths::KEYS));
            output.note(&format!("The portal may still take the key for {host_account} on {host}, {until}: revoke it at {keys} in any browser."));
        }
        return Ok(());
    };

    let (token, until) = (sign_in.access_token.clone(), sign_in.expires_at);
    let revoked = revoke(&target, place, &token, &keys).await;
    let not_revoked = revoked.err().map(|why| NotRevoked { target: target.clone(), why: why.to_string(), token: until, keys: still_valid(&keys) });
    let forgotten = delete(&keys).and_then(|number| Ok(credentials.forget(&target, &token).map(|()| number)?));
    match (forgotten, not_revoked) {
        (Ok(number), None) => {
            report(&target, output, &format!("Signed out of {target}.{}", deleted(number)), None, number);
            Ok(())
        }
        (Ok(_), Some(not_revoked)) => Err(Failure::NotRevoked(Box::new(not_revoked))),
        (Err(failure), None) => {
            output.note(&format!("Signed out of {target}: what could not be deleted here does not work any more."));
            Err(failure)
        }
        (Err(failure), Some(not_revoked)) => {
            output.note(&not_revoked.to_string());
            Err(failure)
        }
    }
}

/// The keys one by one: one that was made with an earlier sign-in would outlive this one. What the server does not do for one of them, such
/// as for a sign-in that does not cover it, it does with the token, or says so there.
async fn revoke(target: &Target, place: &Place, token: &AccessToken, keys: &[KeptKey]) -> Result<(), Failure> {
    let server = ServerApi::new(target.clone(), place)?;
    let Some(endpoint) = server.metadata().await?.revocation_endpoint else {
        return Err(server.unexpected("no revocation_endpoint"));
    };
    for key in keys.iter().filter_map(|key| key.record.as_ref()) {
        let _with_the_token = server.revoke_key(token, key.id).await;
    }
    server.revoke(&endpoint, token).await
}

fn still_valid(keys: &[KeptKey]) -> Vec<StillValid> {
    let now = now();
    let key = |key: &KeptKey| {
        let until = key.record.as_ref()?.expires_at;
        (until > now).then(|| StillValid { host: key.host.clone(), host_account: key.host_account.clone(), until })
    };
    keys.iter().filter_map(key).collect()
}

fn delete(keys: &[KeptKey]) -> Result<usize, Failure> {
    keys.iter().try_for_each(KeptKey::delete)?;
    Ok(keys.len())
}

fn deleted(keys: usize) -> String {
    match keys {
        0 => String::new(),
        1 => " Its key on this machine was deleted.".to_owned(),
        n => format!(" Its {n} keys on this machine were deleted."),
    }
}

/// How long something that was not revoked goes on.
pub fn how_long(expires_at: Option<Timestamp>) -> String {
    match expires_at {
        Some(Timestamp::FOREVER) => "until it is revoked".to_owned(),
        Some(time) => format!("until {}", time.to_words_in(&Zone::of_this_machine())),
        None => "for as long as the server allows".to_owned(),
    }
}

impl fmt::Display for NotRevoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, why, token, keys } = self;
        writeln!(f, "signed out of {target} on this machine only, because the portal did not end the sign-in: {why}")?;
        writeln!(f, "What was kept here is deleted. A copy of it, if there is one, still works:")?;
        writeln!(f, "    the access token, {}", how_long(*token))?;
        for StillValid { host, host_account, until } in keys {
            writeln!(f, "    the key for {host_account} on {host}, {}", how_long(Some(*until)))?;
        }
        write!(f, "To end all of this, end the sign-in at {}{} in any browser.", target.server, paths::SESSIONS)
    }
}

impl NotRevoked {
    /// For scripts.
    pub fn object(&self) -> Value {
        let keys: Vec<Value> =
            self.keys.iter().map(|key| json!({ "host": key.host, "host_account": key.host_account, "expires_at": key.until.to_rfc3339() })).collect();
        json!({
            "server": self.target.server.as_str(),
            "tenant": self.target.tenant,
            "signed_in": false,
            "revoked": false,
            "reason": self.why,
            "token_expires_at": self.token.map(Timestamp::to_rfc3339),
            "keys": keys,
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
