//! Settings that the portal does not know. They are refused, because a misspelt one would have no effect, with the nearest valid name.

use serde::de::value::Error as ProbeError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use toml::de::{DeTable, DeValue};

/// Names that are less similar are not suggested; 1 is the same name.
const MIN_SIMILARITY: f64 = 0.65;

/// A table of the file, and what may stand in it.
pub struct Section {
    /// Such as `portal.limits`; empty: the file itself.
    pub name: &'static str,
    /// Its settings and the sections in it.
    pub settings: &'static [&'static str],
    /// Settings of other programs that read this section.
    pub others: &'static [&'static str],
}

impl Section {
    /// The section that is read into a struct.
    pub fn of<T: DeserializeOwned>(name: &'static str) -> Self {
        Self { name, settings: field_names::<T>(), others: &[] }
    }

    fn has(&self, setting: &str) -> bool {
        self.settings.iter().chain(self.others).any(|known| *known == setting)
    }

    fn path(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }
}

/// Describes the unknown sections and settings of a file, each with its line. Fails if the file is not TOML.
pub fn unknown_settings(text: &str, sections: &[Section]) -> Result<Vec<String>, toml::de::Error> {
    let mut found = Vec::new();
    collect("", DeTable::parse(text)?.get_ref(), sections, &mut found);
    found.sort();
    let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    Ok(found.into_iter().map(|(offset, problem)| format!("line {}: {problem}", line(offset))).collect())
}

/// Adds the unknown names of a table and of the tables in it, with their places in the file.
fn collect(name: &str, table: &DeTable<'_>, sections: &[Section], found: &mut Vec<(usize, String)>) {
    let Some(section) = sections.iter().find(|section| section.name == name) else { return };
    for (key, value) in table {
        let (setting, is_table) = (key.get_ref().as_ref(), matches!(value.get_ref(), DeValue::Table(_)));
        match value.get_ref() {
            _ if !section.has(setting) => found.push((key.span().start, describe(section, setting, is_table, sections))),
            DeValue::Table(inner) => collect(&section.path(setting), inner, sections, found),
            _ => {}
        }
    }
}

fn describe(section: &Section, setting: &str, is_table: bool, sections: &[Section]) -> String {
    let shown = setting.escape_debug();
    let (what, kind) = match (is_table, section.name) {
        (true, _) => (format!("[{}]", section.path(&shown.to_string())), "section"),
        (false, "") => (shown.to_string(), "setting outside of the sections"),
        (false, name) => (format!("[{name}] {shown}"), "setting"),
    };
    let home = sections.iter().find(|other| !is_table && !other.name.is_empty() && other.has(setting));
    let advice = match (nearest(setting, section.settings.iter().chain(section.others).copied()), home) {
        (Some(near), _) if is_table => format!("did you mean [{}]?", section.path(near)),
        (Some(near), _) => format!("did you mean {near}?"),
        (None, Some(home)) => format!("it belongs in [{}]", home.name),
        (None, None) => format!("known are {}", section.settings.join(", ")),
    };
    format!("{what}: unknown {kind}; {advice}")
}

/// The known name that is most similar to an unknown one; `None` if none is similar.
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let rated = known.map(|known| (strsim::normalized_damerau_levenshtein(name, known), known));
    rated.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, known)| known)
}

/// The names in a file of the fields of a struct.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It always fails: there is nothing to read.
    let _ = T::deserialize(Probe(&mut names));
    names
}

/// Has no data; notes the fields that a struct asks for.
struct Probe<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ProbeError;

    fn deserialize_struct<V: Visitor<'de>>(self, _name: &'static str, fields: &'static [&'static str], _visitor: V) -> Result<V::Value, ProbeError> {
        *self.0 = fields;
        Err(ProbeError::custom("there are no data"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("it is no struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "only their names matter")]
    struct Outer {
        data_dir: String,
        trusted_proxies: Option<Vec<String>>,
        limits: Option<toml::Table>,
    }

    fn unknown(text: &str) -> Vec<String> {
        let sections = [
            Section { name: "", settings: &["portal"], others: &[] },
            Section::of::<Outer>("portal"),
            Section { name: "portal.limits", settings: &["pages"], others: &["watch"] },
        ];
        unknown_settings(text, &sections).expect("TOML")
    }

    #[test]
    fn unknown_names_are_reported_with_line_and_nearest_name() {
        assert_eq!(unknown("[portal]\ndata-dir = \"x\"\ntrusted-proxies = []\n[portal.limits]\npages = 1\nwatch = 2\n"), Vec::<String>::new());
        for (text, expected) in [
            ("\n[potral]\ndata-dir = 1", "line 2: [potral]: unknown section; did you mean [portal]?"),
            ("[portal]\n[portal.limit]\n", "line 2: [portal.limit]: unknown section; did you mean [portal.limits]?"),
            ("[portal]\r\n\r\ndata-dri = 1\r\n", "line 3: [portal] data-dri: unknown setting; did you mean data-dir?"),
            ("[portal]\ndata_dir = 1", "line 2: [portal] data_dir: unknown setting; did you mean data-dir?"),
            ("portal.trusted-proxy = 1", "line 1: [portal] trusted-proxy: unknown setting; did you mean trusted-proxies?"),
            ("[portal]\nlimits = { page = 1 }", "line 2: [portal.limits] page: unknown setting; did you mean pages?"),
            ("data-dir = 1", "line 1: data-dir: unknown setting outside of the sections; it belongs in [portal]"),
            ("[portal.limits]\ndata-dir = 1", "line 2: [portal.limits] data-dir: unknown setting; it belongs in [portal]"),
            ("[portal.limits]\nx = 1", "line 2: [portal.limits] x: unknown setting; known are pages"),
            ("[[services]]", "line 1: services: unknown setting outside of the sections; known are portal"),
            ("\"\\u001b[0m\" = 1", "line 1: \\u{1b}[0m: unknown setting outside of the sections; known are portal"),
        ] {
            assert_eq!(unknown(text), [expected], "{text:?}");
        }
        assert_eq!(unknown("[portal]\nb = 1\na = 1\n[x]\n").len(), 3, "all of them");
        assert!(matches!(unknown("[portal]\nb = 1\na = 1").as_slice(), [first, second] if first.contains("] b:") && second.contains("] a:")));
    }

    #[test]
    fn only_similar_names_are_suggested() {
        let known = ["LISTEN", "LOG", "LOG_FORMAT", "DATA_DIR", "DATABASE"];
        let near = |name| nearest(name, known.into_iter());
        assert_eq!(
            [near("LISTN"), near("LOGS"), near("DATABSE"), near("DATADIR")],
            [Some("LISTEN"), Some("LOG"), Some("DATABASE"), Some("DATA_DIR")]
        );
        assert_eq!([near("PORT"), near("SERVICE_HOST"), near("")], [None; 3]);
    }
}
