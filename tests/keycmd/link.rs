//! `tms-keycmd link`: the settings it takes, and what its callers hear. With real accounts and a real portal: tests/ssh/linking.rs.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::desk::Desk;
use crate::portal;

const CREDENTIAL: &str = "credential_file = \"FOLDER/credential\"";

fn helper(desk: &Desk) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tms-keycmd"));
    command.arg("link").arg("--config").arg(desk.path("settings.toml")).arg("--socket").arg(desk.path("link.sock"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn it_does_not_begin_with_settings_that_cannot_work() {
    let desk = Desk::at("http://127.0.0.1:9/v1/tms/pubkeys/creds/retrieve");
    let refused = |why: &str| {
        let output = helper(&desk).output().expect("run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(why), "{why}: {said}");
        assert!(!desk.path("link.sock").exists());
    };
    refused("credential_file is not set");
    desk.set("http://127.0.0.1:9/elsewhere", CREDENTIAL);
    desk.write("credential", 0o600, "secret");
    refused("tms_url does not end in");
    desk.set("http://127.0.0.1:9/v1/tms/pubkeys/creds/retrieve", CREDENTIAL);
    desk.write("credential", 0o644, "secret");
    refused("holds a secret");
    desk.write("credential", 0o600, "secret");
    let mut without = Command::new(env!("CARGO_BIN_EXE_tms-keycmd"));
    without.args(["link", "--config"]).arg(desk.path("settings.toml")).env_clear().stdin(Stdio::null());
    let output = without.output().expect("run");
    assert!(String::from_utf8_lossy(&output.stderr).contains("systemd has handed over no socket"), "{output:?}");
}

/// A helper that runs.
struct Running {
    child: Child,
    desk: Desk,
}

impl Running {
    fn start(url: &str) -> Self {
        let desk = Desk::with(url, CREDENTIAL);
        desk.write("credential", 0o600, "secret");
        let child = helper(&desk).stderr(Stdio::null()).spawn().expect("run");
        let running = Self { child, desk };
        running.says("link: ready");
        running
    }

    /// Waits for a line of the log.
    fn says(&self, what: &str) {
        let patience = Instant::now() + Duration::from_secs(10);
        let log = || std::fs::read_to_string(self.desk.path("log")).unwrap_or_default();
        while !log().contains(what) {
            assert!(Instant::now() < patience, "not {what:?}: {}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(!log().contains("secret"), "{}", log());
    }

    fn call(&self) -> UnixStream {
        UnixStream::connect(self.desk.path("link.sock")).expect("connected")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whoever the tests run as: root has nothing to link, and for anybody else the portal is not there.
#[test]
fn a_caller_is_told_how_it_ended_and_hung_up_on() {
    let running = Running::start(&portal::nobody());
    let (said, logged) = if rustix::process::geteuid().is_root() {
        ("root's account cannot be linked: run this as yourself", "uid=0: root's account cannot be linked")
    } else {
        ("the portal could not be reached", "the portal could not be reached")
    };
    let mut caller = running.call();
    let mut heard = String::new();
    caller.read_to_string(&mut heard).expect("hung up");
    assert!(heard.starts_with("{\"event\":\"error\"") && heard.contains(said) && heard.lines().count() == 1, "{heard}");
    running.says(logged);
}

#[test]
fn a_second_helper_does_not_take_the_socket_away() {
    let running = Running::start(&portal::nobody());
    let second = helper(&running.desk).output().expect("run");
    assert!(String::from_utf8_lossy(&second.stderr).contains("somebody listens"), "{second:?}");
}
