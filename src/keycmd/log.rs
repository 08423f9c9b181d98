//! One log line for each lookup: the only place that says why a login was refused.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::time_format;

const SYSLOG: &str = "/dev/log";
/// The facility of RFC 3164 §4.1.1 for private security messages, times eight.
const AUTHPRIV: u8 = 10 * 8;
/// For owner and group only: the log names who logs in.
const FILE_MODE: u32 = 0o640;
/// Every syslog accepts this many bytes in one datagram (RFC 3164 §4.1).
const MAX_LINE_BYTES: usize = 900;

/// Where log lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    Syslog,
    File(PathBuf),
    Off,
}

/// A line with its severity.
#[derive(Clone, Debug)]
pub struct LogEntry {
    severity: Severity,
    text: String,
}

/// The two severities of RFC 3164 §4.1.1 that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Warning = 4,
    Info = 6,
}

impl LogEntry {
    /// Something that an operator should look into.
    pub fn warning(text: impl AsRef<str>) -> Self {
        Self { severity: Severity::Warning, text: escape_line(text.as_ref()) }
    }

    /// A regular event.
    pub fn info(text: impl AsRef<str>) -> Self {
        Self { severity: Severity::Info, text: escape_line(text.as_ref()) }
    }
}

impl LogTarget {
    pub fn parse(written: &str) -> Option<Self> {
        match written {
            "syslog" => Some(Self::Syslog),
            "none" => Some(Self::Off),
            path if path.starts_with('/') => Some(Self::File(path.into())),
            _ => None,
        }
    }

    /// Writes the entry, but waits for at most `timeout`: a hanging log must not delay a login.
    pub fn write_with_timeout(self, entry: LogEntry, timeout: Duration) {
        let (sender, receiver) = mpsc::channel::<()>();
        let spawned = thread::Builder::new().spawn(move || {
            self.write_blocking(&entry);
            drop(sender);
        });
        if spawned.is_ok() {
            let _ = receiver.recv_timeout(timeout);
        }
    }

    /// Writes the entry without a time limit.
    pub fn write_blocking(&self, entry: &LogEntry) {
        // sshd discards stderr; operators who run the command see why it prints nothing.
        if entry.severity != Severity::Info {
            let _ = writeln!(io::stderr(), "tms-keycmd: {}", entry.text);
        }
        // A failing log cannot be reported here; `tms-keycmd check` detects it.
        let _ = self.write(entry);
    }

    fn write(&self, entry: &LogEntry) -> io::Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Syslog => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                // Without a time: syslog adds its own if there is none.
                let message = format!("<{}>tms-keycmd[{}]: {}", AUTHPRIV + entry.severity as u8, std::process::id(), entry.text);
                socket.send_to(message.as_bytes(), SYSLOG).map(drop)
            }
            Self::File(path) => {
                let level = if entry.severity == Severity::Info { "info" } else { "warning" };
                let line = format!("{} {level} {}\n", time_format::now().to_rfc3339(), entry.text);
                // A single write, so that lines of concurrent logins do not mix.
                OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?.write_all(line.as_bytes())
            }
        }
    }

    /// Checks that the log is writable. Does not create the file, which would belong to the user who runs the check.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Syslog => UnixDatagram::unbound()?.connect(SYSLOG),
            Self::File(path) => OpenOptions::new().append(true).open(path).map(drop),
        }
    }
}

/// Escapes and truncates a line, so that user-chosen text in it cannot start a second line.
fn escape_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            line.extend(c.escape_default())
        } else {
            line.push(c)
        }
        if line.len() > MAX_LINE_BYTES {
            line.push_str("...");
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_entry_is_a_single_line() {
        assert_eq!(escape_line("a\nb\r\u{1b}[31m\u{2028}é"), "a\\nb\\r\\u{1b}[31m\\u{2028}é");
        assert!(escape_line(&"é".repeat(5_000)).len() < MAX_LINE_BYTES + 10);
    }

    #[test]
    fn log_target_is_syslog_file_or_none() {
        assert_eq!(LogTarget::parse("syslog"), Some(LogTarget::Syslog));
        assert_eq!(LogTarget::parse("none"), Some(LogTarget::Off));
        assert_eq!(LogTarget::parse("/var/log/tms-keycmd.log"), Some(LogTarget::File("/var/log/tms-keycmd.log".into())));
        for refused in ["", "stdout", "logs/keycmd.log"] {
            assert_eq!(LogTarget::parse(refused), None);
        }
    }
}
