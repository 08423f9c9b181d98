//! `tms-keycmd link`: the helper with which `tms link` links the account that runs it.
//!
//! **The caller is identified by the kernel alone** (`SO_PEERCRED`). It sends one greeting with an open file, which programs that
//! forward bytes cannot pass on, and nothing else, so that no program can be made to request a link by what it forwards. The portal
//! receives the account's name and UID with this host's credential; the caller receives a user code and the outcome, as lines of
//! JSON.

mod account;
mod connection;
mod limiter;
mod log_writer;
mod portal_client;
mod socket;

use std::fmt::Display;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use thiserror::Error;

use account::{AccountRefused, UnixAccount};
use connection::{Disconnected, HelperConnection, HelperMessage};
use limiter::{ConnectionLimiter, Permit};
use log_writer::{LogWriter, ThrottledEvent};
pub use portal_client::PortalClient;
use portal_client::{LinkError, LinkRequestStatus, StartedLink};

use super::budget::Budget;
use super::config::{ConfigError, KeycmdConfig};
use super::log::{LogEntry, LogTarget};
use socket::SocketError;

/// The portal decides whether a code has expired: continue polling for a little longer than its stated lifetime.
const EXPIRY_GRACE: Duration = Duration::from_secs(6);
/// Upper limit for waiting, independent of the portal.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);
/// Pause between attempts to accept while no file descriptor is available.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Why the helper cannot run.
#[derive(Debug, Error)]
enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    PortalClient(#[from] LinkError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("cannot start a thread: {0}")]
    ThreadSpawn(io::Error),
}

