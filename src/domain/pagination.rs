//! Long lists in pages. The portal's own pages: searched, filtered and sorted, as the query of their URL says ([`ListQuery`],
//! [`Page`]). The TMS API: in the order of row numbers ([`PageRequest`]).

use serde::{Deserialize, Serialize};

use super::paths::encode;

/// The query of a list's URL. Untrusted text: unknown values mean the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    /// The search text.
    #[serde(default)]
    pub q: String,
    /// The filter's word.
    #[serde(default)]
    pub show: String,
    /// The order's word.
    #[serde(default)]
    pub sort: String,
    /// The first and the last day, as in RFC 3339: `2026-11-30`.
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub to: String,
    /// The id of a person or administrator.
    #[serde(default)]
    pub actor: String,
    /// The cursor of the row before the first one; empty: from the start.
    #[serde(default)]
    pub after: String,
}

impl ListQuery {
    /// Longer search texts are truncated.
    pub const MAX_SEARCH_LENGTH: usize = 200;

    /// The trimmed search text; `None` if empty.
    pub fn search(&self) -> Option<&str> {
        let text = self.q.trim();
        let end = text.char_indices().nth(Self::MAX_SEARCH_LENGTH).map_or(text.len(), |(end, _)| end);
        text.get(..end).filter(|text| !text.is_empty())
    }

    /// Whether [`Self::search`] leaves a part of the text out, which may restrict the list.
    pub fn is_search_truncated(&self) -> bool {
        self.q.trim().chars().nth(Self::MAX_SEARCH_LENGTH).is_some()
    }

    /// Whether the list is searched or filtered.
    pub fn is_filtered(&self) -> bool {
        self.search().is_some() || [&self.show, &self.from, &self.to, &self.actor].iter().any(|filter| !filter.is_empty())
    }

    /// The parsed cursor; `None` for the first page.
    pub fn cursor(&self) -> Option<Cursor> {
        Cursor::parse(&self.after)
    }

    /// The URL of the same list from a cursor on.
    pub fn url(&self, path: &str, after: Option<&Cursor>) -> String {
        let after = after.map_or_else(String::new, Cursor::to_string);
        let parts = [
            ("q", self.q.as_str()),
            ("show", &self.show),
            ("from", &self.from),
            ("to", &self.to),
            ("actor", &self.actor),
            ("sort", &self.sort),
            ("after", &after),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", encode(value))).collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }
}

/// A list's filters or orders, each with its word in the URL. The word of the default is empty.
pub trait QueryParam: Copy + Default + 'static {
    const ALL: &'static [(&'static str, Self)];

    fn parse(word: &str) -> Self {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, this)| *this).unwrap_or_default()
    }
}

/// A list with a single filter or order.
impl QueryParam for () {
    const ALL: &'static [(&'static str, Self)] = &[];
}

/// The parsed query of a list.
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

/// Maximum number of rows on a page.
pub const PAGE_SIZE: usize = 25;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Start of the next page; `None` if this is the last.
    pub next: Option<Cursor>,
    /// Position of this page; `None` in a list of more than [`MAX_COUNTED`] rows.
    pub position: Option<PagePosition>,
}

/// Rows up to which a list is counted: counting more would cost more than reading the page.
pub const MAX_COUNTED: usize = 10_000;

/// A page's position in its list at the time it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagePosition {
    /// Number of rows before the page.
    pub before: usize,
    /// Number of rows that match search and filter.
    pub total: usize,
    /// Start of the previous page; `None` on the first page, or if the cursor's row no longer matches.
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

/// A row's position: its sort value and its number as tie-breaker, so that inserted and deleted rows shift nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub row_id: i64,
    pub value: String,
}

impl Cursor {
    /// Parses `number.value`; `None` for anything else.
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

/// The requested page of an API list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only rows with a higher number.
    pub after: i64,
    /// Maximum number of rows.
    pub limit: i64,
}

impl PageRequest {
    /// Limits memory use and how long a connection is busy. Deployed callers that do not page get this many rows.
    pub const MAX_LIMIT: i64 = 10_000;

    /// `None` if `limit` is not between 1 and [`Self::MAX_LIMIT`], or `cursor` is not a cursor of this API.
    pub fn parse(limit: Option<i64>, cursor: Option<&str>) -> Option<Self> {
        let limit = limit.unwrap_or(Self::MAX_LIMIT);
        let after = cursor.map_or(Some(0), |cursor| cursor.parse().ok().filter(|after| *after >= 0))?;
        (1..=Self::MAX_LIMIT).contains(&limit).then_some(Self { after, limit })
    }

    /// The cursor of the page after `items`; `None` if this was the last.
    pub fn next_cursor<T>(self, items: &[T], number: impl Fn(&T) -> i64) -> Option<String> {
        let full = i64::try_from(items.len()).is_ok_and(|length| length >= self.limit);
        items.last().filter(|_| full).map(|last| number(last).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_contains_only_parameters_that_differ_from_defaults() {
        let query = ListQuery { q: "a&b".into(), sort: "used".into(), ..ListQuery::default() };
        assert_eq!(query.url("/keys", None), "/keys?q=a%26b&sort=used");
        assert_eq!(ListQuery::default().url("/keys", None), "/keys");
        let cursor = Cursor { row_id: -3, value: "1795.x y".into() };
        assert_eq!(query.url("/keys", Some(&cursor)), "/keys?q=a%26b&sort=used&after=-3.1795.x%20y");
        assert_eq!(Cursor::parse("-3.1795.x y"), Some(cursor));
        for nonsense in ["", "3", ".x", "x.3", "99999999999999999999.1"] {
            assert_eq!(Cursor::parse(nonsense), None);
        }
    }

    #[test]
    fn search_text_is_trimmed_and_truncated() {
        let query = |q: &str| ListQuery { q: q.into(), ..ListQuery::default() };
        assert_eq!(query("  jdoe ").search(), Some("jdoe"));
        assert_eq!(query("  ").search(), None);
        assert_eq!(query(&"é".repeat(300)).search().map(|text| text.chars().count()), Some(200));
        assert!(query(&"é".repeat(201)).is_search_truncated() && !query(&format!(" {} ", "é".repeat(200))).is_search_truncated());
    }

    #[test]
    fn api_page_is_limited_and_starts_after_its_cursor() {
        assert_eq!(PageRequest::parse(None, None), Some(PageRequest { after: 0, limit: 10_000 }));
        assert_eq!(PageRequest::parse(Some(2), Some("7")), Some(PageRequest { after: 7, limit: 2 }));
        for (limit, cursor) in [(Some(0), None), (Some(10_001), None), (None, Some("x")), (None, Some("-1")), (None, Some("99999999999999999999"))] {
            assert_eq!(PageRequest::parse(limit, cursor), None, "{limit:?} {cursor:?}");
        }
        let page = PageRequest { after: 0, limit: 2 };
        assert_eq!(page.next_cursor(&[1_i64, 5], |n| *n), Some("5".into()));
        assert_eq!(page.next_cursor(&[1_i64], |n| *n), None);
    }
}
