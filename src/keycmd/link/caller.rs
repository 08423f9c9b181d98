//! Whoever has connected.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use serde::Serialize;
use thiserror::Error;

use super::account::Account;
use super::desk::Asked;

/// A caller who does not read is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Caller {
    stream: UnixStream,
    uid: u32,
}

/// Why a visit is over.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Gone {
    #[error("the caller hung up")]
    HungUp,
    /// A program that forwards what it is given, such as a web server, must not be made to ask.
    #[error("the caller sent something, and nothing is to be sent")]
    Spoke,
}

/// What a caller is told, a line each.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line<'a> {
    Code {
        host: &'a str,
        account: &'a str,
        user_code: &'a str,
        verification_uri: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        verification_uri_complete: Option<&'a str>,
        expires_in: u64,
    },
    Linked {
        tms_user_id: &'a str,
        expires_at: &'a str,
    },
    Refused,
    Expired,
    Error {
        error: &'static str,
        message: String,
    },
}

impl<'a> Line<'a> {
    pub fn code(asked: &'a Asked, account: &'a Account, host: &'a str) -> Self {
        Self::Code {
            host,
            account: &account.name,
            user_code: &asked.user_code,
            verification_uri: &asked.verification_uri,
            verification_uri_complete: asked.verification_uri_complete.as_deref(),
            expires_in: asked.expires_in,
        }
    }

    pub fn error(word: &'static str, message: &impl Display) -> Self {
        Self::Error { error: word, message: message.to_string() }
    }
}

impl Caller {
    /// The kernel says who they were when they connected.
    pub fn meet(stream: UnixStream) -> io::Result<Self> {
        let uid = getsockopt(&stream, sockopt::PeerCredentials)?.uid();
        Ok(Self { stream, uid })
    }

    pub fn uid(&self) -> u32 {
        self.uid
    }

    pub fn say(&mut self, line: &Line<'_>) -> Result<(), Gone> {
        let mut text = serde_json::to_string(line).map_err(|_| Gone::HungUp)?;
        text.push('\n');
        let said = self.stream.set_write_timeout(Some(PATIENCE)).and_then(|()| self.stream.write_all(text.as_bytes()));
        said.map_err(|_| Gone::HungUp)
    }

    /// The last line; whoever has gone does not hear it, and nobody waits for one who does not listen.
    pub fn say_last(mut self, line: &Line<'_>) {
        let _ = self.say(line);
    }

    /// Lets so much time pass, unless the caller goes away before.
    pub fn wait(&mut self, pause: Duration) -> Result<(), Gone> {
        let until = Instant::now() + pause;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.stream.set_read_timeout(Some(left)).map_err(|_| Gone::HungUp)?;
            match self.stream.read(&mut [0]) {
                Ok(0) => return Err(Gone::HungUp),
                Ok(_) => return Err(Gone::Spoke),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(_) => return Err(Gone::HungUp),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Caller, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Caller::meet(ours).unwrap(), theirs)
    }

    #[test]
    fn the_kernel_says_who_calls() {
        assert_eq!(pair().0.uid(), rustix::process::geteuid().as_raw());
    }

    #[test]
    fn whoever_hangs_up_or_speaks_is_not_waited_for() {
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(1));
        let (mut caller, theirs) = pair();
        assert_eq!(caller.wait(short), Ok(()));
        drop(theirs);
        assert_eq!(caller.wait(long), Err(Gone::HungUp));
        let (mut caller, mut theirs) = pair();
        theirs.write_all(b"{\"user\":\"root\",\"user_uid\":0}\n").unwrap();
        assert_eq!(caller.wait(long), Err(Gone::Spoke));
    }

    #[test]
    fn a_line_stays_one_line() {
        let line = Line::error("host", &"two\nlines \u{1b}[2J");
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"event":"error","error":"host","message":"two\nlines \u001b[2J"}"#);
        assert_eq!(serde_json::to_string(&Line::Refused).unwrap(), r#"{"event":"refused"}"#);
    }
}
