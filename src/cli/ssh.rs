//! `tms ssh`

mod command;
mod destination;
mod key_files;

pub use destination::DestinationRefused;
pub use key_files::{KeyFilesError, LocalKey, all_local_keys, local_keys};

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
#[expect(clippy::disallowed_types, reason = "the key pair that `tms ssh` makes is the only thing that `tms` draws")]
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, PrivateKey};

use super::failure::CliError;
use super::keys_api::{self, KeyRegistration};
use super::login::login_before_command;
use super::output::Output;
use super::server_session::ServerSession;
use super::state_dir;
use super::target::TargetArgs;
use super::time_format::{format_time, now, parse_time};
use crate::domain::scope::{Scope, ScopeSet};
use crate::wire::MyKey;
use destination::{Destination, SshTarget};
use key_files::{KeyFiles, KeyRecord};

/// With less time left, a key could expire between here and the host.
const MIN_REMAINING_LIFETIME: Duration = Duration::from_secs(60);

/// What `tms ssh` takes besides the place.
#[derive(Args)]
pub struct SshArgs {
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
pub async fn run(ssh: &SshArgs, target_args: &TargetArgs, output: &Output) -> Result<(), CliError> {
    let (key, account) = match prepare(ssh, target_args, output).await {
        Err(failure) if output.can_prompt() => match sign_in_reason(&failure) {
            Some(why) => {
                login_before_command(&why, target_args, output).await?;
                prepare(ssh, target_args, output).await?
            }
            None => return Err(failure),
        },
        prepared => prepared?,
    };
    Err(CliError::SshUnavailable(command::ssh_command(&key, &account, &ssh.arguments).exec()))
}

/// A key that logs in, and where to.
async fn prepare(args: &SshArgs, target_args: &TargetArgs, output: &Output) -> Result<(PathBuf, SshTarget), CliError> {
    let signed_in = ServerSession::load(target_args, output)?;
    let accounts = signed_in.server.my_hosts(&signed_in.token).await?.hosts;
    let account = destination::resolve(&args.destination, &accounts)?;
    let key = usable_key(&account, args.ttl_minutes, &signed_in, output).await?;
    Ok((key, account))
}

/// What a new sign-in may mend, in words for the person.
fn sign_in_reason(failure: &CliError) -> Option<String> {
    match failure {
        CliError::NotSignedIn(target) => Some(format!("You are not signed in to {target}: sign in first.")),
        CliError::SignInExpired(target) => Some(format!("Your sign-in to {target} has expired or was revoked: sign in again.")),
        CliError::InsufficientScope { target, scope } => Some(format!("Your sign-in to {target} does not cover this ({scope}): sign in again.")),
        CliError::Destination(refused) => {
            refused.unshared_account().map(|uncovered| format!("{uncovered}: sign in again and select it, if it is linked. Ctrl-C stops."))
        }
        _ => None,
    }
}

/// The key that was made before, and whether the portal still takes it.
struct ExistingKey {
    record: Option<KeyRecord>,
    active: bool,
}

impl ExistingKey {
    async fn load(files: &KeyFiles, account: &SshTarget, session: &ServerSession) -> Result<Self, CliError> {
        let record = files.record();
        let active = match &record {
            Some(record) => is_active(record, account, session).await?,
            None => false,
        };
        Ok(Self { record, active })
    }

    fn is_usable(&self, files: &KeyFiles) -> bool {
        self.active && self.record.as_ref().is_some_and(|record| record.expires_at > now() + MIN_REMAINING_LIFETIME && files.has_private_key(record))
    }
}

/// The file of a key that logs in now: the one that is kept here, or a new one. Nothing is written, and nothing locked, unless a new
/// one is needed.
async fn usable_key(account: &SshTarget, ttl_minutes: u32, session: &ServerSession, output: &Output) -> Result<PathBuf, CliError> {
    let files = KeyFiles::of(&session.server.target, account)?;
    let mut made = ExistingKey::load(&files, account, session).await?;
    if made.is_usable(&files) {
        check_scope(session).await?;
        return Ok(files.private_key());
    }
    // Without a lock the key is made all the same; where it cannot be kept either, that error says why.
    let _lock = files.lock().await.inspect_err(|why| {
        if state_dir::is_lock_unsupported(why) {
            output.note(&format!("Files in {} cannot be locked ({why}): continuing without locks.", files.directory().display()));
        }
    });
    // Another `tms` may have made one in the meantime: one is enough for both.
    if files.record() != made.record {
        made = ExistingKey::load(&files, account, session).await?;
        if made.is_usable(&files) {
            check_scope(session).await?;
            return Ok(files.private_key());
        }
    }
    create_key(account, ttl_minutes, &files, session, output).await?;
    if let Some(superseded) = made.record.filter(|_| made.active) {
        // It is no longer used; if this fails, it expires by itself.
        let _best_effort = session.server.revoke_key(&session.token, superseded.id).await;
    }
    Ok(files.private_key())
}

/// The portal answers hosts with a key only while the sign-in it was made with may make keys, and does not say so in its list: without this,
/// `ssh` would be refused by the host, without a reason.
async fn check_scope(session: &ServerSession) -> Result<(), CliError> {
    let me = session.server.me(&session.token).await?;
    if ScopeSet::parse_known(&me.scope).contains(Scope::KeysCreate) {
        return Ok(());
    }
    Err(session.server.scopes.missing_scope_error(Scope::KeysCreate.as_str(), &session.server.target))
}

/// The portal has the last word: the key may have been revoked, or used up. By its fingerprint, too: the number of a key
/// that is gone may be another's by now.
async fn is_active(record: &KeyRecord, account: &SshTarget, session: &ServerSession) -> Result<bool, CliError> {
    let keys = session.server.active_keys(&session.token, &account.host, &account.host_account).await?.entries;
    let recorded = |key: &MyKey| key.id == record.id && key.public_key_fingerprint == record.fingerprint;
    Ok(keys.iter().any(|key| recorded(key) && keys_api::is_active(key)))
}

/// The private half is made here and stays here; the portal is told the public one.
async fn create_key(account: &SshTarget, ttl_minutes: u32, files: &KeyFiles, session: &ServerSession, output: &Output) -> Result<(), CliError> {
    let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(KeyFilesError::Key)?;
    // Better to hear that it cannot be kept before it is registered.
    let draft = files.stage(&key)?;
    let public_key = key.public_key().to_openssh().map_err(KeyFilesError::Key)?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();

    let new = KeyRegistration { host: &account.host, host_account: &account.host_account, public_key: &public_key, ttl_minutes };
    let registered = session.server.register_key(&session.token, &new).await?;
    let expires_at = match parse_time(&registered.expires_at) {
        Some(time) if registered.public_key_fingerprint == fingerprint => time,
        _ => return Err(session.server.unexpected_response("another key than the one that was registered")),
    };
    files.commit(draft, KeyRecord { id: registered.id, fingerprint, expires_at })?;
    let until = format_time(&registered.expires_at);
    output.note(&format!("Created a key for {} on {}, valid until {until}.", account.host_account, account.host));
    Ok(())
}
