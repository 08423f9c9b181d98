//! Sentences that name a point in time, which the browser says in its own zone.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// One sentence, and the time in it, if there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    pub text: String,
    #[serde(default)]
    pub time: Option<NamedTime>,
}

/// A time that stands in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTime {
    /// RFC 3339, for machines.
    pub datetime: String,
    /// As it stands in the sentence.
    pub words: String,
}

impl Sentence {
    /// The sentence that is made with these words for a time.
    pub fn naming(at: Timestamp, words: String, sentence: impl FnOnce(&str) -> String) -> Self {
        Self { text: sentence(&words), time: Some(NamedTime { datetime: at.to_rfc3339(), words }) }
    }

    /// What stands before the time, the time, and what stands after it; all of it before, if there is none.
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
    fn a_sentence_is_split_at_the_time_it_names() {
        let said = Sentence::naming(Timestamp::from_millis(0), "1 January 1970".into(), |time| format!("It ended on {time}."));
        let (before, time, after) = said.parts();
        assert_eq!((before, time.map(|time| time.datetime.as_str()), after), ("It ended on ", Some("1970-01-01T00:00:00+00:00"), "."));
        for whole in [Sentence::from("It ended.".to_owned()), Sentence { text: "It ended.".into(), ..said }] {
            assert_eq!(whole.parts(), ("It ended.", None, ""));
        }
    }
}
