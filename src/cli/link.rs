//! `tms link`, on a host: links the account that runs it. The host's helper (`tms-keycmd link`) does the work; this command prints
//! its messages. The helper learns the account from the kernel; it gets a greeting and no data.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

use super::error_code::ErrorCode;
use super::output::Output;
use super::printable::Printable;
use super::spinner::Spinner;
use super::time_format::format_time;
use super::verification_prompt::VerificationPrompt;
use crate::domain::link_request::GREETING;

/// Longer than any message of the helper.
const MAX_EVENT_BYTES: usize = 64 * 1024;
/// For how long to retry while the helper has no free connection.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two connection attempts.
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// The helper asks a portal before it sends its first message.
const FIRST_EVENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The helper decides whether a code has expired.
const EXPIRY_GRACE: Duration = Duration::from_secs(20);

#[derive(Args)]
pub struct LinkArgs {
    /// The socket of this host's helper
    #[arg(long, value_name = "PATH", default_value = "/run/tms/link.sock")]
    socket: PathBuf,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// A message of the helper.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum HelperEvent {
    Code {
        host: Printable,
        account: Printable,
        user_code: Printable,
        verification_uri: Printable,
        verification_uri_complete: Option<Printable>,
        expires_in: u64,
    },
    Linked {
        tms_user_id: Printable,
        expires_at: Printable,
    },
    Refused,
    Expired,
    Error {
        message: Printable,
    },
}

/// Why the account was not linked.
#[derive(Debug, Error)]
pub enum HelperError {
    #[error("this host does not support linking accounts: no helper is listening at {} ({why}). Ask the host's operators", .socket.display())]
    Unavailable { socket: PathBuf, why: io::Error },
    #[error("this host's helper is busy: try again in a few minutes; if the problem persists, tell the host's operators")]
    Busy,
    #[error("this host's helper closed the connection: run `tms link` again")]
    Disconnected,
    #[error("this host's helper sent an invalid message: tell the host's operators")]
    Protocol,
    #[error("{0}")]
    LinkFailed(Printable),
    #[error("Refused in the browser. Nothing was linked.")]
    LinkRefused,
    #[error("the code expired before it was confirmed, or was replaced by a newer one: run `tms link` again")]
    LinkExpired,
}

impl HelperError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable { .. } | Self::Busy => ErrorCode::NoHelper,
            Self::Disconnected | Self::Protocol => ErrorCode::UnexpectedAnswer,
            Self::LinkFailed(_) => ErrorCode::LinkFailed,
            Self::LinkRefused => ErrorCode::AccessDenied,
            Self::LinkExpired => ErrorCode::ExpiredToken,
        }
    }

    /// Whether the user refused the link in the browser, which is an answer and not a fault.
    pub fn is_user_denial(&self) -> bool {
        matches!(self, Self::LinkRefused)
    }
}

/// Shows a code and waits until it is confirmed in the browser.
pub async fn run(link: &LinkArgs, output: &Output) -> Result<(), HelperError> {
    let stream = connect(&link.socket, BUSY_TIMEOUT).await?;
    send_greeting(&stream).map_err(|_| HelperError::Disconnected)?;
    let mut helper = HelperClient { stream, buffer: Vec::new() };
    let first = timeout(FIRST_EVENT_TIMEOUT, helper.next_event()).await.map_err(|_| HelperError::Disconnected)??;
    let HelperEvent::Code { host, account, user_code, verification_uri, verification_uri_complete, expires_in } = first else {
        return Err(event_error(first));
    };
    output.event(&json!({
        "event": "code",
        "host": host,
        "account": account,
        "user_code": user_code,
        "verification_uri": verification_uri,
        "verification_uri_complete": verification_uri_complete,
        "expires_in": expires_in,
    }));
    output.note(&format!("This links the account {account} on {host} to you."));
    VerificationPrompt { user_code, verification_uri, verification_uri_complete }.show(!link.no_qr, output);
    output.note("Enter it yourself and do not share it: anyone who enters it can log in to this account.\n");

    let last = {
        let spinner = Spinner::start(Duration::from_secs(expires_in), output);
        timeout(spinner.time_left() + EXPIRY_GRACE, helper.next_event()).await.map_err(|_| HelperError::LinkExpired)??
    };
    let HelperEvent::Linked { tms_user_id, expires_at } = last else { return Err(event_error(last)) };
    let end = match format_time(expires_at.as_str()).as_str() {
        "never" => String::new(),
        end => format!(" until {end}"),
    };
    let words = format!(
        "{account} on {host} is linked to {tms_user_id}{end}.\nIf that is not you, tell this host's operators now.\n\
         For `tms ssh` where you are signed in already: run `tms login` there once more and select this account."
    );
    let object = json!({ "event": "linked", "host": host, "account": account, "tms_user_id": tms_user_id, "expires_at": expires_at });
    output.result(&words, &object);
    Ok(())
}

