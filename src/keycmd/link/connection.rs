//! A connection of a caller.

use std::fmt::Display;
use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recv, recvmsg};
use serde::Serialize;
use thiserror::Error;

use super::account::UnixAccount;
use super::portal_client::StartedLink;
use crate::domain::link_request::GREETING;

/// Writing fails if the caller does not read for this long.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// `tms link` sends the greeting immediately.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);

pub struct HelperConnection {
    stream: UnixStream,
    uid: u32,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Disconnected {
    #[error("the client disconnected")]
    Closed,
    #[error("the client did not send the start message of `tms link`, or is older than this host's helper")]
    NoGreeting,
    #[error("the client sent unexpected data")]
    UnexpectedInput,
}

/// Messages to the caller, one line each.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum HelperMessage<'a> {
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

impl<'a> HelperMessage<'a> {
    pub fn code(started: &'a StartedLink, account: &'a UnixAccount, host: &'a str) -> Self {
        Self::Code {
            host,
            account: &account.name,
            user_code: &started.user_code,
            verification_uri: &started.verification_uri,
            verification_uri_complete: started.verification_uri_complete.as_deref(),
            expires_in: started.expires_in,
        }
    }

    pub fn error(code: &'static str, message: &impl Display) -> Self {
        Self::Error { error: code, message: message.to_string() }
    }
}

impl HelperConnection {
    /// Reads the caller's UID at the time of connecting from the kernel.
    pub fn accept(stream: UnixStream) -> io::Result<Self> {
        let uid = getsockopt(&stream, sockopt::PeerCredentials)?.uid();
        Ok(Self { stream, uid })
    }

    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Receives the greeting: a byte with an open file (`SCM_RIGHTS`). Only a process of this host can pass one: programs that
    /// forward bytes (a web server, `ssh -L`) cannot.
    pub fn receive_greeting(&mut self) -> Result<(), Disconnected> {
        self.stream.set_read_timeout(Some(GREETING_TIMEOUT)).map_err(|_| Disconnected::Closed)?;
        let mut buffer = [0; GREETING.len() + 1];
        let mut ancillary_space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut ancillary_space);
        let received = recvmsg(&self.stream, &mut [IoSliceMut::new(&mut buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
            .map_err(|_| Disconnected::NoGreeting)?;
        // Dropping the files closes them.
        let files: usize =
            ancillary.drain().map(|message| if let RecvAncillaryMessage::ScmRights(files) = message { files.count() } else { 0 }).sum();
        match buffer.get(..received.bytes) {
            Some(GREETING) if files == 1 && !received.flags.contains(ReturnFlags::CTRUNC) => Ok(()),
            Some([]) => Err(Disconnected::Closed),
            _ => Err(Disconnected::NoGreeting),
        }
    }

    /// Checks that the caller is still connected and has sent nothing more.
    pub fn check_idle(&self) -> Result<(), Disconnected> {
        expect_idle(recv(&self.stream, &mut [0; 1], RecvFlags::DONTWAIT).map(|(length, _)| length).map_err(io::Error::from))
    }

    pub fn send(&mut self, line: &HelperMessage<'_>) -> Result<(), Disconnected> {
        let mut text = serde_json::to_string(line).map_err(|_| Disconnected::Closed)?;
        text.push('\n');
        let result = self.stream.set_write_timeout(Some(WRITE_TIMEOUT)).and_then(|()| self.stream.write_all(text.as_bytes()));
        result.map_err(|_| Disconnected::Closed)
    }

    /// Sends the final message; errors are ignored because the caller may have disconnected.
    pub fn send_final(mut self, line: &HelperMessage<'_>) {
        let _ = self.send(line);
    }

    /// Waits, unless the caller disconnects earlier.
    pub fn wait(&mut self, pause: Duration) -> Result<(), Disconnected> {
        let deadline = Instant::now() + pause;
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Ok(());
            }
            self.stream.set_read_timeout(Some(remaining)).map_err(|_| Disconnected::Closed)?;
            expect_idle(self.stream.read(&mut [0]))?;
        }
    }
}

fn expect_idle(result: io::Result<usize>) -> Result<(), Disconnected> {
    match result {
        Ok(0) => Err(Disconnected::Closed),
        Ok(_) => Err(Disconnected::UnexpectedInput),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(()),
        Err(_) => Err(Disconnected::Closed),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::IoSlice;
    use std::os::fd::AsFd;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    use super::*;

    fn pair() -> (HelperConnection, UnixStream) {
        let (server, client) = UnixStream::pair().unwrap();
        (HelperConnection::accept(server).unwrap(), client)
    }

    #[test]
    fn uid_comes_from_the_kernel() {
        assert_eq!(pair().0.uid(), rustix::process::geteuid().as_raw());
    }

    #[test]
    fn disconnect_or_input_ends_the_wait() {
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(1));
        let (mut connection, client) = pair();
        assert_eq!((connection.wait(short), connection.check_idle()), (Ok(()), Ok(())));
        drop(client);
        assert_eq!((connection.wait(long), connection.check_idle()), (Err(Disconnected::Closed), Err(Disconnected::Closed)));
        let (mut connection, mut client) = pair();
        client.write_all(b"{\"user\":\"root\",\"user_uid\":0}\n").unwrap();
        assert_eq!((connection.check_idle(), connection.wait(long)), (Err(Disconnected::UnexpectedInput), Err(Disconnected::UnexpectedInput)));
    }

    #[test]
    fn greeting_requires_exactly_one_open_file() {
        let greet = |bytes: &[u8], files: usize| {
            let (mut connection, client) = pair();
            let (file, mut ancillary_space) = (File::open("/dev/null").unwrap(), [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))]);
            let (mut ancillary, files) = (SendAncillaryBuffer::new(&mut ancillary_space), vec![file.as_fd(); files]);
            assert!(files.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(&files)));
            sendmsg(&client, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::empty()).unwrap();
            connection.receive_greeting()
        };
        assert_eq!(greet(GREETING, 1), Ok(()));
        for (bytes, files) in [(GREETING, 0), (GREETING, 2), (GREETING, 3), (b"\0", 1), (b"tms", 1), (b"tms link\n\n", 1)] {
            assert_eq!(greet(bytes, files), Err(Disconnected::NoGreeting), "{bytes:?} {files}");
        }
        let (mut connection, client) = pair();
        drop(client);
        assert_eq!(connection.receive_greeting(), Err(Disconnected::Closed));
        let (mut connection, _client) = pair();
        assert_eq!(connection.receive_greeting(), Err(Disconnected::NoGreeting));
    }

    #[test]
    fn message_is_a_single_line() {
        let line = HelperMessage::error("host", &"two\nlines \u{1b}[2J");
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"event":"error","error":"host","message":"two\nlines \u001b[2J"}"#);
        assert_eq!(serde_json::to_string(&HelperMessage::Refused).unwrap(), r#"{"event":"refused"}"#);
    }
}
