//! Scopes of other resource servers (RFC 6749 §3.3), with what people read about them.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::display_text::{self, NameRefused};
use crate::domain::scope::ScopeSet;

/// Maximum length, in characters.
const MAX_LENGTH: usize = 64;
/// Scopes of OpenID Connect (Core §5.4) that the portal does not have, and that belong to no resource server either.
const OTHER_OPENID_SCOPES: [&str; 2] = ["address", "phone"];

/// One permission at another resource server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceScope(String);

/// A set of scopes of one resource server, written as words separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ResourceScopeSet(BTreeSet<ResourceScope>);

/// A scope with its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredScope {
    pub scope: ResourceScope,
    pub description: ScopeDescription,
}

/// What a scope permits, in each language of the portal, as the consent page shows it: "Read your files".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDescription {
    pub en: String,
    pub es: String,
}

/// Why a word cannot be a scope.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ScopeRefused {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("it has a space, a quotation mark, a backslash, or a character that is not ASCII")]
    Character,
    #[error("it is a scope of the TMS API or of OpenID Connect")]
    Reserved,
}

impl ResourceScope {
    /// Accepts the characters of RFC 6749 §3.3. Scopes of the TMS API and of OpenID Connect are refused: one word would mean two things.
    pub fn parse(text: &str) -> Result<Self, ScopeRefused> {
        let allowed = |c: char| matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        match () {
            () if text.is_empty() => Err(ScopeRefused::Empty),
            () if text.chars().count() > MAX_LENGTH => Err(ScopeRefused::TooLong),
            () if !text.chars().all(allowed) => Err(ScopeRefused::Character),
            () if OTHER_OPENID_SCOPES.contains(&text) || !ScopeSet::parse_known(text).is_empty() => Err(ScopeRefused::Reserved),
            () => Ok(Self(text.to_owned())),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ResourceScope {
    type Error = ScopeRefused;

    fn try_from(text: String) -> Result<Self, ScopeRefused> {
        Self::parse(&text)
    }
}

impl From<ResourceScope> for String {
    fn from(scope: ResourceScope) -> Self {
        scope.0
    }
}

impl ResourceScopeSet {
    /// Parses a `scope` parameter, or the `scope` of a token; ignores words that no resource server can have.
    pub fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().filter_map(|word| ResourceScope::parse(word).ok()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ResourceScope> {
        self.0.iter()
    }

    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Whether `other` has all of it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
}

impl FromIterator<ResourceScope> for ResourceScopeSet {
    fn from_iter<I: IntoIterator<Item = ResourceScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ResourceScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(ResourceScope::as_str).collect::<Vec<_>>().join(" "))
    }
}

impl From<String> for ResourceScopeSet {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<ResourceScopeSet> for String {
    fn from(scope: ResourceScopeSet) -> Self {
        scope.to_string()
    }
}

impl ScopeDescription {
    /// Refuses texts that are empty, too long, or have invisible characters.
    pub fn new(en: &str, es: &str) -> Result<Self, NameRefused> {
        Ok(Self { en: display_text::parse_name(en)?, es: display_text::parse_name(es)? })
    }

    /// The text in a language, by its BCP 47 tag; English for others.
    pub fn in_language(&self, tag: &str) -> &str {
        match tag.split('-').next() {
            Some("es") => &self.es,
            _ => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_the_characters_of_rfc_6749() {
        for good in ["read", "files:read", "https://data.example.org/read", "!#[]~"] {
            assert_eq!(ResourceScope::parse(good).map(String::from), Ok(good.to_owned()));
        }
        use ScopeRefused as R;
        let refused = [("", R::Empty), ("a b", R::Character), ("a\"", R::Character), ("a\\", R::Character), ("caf\u{e9}", R::Character)];
        for (bad, why) in refused {
            assert_eq!(ResourceScope::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(ResourceScope::parse(&"a".repeat(65)), Err(R::TooLong));
        for reserved in ["hosts:read", "keys:create", "offline_access", "openid", "email", "phone"] {
            assert_eq!(ResourceScope::parse(reserved), Err(R::Reserved), "{reserved}");
        }
    }

    #[test]
    fn sets_are_words_in_order() {
        let asked = ResourceScopeSet::parse(" write  read hosts:read offline_access read ");
        assert_eq!(asked.to_string(), "read write");
        let narrow = ResourceScopeSet::parse("read");
        assert!(narrow.is_within(&asked) && !asked.is_within(&narrow));
        assert_eq!(asked.intersection(&narrow), narrow);
    }

    #[test]
    fn description_is_in_the_language_of_the_reader() {
        let description = ScopeDescription::new("Read your files", "Leer sus archivos").expect("descriptions");
        assert_eq!((description.in_language("es"), description.in_language("es-MX")), ("Leer sus archivos", "Leer sus archivos"));
        assert_eq!((description.in_language("en"), description.in_language("fr")), ("Read your files", "Read your files"));
        assert!(ScopeDescription::new("Read", "").is_err());
    }
}
