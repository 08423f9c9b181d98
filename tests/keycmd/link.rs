//! `tms-keycmd link`: its settings, and its messages to callers. With real accounts and a real portal: tests/ssh/linking.rs.

use std::fs::{File, Permissions};
use std::io::{BufRead, BufReader, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::thread::set_thread_res_uid;
use serde_json::{Value, json};

use crate::host::Host;
use crate::portal::{self, FakePortal};

const GREETING: &[u8] = b"tms link\n";
/// An account that every system has, other than root.
const DAEMON: u32 = 1;
const CREDENTIAL: &str = "credential_file = \"FOLDER/credential\"";

fn helper(host: &Host) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tms-keycmd"));
    command.arg("link").arg("--config").arg(host.path("settings.toml")).arg("--socket").arg(host.path("link.sock"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn invalid_settings_prevent_the_start() {
    let host = Host::at("http://127.0.0.1:9/v1/tms/pubkeys/creds/retrieve");
    let refused = |why: &str| {
        let output = helper(&host).output().expect("run");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && stderr.contains(why), "{why}: {stderr}");
        assert!(!host.path("link.sock").exists());
    };
    refused("credential_file is not set");
    host.set("http://127.0.0.1:9/elsewhere", CREDENTIAL);
    host.write("credential", 0o600, "secret");
    refused("tms_url does not end in");
    host.set("http://127.0.0.1:9/v1/tms/pubkeys/creds/retrieve", CREDENTIAL);
    host.write("credential", 0o644, "secret");
    refused("contains a secret");
    host.write("credential", 0o600, "secret");
    let mut without = Command::new(env!("CARGO_BIN_EXE_tms-keycmd"));
    without.args(["link", "--config"]).arg(host.path("settings.toml")).env_clear().stdin(Stdio::null());
    let output = without.output().expect("run");
    assert!(String::from_utf8_lossy(&output.stderr).contains("systemd passed no socket"), "{output:?}");
}

/// A running helper.
struct RunningHelper {
    child: Child,
    host: Host,
}

impl RunningHelper {
    fn start(url: &str) -> Self {
        let host = Host::with(url, CREDENTIAL);
        host.write("credential", 0o600, "secret");
        // Other accounts connect as well.
        std::fs::set_permissions(host.path("."), Permissions::from_mode(0o711)).expect("set");
        let child = helper(&host).stderr(Stdio::null()).spawn().expect("run");
        let running = Self { child, host };
        running.wait_for_log("link: ready");
        running
    }

    /// Waits for a line of the log.
    fn wait_for_log(&self, what: &str) {
        let patience = Instant::now() + Duration::from_secs(10);
        while !self.log().contains(what) {
            assert!(Instant::now() < patience, "not {what:?}: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!self.log().contains("secret"), "{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.host.path("log")).unwrap_or_default()
    }

    fn call(&self) -> UnixStream {
        UnixStream::connect(self.host.path("link.sock")).expect("connected")
    }

    /// Connects with the UID of an account that can be linked: the kernel uses that of the connecting thread.
    fn call_as_linkable_account(&self) -> UnixStream {
        let socket = self.host.path("link.sock");
        let calling = thread::spawn(move || {
            if rustix::process::geteuid().is_root() {
                let daemon = rustix::process::Uid::from_raw(DAEMON);
                set_thread_res_uid(daemon, daemon, daemon).expect("another user");
            }
            UnixStream::connect(socket).expect("connected")
        });
        calling.join().expect("connected")
    }
}

impl Drop for RunningHelper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends the greeting of `tms link`: a word with an open file.
fn send_greeting(caller: &UnixStream) {
    send(caller, GREETING, 1);
}

fn send(caller: &UnixStream, word: &[u8], files: usize) {
    let (file, mut space) = (File::open("/dev/null").expect("a file"), [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))]);
    let (mut beside, files) = (SendAncillaryBuffer::new(&mut space), vec![file.as_fd(); files]);
    assert!(files.is_empty() || beside.push(SendAncillaryMessage::ScmRights(&files)));
    sendmsg(caller, &[IoSlice::new(word)], &mut beside, SendFlags::empty()).expect("sent");
}

/// The next message of the helper; null after it has disconnected.
fn receive(caller: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    match caller.read_line(&mut line) {
        Ok(1..) => serde_json::from_str(&line).expect("an event"),
        // A connection reset: the helper may close with unread data.
        Ok(0) | Err(_) => Value::Null,
    }
}

/// A portal that sends a code once it is allowed to, and then "pending".
fn portal_with_a_code() -> (FakePortal, Sender<()>) {
    let (go_on, let_go) = channel();
    let let_go = Mutex::new(let_go);
    let portal = FakePortal::serving(move |mut stream, requests| {
        let Some(request) = portal::read(&mut stream) else { return };
        let first = request.head.lines().next().unwrap_or_default().to_owned();
        let _ = requests.send(request);
        let answer = if first.starts_with("POST /v1/tms/links ") {
            let _ = let_go.lock().expect("a gate").recv();
            let code =
                json!({ "link_id": "id-1", "user_code": "BCDF-GHJK", "verification_uri": "https://p/hosts/link", "expires_in": 600, "interval": 60 });
            portal::http("201 Created", &code.to_string())
        } else {
            portal::http("200 OK", r#"{"status":"pending"}"#)
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    (portal, go_on)
}

fn next_request(portal: &FakePortal) -> (String, Value) {
    let request = portal.next();
    (request.head.lines().next().unwrap_or_default().to_owned(), request.body)
}

const WITHDRAW: &str = "POST /v1/tms/links/withdraw HTTP/1.1";

#[test]
fn disconnect_cancels_the_request() {
    let (portal, go_on) = portal_with_a_code();
    let running = RunningHelper::start(&portal.url());
    let expect_withdrawal = || assert_eq!(next_request(&portal), (WITHDRAW.to_owned(), json!({ "link_id": "id-1" })));
    let expect_request = || assert_eq!(next_request(&portal).0, "POST /v1/tms/links HTTP/1.1");

    // Ctrl-C while the code is shown.
    let caller = running.call_as_linkable_account();
    send_greeting(&caller);
    go_on.send(()).expect("let");
    expect_request();
    let mut caller = BufReader::new(caller);
    assert_eq!(receive(&mut caller)["user_code"], "BCDF-GHJK");
    drop(caller);
    expect_withdrawal();
    running.wait_for_log("the client disconnected");

    // Before there was a code.
    let caller = running.call_as_linkable_account();
    send_greeting(&caller);
    expect_request();
    drop(caller);
    go_on.send(()).expect("let");
    expect_withdrawal();
    assert!(portal.try_next().is_none());
}

#[test]
fn further_input_cancels_the_request() {
    let (portal, go_on) = portal_with_a_code();
    let running = RunningHelper::start(&portal.url());
    let mut caller = running.call_as_linkable_account();
    send_greeting(&caller);
    assert_eq!(next_request(&portal).0, "POST /v1/tms/links HTTP/1.1");
    caller.write_all(b"GET / HTTP/1.1\r\n").expect("sent");
    go_on.send(()).expect("let");
    let event = receive(&mut BufReader::new(caller));
    assert_eq!((&event["event"], &event["error"]), (&json!("error"), &json!("unexpected_input")), "{event}");
    assert_eq!(next_request(&portal), (WITHDRAW.to_owned(), json!({ "link_id": "id-1" })));
    running.wait_for_log("the client sent unexpected data");
}

/// A forwarder can send any bytes, but not an open file.
#[test]
fn no_request_without_a_greeting() {
    let (portal, _gate) = portal_with_a_code();
    let running = RunningHelper::start(&portal.url());
    let request: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    for (word, files) in [(GREETING, 0), (request, 0), (request, 1), (b"\0", 1), (GREETING, 2)] {
        let caller = running.call_as_linkable_account();
        send(&caller, word, files);
        let event = receive(&mut BufReader::new(caller));
        assert_eq!((&event["event"], &event["error"]), (&json!("error"), &json!("unexpected_input")), "{event}");
    }
    let silent = running.call_as_linkable_account();
    let event = receive(&mut BufReader::new(silent));
    assert_eq!(event["error"], "unexpected_input", "nor is silence waited for: {event}");
    let gone = running.call_as_linkable_account();
    gone.shutdown(Shutdown::Write).expect("shut");
    assert_eq!(receive(&mut BufReader::new(gone)), Value::Null);
    running.wait_for_log("the client did not send the start message of `tms link`");
    assert!(portal.try_next().is_none());
}

#[test]
fn repeated_refusals_are_logged_once() {
    let running = RunningHelper::start(&portal::unused_url());
    let (mut refused, patience) = (0, Instant::now() + Duration::from_secs(60));
    while refused < 500 {
        assert!(Instant::now() < patience, "only {refused} were refused");
        let caller = running.call();
        caller.shutdown(Shutdown::Write).expect("shut");
        let event = receive(&mut BufReader::new(caller));
        refused += usize::from(event["error"] == "busy");
    }
    running.wait_for_log("too many requests from you");
    let lines = running.log().matches("too many requests from you").count();
    // Two if a minute has passed.
    assert!(lines <= 2, "{lines} lines: {}", running.log());
}

/// Independent of the user that runs the tests: root cannot be linked, and for others the portal is unreachable.
#[test]
fn caller_gets_the_outcome_and_is_disconnected() {
    let running = RunningHelper::start(&portal::unused_url());
    let (message, logged) = if rustix::process::geteuid().is_root() {
        ("the root account cannot be linked: run this as yourself", "uid=0: the root account cannot be linked")
    } else {
        ("the portal is unreachable", "the portal is unreachable")
    };
    let mut caller = running.call();
    send_greeting(&caller);
    let mut heard = String::new();
    caller.read_to_string(&mut heard).expect("hung up");
    assert!(heard.starts_with("{\"event\":\"error\"") && heard.contains(message) && heard.lines().count() == 1, "{heard}");
    running.wait_for_log(logged);
}

#[test]
fn second_helper_does_not_replace_the_socket() {
    let running = RunningHelper::start(&portal::unused_url());
    let second = helper(&running.host).output().expect("run");
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process is already listening"), "{second:?}");
}