/// Connects; if the helper is busy, retries for up to `busy_timeout`.
async fn connect(socket: &Path, busy_timeout: Duration) -> Result<UnixStream, HelperError> {
    let end = Instant::now() + busy_timeout;
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(why) if why.kind() != ErrorKind::WouldBlock => return Err(HelperError::Unavailable { socket: socket.to_owned(), why }),
            Err(_) if Instant::now() >= end => return Err(HelperError::Busy),
            Err(_) => sleep(RETRY_DELAY).await,
        }
    }
}

/// The greeting carries an open file: only a process of this host can pass one, so the helper knows that the caller is not behind a
/// tunnel.
fn send_greeting(stream: &UnixStream) -> io::Result<()> {
    let file = File::open("/dev/null")?;
    let files = [file.as_fd()];
    let mut ancillary_space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut ancillary_space);
    ancillary.push(SendAncillaryMessage::ScmRights(&files));
    match sendmsg(stream, &[IoSlice::new(GREETING)], &mut ancillary, SendFlags::empty()).map_err(io::Error::from) {
        // The helper has already closed the connection and said why.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        sent => sent.map(drop),
    }
}

/// The error for a message other than the expected one.
fn event_error(event: HelperEvent) -> HelperError {
    match event {
        HelperEvent::Refused => HelperError::LinkRefused,
        HelperEvent::Expired => HelperError::LinkExpired,
        HelperEvent::Error { message } => HelperError::LinkFailed(message),
        HelperEvent::Code { .. } | HelperEvent::Linked { .. } => HelperError::Protocol,
    }
}

struct HelperClient {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl HelperClient {
    async fn next_event(&mut self) -> Result<HelperEvent, HelperError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return serde_json::from_slice(&line).map_err(|_| HelperError::Protocol);
            }
            if self.buffer.len() > MAX_EVENT_BYTES {
                return Err(HelperError::Protocol);
            }
            match self.fill_buffer().await {
                Ok(0) => return Err(HelperError::Disconnected),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => return Err(HelperError::Disconnected),
            }
        }
    }

    async fn fill_buffer(&mut self) -> io::Result<usize> {
        self.stream.readable().await?;
        let mut chunk = [0; 4096];
        let length = self.stream.try_read(&mut chunk)?;
        self.buffer.extend(chunk.iter().take(length));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    async fn receive(sent: &'static str) -> Result<HelperEvent, HelperError> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.try_write(sent.as_bytes()).unwrap();
        drop(theirs);
        HelperClient { stream: ours, buffer: Vec::new() }.next_event().await
    }

    #[tokio::test]
    async fn helper_events_are_parsed_and_sanitized() {
        assert!(matches!(receive("{\"event\":\"refused\"}\n").await.map(event_error), Ok(HelperError::LinkRefused)));
        assert!(matches!(receive("{\"event\":\"expired\"}\n").await.map(event_error), Ok(HelperError::LinkExpired)));
        let error = receive("{\"event\":\"error\",\"error\":\"busy\",\"message\":\"wait\\u001b[2J\"}\n").await.map(event_error).unwrap();
        assert_eq!(error.to_string(), "wait[2J");
        for invalid in ["\n", "{}\n", "{\"event\":\"else\"}\n", "SSH-2.0-x\n"] {
            assert!(matches!(receive(invalid).await, Err(HelperError::Protocol)), "{invalid}");
        }
        assert!(matches!(receive("{\"event\":\"refu").await, Err(HelperError::Disconnected)));
    }

    #[tokio::test]
    async fn busy_helper_is_retried_and_then_reported() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("link.sock");
        let listener = full_listener(&socket);
        let error = connect(&socket, 2 * RETRY_DELAY).await.err().unwrap();
        assert!(matches!(error, HelperError::Busy) && error.to_string().contains("is busy"), "{error}");

        let (connected, accepted) = tokio::join!(connect(&socket, Duration::from_secs(60)), async { listener.accept().map(drop) });
        assert!(connected.is_ok() && accepted.is_ok());
    }

    /// A helper with a backlog of one, which is full.
    fn full_listener(socket: &Path) -> std::os::unix::net::UnixListener {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket as new_socket};
        let listener = new_socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        // Fills the backlog; the connection stays in it after it is dropped.
        std::os::unix::net::UnixStream::connect(socket).unwrap();
        listener.into()
    }

    #[tokio::test]
    async fn events_sent_before_the_greeting_are_read() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.try_write(b"{\"event\":\"error\",\"error\":\"busy\",\"message\":\"too often\"}\n").unwrap();
        drop(theirs);
        send_greeting(&ours).unwrap();
        let event = HelperClient { stream: ours, buffer: Vec::new() }.next_event().await.map(event_error);
        assert!(matches!(event, Ok(HelperError::LinkFailed(message)) if message.as_str() == "too often"));
    }

    #[tokio::test]
    async fn missing_helper_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("link.sock");
        let error = run(&LinkArgs { socket: socket.clone(), no_qr: true }, &Output::Json).await.unwrap_err();
        assert!(error.to_string().contains("link.sock"), "{error}");
        drop(UnixListener::bind(&socket).unwrap());
        assert!(matches!(run(&LinkArgs { socket, no_qr: true }, &Output::Json).await, Err(HelperError::Unavailable { .. })));
    }
}
