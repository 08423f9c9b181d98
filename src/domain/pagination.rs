//! What of a long list is wanted, as the address of its page says: searched, filtered, sorted, and from where on.

use serde::{Deserialize, Serialize};

use super::paths::encode;

/// The query of a list's address. All of it is text from outside: what a list does not know means its usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// What is searched for.
    #[serde(default)]
    pub q: String,
    /// Which of them: one of the list's filters.
    #[serde(default)]
    pub show: String,
    /// In which order: one of the list's orders.
    #[serde(default)]
    pub sort: String,
    /// Since when: one of the list's spans.
    #[serde(default)]
    pub since: String,
    /// The mark of the row before the first one wanted; empty: from the beginning.
    #[serde(default)]
    pub after: String,
}

impl ListQuery {
    /// Longer searches are cut: nobody types them.
    pub const MAX_SEARCH_LENGTH: usize = 200;

    /// The search without what surrounds it; `None` when there is none.
    pub fn search(&self) -> Option<&str> {
        let text = self.q.trim();
        let end = text.char_indices().nth(Self::MAX_SEARCH_LENGTH).map_or(text.len(), |(end, _)| end);
        text.get(..end).filter(|text| !text.is_empty())
    }

    /// Whether anything but the whole list is asked for.
    pub fn is_filtered(&self) -> bool {
        self.search().is_some() || !self.show.is_empty() || !self.since.is_empty()
    }

    /// Where the row stands that the piece begins behind.
    pub fn cursor(&self) -> Option<Cursor> {
        Cursor::parse(&self.after)
    }

    /// The address of the same list from a mark on.
    pub fn url(&self, path: &str, after: Option<&Cursor>) -> String {
        let after = after.map_or_else(String::new, Cursor::to_string);
        let parts = [("q", self.q.as_str()), ("show", &self.show), ("since", &self.since), ("sort", &self.sort), ("after", &after)];
        let parts: Vec<String> =
            parts.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }
}

/// A list's filters or orders, each with its word in the address. The usual one is the default, and its word is empty.
pub trait QueryParam: Copy + Default + 'static {
    const ALL: &'static [(&'static str, Self)];

    fn parse(word: &str) -> Self {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, this)| *this).unwrap_or_default()
    }
}

/// A list with one filter or order only.
impl QueryParam for () {
    const ALL: &'static [(&'static str, Self)] = &[];
}

/// A list's query, understood.
#[derive(Clone, Debug, Default)]
pub struct ListParams<Show, Sort> {
    pub search: Option<String>,
    pub show: Show,
    pub sort: Sort,
    pub after: Option<Cursor>,
}

impl ListQuery {
    pub fn params<Show: QueryParam, Sort: QueryParam>(&self) -> ListParams<Show, Sort> {
        ListParams { search: self.search().map(str::to_owned), show: Show::parse(&self.show), sort: Sort::parse(&self.sort), after: self.cursor() }
    }
}

/// How many rows a list shows at once.
pub const PAGE_SIZE: usize = 25;

/// One piece of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next piece begins; `None` when this was the last one.
    pub next: Option<Cursor>,
    /// Where the piece stands; `None`: in a list of more than [`COUNTED`] rows.
    pub position: Option<PagePosition>,
}

/// Rows up to which a list is counted: counting more would cost more than showing them.
pub const MAX_COUNTED: usize = 10_000;

/// Where a piece stands in its list, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePosition {
    /// Rows before the piece.
    pub before: usize,
    /// Rows of the whole list, as searched and filtered.
    pub total: usize,
    /// Where the piece before this one begins; `None`: at the beginning, or this one is not behind a row of the list.
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next, position: self.position }
    }

    pub fn try_map<U, E>(self, item: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page { items: self.items.into_iter().map(item).collect::<Result<_, _>>()?, next: self.next, position: self.position })
    }
}

/// A row's place in a list: the value it is sorted by, and its number, so that rows with the same value have an order too. Rows
/// that come and go move nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub row_id: i64,
    pub value: String,
}

impl Cursor {
    /// `number.value`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, value) = text.split_once('.')?;
        Some(Self { row_id: number.parse().ok()?, value: value.to_owned() })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.row_id, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_shown_and_nothing_that_is_usual() {
        let query = ListQuery { q: "a&b".into(), sort: "used".into(), ..ListQuery::default() };
        assert_eq!(query.url("/keys", None), "/keys?q=a%26b&sort=used");
        assert_eq!(ListQuery::default().url("/keys", None), "/keys");
        let mark = Cursor { row_id: -3, value: "1795.x y".into() };
        assert_eq!(query.url("/keys", Some(&mark)), "/keys?q=a%26b&sort=used&after=-3.1795.x%20y");
        assert_eq!(Cursor::parse("-3.1795.x y"), Some(mark));
        for nonsense in ["", "3", ".x", "x.3", "99999999999999999999.1"] {
            assert_eq!(Cursor::parse(nonsense), None);
        }
    }

    #[test]
    fn a_search_is_trimmed_and_not_endless() {
        let query = |q: &str| ListQuery { q: q.into(), ..ListQuery::default() };
        assert_eq!(query("  jdoe ").search(), Some("jdoe"));
        assert_eq!(query("  ").search(), None);
        assert_eq!(query(&"é".repeat(300)).search().map(|text| text.chars().count()), Some(200));
    }
}
