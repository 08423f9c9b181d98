//! WHAT SSHD ASKS: may this key log in as this user? sshd runs `tms-keycmd %u %U %f %t` before it believes a key, and takes
//! what stands on stdout for a line of `authorized_keys`. A key that may not log in is nothing on stdout and exit code 0; any other
//! code means that the question could not be answered, and sshd logs it as a failure. `tms-keycmd link`, a program that goes on running, is in [`link`].
//!
//! Two rules are above all others. **Nothing but a verified line reaches stdout**, and it alone is written there, by
//! [`answer_sshd`]. **Everything ends in time**: all that could hang (a file system, DNS, the network) runs on a thread that is
//! left behind when the [`Budget`] is used up, because an sshd that waits for us keeps everybody else out, too.

mod arguments;
mod budget;
mod cache;
mod check;
mod config;
mod failure;
mod files;
mod key_line;
mod link;
mod log;
mod lookup;
mod moments;
mod names;
mod options;
mod portal;
mod question;
mod roots;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;

use arguments::{Arguments, HELP, VERSION};
use budget::Budget;
use cache::CacheFault;
use config::Config;
use failure::Failure;
use log::{Entry, Log};
use lookup::Allowed;
use question::{Asked, Question};

/// Does what the command line says.
pub fn run() -> ExitCode {
    let budget = Budget::starts_now();
    match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(Arguments::LookUp { config, asked }) => answer_sshd(config, asked, budget),
        Ok(Arguments::Check { config }) => check::check(&config),
        Ok(Arguments::Link { config, socket }) => link::serve(&config, socket.as_deref()),
        Ok(Arguments::Help) => say(HELP),
        Ok(Arguments::Version) => say(VERSION),
        Err(misused) => {
            Log::Syslog.write_within(Entry::fault(misused.to_string()), Budget::LAST_WORDS);
            ExitCode::FAILURE
        }
    }
}

/// What the thread that does the work tells the one that watches the clock.
enum Report {
    /// The settings are read: they may shorten the time, say where the log is, and what this host is called.
    Settings(Budget, Log, String),
    Done(Result<Allowed, Failure>),
    /// What the portal said could not be cached.
    NotCached(CacheFault),
}

/// Prints the key's line, or nothing at all. One line goes to the log either way.
fn answer_sshd(config: PathBuf, asked: Asked, budget: Budget) -> ExitCode {
    let (tell, told) = mpsc::channel();
    let worker = {
        let asked = asked.clone();
        thread::Builder::new().spawn(move || {
            // Nobody listens any more when the time is over; then nothing is left to do.
            if let Err(failure) = work(&config, &asked, budget, &tell) {
                let _ = tell.send(Report::Done(Err(failure)));
            }
        })
    };

    let (mut budget, mut log, mut host) = (budget, Log::Syslog, String::new());
    let outcome = match worker {
        Err(error) => Err(Failure::NoThread(error)),
        Ok(_) => loop {
            match told.recv_timeout(budget.left()) {
                Ok(Report::Settings(shortened, chosen, name)) => (budget, log, host) = (shortened, chosen, name),
                Ok(Report::Done(outcome)) => break outcome,
                Err(RecvTimeoutError::Timeout) => break Err(Failure::OutOfTime),
                Ok(Report::NotCached(_)) | Err(RecvTimeoutError::Disconnected) => break Err(Failure::Fault),
            }
        },
    };

    // sshd gets its line before the cache and the log are written: a disk that hangs keeps nobody out.
    let outcome = outcome.and_then(|allowed| print(&allowed.line).map_err(Failure::Unprintable).map(|()| allowed));
    let outcome = outcome.map(|allowed| match told.recv_timeout(budget.left().min(Budget::LAST_WORDS)) {
        Ok(Report::NotCached(why)) => allowed.with_remark(&format!(" (but not cached: {why})")),
        Err(RecvTimeoutError::Timeout) => allowed.with_remark(" (but not cached in time)"),
        // The thread has ended well.
        _ => allowed,
    });
    log.write_within(entry(&asked, &host, &outcome), Budget::LAST_WORDS);
    match outcome {
        Err(failure) if !failure.is_ordinary() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn work(file: &Path, asked: &Asked, budget: Budget, tell: &Sender<Report>) -> Result<(), Failure> {
    let config = Config::load(file)?;
    let budget = budget.within(config.timeout);
    let _ = tell.send(Report::Settings(budget, config.log.clone(), config.host_name.clone()));
    let question = Question::parse(asked)?;
    let (allowed, said_by_portal) = lookup::look_up(&config, &question, budget)?;
    let _ = tell.send(Report::Done(Ok(allowed)));
    if let Some(Err(why)) = said_by_portal.map(|key| lookup::keep(&config, &question, &key)) {
        let _ = tell.send(Report::NotCached(why));
    }
    Ok(())
}

fn entry(asked: &Asked, host: &str, outcome: &Result<Allowed, Failure>) -> Entry {
    let said = |what: &str| format!("host={host:?} {asked}: {what}");
    match outcome {
        Ok(allowed) => Entry::info(said(&format!("allowed{}", allowed.remark))),
        Err(failure) if failure.is_ordinary() => Entry::info(said(&failure.to_string())),
        Err(failure) => Entry::fault(said(&failure.to_string())),
    }
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn say(text: &str) -> ExitCode {
    if print(text).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
