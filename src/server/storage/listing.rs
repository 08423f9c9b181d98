//! Lists for people: searched, filtered, sorted, a piece at a time.

use sqlx::sqlite::SqliteRow;
use sqlx::{Encode, FromRow, QueryBuilder, Row, Sqlite, SqlitePool, Type};

use super::{Connection, Fault};
use crate::domain::folding::folded;
use crate::domain::listing::{COUNTED, Extent, Listed, Mark, PIECE};
use crate::domain::time::Timestamp;

/// What a list is sorted by.
#[derive(Clone, Copy)]
pub struct Order {
    /// A column or expression that is never NULL.
    by: &'static str,
    kind: Kind,
    /// The column that tells rows with the same value apart: an integer.
    then: &'static str,
    descending: bool,
}

impl Order {
    pub fn integer(by: &'static str, then: &'static str) -> Self {
        Self { by, kind: Kind::Integer, then, descending: false }
    }

    pub fn text(by: &'static str, then: &'static str) -> Self {
        Self { by, kind: Kind::Text, then, descending: false }
    }

    #[must_use]
    pub fn descending(self) -> Self {
        Self { descending: true, ..self }
    }
}

/// What an order's expression holds.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Text,
}

/// A list's queries while they are put together: for its rows, and for how many there are. Their SQL is all ours; what comes from outside
/// is bound.
pub struct Listing {
    rows: QueryBuilder<Sqlite>,
    counted: QueryBuilder<Sqlite>,
    order: Order,
}

impl Listing {
    /// `from`: what follows `FROM`, up to and with `WHERE` and a first condition that the first bound value ends:
    /// `"pubkeys k WHERE k.tenant_id = "`.
    pub fn new<'q, T>(columns: &'static str, from: &'static str, first: T, order: Order) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite> + Clone,
    {
        Self::from_queries(QueryBuilder::new(""), QueryBuilder::new("WITH "), columns, from, first, order)
    }

    /// The same with a moment, which `columns` may call `now` if `from` begins with `moment, `.
    pub fn at<'q, T>(now: Timestamp, columns: &'static str, from: &'static str, first: T, order: Order) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite> + Clone,
    {
        let moment = |end: &str| {
            let mut query = QueryBuilder::new("WITH moment (now) AS (SELECT ");
            query.push_bind(now.as_millis()).push(end);
            query
        };
        Self::from_queries(moment(") "), moment("), "), columns, from, first, order)
    }

