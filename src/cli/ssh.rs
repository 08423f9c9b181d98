//! `tms ssh`

mod command;
mod destination;
mod key_files;

pub use destination::DestinationRefused;
pub use key_files::{KeptKey, KeyFilesFault, all_kept_keys, kept_keys};

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
#[expect(clippy::disallowed_types, reason = "the key pair that `tms ssh` makes is the only thing that `tms` draws")]
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, PrivateKey};

use super::failure::Failure;
use super::keys_api::{self, NewKey};
use super::login::login_first;
use super::moments::{in_words, now, read};
use super::output::Output;
use super::signed_in::SignedIn;
use super::state;
use super::target::Place;
use crate::domain::scope::{Scope, ScopeSet};
use crate::wire::MyKey;
use destination::{Account, Destination};
use key_files::{KeyFiles, Record};

/// With less time left, a key could expire between here and the host.
const SHORTEST_REST: Duration = Duration::from_secs(60);

/// What `tms ssh` takes besides the place.
#[derive(Args)]
pub struct Ssh {
    /// The host, with the account if you have several
    #[arg(value_name = "[ACCOUNT@]HOST")]
    destination: Destination,

    /// The lifetime of a new key, if one has to be created
    #[arg(long, value_name = "MINUTES", default_value_t = 12 * 60, value_parser = clap::value_parser!(u32).range(1..))]
    ttl_minutes: u32,

    /// Passed to ssh: options, and a command to run on the host
    #[arg(last = true, value_name = "SSH-ARGS")]
    arguments: Vec<OsString>,
}

/// Becomes the system's `ssh`, with a key that logs in to the host account. So this returns only if that fails.
pub async fn ssh(ssh: &Ssh, place: &Place, output: &Output) -> Result<(), Failure> {
    let (key, account) = match prepare(ssh, place, output).await {
        Err(failure) if output.can_ask() => match why_to_sign_in(&failure) {
            Some(why) => {
                login_first(&why, place, output).await?;
                prepare(ssh, place, output).await?
            }
            None => return Err(failure),
        },
        prepared => prepared?,
    };
    Err(Failure::NoSsh(command::command(&key, &account, &ssh.arguments).exec()))
}

/// A key that logs in, and where to.
async fn prepare(ssh: &Ssh, place: &Place, output: &Output) -> Result<(PathBuf, Account), Failure> {
    let signed_in = SignedIn::load(place, output)?;
    let accounts = signed_in.server.my_hosts(&signed_in.token).await?.hosts;
    let account = destination::choose(&ssh.destination, &accounts)?;
    let key = key_for(&account, ssh.ttl_minutes, &signed_in, output).await?;
    Ok((key, account))
}

/// What a new sign-in may mend, in words for the person.
fn why_to_sign_in(failure: &Failure) -> Option<String> {
    match failure {
        Failure::NotSignedIn(target) => Some(format!("You are not signed in to {target}: sign in first.")),
        Failure::SignInEnded(target) => Some(format!("Your sign-in to {target} has expired or was revoked: sign in again.")),
        Failure::NotCovered { target, scope } => Some(format!("Your sign-in to {target} does not cover this ({scope}): sign in again.")),
        Failure::Destination(refused) => {
            refused.uncovered().map(|uncovered| format!("{uncovered}: sign in again and select it, if it is linked. Ctrl-C stops."))
        }
        _ => None,
    }
}

/// The key that was made before, and whether the portal still takes it.
struct Made {
    record: Option<Record>,
    active: bool,
}

impl Made {
    async fn before(files: &KeyFiles, account: &Account, signed_in: &SignedIn) -> Result<Self, Failure> {
        let record = files.record();
        let active = match &record {
            Some(record) => is_active(record, account, signed_in).await?,
            None => false,
        };
        Ok(Self { record, active })
    }

    fn works(&self, files: &KeyFiles) -> bool {
        self.active && self.record.as_ref().is_some_and(|record| record.expires_at > now() + SHORTEST_REST && files.holds(record))
    }
}

/// The file of a key that logs in now: the one that is kept here, or a new one. Nothing is written, and nothing locked, unless a new
/// one is needed.
async fn key_for(account: &Account, ttl_minutes: u32, signed_in: &SignedIn, output: &Output) -> Result<PathBuf, Failure> {
    let files = KeyFiles::of(&signed_in.server.target, account)?;
    let mut made = Made::before(&files, account, signed_in).await?;
    if made.works(&files) {
        check_scope(signed_in).await?;
        return Ok(files.private_key());
    }
    // Without a lock the key is made all the same; where it cannot be kept either, that error says why.
    let _lock = files.lock().await.inspect_err(|why| {
        if state::cannot_lock(why) {
            output.note(&format!("Files in {} cannot be locked ({why}): continuing without locks.", files.directory().display()));
        }
    });
    // Another `tms` may have made one in the meantime: one is enough for both.
    if files.record() != made.record {
        made = Made::before(&files, account, signed_in).await?;
        if made.works(&files) {
            check_scope(signed_in).await?;
            return Ok(files.private_key());
        }
    }
    make_key(account, ttl_minutes, &files, signed_in, output).await?;
    if let Some(superseded) = made.record.filter(|_| made.active) {
        // It is no longer used; if this fails, it expires by itself.
        let _best_effort = signed_in.server.revoke_key(&signed_in.token, superseded.id).await;
    }
    Ok(files.private_key())
}

/// The portal answers hosts with a key only while the sign-in it was made with may make keys, and does not say so in its list: without this,
/// `ssh` would be refused by the host, without a reason.
async fn check_scope(signed_in: &SignedIn) -> Result<(), Failure> {
    let me = signed_in.server.me(&signed_in.token).await?;
    if ScopeSet::parse_known(&me.scope).contains(Scope::KeysCreate) {
        return Ok(());
    }
    Err(signed_in.server.scopes.why_without(Scope::KeysCreate.as_str(), &signed_in.server.target))
}

/// The portal has the last word: the key may have been revoked, or used up. By its fingerprint, too: the number of a key
/// that is gone may be another's by now.
async fn is_active(record: &Record, account: &Account, signed_in: &SignedIn) -> Result<bool, Failure> {
    let keys = signed_in.server.active_keys(&signed_in.token, &account.host, &account.host_account).await?.readable;
    let recorded = |key: &MyKey| key.id == record.id && key.public_key_fingerprint == record.fingerprint;
    Ok(keys.iter().any(|key| recorded(key) && keys_api::is_active(key)))
}

/// The private half is made here and stays here; the portal is told the public one.
async fn make_key(account: &Account, ttl_minutes: u32, files: &KeyFiles, signed_in: &SignedIn, output: &Output) -> Result<(), Failure> {
    let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(KeyFilesFault::Key)?;
    // Better to hear that it cannot be kept before it is registered.
    let draft = files.draft(&key)?;
    let public_key = key.public_key().to_openssh().map_err(KeyFilesFault::Key)?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();

    let new = NewKey { host: &account.host, host_account: &account.host_account, public_key: &public_key, ttl_minutes };
    let registered = signed_in.server.register_key(&signed_in.token, &new).await?;
    let expires_at = match read(&registered.expires_at) {
        Some(time) if registered.public_key_fingerprint == fingerprint => time,
        _ => return Err(signed_in.server.unexpected("another key than the one that was registered")),
    };
    files.keep(draft, Record { id: registered.id, fingerprint, expires_at })?;
    let until = in_words(&registered.expires_at);
    output.note(&format!("Created a key for {} on {}, valid until {until}.", account.host_account, account.host));
    Ok(())
}
