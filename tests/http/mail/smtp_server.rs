//! A real mail server, Debian's `python3-aiosmtpd`, on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Where Debian's packages are.
const PYTHON: &str = "/usr/bin/python3";

pub struct SmtpServer {
    pub port: u16,
    lines: UnboundedReceiver<String>,
    child: Child,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl SmtpServer {
    /// On any free port, without TLS. `None`, with the reason on stderr, if there is no aiosmtpd.
    pub async fn start() -> Option<Self> {
        Self::start_with(0, None).await
    }

    /// On a port; with a certificate and its key it requires STARTTLS and a login.
    pub async fn start_with(port: u16, tls: Option<(&Path, &Path)>) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let mut command = Command::new(PYTHON);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/mail/smtp_server.py")).arg(port.to_string());
        if let Some((certificate, key)) = tls {
            command.arg(certificate).arg(key);
        }
        // It logs refused handshakes.
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("python");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, mut lines) = unbounded_channel::<String>();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = lines.recv().await.expect("a port").parse().expect("a port");
        Some(Self { port, lines, child })
    }

    /// The next message.
    pub async fn message(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.recv()).await.expect("a message in time");
        serde_json::from_str(&line.expect("a message")).expect("JSON")
    }

    /// Stops it, and returns the messages that were not read.
    pub async fn stop(mut self) -> Vec<Value> {
        self.child.kill().expect("stopped");
        let mut left = Vec::new();
        while let Some(line) = self.lines.recv().await {
            left.push(serde_json::from_str(&line).expect("JSON"));
        }
        left
    }
}

fn is_installed() -> bool {
    static SAID: Once = Once::new();
    let found = Command::new(PYTHON).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        // `eprintln!` is captured for passing tests. `.make/test` repeats the line in its summary.
        SAID.call_once(|| {
            let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: tests with a mail server: there is no aiosmtpd (Debian: python3-aiosmtpd)\n");
        });
    }
    found
}
