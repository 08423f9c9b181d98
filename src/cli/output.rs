//! What is said where: results on stdout, words to the person on stderr.

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::failure::Failure;

/// How a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Plain words for people.
    Words,
    /// One JSON object on stdout, for scripts.
    Json,
    /// One JSON object per event and line on stdout, for scripts that follow a sign-in.
    JsonEvents,
}

impl Output {
    /// What the command was asked for.
    pub fn result(&self, words: &str, object: &Value) {
        match self {
            Self::Words => print_line(io::stdout(), words),
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
    pub fn note(&self, words: &str) {
        if *self == Self::Words {
            print_line(io::stderr(), words);
        }
    }

    /// Entries of a list that were passed over. Scripts find their number in the result.
    pub fn unreadable(&self, number: usize, what: &str) {
        match number {
            0 => {}
            1 => self.note(&format!("1 {what} of the list cannot be read by this program and is not shown. Check for a newer `tms`.")),
            n => self.note(&format!("{n} {what}s of the list cannot be read by this program and are not shown. Check for a newer `tms`.")),
        }
    }

    /// The last line of a command that failed.
    pub fn failure(&self, failure: &Failure) {
        let (word, message) = (failure.word(), failure.to_string());
        match self {
            Self::Words if matches!(failure, Failure::Denied | Failure::LinkRefused) => print_line(io::stderr(), &message),
            Self::Words => print_line(io::stderr(), &format!("tms: {message}")),
            Self::Json => print_line(io::stdout(), &with(failure.details(), json!({ "error": word, "message": message })).to_string()),
            Self::JsonEvents => {
                let event = json!({ "event": "error", "error": word, "message": message });
                print_line(io::stdout(), &with(failure.details(), event).to_string());
            }
        }
    }

    /// Whether somebody is there to answer a question.
    pub fn can_ask(&self) -> bool {
        self.is_watched() && io::stdin().is_terminal()
    }

    /// Asks for a yes or no; no answer is no.
    pub async fn ask(&self, question: &str) -> bool {
        let _gone = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        // On a thread of its own, so that Ctrl-C is an answer, too.
        let answer = tokio::task::spawn_blocking(|| io::stdin().lines().next().and_then(Result::ok)).await;
        matches!(answer, Ok(Some(answer)) if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Whether a person watches: only then are moving and large things drawn.
    pub fn is_watched(&self) -> bool {
        *self == Self::Words && io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Whether that person wants colours (<https://no-color.org>).
    pub fn is_coloured(&self) -> bool {
        self.is_watched() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }
}

/// An object with further members.
fn with(more: Option<Value>, mut object: Value) -> Value {
    if let (Some(Value::Object(more)), Some(members)) = (more, object.as_object_mut()) {
        members.extend(more);
    }
    object
}

/// A reader that went away (`tms hosts | head -1`) is no reason to fail: there is nobody left to tell.
fn print_line(mut stream: impl Write, line: &str) {
    let _gone = writeln!(stream, "{line}").and_then(|()| stream.flush());
}
