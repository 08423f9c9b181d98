//! One line in the log for each question: the only place that says why somebody could not log in.

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
/// The facility that RFC 3164 §4.1.1 gives to security messages that not everybody may read, times eight.
const AUTHPRIV: u8 = 10 * 8;
/// For its owner and group: it names who logs in.
const FILE_MODE: u32 = 0o640;
/// Every syslog takes this much in one datagram (RFC 3164 §4.1).
const MAX_LINE_BYTES: usize = 900;

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    Syslog,
    File(PathBuf),
    Off,
}

/// A line, and how bad it is.
#[derive(Clone, Debug)]
pub struct LogEntry {
    severity: Severity,
    text: String,
}

/// RFC 3164 §4.1.1, the two we need.
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

    /// What happens every day.
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

    /// Writes it, unless that takes longer than `wait`: a log that hangs must not hold up a login.
    pub fn write_with_timeout(self, entry: LogEntry, timeout: Duration) {
        let (tell, told) = mpsc::channel::<()>();
        let written = thread::Builder::new().spawn(move || {
            self.write_blocking(&entry);
            drop(tell);
        });
        if written.is_ok() {
            let _ = told.recv_timeout(timeout);
        }
    }

    /// Writes it, however long that takes.
    pub fn write_blocking(&self, entry: &LogEntry) {
        // sshd throws stderr away; a person who tries the command out sees why it says nothing.
        if entry.severity != Severity::Info {
            let _ = writeln!(io::stderr(), "tms-keycmd: {}", entry.text);
        }
        // Nobody could be told that the log does not work: `tms-keycmd check` finds out.
        let _ = self.write(entry);
    }

    fn write(&self, entry: &LogEntry) -> io::Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Syslog => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                // Without a time: syslog takes its own when there is none, and nobody needs to know our time zone.
                let message = format!("<{}>tms-keycmd[{}]: {}", AUTHPRIV + entry.severity as u8, std::process::id(), entry.text);
                socket.send_to(message.as_bytes(), SYSLOG).map(drop)
            }
            Self::File(path) => {
                let level = if entry.severity == Severity::Info { "info" } else { "warning" };
                let line = format!("{} {level} {}\n", time_format::now().to_rfc3339(), entry.text);
                // One write, at the end: lines of several logins at once do not mix.
                OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?.write_all(line.as_bytes())
            }
        }
    }

    /// Whether a line could be written now. No file is made: it would belong to whoever checks.
    pub fn check_writable(&self) -> io::Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Syslog => UnixDatagram::unbound()?.connect(SYSLOG),
            Self::File(path) => OpenOptions::new().append(true).open(path).map(drop),
        }
    }
}

/// Escaped and cut short, so that nobody who chooses a word in it can write a second line.
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
    fn a_line_stays_one_line() {
        assert_eq!(escape_line("a\nb\r\u{1b}[31m\u{2028}é"), "a\\nb\\r\\u{1b}[31m\\u{2028}é");
        assert!(escape_line(&"é".repeat(5_000)).len() < MAX_LINE_BYTES + 10);
    }

    #[test]
    fn a_log_is_syslog_a_file_or_none() {
        assert_eq!(LogTarget::parse("syslog"), Some(LogTarget::Syslog));
        assert_eq!(LogTarget::parse("none"), Some(LogTarget::Off));
        assert_eq!(LogTarget::parse("/var/log/tms-keycmd.log"), Some(LogTarget::File("/var/log/tms-keycmd.log".into())));
        for refused in ["", "stdout", "logs/keycmd.log"] {
            assert_eq!(LogTarget::parse(refused), None);
        }
    }
}
