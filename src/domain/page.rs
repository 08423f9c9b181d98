//! Long lists in pieces, in the order of their numbers: a piece starts behind a number, so rows that come and go move nothing.

/// Which piece of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only rows with a higher number.
    pub after: i64,
    /// At most so many.
    pub limit: i64,
}

impl PageRequest {
    /// More at once would keep memory and connection busy for too long. Deployed callers know no paging and get this many.
    pub const MAX_LIMIT: i64 = 10_000;

    /// `None`: `limit` is not between 1 and [`Page::MOST`], or `cursor` not one of ours.
    pub fn parse(limit: Option<i64>, cursor: Option<&str>) -> Option<Self> {
        let limit = limit.unwrap_or(Self::MAX_LIMIT);
        let after = cursor.map_or(Some(0), |cursor| cursor.parse().ok().filter(|after| *after >= 0))?;
        (1..=Self::MAX_LIMIT).contains(&limit).then_some(Self { after, limit })
    }

    /// The cursor of the piece behind `items`; `None` when this was the last one.
    pub fn next_cursor<T>(self, items: &[T], number: impl Fn(&T) -> i64) -> Option<String> {
        let full = i64::try_from(items.len()).is_ok_and(|length| length >= self.limit);
        items.last().filter(|_| full).map(|last| number(last).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_bounded_and_starts_behind_its_cursor() {
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
