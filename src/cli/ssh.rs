//! `tms ssh`

mod command;
mod destination;
mod key_files;
mod refusals;
mod session;

pub use destination::DestinationRefused;
pub use key_files::{KeyFilesError, LocalKey, all_local_keys, local_keys};

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use oauth2::AccessToken;
use serde_json::Value;
#[expect(
    clippy::disallowed_types,
    reason = "besides the secrets of a sign-in, which the oauth2 crate draws, only the key pair of `tms ssh` is random"
)]
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, PrivateKey};
use thiserror::Error;

use super::error_code::ErrorCode;
use super::keys_api::{self, KeyRegistration};
use super::login::{LoginError, login_before_command};
use super::output::Output;
use super::refresh::RefreshError;
use super::scopes::ScopeError;
use super::server_api::ApiError;
use super::server_session::{ServerSession, SessionError};
use super::state_dir;
use super::target::TargetArgs;
use super::time_format::{format_time, now, parse_time};
use crate::domain::scope::{Scope, ScopeSet};
use crate::wire::MyKey;
use destination::{Destination, SshTarget};
use key_files::{KeyFiles, KeyRecord};

/// A key with less time left could expire before the login.
const MIN_REMAINING_LIFETIME: Duration = Duration::from_secs(60);
/// A login that takes longer fails for other reasons than a refused key.
const MAX_LOGIN_TIME: Duration = Duration::from_secs(120);

/// Arguments of `tms ssh`.
#[derive(Args)]
pub struct SshArgs {
    /// The host, with the account if you have several
    #[arg(value_name = "[ACCOUNT@]HOST")]
    destination: Destination,

    /// The lifetime of a new key, if one has to be created
    #[arg(long, value_name = "MINUTES", default_value_t = 12 * 60, value_parser = clap::value_parser!(u32).range(1..))]
    ttl_minutes: u32,

    /// Only list the logins to the host that were refused in the last 30 days, with the reason
    #[arg(long, conflicts_with_all = ["arguments", "ttl_minutes"])]
    why: bool,

    /// Passed to ssh: options, and a command to run on the host
    #[arg(last = true, value_name = "SSH-ARGS")]
    arguments: Vec<OsString>,
}

/// Why `ssh` was not started.
#[derive(Debug, Error)]
pub enum SshError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Destination(#[from] DestinationRefused),
    #[error(transparent)]
    KeyFiles(#[from] KeyFilesError),
    #[error("cannot run `ssh` ({0}): install OpenSSH's client, the package openssh-client on Debian")]
    SshUnavailable(io::Error),
}

impl SshError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Session(error) => error.code(),
            Self::Login(error) => error.code(),
            Self::Destination(_) => ErrorCode::NoSuchHostAccount,
            Self::KeyFiles(_) => ErrorCode::KeyFiles,
            Self::SshUnavailable(_) => ErrorCode::NoSsh,
        }
    }

    /// Additional members of the JSON error, besides the code and the message.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Login(error) => error.details(),
            _ => None,
        }
    }

    /// Whether the user denied the sign-in in the browser, which is an answer and not a fault.
    pub fn is_user_denial(&self) -> bool {
        matches!(self, Self::Login(error) if error.is_user_denial())
    }
}

impl From<ApiError> for SshError {
    fn from(error: ApiError) -> Self {
        Self::Session(error.into())
    }
}

impl From<ScopeError> for SshError {
    fn from(error: ScopeError) -> Self {
        ApiError::from(error).into()
    }
}

/// A login that is ready to be started.
pub struct PreparedLogin {
    session: ServerSession,
    target: SshTarget,
    key: PathBuf,
    fingerprint: Option<String>,
}

/// Prepares a key that logs in to the host account. `None` if refused logins were to be listed, which is done.
pub async fn run(ssh: &SshArgs, target_args: &TargetArgs, output: &Output) -> Result<Option<PreparedLogin>, SshError> {
    if ssh.why {
        refusals::list(&ServerSession::load(target_args, output)?, &ssh.destination, output).await?;
        return Ok(None);
    }
    let prepared = match prepare(ssh, target_args, output).await {
        Err(error) if output.can_prompt() => match sign_in_reason(&error) {
            Some(why) => {
                login_before_command(&why, target_args, output).await?;
                prepare(ssh, target_args, output).await?
            }
            None => return Err(error),
        },
        prepared => prepared?,
    };
    Ok(Some(prepared))
}

impl PreparedLogin {
    /// Runs the system's `ssh` and returns its exit status. If it could not log in, tells why, as far as the portal knows.
    pub async fn start(self, ssh: &SshArgs, output: &Output) -> Result<u8, SshError> {
        let began = now();
        let status = session::run(command::ssh_command(&self.key, &self.target, &ssh.arguments)).await.map_err(SshError::SshUnavailable)?;
        // Later, a connection was lost.
        if status == session::SSH_FAILED && now().since(began) < MAX_LOGIN_TIME {
            refusals::explain(&self, began, output).await;
        }
        Ok(status)
    }
}

/// Returns a key that logs in, and the target.
async fn prepare(args: &SshArgs, target_args: &TargetArgs, output: &Output) -> Result<PreparedLogin, SshError> {
    let session = ServerSession::load(target_args, output)?;
    let accounts = session.send(async |token| session.server.my_hosts(token).await).await?.hosts;
    let target = destination::resolve(&args.destination, &accounts)?;
    let files = usable_key(&target, args.ttl_minutes, &session, output).await?;
    Ok(PreparedLogin { session, target, key: files.private_key(), fingerprint: files.record().map(|record| record.fingerprint) })
}

