//! WHAT SSHD ASKS: may this key log in as this user? sshd runs `tms-keycmd %u %U %f %t` before it believes a key, and takes
//! what stands on stdout for a line of `authorized_keys`. A key that may not log in is nothing on stdout and exit code 0; any other
//! code means that the question could not be answered, and sshd logs it as a failure. `tms-keycmd link`, a program that goes on running, is in [`link`].
//!
//! Two rules are above all others. **Nothing but a verified line reaches stdout**, and it alone is written there, by
//! [`answer_sshd`]. **Everything ends in time**: all that could hang (a file system, DNS, the network) runs on a thread that is
//! left behind when the [`Budget`] is used up, because an sshd that waits for us keeps everybody else out, too.

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

/// Does what the command line says.
pub fn run() -> ExitCode {
    let budget = Budget::start();
    match Invocation::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::LookUp { config, args: asked }) => answer_sshd(config, asked, budget),
        Ok(Invocation::Check { config }) => check::run(&config),
        Ok(Invocation::Link { config, socket }) => link::serve(&config, socket.as_deref()),
        Ok(Invocation::Help) => print_and_exit(HELP),
        Ok(Invocation::Version) => print_and_exit(VERSION),
        Err(misused) => {
            LogTarget::Syslog.write_with_timeout(LogEntry::warning(misused.to_string()), Budget::LOG_RESERVE);
            ExitCode::FAILURE
        }
    }
}

/// What the thread that does the work tells the one that watches the clock.
enum WorkerMessage {
    /// The settings are read: they may shorten the time, say where the log is, and what this host is called.
    Settings(Budget, LogTarget, String),
    Done(Result<AllowedKey, KeycmdError>),
    /// What the portal said could not be cached.
    NotCached(CacheError),
}

/// Prints the key's line, or nothing at all. One line goes to the log either way.
fn answer_sshd(config: PathBuf, args: RawArgs, budget: Budget) -> ExitCode {
    let (tell, told) = mpsc::channel();
    let worker = {
        let asked = args.clone();
        thread::Builder::new().spawn(move || {
            // Nobody listens any more when the time is over; then nothing is left to do.
            if let Err(failure) = run_worker(&config, &asked, budget, &tell) {
                let _ = tell.send(WorkerMessage::Done(Err(failure)));
            }
        })
    };

    let (mut budget, mut log, mut host) = (budget, LogTarget::Syslog, String::new());
    let outcome = match worker {
        Err(error) => Err(KeycmdError::ThreadSpawn(error)),
        Ok(_) => loop {
            match told.recv_timeout(budget.remaining()) {
                Ok(WorkerMessage::Settings(shortened, chosen, name)) => (budget, log, host) = (shortened, chosen, name),
                Ok(WorkerMessage::Done(outcome)) => break outcome,
                Err(RecvTimeoutError::Timeout) => break Err(KeycmdError::Timeout),
                Ok(WorkerMessage::NotCached(_)) | Err(RecvTimeoutError::Disconnected) => break Err(KeycmdError::WorkerPanicked),
            }
        },
    };

    // sshd gets its line before the cache and the log are written: a disk that hangs keeps nobody out.
    let outcome = outcome.and_then(|allowed| print(&allowed.line).map_err(KeycmdError::Stdout).map(|()| allowed));
    let outcome = outcome.map(|allowed| match told.recv_timeout(budget.remaining().min(Budget::LOG_RESERVE)) {
        Ok(WorkerMessage::NotCached(why)) => allowed.with_remark(&format!(" (but not cached: {why})")),
        Err(RecvTimeoutError::Timeout) => allowed.with_remark(" (but not cached in time)"),
        // The thread has ended well.
        _ => allowed,
    });
    log.write_with_timeout(log_entry(&args, &host, &outcome), Budget::LOG_RESERVE);
    match outcome {
        Err(failure) if !failure.is_denial() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn run_worker(file: &Path, args: &RawArgs, budget: Budget, sender: &Sender<WorkerMessage>) -> Result<(), KeycmdError> {
    let config = KeycmdConfig::load(file)?;
    let budget = budget.within(config.timeout);
    let _ = sender.send(WorkerMessage::Settings(budget, config.log.clone(), config.host_name.clone()));
    let question = KeyQuery::parse(args)?;
    let (allowed, said_by_portal) = lookup::look_up(&config, &question, budget)?;
    let _ = sender.send(WorkerMessage::Done(Ok(allowed)));
    if let Some(Err(why)) = said_by_portal.map(|key| lookup::store(&config, &question, &key)) {
        let _ = sender.send(WorkerMessage::NotCached(why));
    }
    Ok(())
}

fn log_entry(args: &RawArgs, host: &str, outcome: &Result<AllowedKey, KeycmdError>) -> LogEntry {
    let said = |what: &str| format!("host={host:?} {args}: {what}");
    match outcome {
        Ok(allowed) => LogEntry::info(said(&format!("allowed{}", allowed.remark))),
        Err(failure) if failure.is_denial() => LogEntry::info(said(&failure.to_string())),
        Err(failure) => LogEntry::warning(said(&failure.to_string())),
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
