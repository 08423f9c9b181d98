//! Sentences with a time in them, which the browser shows in its own time zone.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// A sentence, with at most one time in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    pub text: String,
    #[serde(default)]
    pub time: Option<NamedTime>,
}

/// A time within a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTime {
    /// RFC 3339.
    pub datetime: String,
    /// The time as written in the sentence.
    pub words: String,
}

impl Sentence {
    /// The sentence that `sentence` builds around `words`, the text for the time `at`.
    pub fn naming(at: Timestamp, words: String, sentence: impl FnOnce(&str) -> String) -> Self {
        Self { text: sentence(&words), time: Some(NamedTime { datetime: at.to_rfc3339(), words }) }
    }

    /// The text before the time, the time, and the text after it; all text is first if there is no time.
    pub fn parts(&self) -> (&str, Option<&NamedTime>, &str) {
        let split = self.time.as_ref().and_then(|time| self.text.split_once(time.words.as_str()).map(|(before, after)| (before, Some(time), after)));
        split.unwrap_or((&self.text, None, ""))
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self { text, time: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_is_split_at_its_time() {
        let said = Sentence::naming(Timestamp::from_millis(0), "1 January 1970".into(), |time| format!("It ended on {time}."));
        let (before, time, after) = said.parts();
        assert_eq!((before, time.map(|time| time.datetime.as_str()), after), ("It ended on ", Some("1970-01-01T00:00:00+00:00"), "."));
        for whole in [Sentence::from("It ended.".to_owned()), Sentence { text: "It ended.".into(), ..said }] {
            assert_eq!(whole.parts(), ("It ended.", None, ""));
        }
    }
}
