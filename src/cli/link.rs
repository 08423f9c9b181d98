//! `tms link`, on a host: links the account one is logged in to. The host's helper (`tms-keycmd link`) does all of it; this shows
//! what it says. It knows from the kernel who asks: it is greeted, and told nothing.

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
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;
use super::invitation::Invitation;
use super::moments::in_words;
use super::output::Output;
use super::printable::Printable;
use super::waiting::Waiting;
use crate::domain::link::GREETING;

/// More than any line of the helper's.
const LONGEST_LINE: usize = 64 * 1024;
/// How long a helper may have no room for more callers.
const CROWD: Duration = Duration::from_secs(5);
/// Between two tries to get in.
const BREATHER: Duration = Duration::from_millis(50);
/// The helper asks a portal before it says anything.
const FIRST_LINE: Duration = Duration::from_secs(30);
/// The helper has the last word on whether a code has expired.
const LAST_LINE: Duration = Duration::from_secs(20);

#[derive(Args)]
pub struct Link {
    /// The socket of this host's helper
    #[arg(long, value_name = "PATH", default_value = "/run/tms/link.sock")]
    socket: PathBuf,

    /// Do not draw a QR code
    #[arg(long)]
    no_qr: bool,
}

/// A line of the helper's.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
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

/// Shows a code, and waits until it is confirmed in the browser.
pub async fn link(link: &Link, output: &Output) -> Result<(), Failure> {
    let stream = connect(&link.socket, CROWD).await?;
    greet(&stream).map_err(|_| Failure::HelperGone)?;
    let mut helper = Helper { stream, heard: Vec::new() };
    let first = timeout(FIRST_LINE, helper.line()).await.map_err(|_| Failure::HelperGone)??;
    let Line::Code { host, account, user_code, verification_uri, verification_uri_complete, expires_in } = first else {
        return Err(ended(first));
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
    Invitation { user_code, verification_uri, verification_uri_complete }.show(!link.no_qr, output);
    output.note("Enter it yourself and do not share it: anyone who enters it can log in to this account.\n");

    let last = {
        let waiting = Waiting::begin(Duration::from_secs(expires_in), output);
        timeout(waiting.time_left() + LAST_LINE, helper.line()).await.map_err(|_| Failure::LinkExpired)??
    };
    let Line::Linked { tms_user_id, expires_at } = last else { return Err(ended(last)) };
    let end = match in_words(expires_at.as_str()).as_str() {
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

/// A helper with too many callers at its door is tried again, for a while.
async fn connect(socket: &Path, patience: Duration) -> Result<UnixStream, Failure> {
    let end = Instant::now() + patience;
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(why) if why.kind() != ErrorKind::WouldBlock => return Err(Failure::NoHelper { socket: socket.to_owned(), why }),
            Err(_) if Instant::now() >= end => return Err(Failure::HelperBusy),
            Err(_) => sleep(BREATHER).await,
        }
    }
}

/// An open file goes with the word: only a process of this host can hand one over, so the helper knows that nobody sits at the other
/// end of a tunnel.
fn greet(stream: &UnixStream) -> io::Result<()> {
    let file = File::open("/dev/null")?;
    let files = [file.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    beside.push(SendAncillaryMessage::ScmRights(&files));
    match sendmsg(stream, &[IoSlice::new(GREETING)], &mut beside, SendFlags::empty()).map_err(io::Error::from) {
        // It has hung up already, and has said why.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        sent => sent.map(drop),
    }
}

/// Any line but the one that was hoped for.
fn ended(line: Line) -> Failure {
    match line {
        Line::Refused => Failure::LinkRefused,
        Line::Expired => Failure::LinkExpired,
        Line::Error { message } => Failure::NotLinked(message),
        Line::Code { .. } | Line::Linked { .. } => Failure::HelperNotUnderstood,
    }
}

struct Helper {
    stream: UnixStream,
    heard: Vec<u8>,
}

impl Helper {
    async fn line(&mut self) -> Result<Line, Failure> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return serde_json::from_slice(&line).map_err(|_| Failure::HelperNotUnderstood);
            }
            if self.heard.len() > LONGEST_LINE {
                return Err(Failure::HelperNotUnderstood);
            }
            match self.hear().await {
                Ok(0) => return Err(Failure::HelperGone),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => return Err(Failure::HelperGone),
            }
        }
    }

    async fn hear(&mut self) -> io::Result<usize> {
        self.stream.readable().await?;
        let mut piece = [0; 4096];
        let length = self.stream.try_read(&mut piece)?;
        self.heard.extend(piece.iter().take(length));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    async fn heard(said: &'static str) -> Result<Line, Failure> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.try_write(said.as_bytes()).unwrap();
        drop(theirs);
        Helper { stream: ours, heard: Vec::new() }.line().await
    }

    #[tokio::test]
    async fn the_helpers_lines_are_understood_and_cleaned() {
        assert!(matches!(heard("{\"event\":\"refused\"}\n").await.map(ended), Ok(Failure::LinkRefused)));
        assert!(matches!(heard("{\"event\":\"expired\"}\n").await.map(ended), Ok(Failure::LinkExpired)));
        let error = heard("{\"event\":\"error\",\"error\":\"busy\",\"message\":\"wait\\u001b[2J\"}\n").await.map(ended).unwrap();
        assert_eq!(error.to_string(), "wait[2J");
        for nonsense in ["\n", "{}\n", "{\"event\":\"else\"}\n", "SSH-2.0-x\n"] {
            assert!(matches!(heard(nonsense).await, Err(Failure::HelperNotUnderstood)), "{nonsense}");
        }
        assert!(matches!(heard("{\"event\":\"refu").await, Err(Failure::HelperGone)));
    }

    #[tokio::test]
    async fn a_helper_without_room_is_tried_again_and_then_said_to_be_busy() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("link.sock");
        let listener = crowded(&socket);
        let failure = connect(&socket, 2 * BREATHER).await.err().unwrap();
        assert!(matches!(failure, Failure::HelperBusy) && failure.to_string().contains("is busy"), "{failure}");

        let (came, room) = tokio::join!(connect(&socket, Duration::from_secs(60)), async { listener.accept().map(drop) });
        assert!(came.is_ok() && room.is_ok());
    }

    /// A helper with one caller at its door, which is as many as fit.
    fn crowded(socket: &Path) -> std::os::unix::net::UnixListener {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket as new_socket};
        let listener = new_socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(socket).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        // It stays at the door when it goes.
        std::os::unix::net::UnixStream::connect(socket).unwrap();
        listener.into()
    }

    #[tokio::test]
    async fn what_a_helper_said_before_it_was_greeted_is_heard() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.try_write(b"{\"event\":\"error\",\"error\":\"busy\",\"message\":\"too often\"}\n").unwrap();
        drop(theirs);
        greet(&ours).unwrap();
        let said = Helper { stream: ours, heard: Vec::new() }.line().await.map(ended);
        assert!(matches!(said, Ok(Failure::NotLinked(message)) if message.as_str() == "too often"));
    }

    #[tokio::test]
    async fn without_a_helper_one_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("link.sock");
        let failure = link(&Link { socket: socket.clone(), no_qr: true }, &Output::Json).await.unwrap_err();
        assert!(failure.to_string().contains("link.sock"), "{failure}");
        drop(UnixListener::bind(&socket).unwrap());
        assert!(matches!(link(&Link { socket, no_qr: true }, &Output::Json).await, Err(Failure::NoHelper { .. })));
    }
}
