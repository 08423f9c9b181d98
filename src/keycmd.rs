//! The `AuthorizedKeysCommand` of sshd: may this key log in as this user? sshd runs `tms-keycmd %u %U %f %t` during authentication
//! and reads stdout as `authorized_keys`. For a key that may not log in, stdout is empty and the exit code 0; any other code means
//! that the lookup failed, and sshd logs it. The long-running `tms-keycmd link` is in [`link`].
//!
//! Two rules take precedence. **Only a verified line reaches stdout**, written by [`answer_sshd`] alone. **Everything has a time
//! limit**: all that could hang (file systems, DNS, the network) runs on a thread that is abandoned when the [`Budget`] is used up,
//! because an sshd that waits for this program also delays all other logins.

mod budget;
mod cache;
mod check;
mod config;
mod error;
mod files;
mod invocation;
mod key_line;
mod key_query;
mod link;
mod log;
mod lookup;
mod options;
mod portal;
mod resolver;
mod root_certs;
mod time_format;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;

use budget::Budget;
use cache::CacheError;
use config::KeycmdConfig;
use error::KeycmdError;
use invocation::{HELP, Invocation, VERSION};
use key_query::{KeyQuery, RawArgs};
use log::{LogEntry, LogTarget};
use lookup::AllowedKey;

/// Runs the command line.
pub fn run() -> ExitCode {
    let budget = Budget::start();
    match Invocation::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::LookUp { config, args }) => answer_sshd(config, args, budget),
        Ok(Invocation::Check { config }) => check::run(&config),
        Ok(Invocation::Link { config, socket }) => link::serve(&config, socket.as_deref()),
        Ok(Invocation::Help) => print_and_exit(HELP),
        Ok(Invocation::Version) => print_and_exit(VERSION),
        Err(error) => {
            LogTarget::Syslog.write_with_timeout(LogEntry::warning(error.to_string()), Budget::LOG_RESERVE);
            ExitCode::FAILURE
        }
    }
}

/// Messages of the worker thread to the thread that watches the time.
enum WorkerMessage {
    /// The settings were read: they may shorten the budget, and name the log and this host.
    Settings(Budget, LogTarget, String),
    Done(Result<AllowedKey, KeycmdError>),
    /// The response could not be cached.
    NotCached(CacheError),
}

/// Prints the key's line or nothing, and writes one line to the log.
fn answer_sshd(config: PathBuf, args: RawArgs, budget: Budget) -> ExitCode {
    let (sender, receiver) = mpsc::channel();
    let worker = {
        let worker_args = args.clone();
        thread::Builder::new().spawn(move || {
            // The receiver is gone when the time is over; there is nothing left to do.
            if let Err(error) = run_worker(&config, &worker_args, budget, &sender) {
                let _ = sender.send(WorkerMessage::Done(Err(error)));
            }
        })
    };

    let (mut budget, mut log, mut host) = (budget, LogTarget::Syslog, String::new());
    let outcome = match worker {
        Err(error) => Err(KeycmdError::ThreadSpawn(error)),
        Ok(_) => loop {
            match receiver.recv_timeout(budget.remaining()) {
                Ok(WorkerMessage::Settings(new_budget, new_log, new_host)) => (budget, log, host) = (new_budget, new_log, new_host),
                Ok(WorkerMessage::Done(outcome)) => break outcome,
                Err(RecvTimeoutError::Timeout) => break Err(KeycmdError::Timeout),
                Ok(WorkerMessage::NotCached(_)) | Err(RecvTimeoutError::Disconnected) => break Err(KeycmdError::WorkerPanicked),
            }
        },
    };

    // Print before writing the cache and the log: a hanging disk must not prevent a login.
    let outcome = outcome.and_then(|allowed| print(&allowed.line).map_err(KeycmdError::Stdout).map(|()| allowed));
    let outcome = outcome.map(|allowed| match receiver.recv_timeout(budget.remaining().min(Budget::LOG_RESERVE)) {
        Ok(WorkerMessage::NotCached(why)) => allowed.with_remark(&format!(" (but not cached: {why})")),
        Err(RecvTimeoutError::Timeout) => allowed.with_remark(" (but not cached in time)"),
        // The worker has ended without an error.
        _ => allowed,
    });
    log.write_with_timeout(log_entry(&args, &host, &outcome), Budget::LOG_RESERVE);
    match outcome {
        Err(error) if !error.is_denial() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn run_worker(file: &Path, args: &RawArgs, budget: Budget, sender: &Sender<WorkerMessage>) -> Result<(), KeycmdError> {
    let config = KeycmdConfig::load(file)?;
    let budget = budget.within(config.timeout);
    let _ = sender.send(WorkerMessage::Settings(budget, config.log.clone(), config.host_name.clone()));
    let query = KeyQuery::parse(args)?;
    let (allowed, portal_key) = lookup::look_up(&config, &query, budget)?;
    let _ = sender.send(WorkerMessage::Done(Ok(allowed)));
    if let Some(Err(why)) = portal_key.map(|key| lookup::store(&config, &query, &key)) {
        let _ = sender.send(WorkerMessage::NotCached(why));
    }
    Ok(())
}

fn log_entry(args: &RawArgs, host: &str, outcome: &Result<AllowedKey, KeycmdError>) -> LogEntry {
    let line = |what: &str| format!("host={host:?} {args}: {what}");
    match outcome {
        Ok(allowed) => LogEntry::info(line(&format!("allowed{}", allowed.remark))),
        Err(error) if error.is_denial() => LogEntry::info(line(&error.to_string())),
        Err(error) => LogEntry::warning(line(&error.to_string())),
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn print_and_exit(text: &str) -> ExitCode {
    if print(text).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