    fn from_queries<'q, T>(
        mut rows: QueryBuilder<Sqlite>,
        mut counted: QueryBuilder<Sqlite>,
        columns: &'static str,
        from: &'static str,
        first: T,
        order: Order,
    ) -> Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite> + Clone,
    {
        rows.push("SELECT ")
            .push(columns)
            .push(", CAST(")
            .push(order.by)
            .push(" AS TEXT) AS mark_value, ")
            .push(order.then)
            .push(" AS mark_number FROM ");
        rows.push(from).push_bind(first.clone());
        counted.push("counted (mark_value, mark_number) AS (SELECT ").push(order.by).push(", ").push(order.then).push(" FROM ");
        counted.push(from).push_bind(first);
        Self { rows, counted, order }
    }

    fn both(&mut self) -> [&mut QueryBuilder<Sqlite>; 2] {
        [&mut self.rows, &mut self.counted]
    }

    /// One more condition, as it stands.
    pub fn and(&mut self, condition: &'static str) -> &mut Self {
        for query in self.both() {
            query.push(" AND ").push(condition);
        }
        self
    }

    /// One more condition, which the value ends: `"k.user_id = "`.
    pub fn and_bound<'q, T>(&mut self, condition: &'static str, value: T) -> &mut Self
    where
        T: 'q + Encode<'q, Sqlite> + Type<Sqlite> + Clone,
    {
        for query in self.both() {
            query.push(" AND ").push(condition).push_bind(value.clone());
        }
        self
    }

    /// Closes a condition that was begun with a bracket.
    pub fn end(&mut self) -> &mut Self {
        for query in self.both() {
            query.push(")");
        }
        self
    }

    /// Only rows in which one of the columns holds the text, without regard to case. A column that may be more than ASCII is named with the
    /// folded one beside it: `"coalesce(label_folded, label)"`. One that may be and has none is found by the text as it was typed.
    pub fn search(&mut self, text: Option<&str>, columns: &[&'static str]) -> &mut Self {
        let Some(text) = text else { return self };
        let pattern = |text: &str| format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let (in_folded, as_typed) = (pattern(&folded(text)), (!text.is_ascii()).then(|| pattern(text)));
        for query in self.both() {
            for (n, column) in columns.iter().enumerate() {
                query.push(if n == 0 { " AND (" } else { " OR " }).push(*column).push(" LIKE ").push_bind(in_folded.clone()).push(" ESCAPE '\\'");
                if let Some(as_typed) = as_typed.as_ref().filter(|_| !column.contains("_folded")) {
                    query.push(" OR ").push(*column).push(" LIKE ").push_bind(as_typed.clone()).push(" ESCAPE '\\'");
                }
            }
            query.push(")");
        }
        self
    }

    /// At most [`PIECE`] rows behind the mark; the last ones where there are none behind it, as when they have been deleted since.
    pub async fn fetch<R>(mut self, db: &SqlitePool, after: Option<&Mark>) -> Result<Listed<R>, Fault>
    where
        R: for<'r> FromRow<'r, SqliteRow>,
    {
        let Order { by, then, descending, .. } = self.order;
        let mut snapshot = db.begin().await?;
        let mut extent = match after {
            Some(_) => count(&mut self.counted, self.order, after, &mut snapshot).await?,
            None => None,
        };
        let all_before = extent.as_ref().is_some_and(|extent| extent.before >= extent.total);
        if let Some(mark) = after.filter(|_| !all_before) {
            self.rows.push(" AND (").push(by).push(", ").push(then).push(if descending { ") < (" } else { ") > (" });
            push_mark(&mut self.rows, self.order, mark);
            self.rows.push(")");
        }
        let direction = if descending == all_before { "" } else { " DESC" };
        self.rows.push(" ORDER BY ").push(by).push(direction).push(", ").push(then).push(direction);
        // One more than is shown tells whether there is more.
        let limit = if all_before { PIECE } else { PIECE + 1 };
        self.rows.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut rows = self.rows.build().fetch_all(&mut *snapshot).await?;
        if all_before {
            rows.reverse();
        }
        let more = rows.len() > PIECE;
        rows.truncate(PIECE);
        if after.is_none() {
            let whole = Extent { before: 0, total: rows.len(), previous: None };
            extent = if more { count(&mut self.counted, self.order, None, &mut snapshot).await? } else { Some(whole) };
        }
        if let Some(extent) = extent.as_mut().filter(|_| all_before) {
            extent.before = extent.total - rows.len().min(extent.total);
            extent.previous = None;
        }
        snapshot.commit().await?;
        let mark = |row: &SqliteRow| Ok::<_, sqlx::Error>(Mark { number: row.try_get("mark_number")?, value: row.try_get("mark_value")? });
        let next = rows.last().filter(|_| more).map(mark).transpose()?;
        let items = rows.iter().map(R::from_row).collect::<Result<_, _>>()?;
        Ok(Listed { items, next, extent })
    }
}

/// How many rows there are, how many up to the mark, and where the piece begins that ends with the mark; `None`: more than [`COUNTED`].
async fn count(counted: &mut QueryBuilder<Sqlite>, order: Order, mark: Option<&Mark>, db: &mut Connection) -> Result<Option<Extent>, Fault> {
    counted.push(" LIMIT ").push_bind(i64::try_from(COUNTED + 1).unwrap_or(i64::MAX)).push(") SELECT count(*), ");
    match mark {
        Some(mark) => {
            let (up_to, back) = if order.descending { (">= (", "") } else { ("<= (", " DESC") };
            counted.push("count(*) FILTER (WHERE (mark_value, mark_number) ").push(up_to);
            push_mark(counted, order, mark);
            counted.push("))");
            for column in ["CAST(mark_value AS TEXT)", "mark_number"] {
                counted.push(", (SELECT ").push(column).push(" FROM counted WHERE (mark_value, mark_number) ").push(up_to);
                push_mark(counted, order, mark);
                counted.push(") ORDER BY mark_value").push(back).push(", mark_number").push(back).push(" LIMIT 1 OFFSET ");
                counted.push_bind(i64::try_from(PIECE).unwrap_or(i64::MAX)).push(")");
            }
        }
        None => drop(counted.push("0, NULL, NULL")),
    }
    counted.push(" FROM counted");
    let (total, before, value, number): (i64, i64, Option<String>, Option<i64>) = counted.build_query_as().fetch_one(db).await?;
    let previous = number.zip(value).map(|(number, value)| Mark { number, value });
    let [total, before] = [total, before].map(|count| usize::try_from(count).unwrap_or_default());
    Ok((total <= COUNTED).then_some(Extent { before, total, previous }))
}

/// The two values of a mark, with a comma between them.
fn push_mark(query: &mut QueryBuilder<Sqlite>, order: Order, mark: &Mark) {
    match order.kind {
        Kind::Integer => query.push_bind(mark.value.parse::<i64>().unwrap_or(0)),
        Kind::Text => query.push_bind(mark.value.clone()),
    };
    query.push(", ").push_bind(mark.number);
}
