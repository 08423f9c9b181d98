//! What is said where: results on stdout, words to the person on stderr.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::failure::CliError;

/// How a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Plain words for people.
    Text,
    /// One JSON object on stdout, for scripts.
    Json,
    /// One JSON object per event and line on stdout, for scripts that follow a sign-in.
    JsonEvents,
}

impl Output {
    /// What the command was asked for.
    pub fn result(&self, text: &str, object: &Value) {
        match self {
            Self::Text => print_line(io::stdout(), text),
            Self::Json | Self::JsonEvents => print_line(io::stdout(), &object.to_string()),
        }
    }

    /// Something that scripts may follow and people are told in other ways.
    pub fn event(&self, object: &Value) {
        if *self == Self::JsonEvents {
            print_line(io::stdout(), &object.to_string());
        }
    }

    /// Something worth knowing on the way. Scripts get it in the result, if at all.
    pub fn note(&self, text: &str) {
        if *self == Self::Text {
            print_line(io::stderr(), text);
        }
    }

    /// Entries of a list that were passed over. Scripts find their number in the result.
    pub fn note_unreadable(&self, number: usize, what: &str) {
        match number {
            0 => {}
            1 => self.note(&format!("1 {what} of the list cannot be read by this program and is not shown. Check for a newer `tms`.")),
            n => self.note(&format!("{n} {what}s of the list cannot be read by this program and are not shown. Check for a newer `tms`.")),
        }
    }

    /// The last line of a command that failed.
    pub fn error(&self, failure: &CliError) {
        let (word, message) = (failure.code(), failure.to_string());
        match self {
            Self::Text if matches!(failure, CliError::Denied | CliError::LinkRefused) => print_line(io::stderr(), &message),
            Self::Text => print_line(io::stderr(), &format!("tms: {message}")),
            Self::Json => print_line(io::stdout(), &merge(failure.details(), json!({ "error": word, "message": message })).to_string()),
            Self::JsonEvents => {
                let event = json!({ "event": "error", "error": word, "message": message });
                print_line(io::stdout(), &merge(failure.details(), event).to_string());
            }
        }
    }

    /// Whether somebody is there to answer a question.
    pub fn can_prompt(&self) -> bool {
        self.is_interactive() && io::stdin().is_terminal()
    }

    /// Asks for a yes or no; no answer is no.
    pub async fn confirm(&self, question: &str) -> bool {
        let _gone = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        // On a thread of its own, so that Ctrl-C is an answer, too.
        let answer = tokio::task::spawn_blocking(|| io::stdin().lines().next().and_then(Result::ok)).await;
        matches!(answer, Ok(Some(answer)) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether a person watches: only then are moving and large things drawn.
    pub fn is_interactive(&self) -> bool {
        *self == Self::Text && io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether that person wants colours (<https://no-color.org>).
    pub fn uses_color(&self) -> bool {
        self.is_interactive() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }
}

/// An object with further members.
fn merge(more: Option<Value>, mut object: Value) -> Value {
    if let (Some(Value::Object(more)), Some(members)) = (more, object.as_object_mut()) {
        members.extend(more);
    }
    object
}

/// A reader that went away (`tms hosts | head -1`) is no reason to fail: there is nobody left to tell.
fn print_line(mut stream: impl Write, line: &str) {
    let _gone = writeln!(stream, "{line}").and_then(|()| stream.flush());
}
