//! The lists of keys: what a search restricts them to, their filters and orders, and their groups.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ClientId, HostName};
use crate::domain::pagination::QueryParam;

/// The search text of a list of keys. Words with a colon restrict the list: `app:ID` to the keys of a client, `is:own` to those that persons
/// registered themselves, `host:NAME` to those for a host. The rest is searched for, and so is a second client or host: no restriction is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySearch {
    pub client: Option<String>,
    pub own: bool,
    pub host: Option<String>,
    pub text: Option<String>,
}

impl KeySearch {
    pub fn parse(search: &str) -> Self {
        let mut parsed = Self::default();
        let mut rest = Vec::new();
        for word in search.split_whitespace() {
            match word.split_once(':') {
                Some(("app", id)) if !id.is_empty() && parsed.client.is_none() => parsed.client = Some(id.to_owned()),
                Some(("host", name)) if !name.is_empty() && parsed.host.is_none() => parsed.host = Some(name.to_owned()),
                Some(("is", "own")) => parsed.own = true,
                _ => rest.push(word),
            }
        }
        parsed.text = Some(rest.join(" ")).filter(|text| !text.is_empty());
        parsed
    }

    /// The group that the search consists of; `None` if it has more or other parts.
    pub fn group(&self) -> Option<KeyGroup> {
        match self {
            Self { client: Some(id), own: false, host: None, text: None } => ClientId::parse(id.as_str()).ok().map(KeyGroup::Client),
            Self { client: None, own: true, host: None, text: None } => Some(KeyGroup::Own),
            Self { client: None, own: false, host: Some(name), text: None } => HostName::parse(name.as_str()).ok().map(KeyGroup::Host),
            _ => None,
        }
    }

    /// Whether a search is for one key, by its fingerprint.
    pub fn is_fingerprint(search: &str) -> bool {
        search.trim().starts_with("SHA256:")
    }
}

/// What a person's keys are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyGrouping {
    #[default]
    Client,
    Host,
}

impl QueryParam for KeyGrouping {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Client), ("host", Self::Host)];
}

/// A group of keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyGroup {
    /// Those that a client created.
    Client(ClientId),
    /// Those that the person registered.
    Own,
    /// Those for a host.
    Host(HostName),
}

impl KeyGroup {
    /// The search for this group; see [`KeySearch`].
    pub fn search(&self) -> String {
        match self {
            Self::Client(id) => format!("app:{}", id.as_str()),
            Self::Own => "is:own".to_owned(),
            Self::Host(name) => format!("host:{}", name.as_str()),
        }
    }
}

/// Filters of the lists of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyFilter {
    /// Within its own limits.
    #[default]
    Active,
    /// Active, but not after [`EXPIRY_WINDOW`](crate::domain::access_overview::EXPIRY_WINDOW).
    ExpiresSoon,
    /// Active, and never used.
    NeverUsed,
    /// Expired or used up.
    Ended,
    All,
}

/// `active` is the default as a word: a person's page shows groups if the URL has no filter.
impl QueryParam for KeyFilter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("", Self::Active),
        ("active", Self::Active),
        ("soon", Self::ExpiresSoon),
        ("unused", Self::NeverUsed),
        ("ended", Self::Ended),
        ("all", Self::All),
    ];
}

/// Orders of the lists of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeySort {
    /// Newest first.
    #[default]
    Created,
    /// Most recently used first.
    Used,
    /// Earliest expiry first.
    Expires,
    Host,
}

impl QueryParam for KeySort {
    const ALL: &'static [(&'static str, Self)] = &[("", Self::Created), ("used", Self::Used), ("expires", Self::Expires), ("host", Self::Host)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_words_restrict_the_list() {
        let parsed = KeySearch::parse("  app:designsafe  my laptop host:frontera ");
        assert_eq!((parsed.client.as_deref(), parsed.host.as_deref()), (Some("designsafe"), Some("frontera")));
        assert_eq!((parsed.own, parsed.text.as_deref()), (false, Some("my laptop")));
        let parsed = KeySearch::parse("note: app: host: is:other SHA256:abc");
        assert_eq!(parsed, KeySearch { text: Some("note: app: host: is:other SHA256:abc".into()), ..KeySearch::default() });
        assert_eq!(KeySearch::parse(" "), KeySearch::default());
        let parsed = KeySearch::parse("app:a app:b");
        assert_eq!((parsed.client.as_deref(), parsed.text.as_deref()), (Some("a"), Some("app:b")));
    }

    #[test]
    fn search_of_a_group_leads_back_to_it() {
        let client = KeyGroup::Client(ClientId::parse("tapis-jobs").expect("an id"));
        for group in [client, KeyGroup::Own, KeyGroup::Host(HostName::parse("ls6.tacc.utexas.edu").expect("a name"))] {
            assert_eq!(KeySearch::parse(&group.search()).group(), Some(group));
        }
        for other in ["", "laptop", "app:a host:b", "is:own app:a", "is:own laptop", "app:a laptop", "app:\u{e9}"] {
            assert_eq!(KeySearch::parse(other).group(), None, "{other}");
        }
    }
}