/// How a connection ended.
#[derive(Debug, Error)]
enum ConnectionOutcome {
    #[error("linked to {0:?}")]
    Linked(String),
    #[error("denied in the browser")]
    Refused,
    #[error("the code expired or was replaced")]
    Expired,
    #[error(transparent)]
    Disconnected(#[from] Disconnected),
    #[error(transparent)]
    AccountRefused(#[from] AccountRefused),
    #[error(transparent)]
    LinkError(#[from] LinkError),
    #[error("{0}")]
    Config(ConfigError),
}

/// Serves until it is stopped.
pub fn serve(file: &Path, socket: Option<&Path>) -> ExitCode {
    let (log, listener) = match prepare(file, socket) {
        Ok(prepared) => prepared,
        Err(why) => {
            LogTarget::Syslog.write_with_timeout(LogEntry::warning(format!("link: {why}")), Budget::LOG_RESERVE);
            return ExitCode::FAILURE;
        }
    };
    log.write(LogEntry::info("link: ready"));
    let (file, limiter, log) = (Arc::from(file), Arc::new(ConnectionLimiter::default()), Arc::new(log));
    loop {
        match listener.accept() {
            Ok((stream, _)) => accept_connection(stream, &file, &limiter, &log),
            Err(error) => {
                log.write_throttled(ThrottledEvent::AcceptFailed, LogEntry::warning(format!("link: cannot accept a connection: {error}")));
                thread::sleep(ACCEPT_RETRY_DELAY);
            }
        }
    }
}

/// Checks everything before the first connection.
fn prepare(file: &Path, socket: Option<&Path>) -> Result<(LogWriter, UnixListener), ServeError> {
    let config = KeycmdConfig::load(file)?;
    PortalClient::new(&config)?;
    let listener = socket::listen(socket)?;
    Ok((LogWriter::open(config.log).map_err(ServeError::ThreadSpawn)?, listener))
}

/// Starts a thread for the connection if the limits allow it; does not wait for the caller or for the log.
fn accept_connection(stream: UnixStream, file: &Arc<Path>, limiter: &Arc<ConnectionLimiter>, log: &Arc<LogWriter>) {
    let connection = match HelperConnection::accept(stream) {
        Ok(connection) => connection,
        Err(error) => {
            return log.write_throttled(ThrottledEvent::AcceptFailed, LogEntry::warning(format!("link: a caller without credentials: {error}")));
        }
    };
    let uid = connection.uid();
    match limiter.acquire(uid, Instant::now()) {
        Ok(permit) => {
            let (file, thread_log) = (Arc::clone(file), Arc::clone(log));
            let started = thread::Builder::new().spawn(move || handle_connection(connection, &permit, &file, &thread_log));
            if let Err(error) = started {
                log.write_throttled(ThrottledEvent::LimitExceeded(uid), LogEntry::warning(log_line(uid, None, &error)));
            }
        }
        Err(exceeded) => {
            log.write_throttled(ThrottledEvent::LimitExceeded(uid), LogEntry::info(log_line(uid, None, &exceeded)));
            connection.send_final(&HelperMessage::error("busy", &exceeded));
        }
    }
}

/// Handles one connection from start to end.
fn handle_connection(mut connection: HelperConnection, _permit: &Permit, file: &Path, log: &LogWriter) {
    let uid = connection.uid();
    let account_result = connection.receive_greeting().map_err(ConnectionOutcome::from).and_then(|()| Ok(UnixAccount::look_up(uid)?));
    let (account, outcome) = match account_result {
        Ok(account) => {
            let outcome = process(&mut connection, &account, file);
            (Some(account), outcome)
        }
        Err(outcome) => (None, outcome),
    };
    if let Some(message) = final_message(&outcome) {
        connection.send_final(&message);
    }
    log_outcome(log, uid, account.as_ref(), &outcome);
}

fn process(connection: &mut HelperConnection, account: &UnixAccount, file: &Path) -> ConnectionOutcome {
    // Loaded for each connection, so that a changed credential applies immediately.
    let config = match KeycmdConfig::load(file) {
        Ok(config) => config,
        Err(error) => return ConnectionOutcome::Config(error),
    };
    if account.uid < config.min_uid {
        return ConnectionOutcome::AccountRefused(AccountRefused::SystemAccount);
    }
    link_account(connection, account, &config).unwrap_or_else(|outcome| outcome)
}

fn link_account(connection: &mut HelperConnection, account: &UnixAccount, config: &KeycmdConfig) -> Result<ConnectionOutcome, ConnectionOutcome> {
    let portal = PortalClient::new(config)?;
    let started = portal.request_link(account)?;
    let outcome = send_code(connection, &started, account, &config.host_name)
        .map_err(ConnectionOutcome::from)
        .and_then(|()| wait_for_decision(connection, &portal, &started));
    if matches!(outcome, Err(ConnectionOutcome::Disconnected(_))) {
        portal.cancel(&started);
    }
    outcome
}

/// Sends the code, unless the caller has sent anything else in the meantime.
fn send_code(connection: &mut HelperConnection, started: &StartedLink, account: &UnixAccount, host: &str) -> Result<(), Disconnected> {
    connection.check_idle()?;
    connection.send(&HelperMessage::code(started, account, host))
}

/// Polls until the request is decided or the caller disconnects.
fn wait_for_decision(
    connection: &mut HelperConnection,
    portal: &PortalClient<'_>,
    started: &StartedLink,
) -> Result<ConnectionOutcome, ConnectionOutcome> {
    let deadline = Instant::now() + started.lifetime().saturating_add(EXPIRY_GRACE).min(MAX_WAIT);
    while Instant::now() < deadline {
        connection.wait(started.poll_interval())?;
        match portal.link_status(started) {
            Ok(LinkRequestStatus::Pending) => {}
            Ok(LinkRequestStatus::Linked { tms_user_id, expires_at }) => {
                // The account is linked even if the caller has disconnected.
                let _ = connection.send(&HelperMessage::Linked { tms_user_id: &tms_user_id, expires_at: &expires_at });
                return Ok(ConnectionOutcome::Linked(tms_user_id));
            }
            Ok(LinkRequestStatus::Refused) => return Ok(ConnectionOutcome::Refused),
            Ok(LinkRequestStatus::Expired) => return Ok(ConnectionOutcome::Expired),
            // The code stays valid during outages of the portal.
            Err(why) if why.is_transient() => {}
            Err(why) => return Err(why.into()),
        }
    }
    Ok(ConnectionOutcome::Expired)
}

/// The last message to the caller, if any. Does not reveal errors in this host's settings.
fn final_message(outcome: &ConnectionOutcome) -> Option<HelperMessage<'static>> {
    Some(match outcome {
        ConnectionOutcome::Linked(_) | ConnectionOutcome::Disconnected(Disconnected::Closed) => return None,
        ConnectionOutcome::Refused => HelperMessage::Refused,
        ConnectionOutcome::Expired => HelperMessage::Expired,
        ConnectionOutcome::Disconnected(Disconnected::NoGreeting | Disconnected::UnexpectedInput) => {
            HelperMessage::error("unexpected_input", outcome)
        }
        ConnectionOutcome::AccountRefused(_) => HelperMessage::error("not_linkable", outcome),
        ConnectionOutcome::LinkError(why) if why.is_shown_to_caller() => HelperMessage::error(why.code(), why),
        ConnectionOutcome::LinkError(_) | ConnectionOutcome::Config(_) => {
            HelperMessage::error("host", &"this host is not set up for linking; its operators find the reason in its log")
        }
    })
}

/// Logs one line per connection; for callers that cannot be linked, one per minute.
fn log_outcome(log: &LogWriter, uid: u32, account: Option<&UnixAccount>, outcome: &ConnectionOutcome) {
    let line = log_line(uid, account, outcome);
    match outcome {
        _ if account.is_none() => log.write_throttled(ThrottledEvent::NotLinkable(uid), LogEntry::info(line)),
        ConnectionOutcome::LinkError(why) if !matches!(why, LinkError::SystemAccount) => log.write(LogEntry::warning(line)),
        ConnectionOutcome::Config(_) => log.write(LogEntry::warning(line)),
        _ => log.write(LogEntry::info(line)),
    }
}

fn log_line(uid: u32, account: Option<&UnixAccount>, what: &impl Display) -> String {
    let name = account.map(|account| format!(" account={:?}", account.name)).unwrap_or_default();
    format!("link: uid={uid}{name}: {what}")
}
