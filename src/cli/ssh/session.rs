//! Runs the system's `ssh`, as if it had replaced this process.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

/// The status with which `ssh` ends if it could not log in, or lost the connection.
pub const SSH_FAILED: u8 = 255;

/// Runs `ssh` and returns its exit status; as a shell does, 128 and the signal that ended it. Signals that stop this process are passed on.
pub async fn run(mut command: Command) -> io::Result<u8> {
    let mut changed = signal(SignalKind::child())?;
    let mut stops = [signal(SignalKind::interrupt())?, signal(SignalKind::quit())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(exit_status(status));
        }
        suspend_with(&child);
        tokio::select! {
            _ = changed.recv() => {}
            signal = next(&mut stops) => pass_on(&child, signal),
        }
    }
}

/// The signal that arrives first.
async fn next(stops: &mut [Signals; 4]) -> Signal {
    let [interrupt, quit, terminate, hangup] = stops;
    tokio::select! {
        _ = interrupt.recv() => Signal::INT,
        _ = quit.recv() => Signal::QUIT,
        _ = terminate.recv() => Signal::TERM,
        _ = hangup.recv() => Signal::HUP,
    }
}

/// From a terminal, `ssh` gets signals as well; a second one changes nothing.
fn pass_on(child: &Child, signal: Signal) {
    if let Some(pid) = pid_of(child) {
        let _ended = kill_process(pid, signal);
    }
}

/// After `~^Z` only `ssh` is stopped: this process stops as well, so that the shell continues. `fg` continues both.
fn suspend_with(child: &Child) {
    let Some(pid) = pid_of(child) else { return };
    let stopped = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
    if stopped.is_ok_and(|status| status.is_some()) {
        let _stopped = kill_process(getpid(), Signal::STOP);
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn exit_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(SSH_FAILED)
}
