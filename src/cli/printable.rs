//! Text from a server, sanitized for terminals.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::display_text::visible;

/// One line of text without invisible characters, by the rule for display names: a server cannot move the cursor, change colours,
/// set the window title or reorder text. Responses are parsed into this type, so no unsanitized text reaches the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Printable(String);

impl Printable {
    /// Replaces line breaks and tabs by spaces and removes all other invisible characters.
    pub fn new(text: &str) -> Self {
        Self(visible(&text.replace(['\n', '\r', '\t'], " ")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Sanitizes all strings in a JSON value.
pub fn sanitize_json(json: Value) -> Value {
    match json {
        Value::String(text) => Value::String(Printable::new(&text).0),
        Value::Array(items) => items.into_iter().map(sanitize_json).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, sanitize_json(value))).collect(),
        other => other,
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_removed() {
        for (sent, shown) in [
            ("WDJB-MJHT", "WDJB-MJHT"),
            ("\u{1b}[2J\u{1b}]0;owned\u{7}hello", "[2J]0;ownedhello"),
            ("\u{9b}31mred\u{7f}", "31mred"),
            ("two\r\nlines", "two  lines"),
            ("host\u{202e}gnp.exe", "hostgnp.exe"),
            ("vis\u{ad}ta\u{e0041}\u{3164}\u{2800}\u{180e}", "vista"),
            ("Zoë 東京 👩‍💻 علی‌رضا", "Zoë 東京 👩‍💻 علی‌رضا"),
        ] {
            assert_eq!(Printable::new(sent).as_str(), shown);
        }
    }

    #[test]
    fn json_strings_are_sanitized_when_parsed() {
        let read: Printable = serde_json::from_str(r#""a\u001b[31mb""#).unwrap();
        assert_eq!(read.as_str(), "a[31mb");
        let answer: Value = serde_json::from_str(r#"{"keys":[{"id":1,"host":"a\u001b[2Jb"}],"next":null}"#).unwrap();
        assert_eq!(sanitize_json(answer).to_string(), r#"{"keys":[{"host":"a[2Jb","id":1}],"next":null}"#);
    }
}