/// The reason to give for a new sign-in, if that can resolve the failure.
fn sign_in_reason(error: &SshError) -> Option<String> {
    match error {
        SshError::Session(SessionError::NotSignedIn(target)) => Some(format!("You are not signed in to {target}: sign in first.")),
        SshError::Session(SessionError::Api(ApiError::SignInExpired(target))) => {
            Some(format!("Your sign-in to {target} has expired or was revoked: sign in again."))
        }
        SshError::Session(SessionError::Refresh(RefreshError::AccessEnded { target, .. } | RefreshError::Unused { target, .. })) => {
            Some(format!("Your sign-in to {target} has expired: sign in again."))
        }
        SshError::Session(SessionError::Refresh(RefreshError::EndedElsewhere { target })) => {
            Some(format!("Your sign-in to {target} was ended elsewhere: sign in again."))
        }
        SshError::Session(SessionError::Refresh(RefreshError::SignedOut(target))) => {
            Some(format!("You are not signed in to {target}: sign in first."))
        }
        SshError::Session(SessionError::Api(ApiError::Scope(ScopeError::NotRequested { target, scope }))) => {
            Some(format!("Your sign-in to {target} does not cover this ({scope}): sign in again."))
        }
        SshError::Destination(refused) => {
            refused.unshared_account().map(|uncovered| format!("{uncovered}: sign in again and select it, if it is linked. Ctrl-C stops."))
        }
        _ => None,
    }
}

/// The stored key, and whether the portal still accepts it.
struct ExistingKey {
    record: Option<KeyRecord>,
    active: bool,
}

impl ExistingKey {
    async fn load(files: &KeyFiles, account: &SshTarget, session: &ServerSession) -> Result<Self, SshError> {
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

/// The files of a key that logs in now: the stored one or a new one. Writes and locks nothing unless a new one is needed.
async fn usable_key(account: &SshTarget, ttl_minutes: u32, session: &ServerSession, output: &Output) -> Result<KeyFiles, SshError> {
    let files = KeyFiles::of(&session.server.target, account)?;
    let mut existing = ExistingKey::load(&files, account, session).await?;
    if existing.is_usable(&files) {
        check_scope(session).await?;
        return Ok(files);
    }
    // Without a lock the key is created anyway; if it cannot be stored either, that error is reported.
    let _lock = files.lock().await.inspect_err(|why| {
        if state_dir::is_lock_unsupported(why) {
            output.note(&format!("Files in {} cannot be locked ({why}): continuing without locks.", files.directory().display()));
        }
    });
    // Another `tms` may have created one in the meantime; it is used.
    if files.record() != existing.record {
        existing = ExistingKey::load(&files, account, session).await?;
        if existing.is_usable(&files) {
            check_scope(session).await?;
            return Ok(files);
        }
    }
    create_key(account, ttl_minutes, &files, session, output).await?;
    if let Some(superseded) = existing.record.filter(|_| existing.active) {
        // It is no longer used; if this fails, it expires by itself.
        let _best_effort = session.send(async |token| session.server.revoke_key(token, superseded.id).await).await;
    }
    Ok(files)
}

/// The portal returns a key to hosts only while the sign-in that created it has `keys:create`, and does not say so in its list:
/// without this check the host would refuse the login without a reason.
async fn check_scope(session: &ServerSession) -> Result<(), SshError> {
    let me = session.send(async |token| session.server.me(token).await).await?;
    if ScopeSet::parse_known(&me.scope).contains(Scope::KeysCreate) {
        return Ok(());
    }
    Err(session.server.scopes.missing_scope_error(Scope::KeysCreate.as_str(), &session.server.target).into())
}

/// Whether the portal lists the key as active: it may have been revoked or used up. The fingerprint is compared as well, because
/// the id of a deleted key may be reused.
async fn is_active(record: &KeyRecord, account: &SshTarget, session: &ServerSession) -> Result<bool, SshError> {
    let request = async |token: &AccessToken| session.server.active_keys(token, &account.host, &account.host_account).await;
    let keys = session.send(request).await?.entries;
    let recorded = |key: &MyKey| key.id == record.id && key.public_key_fingerprint == record.fingerprint;
    Ok(keys.iter().any(|key| recorded(key) && keys_api::is_active(key)))
}

/// Creates a key pair on this machine and registers the public half with the portal.
async fn create_key(account: &SshTarget, ttl_minutes: u32, files: &KeyFiles, session: &ServerSession, output: &Output) -> Result<(), SshError> {
    let key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(KeyFilesError::Key)?;
    // Store the key before registering it, so that an unwritable directory is noticed first.
    let staged = files.stage(&key)?;
    let public_key = key.public_key().to_openssh().map_err(KeyFilesError::Key)?;
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();

    let new = KeyRegistration { host: &account.host, host_account: &account.host_account, public_key: &public_key, ttl_minutes };
    let registered = session.send(async |token| session.server.register_key(token, &new).await).await?;
    let expires_at = match parse_time(&registered.expires_at) {
        Some(time) if registered.public_key_fingerprint == fingerprint => time,
        _ => return Err(session.server.unexpected_response("another key than the one that was registered").into()),
    };
    files.commit(staged, KeyRecord { id: registered.id, fingerprint, expires_at })?;
    let until = format_time(&registered.expires_at);
    output.note(&format!("Created a key for {} on {}, valid until {until}.", account.host_account, account.host));
    Ok(())
}
