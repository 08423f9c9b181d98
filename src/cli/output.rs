//! Output: results on stdout, messages on stderr.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::error_code::ErrorCode;

/// The output format of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Text for people.
    Text,
    /// One JSON object on stdout, for scripts.
    Json,
    /// One JSON object per event and line on stdout, for scripts that follow a sign-in.
    JsonEvents,
}

/// A command that failed, as users and scripts are told of it.
pub struct ErrorReport {
    /// For scripts.
    pub code: &'static str,
    pub message: String,
    /// Further members of the object in JSON.
    pub details: Option<Value>,
    /// The user denied the request in the browser: the message is not marked as an error.
    pub is_user_denial: bool,
}

impl Output {
    /// Prints the result of the command.
    pub fn result(&self, text: &str, object: &Value) {
        match self {
            Self::Text => print_result(text),
            Self::Json | Self::JsonEvents => print_result(&object.to_string()),
        }
    }

    /// Prints an event, for scripts only.
    pub fn event(&self, object: &Value) {
        if *self == Self::JsonEvents {
            print_result(&object.to_string());
        }
    }

    /// Prints a message, for people only. Scripts get the information in the result, if at all.
    pub fn note(&self, text: &str) {
        if *self == Self::Text {
            print_line(io::stderr(), text);
        }
    }

    /// Notes entries of a list that were skipped. In JSON, their number is part of the result.
    pub fn note_unreadable(&self, number: usize, what: &str) {
        match number {
            0 => {}
            1 => self.note(&format!("1 {what} of the list cannot be read by this program and is not shown. Check for a newer `tms`.")),
            n => self.note(&format!("{n} {what}s of the list cannot be read by this program and are not shown. Check for a newer `tms`.")),
        }
    }

    /// Prints the error of a command that failed.
    pub fn error(&self, report: ErrorReport) {
        let ErrorReport { code, message, details, is_user_denial } = report;
        match self {
            Self::Text if is_user_denial => print_line(io::stderr(), &message),
            Self::Text => print_line(io::stderr(), &format!("tms: {message}")),
            Self::Json => print_line(io::stdout(), &merge(details, json!({ "error": code, "message": message })).to_string()),
            Self::JsonEvents => {
                let event = json!({ "event": "error", "error": code, "message": message });
                print_line(io::stdout(), &merge(details, event).to_string());
            }
        }
    }

    /// Whether a question can be asked: as [`Self::is_interactive`], and stdin is a terminal.
    pub fn can_prompt(&self) -> bool {
        self.is_interactive() && io::stdin().is_terminal()
    }

    /// Asks a yes/no question; an empty answer is no.
    pub async fn confirm(&self, question: &str) -> bool {
        let _gone = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        // On a separate thread, so that Ctrl-C still works.
        let answer = tokio::task::spawn_blocking(|| io::stdin().lines().next().and_then(Result::ok)).await;
        matches!(answer, Ok(Some(answer)) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether the output is text on a terminal: only then are spinners and QR codes drawn.
    pub fn is_interactive(&self) -> bool {
        *self == Self::Text && io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether colours are wanted (<https://no-color.org>).
    pub fn uses_color(&self) -> bool {
        self.is_interactive() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }
}

/// Adds the members of `more` to an object.
fn merge(more: Option<Value>, mut object: Value) -> Value {
    if let (Some(Value::Object(more)), Some(members)) = (more, object.as_object_mut()) {
        members.extend(more);
    }
    object
}

/// Prints a line on stdout. A closed pipe (`tms hosts | head -1`) is not an error; a full disk ends the program, because the result is lost.
fn print_result(line: &str) {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_line(io::stderr(), &format!("tms: cannot write to standard output: {error}"));
            std::process::exit(ErrorCode::Internal.exit_status().into());
        }
        _ => {}
    }
}

/// Prints a message; if the stream is closed or full, there is nowhere to report it.
fn print_line(mut stream: impl Write, line: &str) {
    let _gone = writeln!(stream, "{line}").and_then(|()| stream.flush());
}
