//! `tms keys`

mod revoke;

pub use revoke::KeysError;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::domain::time::Timestamp;

use super::keys_api;
use super::output::Output;
use super::server_session::ServerSession;
use super::table::table;
use super::target::TargetArgs;
use super::time_format::{format_age, format_expiry, now};
use crate::wire::MyKey;

const HEADINGS: [&str; 8] = ["ID", "HOST", "ACCOUNT", "STATE", "CREATED BY", "LAST USED", "EXPIRES", "FINGERPRINT"];

/// Arguments of `tms keys`.
#[derive(Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: Option<KeysCommand>,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Revoke keys; they stop working immediately
    Revoke(revoke::RevokeArgs),
}

pub async fn run(keys: &KeysArgs, target_args: &TargetArgs, output: &Output) -> Result<(), KeysError> {
    match &keys.command {
        None => list(target_args, output).await,
        Some(KeysCommand::Revoke(revoke)) => revoke::run(revoke, target_args, output).await,
    }
}

/// Lists the keys that log in as the user and that this sign-in may read, of any client.
async fn list(target_args: &TargetArgs, output: &Output) -> Result<(), KeysError> {
    let session = ServerSession::load(target_args, output)?;
    let server = &session.server;
    let keys_api::KeyListing { entries: keys, unreadable } = session.send(async |token| server.my_keys(token).await).await?;

    if keys.is_empty() && unreadable == 0 {
        output.note("No keys. `tms ssh HOST` creates one when needed.");
    }
    output.note_unreadable(unreadable, "key");
    let now = now();
    let object = json!({ "server": server.target.server.as_str(), "tenant": server.target.tenant, "num_keys": keys.len(), "num_unreadable": unreadable, "keys": keys });
    output.result(&table(HEADINGS, keys.iter().map(|key| row(key, now))), &object);
    Ok(())
}

fn row(key: &MyKey, now: Timestamp) -> [String; 8] {
    [
        key.id.to_string(),
        key.host.clone(),
        key.host_account.clone(),
        key.state.clone(),
        // Keys that the user added in the portal have no client.
        key.client_id.clone().unwrap_or_else(|| "you".to_owned()),
        key.last_used_at.as_ref().map_or("never".to_owned(), |time| format_age(time.as_str(), now)),
        format_expiry(key.expires_at.as_str(), now),
        key.public_key_fingerprint.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_one_row_with_or_without_client() {
        let key = |id, state: &str, last_used_at: Option<&str>, expires_at: &str| -> MyKey {
            let key = json!({
                "id": id, "host": "testhost1", "host_account": "testhostaccount1", "client_id": (id != 12).then_some("tms-cli"),
                "public_key": "ssh-ed25519 AAAA", "public_key_fingerprint": "SHA256:abc", "key_type": "ed25519", "state": state,
                "max_uses": i32::MAX, "remaining_uses": i32::MAX, "created": "2026-11-20T20:00:00+00:00",
                "expires_at": expires_at, "last_used_at": last_used_at,
            });
            serde_json::from_value(key).unwrap()
        };
        let keys = [
            key(7, "active", Some("2026-11-20T20:57:00+00:00"), "2026-11-21T05:00:00+00:00"),
            key(12, "expired", None, "2026-11-20T19:00:00+00:00"),
            key(13, "active", None, "9999-12-31T23:59:59+00:00"),
        ];
        let now = Timestamp::from_millis(1_795_237_200_000 - 8 * 3_600_000);
        assert_eq!(
            table(HEADINGS, keys.iter().map(|key| row(key, now))),
            "ID  HOST       ACCOUNT           STATE    CREATED BY  LAST USED      EXPIRES       FINGERPRINT\n\
             7   testhost1  testhostaccount1  active   tms-cli     3 minutes ago  8 hours left  SHA256:abc\n\
             12  testhost1  testhostaccount1  expired  you         never          2 hours ago   SHA256:abc\n\
             13  testhost1  testhostaccount1  active   tms-cli     never          never         SHA256:abc"
        );
    }
}
